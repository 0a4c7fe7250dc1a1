/** What a machine noticed about the recording: faces, silence, black and frozen pictures, steps not settled. */

import { h, mount } from "../../web_kit/dom.js";
import { clock, language, t } from "../../web_kit/i18n.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";

/**
 * @typedef {readonly [number, number]} Spell
 * @typedef {{seat: string, role: string, silent: readonly Spell[], silent_s: number, black: readonly Spell[], black_s: number,
 *   frozen: readonly Spell[], frozen_s: number}} LaneFound
 * @typedef {{seconds: number, faces: {source: string, looked: number, in_frame: number | null, more_than_one: readonly Spell[]},
 *   lanes: readonly LaneFound[], steps: readonly {step: string, zh: string, en: string, state: string}[]}} Found
 * @typedef {{found: Found | null, names: Readonly<Record<string, string>>}} QualityView
 */

const KINDS = /** @type {const} */ (["silent", "black", "frozen"]);
// More places of one kind say no more.
const SHOWN_MAX = 6;

/** @extends {PartElement<QualityView>} */
export class QualityCardElement extends PartElement {
  /** @override */
  looksAt(/** @type {QualityView} */ { found, names }) {
    return [found, names];
  }

  /** @override */
  draw(/** @type {QualityView} */ { found, names }) {
    this.hidden = found === null;
    mount(this, found && h("section", { class: "card stack", "aria-labelledby": "quality-title" }, h("h2", { id: "quality-title" }, t("quality.title")),
      h("ul", { class: "plain-list quality" }, this.faces(found.faces), found.lanes.flatMap((lane) => this.lane(lane, names)), found.steps.map(stepLine)),
      h("p", { class: "soft small" }, t("quality.advice")))); // prettier-ignore
  }

  /** @param {Found["faces"]} faces */
  faces({ in_frame: share, looked, more_than_one: several }) {
    const words = share === null ? t("quality.no_faces") : t("quality.in_frame", { share: Math.round(share * 100), looked });
    return [h("li", {}, words), several.length > 0 && h("li", { class: "warn" }, t("quality.several"), " ", this.places(several))];
  }

  /** @param {LaneFound} lane @param {Readonly<Record<string, string>>} names */
  lane(lane, names) {
    const who = names[lane.seat] || wordFor("role", lane.role);
    return KINDS.filter((kind) => lane[kind].length > 0).map((kind) =>
      h("li", { class: kind === "silent" ? "" : "warn" }, t(`quality.${kind}`, { who, seconds: lane[`${kind}_s`].toFixed(0) }), " ", this.places(lane[kind])));
  }

  /** @param {readonly Spell[]} spells */
  places(spells) {
    const place = (/** @type {Spell} */ [since, until]) => h("button", { class: "moment", type: "button", "aria-label": t("findings.jump", { time: clock(since) }), onclick: () => ask(this, "moment-jump", { second: since }) }, `${clock(since)}–${clock(until)}`);
    return [...spells.slice(0, SHOWN_MAX).map(place), spells.length > SHOWN_MAX && h("span", { class: "soft" }, t("quality.more", { count: spells.length - SHOWN_MAX }))];
  }
}

/** @param {Found["steps"][number]} step */
function stepLine({ zh, en }) {
  return h("li", { class: "bad" }, t("quality.step", { step: language() === "zh-CN" ? zh : en }));
}

define("quality-card", QualityCardElement);
