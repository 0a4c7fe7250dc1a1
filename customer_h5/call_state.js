/**
 * What a message changes in the state. Pure.
 *
 * @import { CallState, Entry, PartySeen } from "../web_kit/wire"
 * @import { Quality } from "../web_kit/call_meter.js"
 * @import { ChatLine, State } from "./state.js"
 */

import { troubleOf } from "../web_kit/call_meter.js";
import { t } from "../web_kit/i18n.js";

/** Ends of a call after which another one is on its way. @type {readonly (string | null)[]} */
export const GOES_ON = ["interrupted", "transfer_failed"];
/** Phases of a case in which nothing more happens here. @type {readonly (string | null)[]} */
export const OVER = ["agent_done", "under_audit", "approved", "rejected", "expired", "aborted"];
/** What a closed socket means to somebody in a call. @type {Readonly<Record<string, string>>} */
export const CLOSED_AS_ENDING = { grace_over: "customer_lost", resume_invalid: "customer_lost", server_stopped: "server_stopped" };

/**
 * @param {Quality | null} quality
 * @returns {State["strain"]}
 */
export function strainOf(quality) {
  if (!quality) return "";
  const { rttMs, lossUp, lossDown, frozenS } = quality;
  const found = troubleOf({ rtt: rttMs, loss: Math.max(lossUp, lossDown), frozen: frozenS, limit: null });
  if (!found || !found.poor) return "";
  return found.trouble === "device" ? "busy" : "weak";
}

/**
 * @param {Readonly<State>} was
 * @param {CallState} now
 * @param {number} at  Of `performance.now()`.
 * @returns {Partial<State>}
 */
export function callAfter(was, now, at) {
  const host = now.parties.find((party) => party.seat === now.host);
  return {
    screen: "call",
    cutOff: "",
    caseId: now.case,
    phase: now.phase,
    // The goodbye names who was there last.
    peer: now.peer || was.peer,
    peerNumber: now.peer ? now.peer_number : was.peerNumber,
    peerRole: host ? host.role : was.peerRole,
    seat: now.seat,
    parties: now.parties,
    sharing: now.sharing,
    // Both are back when the call goes on.
    serviceLost: was.serviceLost && now.phase === "reconnecting",
    recording: now.recording,
    heldAt: now.phase === "held" ? (was.heldAt === null ? at : was.heldAt) : null,
    activeAt: now.phase === "connecting" ? null : at - now.active_s * 1000,
    peerEndsAt: now.phase === "reconnecting" && now.grace_s !== null ? at + now.grace_s * 1000 : null,
  };
}

/**
 * @param {Readonly<State>} was
 * @param {Entry} entry
 * @returns {Partial<State>}
 */
export function chatAfter(was, entry) {
  const line = lineOf(entry);
  const { chat, unread, chatOpen } = was;
  if (!line || chat.some((one) => one.seq === line.seq)) return {};
  return { chat: [...chat, line], unread: chatOpen || line.own ? unread : unread + 1 };
}

/**
 * @param {Entry} entry
 * @returns {ChatLine | null}
 */
function lineOf({ name, seq, fact }) {
  if (name !== "ChatSaid" && name !== "FileShared") return null;
  const own = fact.role === "customer";
  if (name === "ChatSaid") return { seq, own, seat: fact.seat, text: fact.pii_text, file: null };
  const { evidence, pii_name: file, media_type: type, bytes } = fact;
  return { seq, own, seat: fact.seat, text: "", file: { evidence, name: file, type, bytes } };
}

/**
 * Who is on which line, in the order of the lines. A call of two that has not told its parties yet has one on
 * the first line.
 *
 * @param {Readonly<State>} state
 * @returns {readonly PartySeen[]}
 */
export function peopleOf({ parties }) {
  return parties.filter((party) => party.slot !== null).sort((one, other) => (one.slot || 0) - (other.slot || 0));
}

/**
 * What the bank's people are called: what they are, the name, and the number on their badge.
 *
 * @param {string} name
 * @param {string} number
 * @param {string} role
 */
export function titleOf(name, number, role) {
  const title = t(role === "supervisor" ? "call.titled.supervisor" : "call.titled", { name });
  return number ? `${title} · ${t("call.number", { number })}` : title;
}

/**
 * The name of whoever sits in a seat, as far as it was told.
 *
 * @param {Readonly<State>} state
 * @param {string} seat
 */
export function nameOf({ parties, peer }, seat) {
  const party = parties.find((one) => one.seat === seat);
  return (party && party.name) || peer;
}
