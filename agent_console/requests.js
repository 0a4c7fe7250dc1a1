/** What the page may ask for, and what each request does: one table from events to the session. */

import { checkRequests } from "./checks/requests.js";
import { parseArrangement, UNTOUCHED } from "./stage/layout.js";

/**
 * @typedef {import("../web_kit/store.js").Store<import("./state.js").ConsoleState>} ConsoleStore
 * @typedef {import("./session.js").ConsoleSession} ConsoleSession
 * @typedef {Readonly<Record<string, (detail: any) => unknown>>} Requests
 */

const BELL_KEY = "teller-agent-bell-off";
const WINDOWS_KEY = "teller-agent-windows";
const KEYS_KEY = "teller-agent-keys-off";
const WIDE_KEY = "teller-agent-figures-off";

/** What this browser remembers of the agent's habits. */
export function remembered() {
  const isSet = (/** @type {string} */ key) => localStorage.getItem(key) === "1";
  return { bellOff: isSet(BELL_KEY), keysOff: isSet(KEYS_KEY), wide: !isSet(WIDE_KEY), arrangement: parseArrangement(localStorage.getItem(WINDOWS_KEY)) };
}

/** @param {ConsoleStore} store @param {string} key @param {boolean} on @param {Partial<import("./state.js").ConsoleState>} change */
function remember(store, key, on, change) {
  localStorage.setItem(key, on ? "1" : "0");
  store.update(change);
}

/** @param {ConsoleStore} store @param {import("./stage/layout.js").Arrangement} arrangement */
function arrange(store, arrangement) {
  localStorage.setItem(WINDOWS_KEY, JSON.stringify(arrangement));
  store.update({ arrangement });
}

/** What was said about one result says nothing about another. @param {ConsoleStore} store */
function clearFinishNotice(store) {
  if (store.get().notice?.about === "finish") {
    store.update({ notice: null });
  }
}

/** Requests of the desk and of the browser itself. @param {ConsoleSession} session @param {ConsoleStore} store @returns {Requests} */
function deskRequests(session, store) {
  return {
    "login-request": (detail) => session.logIn(detail),
    "logout-request": () => session.logOut(),
    "camera-request": () => session.own.openCamera(),
    "bell-request": () => remember(store, BELL_KEY, !store.get().bellOff, { bellOff: !store.get().bellOff }),
    "keys-request": () => remember(store, KEYS_KEY, !store.get().keysOff, { keysOff: !store.get().keysOff }),
    "presence-request": ({ presence, reason = "" }) => session.send({ type: "set_presence", presence, reason }),
    "accept-request": () => session.send({ type: "accept", call: store.get().ring?.call ?? "" }),
    "refuse-request": () => session.send({ type: "refuse", call: store.get().ring?.call ?? "" }),
    "case-request": (detail) => session.makeCase("/api/cases", detail),
    "callback-request": (detail) => session.makeCase(`/api/callbacks/${encodeURIComponent(detail.case)}`),
    "made-dismiss": () => store.update({ made: null }),
    "arrange-request": ({ arrangement }) => arrange(store, arrangement),
    "arrange-reset": () => arrange(store, UNTOUCHED),
    "quality-toggle": () => remember(store, WIDE_KEY, store.get().wide, { wide: !store.get().wide }),
  };
}

/** Requests of a call. @param {ConsoleSession} session @param {ConsoleStore} store @returns {Requests} */
function callRequests(session, store) {
  return {
    "send-request": (message) => session.send(message),
    "mic-request": () => session.own.setMutes({ micOn: !store.get().micOn }),
    "camera-toggle-request": () => session.own.setMutes({ cameraOn: !store.get().cameraOn }),
    "hold-request": () => session.send({ type: "hold", on: store.get().call?.phase !== "held" }),
    "share-request": ({ surface }) => session.own.share(surface),
    "share-stop": () => session.own.stopShare(),
    "colleagues-request": () => session.send({ type: "ask_colleagues" }),
    "invite-request": (detail) => session.send({ type: "invite", ...detail }),
    "withdraw-request": () => session.send({ type: "withdraw_invite" }),
    "admit-request": () => session.send({ type: "admit" }),
    "leave-request": () => session.send({ type: "leave" }),
    "hang-up-confirmed": () => session.send({ type: "hang_up" }),
    "chat-request": ({ text }) => session.send({ type: "chat", text }),
    "files-request": ({ files }) => session.files.send(files),
    "upload-dismiss": ({ id }) => session.files.dismiss(id),
  };
}

/** Requests about identity, script and result. @param {ConsoleSession} session @param {ConsoleStore} store @returns {Requests} */
function caseRequests(session, store) {
  return {
    "scene-request": () => askScene(session, store),
    "still-request": ({ kind, atOnce = false }) => session.send({ type: "request_still", kind, at_once: atOnce }),
    "note-request": (detail) => session.send({ type: "note_evidence", ...detail }),
    "number-request": ({ number }) => session.send({ type: "check_id_number", number }),
    "match-request": ({ card, still }) => session.send({ type: "match_faces", card, still }),
    "mark-request": (detail) => session.send({ type: "mark_step", ...detail }),
    "finish-changed": () => clearFinishNotice(store),
    "finish-request": ({ outcome, reason, note }) => session.send({ type: "finish", outcome, reason, note }),
    "wrap-request": (detail) => session.send({ type: "wrap_up", ...detail }),
  };
}

/** One picture at a time: the phone takes the next when the last is here. @param {ConsoleSession} session @param {ConsoleStore} store */
function askScene(session, store) {
  if (!store.get().view.asked.scene) {
    session.send({ type: "request_still", kind: "scene", at_once: true });
  }
}

/** @param {ConsoleSession} session @param {ConsoleStore} store @returns {Requests} */
export function requestsOf(session, store) {
  return { ...deskRequests(session, store), ...callRequests(session, store), ...caseRequests(session, store), ...checkRequests(session, store) };
}
