/** What became of every track in every second, and whether each step of the policy was recorded whole. */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t } from "../../web_kit/i18n.js";
import { define, PartElement } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";
import { isIncomplete } from "../integrity.js";

/**
 * @typedef {import("../state.js").PlayerState} PlayerState
 * @typedef {import("../../web_kit/record/projection.js").CaseView} CaseView
 * @typedef {import("../../web_kit/wire.js").LaneKept} LaneKept
 * @typedef {import("../../web_kit/wire.js").StepKept} StepKept
 */

// In the order of the bar, from the left.
const STATES = /** @type {const} */ (["media", "muted", "camera_off", "held", "reconnecting", "lost", "absent"]);
const TONES = { complete: "good", incomplete: "bad", outside: "plain", not_done: "plain" };

/** @extends {PartElement<PlayerState>} */
export class GapLedgerElement extends PartElement {
  /** @override */
  looksAt(/** @type {PlayerState} */ { view }) {
    return [view.gaps, view.parties];
  }

  /** @override */
  draw(/** @type {PlayerState} */ { view }) {
    const { gaps } = view;
    this.hidden = gaps === null;
    if (!gaps) {
      return;
    }
    const open = this.querySelector("details")?.open || gaps.steps.some(isIncomplete);
    mount(this, h("details", { class: "card gaps", open }, h("summary", {}, h("h2", {}, t("gaps.title")), h("span", { class: "soft small" }, summary(gaps))),
      gaps.steps.length ? stepTable(gaps.steps, gaps.loss_s) : null,
      h("div", { class: "lanes" }, gaps.lanes.map((/** @type {LaneKept} */ lane) => laneRow(view, lane))),
      h("p", { class: "soft small legend" }, STATES.map((state) => h("span", {}, h("i", { class: `swatch ${state}`, "aria-hidden": "true" }), t(`gaps.${state}`)))))); // prettier-ignore
  }
}

/** @param {import("../../web_kit/record/projection.js").FactBody} gaps */
function summary({ lanes, steps }) {
  const missing = lanes.reduce((/** @type {number} */ sum, /** @type {LaneKept} */ lane) => sum + lane.lost_s + lane.reconnecting_s, 0);
  const whole = steps.filter((/** @type {StepKept} */ step) => step.kept === "complete").length;
  return t("gaps.summary", { lanes: lanes.length, seconds: missing.toFixed(1), whole, done: steps.filter((/** @type {StepKept} */ step) => step.since_at !== null).length });
}

/** @param {readonly StepKept[]} steps @param {number} most */
function stepTable(steps, most) {
  return h("table", { class: "checks" }, h("caption", { class: "soft small" }, t("gaps.rule", { seconds: most })),
    h("thead", {}, h("tr", {}, ["step", "took", "missing", "recorded"].map((key) => h("th", { scope: "col" }, t(`gaps.${key}`))))),
    h("tbody", {}, steps.map(stepRow))); // prettier-ignore
}

/** @param {StepKept} step */
function stepRow({ step, mandatory, kept, since_at: since, until_at: until, lost_s: lost }) {
  const badge = h("span", { class: `badge ${TONES[kept]}` }, t(`gaps.kept.${kept}`));
  return h("tr", {}, h("td", {}, wordFor("step", step), mandatory ? null : h("span", { class: "soft small" }, t("gaps.optional"))),
    h("td", {}, since === null || until === null ? "—" : clock(until - since)), h("td", {}, since === null ? "—" : t("integrity.seconds", { seconds: lost.toFixed(1) })), h("td", {}, badge)); // prettier-ignore
}

/** @param {CaseView} view @param {LaneKept} lane */
function laneRow(view, lane) {
  const spent = STATES.map((state) => ({ state, seconds: lane[`${state}_s`] })).filter((one) => one.seconds > 0);
  const words = spent.map(({ state, seconds }) => `${t(`gaps.${state}`)} ${t("integrity.seconds", { seconds: seconds.toFixed(1) })}`).join(" · ");
  const who = lane.seat === null ? "" : view.parties[lane.seat]?.name;
  return h("div", { class: "lane" }, h("span", { class: "lane-name" }, [wordFor("role", lane.role), who, wordFor("source", lane.source)].filter(Boolean).join(" · ")),
    h("span", { class: "lane-bar", "aria-hidden": "true" }, spent.map(bar)), h("span", { class: "soft small" }, words)); // prettier-ignore
}

/** @param {{state: string, seconds: number}} spent */
function bar({ state, seconds }) {
  const element = h("i", { class: `swatch ${state}` });
  element.style.flexGrow = String(seconds);
  return element;
}

define("gap-ledger", GapLedgerElement);
