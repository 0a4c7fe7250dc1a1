/**
 * What the messages about identity checks change in the state. Pure.
 *
 * @import { ChallengeStep, ChallengeWanted, CheckOver, CheckWord, CodeChannel, CodeWanted, LightColours, LightSequence, LivenessKind } from "../web_kit/wire"
 * @import { State } from "./state.js"
 */

/**
 * @typedef {"look" | "explain" | "wait" | "step" | "light" | CheckWord} LivePhase
 *   `look`: nothing to do but look ahead; `wait`: the customer is ready, or done.
 * @typedef {{ gesture: string, index: number, of: number, attempt: number, digits: string, askedAt: number, endsAt: number }} Step
 * @typedef {{ colours: readonly string[], count: number, eachMs: number, startsAt: number }} Light
 *   `colours`: those that are known yet, of `count`.
 *
 * @typedef {object} Live  A liveness check; times are on the `performance.now()` axis.
 * @property {string} check
 * @property {LivenessKind} kind
 * @property {boolean} elder
 * @property {LivePhase} phase
 * @property {Step | null} step
 * @property {Light | null} light
 * @property {boolean} away  The customer went back to the call; what comes next brings the check back.
 *
 * @typedef {object} Code
 * @property {string} check
 * @property {number} digits
 * @property {CodeChannel} channel
 * @property {number} left
 * @property {number} endsAt
 * @property {"enter" | "checking" | CheckWord} phase
 * @property {boolean} wrong  What was entered last was not it.
 */

// Three flashes in a second are the limit (WCAG 2.2, 2.3.1), so the screen never changes faster, whatever is asked.
const LIGHT_STEP_MIN_MS = 334;

/**
 * @param {Readonly<State>} was
 * @param {ChallengeWanted} wanted
 * @returns {Partial<State>}
 */
export function wantedAfter({ live, declined }, { check, kind, elder }) {
  if (check === declined) return {};
  if (live && live.check === check) {
    // Repeated after a return; the tap may have been lost with the line.
    return live.phase === "wait" ? { live: { ...live, phase: kind === "passive" ? "look" : "explain" } } : {};
  }
  const phase = kind === "passive" ? "look" : "explain";
  return { live: { check, kind, elder, phase, step: null, light: null, away: false }, chatOpen: false };
}

/**
 * The check that a message belongs to, also when it was announced to a page that was reloaded since.
 *
 * @param {Readonly<State>} was
 * @param {string} check
 * @param {LivenessKind} kind
 * @returns {Live}
 */
function liveOf({ live }, check, kind) {
  if (live && live.check === check) return { ...live, away: false };
  return { check, kind, elder: false, phase: "wait", step: null, light: null, away: false };
}

/**
 * @param {Readonly<State>} was
 * @param {ChallengeStep} asked
 * @param {number} at
 * @returns {Partial<State>}
 */
export function stepAfter(was, { check, step: gesture, index, of, seconds, attempt, digits }, at) {
  if (check === was.declined) return {};
  const live = liveOf(was, check, "gestures");
  const step = { gesture, index, of, attempt, digits, askedAt: at, endsAt: at + seconds * 1000 };
  return { live: { ...live, phase: "step", step }, chatOpen: false };
}

/**
 * @param {Readonly<State>} was
 * @param {LightSequence} drawn
 * @param {number} at
 * @returns {Partial<State>}
 */
export function lightAfter(was, { check, colours, count, seconds_each: each, starts_in_s: starts }, at) {
  if (check === was.declined) return {};
  const light = { colours, count, eachMs: Math.max(LIGHT_STEP_MIN_MS, each * 1000), startsAt: at + starts * 1000 };
  return { live: { ...liveOf(was, check, "light"), phase: "light", light }, chatOpen: false };
}

/**
 * @param {Readonly<State>} was
 * @param {LightColours} more
 * @returns {Partial<State>}
 */
export function coloursAfter({ live }, { check, colours, index }) {
  if (!live || live.check !== check || !live.light) return {};
  const all = [...live.light.colours];
  // Places that were lost on the way stay neutral.
  while (all.length < index - 1) all.push("");
  all.splice(index - 1, colours.length, ...colours);
  return { live: { ...live, light: { ...live.light, colours: all } } };
}

/**
 * @param {Readonly<State>} was
 * @param {CodeWanted} wanted
 * @param {number} at
 * @returns {Partial<State>}
 */
export function codeAfter({ code }, { check, digits, channel, left, seconds }, at) {
  const wrong = code !== null && code.check === check && (left < code.left || (left === code.left && code.wrong));
  return { code: { check, digits, channel, left, endsAt: at + seconds * 1000, phase: "enter", wrong }, chatOpen: false };
}

/**
 * @param {Readonly<State>} was
 * @param {CheckOver} over
 * @returns {Partial<State>}
 */
export function overAfter({ live, code, declined }, { check, word }) {
  if (code && code.check === check) return { code: { ...code, phase: word } };
  // What is said of a check that the customer declined was said when he did.
  if (!live || live.check !== check || check === declined) return {};
  if (live.kind === "passive") return { live: null };
  return { live: { ...live, phase: word, step: null, light: null, away: false } };
}
