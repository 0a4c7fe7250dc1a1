/**
 * What an agent asked for and the server has not answered yet: `kind`, or `kind:detail`, so that a button can say so.
 * Pure; what was asked on a connection that is gone is forgotten, since its answer comes as a fact or never.
 */

/** @typedef {readonly string[]} Working */

/** @type {Working} */
export const IDLE = Object.freeze([]);

/** @type {Readonly<Record<string, string>>} */
const BY_FACT = {
  DocumentRead: "read", FieldCorrected: "correct", PortraitsCompared: "portraits", LivenessStarted: "liveness",
  ChallengeDecided: "decide", QuestionDrawn: "question", QuestionJudged: "judge", CodeSent: "code",
  TiltRequested: "tilt", FeatureTicked: "tick",
}; // prettier-ignore

/** @type {Readonly<Record<string, string>>} */
const BY_REQUEST = {
  read_document: "read", correct_field: "correct", compare_faces: "portraits", start_liveness: "liveness", decide_challenge: "decide",
  draw_question: "question", judge_question: "judge", send_code: "code", ask_external: "external",
  request_tilt: "tilt", tick_feature: "tick",
}; // prettier-ignore

/** @param {Working} working @param {string} word @returns {Working} */
export const begun = (working, word) => (working.includes(word) ? working : [...working, word]);

/** Tell whether anything of a kind waits. @param {Working} working @param {string} kind */
export const isWorking = (working, kind) => working.some((one) => one === kind || one.startsWith(`${kind}:`));

/** @param {any} message */
function answered(message) {
  if (message.type === "fact") {
    const { name, fact } = message.entry;
    return name === "ExternalAnswered" ? `external:${fact.service}` : (BY_FACT[name] ?? "");
  }
  return message.type === "error" ? (BY_REQUEST[message.about] ?? "") : "";
}

/** @param {any} message */
const startsAnew = ({ type, phase }) => type === "welcome" || type === "bye" || (type === "call_state" && phase === "ended");

/** What still waits after a message of the server. @param {Working} working @param {any} message @returns {Working} */
export function settled(working, message) {
  if (working.length === 0 || startsAnew(message)) {
    return IDLE;
  }
  const word = answered(message);
  const rest = working.filter((one) => one !== word && !one.startsWith(`${word}:`));
  return rest.length === working.length ? working : rest;
}
