/**
 * Each party's connection in a word, in numbers and with advice: own measurements, and the others' as
 * journaled.
 */

import { troubleOf } from "../../web_kit/call_meter.js";
import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { partyOf } from "../../web_kit/record/projection.js";
import { others } from "./windows.js";

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

/** @param {ConsoleState} state @returns {Figures | null} */
function mine({ stats, view }) {
  return stats && { rtt: stats.rttMs, loss: Math.max(stats.lossUp, stats.lossDown), up: stats.kbpsUp, down: stats.kbpsDown,
    fps: stats.fps, freezes: stats.freezes, frozen: stats.frozenS, limit: partyOf(view, "customer")?.quality?.limit_kbps ?? null }; // prettier-ignore
}

/** @param {ConsoleState} state @param {string} seat @returns {Figures | null} */
function theirs({ view, call }, seat) {
  const { quality, playback } = view.parties[seat] ?? {};
  // What the receivers of this page's picture say that they can take.
  const limit = view.parties[call?.seat ?? ""]?.quality?.limit_kbps ?? null;
  return quality ? { rtt: quality.rtt_ms, loss: Math.max(quality.loss_up, quality.loss_down), up: quality.kbps_up,
    down: quality.kbps_down, fps: playback?.fps ?? null, freezes: playback?.freezes ?? 0, frozen: playback?.frozen_s ?? 0, limit } : null; // prettier-ignore
}

/** Tell whether there is no media from or to somebody just now. @param {ConsoleState} state @param {string | null} seat null: this page */
function isLost({ media, call, view }, seat) {
  return seat === null ? media === "troubled" || (media === "connecting" && call?.activeSince != null) : view.parties[seat]?.media === "lost";
}

/** Somebody's connection in a word. @param {ConsoleState} state @param {string | null} seat null: this page */
export function wordOf(state, seat) {
  return isLost(state, seat) ? "lost" : qualityWord(seat === null ? mine(state) : theirs(state, seat));
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

/** @param {ConsoleState} state @param {string | null} seat @param {"customer" | "me" | "colleague"} who @param {string} name */
function line(state, seat, who, name) {
  const word = wordOf(state, seat);
  const figures = word === "lost" ? null : seat === null ? mine(state) : theirs(state, seat);
  const found = figures && troubleOf(figures);
  return h("div", { class: `quality ${word}` }, h("span", { class: `bars ${word}`, "aria-hidden": "true" }, h("i", {}), h("i", {}), h("i", {})),
    h("span", { class: "quality-who" }, name), h("strong", {}, t(`quality.${word}`)),
    state.wide && figures && h("span", { class: "numbers" }, numbers(figures)),
    found && h("span", { class: "advice" }, t(`advice.${who}.${found.trouble}`))); // prettier-ignore
}

/** @extends {PartElement<ConsoleState>} */
export class QualityHudElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ state) {
    const { stats, media, call, view, wide } = state;
    const known = others(state).flatMap(({ seat, name }) => {
      const one = view.parties[seat];
      return [name, one?.quality, one?.playback, one?.media];
    });
    return [stats, media, call?.activeSince == null, wide, known.length, view.parties[call?.seat ?? ""]?.quality, ...known];
  }

  /** @override */
  build() {
    this.lines = h("div", { class: "quality-lines" });
    this.more = h("button", { class: "quality-toggle", type: "button", onclick: () => ask(this, "quality-toggle") });
    mount(this, this.lines, this.more);
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state) {
    const seen = others(state).filter((one) => one.mode !== "monitor");
    this.lines && mount(this.lines,
      seen.map(({ seat, role, name }) => role === "customer" ? line(state, seat, "customer", t("quality.customer")) : line(state, seat, "colleague", name)),
      line(state, null, "me", t("quality.me"))); // prettier-ignore
    this.more?.setAttribute("aria-pressed", String(state.wide));
    this.more?.replaceChildren(t(state.wide ? "quality.less" : "quality.more"));
  }
}

define("quality-hud", QualityHudElement);
