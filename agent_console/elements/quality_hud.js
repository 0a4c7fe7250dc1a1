/** The connection in a word and in numbers: own measurements, and the customer's as journaled. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { define, PartElement } from "../../web_kit/record/part.js";
import { partyOf } from "../../web_kit/record/projection.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */
/** @typedef {{rtt: number | null, loss: number, up: number, down: number}} Measured */

/**
 * Talk suffers above 400 ms there and back, words go missing above 8 % loss.
 *
 * @param {Measured | null} measured @returns {"unknown" | "good" | "fair" | "poor"}
 */
export function qualityWord(measured) {
  if (!measured) {
    return "unknown";
  }
  const rtt = measured.rtt ?? 0;
  if (rtt > 400 || measured.loss > 0.08) {
    return "poor";
  }
  return rtt > 200 || measured.loss > 0.03 ? "fair" : "good";
}

/** @param {ConsoleState} state @returns {Measured | null} */
function mine({ stats }) {
  return stats && { rtt: stats.rttMs, loss: Math.max(stats.lossUp, stats.lossDown), up: stats.kbpsUp, down: stats.kbpsDown };
}

/** @param {ConsoleState} state @returns {Measured | null} */
function customers({ view }) {
  const fact = partyOf(view, "customer")?.quality;
  return fact ? { rtt: fact.rtt_ms, loss: Math.max(fact.loss_up, fact.loss_down), up: fact.kbps_up, down: fact.kbps_down } : null;
}

/** @param {string} who @param {Measured | null} measured */
function line(who, measured) {
  const word = qualityWord(measured);
  const numbers = measured && t("quality.numbers", {
    rtt: measured.rtt === null ? "—" : Math.round(measured.rtt), loss: (measured.loss * 100).toFixed(1),
    up: Math.round(measured.up), down: Math.round(measured.down) }); // prettier-ignore
  return h("div", { class: `quality ${word}` }, h("span", { class: "bars", "aria-hidden": "true" }, h("i", {}), h("i", {}), h("i", {})),
    h("span", { class: "quality-who" }, who), h("strong", {}, t(`quality.${word}`)), numbers && h("span", { class: "numbers" }, numbers)); // prettier-ignore
}

/** @extends {PartElement<ConsoleState>} */
export class QualityHudElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ state) {
    return [state.stats, partyOf(state.view, "customer")?.quality];
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state) {
    mount(this, line(t("quality.customer"), customers(state)), line(t("quality.me"), mine(state)));
  }
}

define("quality-hud", QualityHudElement);
