/**
 * What the console knows, and how each server message changes it. Pure: message in, next state out.
 *
 * Only the server's messages change presence, ring, call and case here; pressing a button changes nothing
 * until the server has said so.
 */

import { EMPTY, fold } from "../web_kit/record/projection.js";

/**
 * @typedef {import("../web_kit/record/projection.js").CaseView} CaseView
 * @typedef {Record<string, any> & {type: string}} ServerMessage
 * @typedef {Readonly<{account: string, name: string, role: string, csrf: string}>} Session
 * @typedef {Readonly<{code: string, text: string, about: string | null, nr: number}>} Notice
 * @typedef {Readonly<{call: string, case: string, purpose: string, customer_name: string, waited_s: number,
 *   language: string, expires_in_s: number, endsAt: number}>} RingView
 * @typedef {Readonly<{call: string, case: string, phase: string, peer: string, activeSince: number | null,
 *   recording: boolean, kycUnlocked: boolean, reason: string | null, graceEndsAt: number | null}>} CallNow
 * @typedef {Readonly<{
 *   boot: "loading" | "login" | "desk", session: Session | null,
 *   loginBusy: boolean, loginError: string | null,
 *   link: "idle" | "connecting" | "open" | "dropped" | "closed", linkReason: string | null,
 *   bank: string, presence: string, waiting: number, ring: RingView | null,
 *   call: CallNow | null, view: CaseView, notice: Notice | null, cases: readonly any[],
 *   camera: "off" | "asking" | "on" | import("../web_kit/devices.js").CaptureTrouble,
 *   micOn: boolean, cameraOn: boolean, bellOff: boolean, local: MediaStream | null, remote: MediaStream | null,
 *   media: import("../web_kit/call.js").CallLink, stats: import("../web_kit/call_meter.js").Quality | null}>} ConsoleState
 */

/** @type {ConsoleState} */
export const START = Object.freeze({
  boot: "loading",
  session: null,
  loginBusy: false,
  loginError: null,
  link: "idle",
  linkReason: null,
  bank: "",
  presence: "offline",
  waiting: 0,
  ring: null,
  call: null,
  view: EMPTY,
  notice: null,
  cases: Object.freeze([]),
  camera: "off",
  micOn: true,
  cameraOn: true,
  bellOff: false,
  local: null,
  remote: null,
  media: "closed",
  stats: null,
});

/** @typedef {(state: ConsoleState, message: any, now: number) => Partial<ConsoleState>} Reducer */

/** @type {Readonly<Record<string, Reducer>>} */
const REDUCERS = {
  welcome: (_state, { bank }) => ({ bank, notice: null }),
  presence_set: (state, { presence, waiting }) => ({
    presence,
    waiting,
    // Leaving wrap-up is the server's word that the desk is free again.
    ...(isOver(state) && AT_DESK.has(presence) ? AT_REST : {}),
  }),
  ring: (state, message, now) => {
    const { type: _, ...ring } = message;
    return { ring: { ...ring, endsAt: now + ring.expires_in_s }, ...(state.call ? {} : { view: EMPTY }) };
  },
  ring_over: (state, { call, how }) =>
    state.ring?.call === call ? { ring: null, ...(how === "accepted" ? {} : { call: null }) } : {},
  call_state: gotCallState,
  fact: (state, { entry }) => {
    const view = state.view.case && state.view.case !== entry.case ? EMPTY : state.view;
    return { view: fold(view, entry) };
  },
  error: (state, { code, text, about }) => ({
    notice: { code, text, about: about ?? null, nr: (state.notice?.nr ?? 0) + 1 },
  }),
  bye: (state, { code }) => ({
    notice: { code, text: "", about: null, nr: (state.notice?.nr ?? 0) + 1 },
  }),
};

const AT_DESK = new Set(["ready", "break", "offline"]);
// What a desk without a customer looks like.
const AT_REST = Object.freeze({ ring: null, call: null, view: EMPTY, stats: null });

/** Tell whether the conversation is behind the agent. @param {ConsoleState} state */
function isOver(state) {
  return state.call?.phase === "ended" || state.view.decision !== null;
}

/** @type {Reducer} */
function gotCallState(state, message, now) {
  const sameCase = state.view.case === "" || state.view.case === message.case;
  const counting = message.phase === "active" || message.phase === "held" || message.phase === "reconnecting";
  return {
    ring: null,
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
    },
  };
}

/**
 * @param {ConsoleState} state @param {ServerMessage} message @param {number} now seconds, any steady origin
 * @returns {Partial<ConsoleState>} the parts that change; empty for messages that mean nothing here
 */
export function received(state, message, now) {
  return REDUCERS[message.type]?.(state, message, now) ?? {};
}

/** @typedef {"loading" | "login" | "desk" | "ring" | "call" | "wrap_up"} Screen */

/** @param {ConsoleState} state @returns {Screen} */
export function screenOf(state) {
  if (state.boot !== "desk") {
    return state.boot;
  }
  // While it rings there is a call already, but not for this agent until the ring is accepted.
  if (state.call && state.call.phase !== "ringing") {
    return isOver(state) ? "wrap_up" : "call";
  }
  return state.ring ? "ring" : "desk";
}
