/** The connection in a word, in numbers and with advice: own measurements, and the customer's as journaled. */

import { troubleOf } from "../../web_kit/call_meter.js";
import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { define, PartElement } from "../../web_kit/record/part.js";
import { partyOf } from "../../web_kit/record/projection.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */
/**
 * @typedef {import("../../web_kit/call_meter.js").Measured & {up: number, down: number, fps: number | null,
 *   freezes: number}} Figures what this person sees: pictures a second, freezes and frozen seconds
 */

/** @param {Figures | null} figures @returns {"unknown" | "good" | "fair" | "poor"} */
export function qualityWord(figures) {
  if (!figures) {
    return "unknown";
  }
  const found = troubleOf(figures);
  return found ? (found.poor ? "poor" : "fair") : "good";
}

/** What the receivers of this role's picture say that they can take. @param {ConsoleState} state @param {string} role @returns {number | null} */
const limitOf = ({ view }, role) => partyOf(view, role)?.quality?.limit_kbps ?? null;

/** @param {ConsoleState} state @returns {Figures | null} */
function mine(state) {
  const { stats } = state;
  return stats && { rtt: stats.rttMs, loss: Math.max(stats.lossUp, stats.lossDown), up: stats.kbpsUp, down: stats.kbpsDown,
    fps: stats.fps, freezes: stats.freezes, frozen: stats.frozenS, limit: limitOf(state, "customer") }; // prettier-ignore
}

/** @param {ConsoleState} state @returns {Figures | null} */
function customers(state) {
  const { quality, playback } = partyOf(state.view, "customer") ?? {};
  return quality ? { rtt: quality.rtt_ms, loss: Math.max(quality.loss_up, quality.loss_down), up: quality.kbps_up,
    down: quality.kbps_down, fps: playback?.fps ?? null, freezes: playback?.freezes ?? 0,
    frozen: playback?.frozen_s ?? 0, limit: limitOf(state, "agent") } : null; // prettier-ignore
}

/** What nobody measured is left out. @param {Figures} figures */
function numbers({ rtt, loss, up, down, fps, freezes }) {
  /** @type {[string, string | number | null][]} */
  const parts = [
    ["rtt", rtt === null ? null : Math.round(rtt)],
    ["loss", (loss * 100).toFixed(1)],
    ["up", Math.round(up)],
    ["down", Math.round(down)],
    ["fps", fps === null ? null : Math.round(fps)],
    [freezes === 1 ? "freeze" : "freezes", fps === null ? null : freezes],
  ];
  const told = parts.filter(([, value]) => value !== null);
  return told.flatMap(([key, value], index) => [index ? " · " : "",
    h("span", { title: t(`quality_title.${key}`) }, t(`quality.${key}`, { value: value ?? "" }))]); // prettier-ignore
}

/** @param {"customer" | "me"} who @param {Figures | null} measured @param {boolean} lost no media just now */
function line(who, measured, lost) {
  const figures = lost ? null : measured;
  const word = lost ? "lost" : qualityWord(figures);
  const found = figures && troubleOf(figures);
  return h("div", { class: `quality ${word}` }, h("span", { class: "bars", "aria-hidden": "true" }, h("i", {}), h("i", {}), h("i", {})),
    h("span", { class: "quality-who" }, t(`quality.${who}`)), h("strong", {}, t(`quality.${word}`)),
    figures && h("span", { class: "numbers" }, numbers(figures)),
    found && h("span", { class: "advice" }, t(`advice.${who}.${found.trouble}`))); // prettier-ignore
}

/** @extends {PartElement<ConsoleState>} */
export class QualityHudElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ state) {
    const customer = partyOf(state.view, "customer");
    return [state.stats, state.media, state.call?.activeSince == null, customer?.quality, customer?.playback, customer?.media, limitOf(state, "agent")];
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state) {
    const mineLost = state.media === "troubled" || (state.media === "connecting" && state.call?.activeSince != null);
    mount(this, line("customer", customers(state), partyOf(state.view, "customer")?.media === "lost"), line("me", mine(state), mineLost));
  }
}

define("quality-hud", QualityHudElement);
