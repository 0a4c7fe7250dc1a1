/** The connection in a word, in numbers and with advice: own measurements, and the customer's as journaled. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { define, PartElement } from "../../web_kit/record/part.js";
import { partyOf } from "../../web_kit/record/projection.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */
/**
 * @typedef {{rtt: number | null, loss: number, up: number, down: number, fps: number | null, freezes: number,
 *   frozen: number}} Measured what this person sees: pictures a second, freezes and frozen seconds
 */
/** @typedef {"frozen" | "loss" | "delay"} Trouble */

/**
 * What troubles a connection most, and how much: talk suffers above 400 ms there and back, words go missing
 * above 8 % loss, and a picture that stands for a second is noticed by everybody.
 *
 * @param {Measured} measured
 * @returns {{trouble: Trouble, poor: boolean} | null}
 */
export function troubleOf({ rtt, loss, frozen }) {
  const delay = rtt ?? 0;
  for (const poor of [true, false]) {
    if (loss > (poor ? 0.08 : 0.03)) return { trouble: "loss", poor };
    if (delay > (poor ? 400 : 200)) return { trouble: "delay", poor };
    if (frozen > (poor ? 1 : 0)) return { trouble: "frozen", poor };
  }
  return null;
}

/** @param {Measured | null} measured @returns {"unknown" | "good" | "fair" | "poor"} */
export function qualityWord(measured) {
  if (!measured) {
    return "unknown";
  }
  const found = troubleOf(measured);
  return found ? (found.poor ? "poor" : "fair") : "good";
}

/** @param {ConsoleState} state @returns {Measured | null} */
function mine({ stats }) {
  return stats && { rtt: stats.rttMs, loss: Math.max(stats.lossUp, stats.lossDown), up: stats.kbpsUp, down: stats.kbpsDown,
    fps: stats.fps, freezes: stats.freezes, frozen: stats.frozenS }; // prettier-ignore
}

/** @param {ConsoleState} state @returns {Measured | null} */
function customers({ view }) {
  const { quality, playback } = partyOf(view, "customer") ?? {};
  return quality ? { rtt: quality.rtt_ms, loss: Math.max(quality.loss_up, quality.loss_down), up: quality.kbps_up,
    down: quality.kbps_down, fps: playback?.fps ?? null, freezes: playback?.freezes ?? 0,
    frozen: playback?.frozen_s ?? 0 } : null; // prettier-ignore
}

/** @param {Measured} measured */
function numbers({ rtt, loss, up, down, fps, freezes }) {
  return t("quality.numbers", {
    rtt: rtt === null ? "—" : Math.round(rtt), loss: (loss * 100).toFixed(1), up: Math.round(up),
    down: Math.round(down), fps: fps === null ? "—" : Math.round(fps), freezes }); // prettier-ignore
}

/** @param {"customer" | "me"} who @param {Measured | null} measured */
function line(who, measured) {
  const word = qualityWord(measured);
  const found = measured && troubleOf(measured);
  return h("div", { class: `quality ${word}` }, h("span", { class: "bars", "aria-hidden": "true" }, h("i", {}), h("i", {}), h("i", {})),
    h("span", { class: "quality-who" }, t(`quality.${who}`)), h("strong", {}, t(`quality.${word}`)),
    measured && h("span", { class: "numbers" }, numbers(measured)),
    found && h("span", { class: "advice" }, t(`advice.${who}.${found.trouble}`))); // prettier-ignore
}

/** @extends {PartElement<ConsoleState>} */
export class QualityHudElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ state) {
    const customer = partyOf(state.view, "customer");
    return [state.stats, customer?.quality, customer?.playback];
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state) {
    mount(this, line("customer", customers(state)), line("me", mine(state)));
  }
}

define("quality-hud", QualityHudElement);
