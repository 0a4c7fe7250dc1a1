/** Requests of the identity checks: each is remembered as working before it is sent. */

import { begun } from "./working.js";

/** @typedef {import("../requests.js").Requests} Requests */
/** @typedef {import("../../web_kit/wire").ClientMessage} ClientMessage */

/**
 * @param {import("../session.js").ConsoleSession} session @param {import("../requests.js").ConsoleStore} store
 * @returns {Requests}
 */
export function checkRequests(session, store) {
  /** @param {string} word @param {ClientMessage} message */
  const work = (word, message) => {
    store.update({ working: begun(store.get().working, word) });
    session.send(message);
  };
  return {
    "read-request": ({ evidence, kind }) => work(`read:${kind}`, { type: "read_document", evidence }),
    "correct-request": ({ check, field, value }) => work("correct", { type: "correct_field", check, field, value }),
    "portraits-request": ({ card, still, reference }) => work("portraits", { type: "compare_faces", card, still, reference }),
    "liveness-request": ({ kind, elder }) => work("liveness", { type: "start_liveness", kind, elder }),
    "challenge-decide-request": ({ check, verdict, reason }) => work(`decide:${verdict}`, { type: "decide_challenge", check, verdict, reason }),
    "question-request": () => work("question", { type: "draw_question" }),
    "question-judge-request": ({ check, verdict, note }) => work(`judge:${verdict}`, { type: "judge_question", check, verdict, note }),
    "code-request": ({ channel }) => work(`code:${channel}`, { type: "send_code", channel }),
    "tilt-request": ({ document }) => work(`tilt:${document}`, { type: "request_tilt", document }),
    "tick-request": ({ document, feature, evidence, seen }) => work(`tick:${feature}:${seen}`, { type: "tick_feature", document, feature, evidence, seen }),
    "external-request": ({ service }) => work(`external:${service}`, { type: "ask_external", service }),
  };
}
