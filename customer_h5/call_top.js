/**
 * The bar above the call: who, how long, that it is recorded, and what is the matter.
 *
 * @import { Session } from "./session.js"
 * @import { State } from "./state.js"
 */

import { h } from "../web_kit/dom.js";
import { clock, t, tCode } from "../web_kit/i18n.js";
import { peopleOf, titleOf } from "./call_state.js";

/** @param {number} endsAt */
function secondsUntil(endsAt) {
  return Math.max(0, Math.ceil((endsAt - performance.now()) / 1000));
}

/**
 * What the banner says, the gravest first; empty when all is well.
 *
 * @param {Readonly<State>} state
 * @returns {string}
 */
function bannerWords(state) {
  if (state.dropped && state.dropEndsAt !== null) {
    return t("call.dropped", { seconds: secondsUntil(state.dropEndsAt) });
  }
  if (state.interrupted) return t("call.interrupted");
  if (state.serviceLost) return t("call.service.lost");
  if (state.peerEndsAt !== null) return t("call.peer.dropped", { seconds: secondsUntil(state.peerEndsAt) });
  if (state.deviceTrouble) return `${tCode("found", state.deviceTrouble)} ${tCode("found.help", state.deviceTrouble)}`;
  if (state.mediaTroubled) return t("call.media.trouble");
  if (state.rung) return t(`call.rung.${state.rung}`);
  return state.strain && t(`call.${state.strain}`);
}

/** @param {Readonly<State>} state */
function names(state) {
  const people = peopleOf(state).filter((party) => party.name).map((party) => titleOf(party.name, party.number, party.role));
  return people.join(t("call.and")) || (state.peer ? titleOf(state.peer, state.peerNumber, state.peerRole) : t("call.agent.role"));
}

/** @param {Session} session */
export function topBar(session) {
  const name = h("strong", { class: "peer-name" });
  const bank = h("span", { class: "peer-bank" });
  const time = h("span", { class: "numbers", "aria-label": t("call.time") });
  const recording = h("span", { class: "recording" }, h("i", { class: "recording-dot" }), t("call.recording"));
  const words = h("span", { class: "grow" });
  const resume = () => void session.devices.resume();
  const tap = h("button", { class: "button compact", type: "button", onclick: resume }, t("call.interrupted.resume"));
  const banner = h("div", { class: "banner", role: "alert", hidden: true }, words, tap);
  const node = h(
    "header",
    { class: "call-top" },
    h("div", { class: "call-bar" }, h("div", { class: "peer grow" }, name, bank), h("div", { class: "call-signs" }, recording, time)),
    banner,
  );
  /** @param {Readonly<State>} state */
  function update(state) {
    name.textContent = names(state);
    bank.textContent = state.bank;
    recording.hidden = !state.recording || state.serviceLost;
    time.textContent = state.activeAt === null ? "" : clock((performance.now() - state.activeAt) / 1000);
    const text = bannerWords(state);
    // Rewriting the same words would make a screen reader say them again.
    if (words.textContent !== text) words.textContent = text;
    banner.hidden = text === "";
    tap.hidden = !state.interrupted;
  }
  return { node, update };
}
