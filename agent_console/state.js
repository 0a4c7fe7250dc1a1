/**
 * What the console knows, and how each server message changes it. Pure: message in, next state out.
 *
 * Only the server's messages change presence, ring, call and case here; pressing a button changes nothing
 * until the server has said so.
 */

import { IDLE, settled } from "./checks/working.js";
import { EMPTY, fold } from "../web_kit/record/projection.js";
import { UNTOUCHED } from "./stage/layout.js";

/**
 * @typedef {import("../web_kit/record/projection.js").CaseView} CaseView
 * @typedef {import("../web_kit/wire").PartySeen} PartySeen
 * @typedef {Record<string, any> & {type: string}} ServerMessage
 * @typedef {Readonly<{account: string, name: string, role: string, csrf: string}>} Session
 * @typedef {Readonly<{code: string, text: string, about: string | null, nr: number}>} Notice
 * @typedef {Readonly<Omit<import("../web_kit/wire").Ring, "type"> & {endsAt: number}>} RingView
 * @typedef {Readonly<{call: string, case: string, phase: string, peer: string, activeSince: number | null,
 *   recording: boolean, kycUnlocked: boolean, reason: string | null, graceEndsAt: number | null,
 *   seat: string | null, leads: boolean, left: boolean, sharing: string | null, inviting: string,
 *   parties: readonly PartySeen[]}>} CallNow
 * @typedef {Readonly<{presence: string, reason: string, since: number, endsAt: number | null}>} Doing
 * @typedef {Readonly<{case: string, name: string, mine: boolean}>} CutOff  Whose call was broken off, and who is
 *   on the way back; `mine`: to this agent.
 * @typedef {Readonly<{id: number, name: string, size: number, share: number, error: string | null}>} Upload
 * @typedef {Readonly<{case: string, url: string, expires_at: number, qr: string}>} Made  A customer's way in; `qr` is a data URL.
 * @typedef {Readonly<{
 *   boot: "loading" | "login" | "desk", session: Session | null,
 *   loginBusy: boolean, loginError: string | null,
 *   link: "idle" | "connecting" | "open" | "dropped" | "closed", linkReason: string | null,
 *   bank: string, doing: Doing, waiting: number, ring: RingView | null, cutOff: CutOff | null,
 *   call: CallNow | null, view: CaseView, script: import("../web_kit/wire").Script | null,
 *   colleagues: import("../web_kit/wire").Colleagues | null, board: import("../web_kit/wire").Wallboard | null,
 *   notice: Notice | null, cases: readonly any[], callbacks: readonly any[], made: Made | null,
 *   uploads: readonly Upload[], working: import("./checks/working.js").Working, arrangement: import("./stage/layout.js").Arrangement,
 *   camera: "off" | "asking" | "on" | import("../web_kit/devices.js").CaptureTrouble,
 *   micOn: boolean, cameraOn: boolean, bellOff: boolean, keysOff: boolean, wide: boolean, local: MediaStream | null,
 *   streams: readonly MediaStream[], screen: MediaStream | null, ownScreen: MediaStream | null,
 *   media: import("../web_kit/call.js").CallLink, stats: import("../web_kit/call_meter.js").Quality | null}>} ConsoleState
 */

/** @type {readonly never[]} */
const NOTHING = Object.freeze([]);

/** @type {ConsoleState} */
export const START = Object.freeze({
  boot: "loading",
  session: null,
  loginBusy: false,
  loginError: null,
  link: "idle",
  linkReason: null,
  bank: "",
  doing: Object.freeze({ presence: "offline", reason: "", since: 0, endsAt: null }),
  waiting: 0,
  ring: null,
  cutOff: null,
  call: null,
  view: EMPTY,
  script: null,
  colleagues: null,
  board: null,
  notice: null,
  cases: NOTHING,
  callbacks: NOTHING,
  made: null,
  uploads: NOTHING,
  working: IDLE,
  arrangement: UNTOUCHED,
  camera: "off",
  micOn: true,
  cameraOn: true,
  bellOff: false,
  keysOff: false,
  wide: true,
  local: null,
  streams: NOTHING,
  screen: null,
  ownScreen: null,
  media: "closed",
  stats: null,
});

/** @typedef {(state: ConsoleState, message: any, now: number) => Partial<ConsoleState>} Reducer */

/** @type {Readonly<Record<string, Reducer>>} */
const REDUCERS = {
  welcome: (_state, { bank }) => ({ bank, notice: null }),
  presence_set: gotPresence,
  ring: (state, message, now) => {
    const { type: _, ...ring } = message;
    const cutOff = state.cutOff?.case === ring.case ? state.cutOff : null;
    return { ring: { ...ring, endsAt: now + ring.expires_in_s }, cutOff, ...(state.call ? {} : { view: EMPTY, script: null }) };
  },
  ring_over: (state, { call, how }) =>
    state.ring?.call === call ? { ring: null, ...(how === "accepted" ? {} : { call: null }) } : {},
  call_state: gotCallState,
  fact: (state, { entry }) => {
    const view = state.view.case && state.view.case !== entry.case ? EMPTY : state.view;
    return { view: fold(view, entry) };
  },
  script: (_state, script) => ({ script }),
  colleagues: (_state, colleagues) => ({ colleagues }),
  wallboard: (_state, board) => ({ board }),
  error: (state, { code, text, about }) => ({
    notice: { code, text, about: about ?? null, nr: (state.notice?.nr ?? 0) + 1 },
  }),
  bye: (state, { code }) => ({
    notice: { code, text: "", about: null, nr: (state.notice?.nr ?? 0) + 1 },
  }),
};

const AT_DESK = new Set(["ready", "break", "offline"]);
// What a desk without a customer looks like.
const AT_REST = Object.freeze({ ring: null, call: null, view: EMPTY, script: null, stats: null, uploads: NOTHING, working: IDLE });

/** Tell whether the conversation is behind the agent. @param {ConsoleState} state */
function isOver(state) {
  return Boolean(state.call?.phase === "ended" || state.call?.left || state.view.decision);
}

/** @type {Reducer} */
function gotPresence(state, { presence, waiting, reason = "", since_s = 0, ends_in_s = null }, now) {
  const doing = { presence, reason, since: now - since_s, endsAt: ends_in_s === null ? null : now + ends_in_s };
  // Leaving wrap-up is the server's word that the desk is free again; wrap-up, that this agent's part in a
  // call is over, although the call may go on with others.
  const leaves = presence === "wrap_up" || (state.doing.presence === "busy" && AT_DESK.has(presence));
  const call = leaves && state.call ? { ...state.call, left: true } : state.call;
  const over = (leaves || isOver(state)) && AT_DESK.has(presence);
  const cutOff = presence === "break" ? null : state.cutOff;
  return { doing, waiting, call, cutOff, ...(over ? AT_REST : {}) };
}

/** Tell whether a call was broken off and nothing is owed: the same customer is on the way back. @param {{phase: string, reason?: string | null}} call */
const isCutOff = ({ phase, reason }) => phase === "ended" && reason === "interrupted";

/** @type {Reducer} */
function gotCallState(state, message, now) {
  if (message.seat === null && state.call?.call !== message.call) {
    // Of a call that this page has left already.
    return {};
  }
  if (isCutOff(message) && state.session?.role !== "supervisor") {
    const name = message.peer || state.view.customer;
    return { ...AT_REST, cutOff: { case: message.case, name, mine: state.call?.leads ?? true } };
  }
  const sameCase = state.view.case === "" || state.view.case === message.case;
  const counting = message.phase === "active" || message.phase === "held" || message.phase === "reconnecting";
  const was = state.call?.call === message.call ? state.call : null;
  const ended = message.phase === "ended";
  const seat = message.seat ?? was?.seat ?? null;
  return {
    ring: null,
    // The ring, which comes after this word of it, still says so.
    cutOff: message.phase === "ringing" ? state.cutOff : null,
    view: sameCase ? state.view : EMPTY,
    call: {
      call: message.call,
      case: message.case,
      phase: message.phase,
      peer: message.peer,
      activeSince: counting ? now - message.active_s : null,
      recording: message.recording,
      kycUnlocked: message.kyc_unlocked,
      reason: message.reason ?? null,
      graceEndsAt: message.grace_s == null ? null : now + message.grace_s,
      seat,
      // Nobody leads what is over; the result is still owed by who did.
      leads: ended && was ? was.leads : seat !== null && message.host === seat,
      // Who has no seat any more has left, whatever becomes of the call.
      left: was?.left || message.seat === null,
      sharing: message.sharing ?? null,
      inviting: message.inviting ?? "",
      parties: ended && was ? was.parties : (message.parties ?? NOTHING),
    },
  };
}

/**
 * @param {ConsoleState} state @param {ServerMessage} message @param {number} now seconds, any steady origin
 * @returns {Partial<ConsoleState>} the parts that change; empty for messages that mean nothing here
 */
export function received(state, message, now) {
  const change = REDUCERS[message.type]?.(state, message, now) ?? {};
  const working = settled(state.working, message);
  return working === state.working ? change : { ...change, working };
}

const SETTLED = new Set(["agent_done", "under_audit", "approved", "rejected", "aborted", "expired"]);

/** Tell whether a case no longer waits for anybody's result. @param {CaseView} view */
export function isSettled({ decision, phase }) {
  return decision !== null || SETTLED.has(phase);
}

/** Tell whether a supervisor leads a call, or still owes its result. @param {ConsoleState} state */
function hasTakenOver({ call, view }) {
  const over = call?.phase === "ended" && (isSettled(view) || isCutOff(call));
  return Boolean(call?.leads && !call.left && !over);
}

/** @typedef {"loading" | "login" | "desk" | "ring" | "call" | "wrap_up" | "board"} Screen */

/** @param {ConsoleState} state @returns {Screen} */
export function screenOf(state) {
  if (state.boot !== "desk") {
    return state.boot;
  }
  if (state.session?.role === "supervisor" && !hasTakenOver(state)) {
    return "board";
  }
  // While it rings there is a call already, but not for this agent until the ring is accepted.
  if (state.call && state.call.phase !== "ringing") {
    return isOver(state) ? "wrap_up" : "call";
  }
  return state.ring ? "ring" : "desk";
}
