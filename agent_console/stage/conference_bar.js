/**
 * What is special about the call just now, and the way on from there: somebody is being asked, the customer
 * is on hold, a colleague is here, the own screen is shown.
 */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";
import { consulted, myself, successor } from "./windows.js";

/**
 * @typedef {import("../state.js").ConsoleState} ConsoleState
 * @typedef {{tone: string, shape: string, words: string, ways: readonly (readonly [string, string, string])[]}} Row
 *   `ways`: words, request, style of each button
 */

/** @param {ConsoleState} state @returns {Row | null} */
function heldRow(state) {
  if (state.call?.phase !== "held") {
    return null;
  }
  const colleague = consulted(state);
  const words = colleague ? t("hold.private", { name: colleague.name }) : t("hold.banner");
  if (!state.call.leads) {
    return { tone: "held", shape: "pause", words: t(myself(state)?.mode === "private" ? "hold.you_private" : "hold.banner"), ways: [] };
  }
  const admit = colleague ? [/** @type {const} */ ([t("hold.admit", { name: colleague.name }), "admit-request", "primary"])] : [];
  return { tone: "held", shape: "pause", words, ways: [...admit, [t("hold.off"), "hold-request", colleague ? "" : "primary"]] };
}

/** @param {ConsoleState} state @returns {Row | null} */
function invitingRow({ call }) {
  if (!call?.inviting) {
    return null;
  }
  const name = wordFor("invite_target", call.inviting);
  const ways = call.leads ? [/** @type {const} */ ([t("invite.withdraw"), "withdraw-request", ""])] : [];
  return { tone: "asking", shape: "invite", words: t("invite.pending", { name }), ways };
}

/** @param {ConsoleState} state @returns {Row | null} */
function companyRow(state) {
  const colleague = successor(state);
  if (!state.call?.leads) {
    const host = state.call?.parties.find((one) => one.role === "agent")?.name ?? "";
    return { tone: "plain", shape: "person", words: host ? t("guest.words", { name: host }) : t("guest.alone"), ways: [] };
  }
  if (!colleague || state.call.phase === "held") {
    return null;
  }
  return { tone: "plain", shape: "person", words: t("guest.here", { name: colleague.name }), ways: [[t("guest.hand_over", { name: colleague.name }), "leave-open", ""]] };
}

/** @param {ConsoleState} state @returns {Row | null} */
function shareRow({ ownScreen }) {
  return ownScreen
    ? { tone: "sharing", shape: "screen", words: t("share.on"), ways: [[t("share.switch"), "share-open", ""], [t("share.stop"), "share-stop", "danger"]] }
    : null; // prettier-ignore
}

/** @extends {PartElement<ConsoleState>} */
export class ConferenceBarElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ { call, ownScreen, link }) {
    return [call?.phase, call?.leads, call?.inviting, call?.parties, ownScreen, link];
  }

  /** @override */
  build() {
    this.setAttribute("role", "status");
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state) {
    const focused = document.activeElement;
    const key = this.contains(focused) ? focused?.getAttribute("data-ask") : null;
    const rows = [heldRow(state), invitingRow(state), companyRow(state), shareRow(state)].filter((row) => row !== null);
    mount(this, rows.map((row) => this.row(row, state)));
    /** @type {HTMLElement | null} */ (key ? this.querySelector(`[data-ask="${key}"]`) : null)?.focus();
  }

  /** @param {Row} row @param {ConsoleState} state */
  row({ tone, shape, words, ways }, { link }) {
    const buttons = ways.map(([text, request, style]) =>
      h("button", { class: `button ${style}`, type: "button", "data-ask": request, disabled: link !== "open", onclick: () => ask(this, request) }, text)); // prettier-ignore
    return h("div", { class: `conference ${tone}` }, icon(shape), h("span", { class: "grow" }, words), buttons);
  }
}

define("conference-bar", ConferenceBarElement);
