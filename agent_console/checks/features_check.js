/**
 * The worksheet of a document's features: pictures of it being tilted, what is looked for on them by category, and
 * what is still missing. Asks by `tilt-request`, `tick-request`, `picture-open`.
 */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { fileUrl } from "../../web_kit/record/evidence_zoom.js";
import { categoriesSeen, latestTicks, placeWords, tiltPictures } from "../../web_kit/record/identity/features.js";
import { featureName, raised, signalWords } from "../../web_kit/record/identity/words.js";
import { ask, define } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";
import { CheckElement, spinning, workButton } from "./check_element.js";
import { isWorking } from "./working.js";

/**
 * @typedef {import("./check_element.js").CheckShown} CheckShown
 * @typedef {import("../../web_kit/record/projection.js").FactBody} FactBody
 * @typedef {import("../../web_kit/wire").DocumentFeatures} DocumentFeatures
 * @typedef {import("../../web_kit/wire").Feature} Feature
 */

const ANSWERS = /** @type {const} */ (["seen", "doubtful", "not_seen"]);
/** @type {Readonly<Record<string, number>>} */
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

export class FeaturesCheckElement extends CheckElement {
  /** The picture on which a tick is to stand, by document. @type {Map<string, string>} */
  chosen = new Map();

  /** @override */
  redraw(/** @type {CheckShown} */ shown) {
    const documents = shown.worksheet?.documents ?? [];
    mount(this.rest, documents.map((one) => this.sheet(shown, one)));
    this.say(documents.map((one) => standing(shown, one)));
  }

  /** @param {CheckShown} shown @param {DocumentFeatures} one */
  sheet(shown, one) {
    const { view, live, able, working } = shown;
    const name = wordFor("evidence", one.document);
    const pictures = tiltPictures(view, one.document);
    const tilt = view.identity.tilts.findLast(({ document }) => document === one.document);
    const waiting = live && tilt && !tilt.ended;
    const came = pictures.filter(({ evidence }) => tilt?.pictures.includes(evidence)).length;
    return h("section", { class: "stack tight", "aria-label": name },
      live && workButton({ key: `tilt:${one.document}`, words: t(tilt ? "features.again" : "features.ask", { name }), busy: working.includes(`tilt:${one.document}`),
        able: able && !isWorking(working, "tilt"), primary: !tilt, act: () => ask(this, "tilt-request", { document: one.document }) }),
      waiting && spinning(t("features.waiting", { came, count: tilt.pictures.length })),
      tilt?.ended && tilt.ended.reason !== "done" && h("p", { class: "small warn-text" }, t("features.ended", { reason: wordFor("tilt_end", tilt.ended.reason) })),
      pictures.length > 0 ? this.pictures(shown, one, pictures) : live && h("p", { class: "soft small" }, t("features.first")),
      pictures.length > 0 && this.features(shown, one, pictures)); // prettier-ignore
  }

  /** The picture that is chosen: the newest until somebody chooses. @param {DocumentFeatures} one @param {readonly FactBody[]} pictures */
  picture({ document }, pictures) {
    return pictures.find(({ evidence }) => evidence === this.chosen.get(document)) ?? pictures.at(-1);
  }

  /** @param {CheckShown} shown @param {DocumentFeatures} one @param {readonly FactBody[]} pictures */
  pictures({ view }, one, pictures) {
    const now = this.picture(one, pictures);
    const choose = (/** @type {FactBody} */ fact) => {
      this.chosen.set(one.document, fact.evidence);
      this.again();
    };
    const move = (/** @type {KeyboardEvent} */ event) => {
      const next = now && pictures[pictures.indexOf(now) + (STEPS[event.key] ?? 0)];
      if (event.key in STEPS) {
        event.preventDefault();
        event.stopPropagation();
      }
      if (next && next !== now) {
        choose(next);
        /** @type {HTMLElement | null} */ (this.querySelector(`[data-key="tilt-picture:${CSS.escape(next.evidence)}"]`))?.focus();
      }
    };
    const thumb = (/** @type {FactBody} */ fact, /** @type {number} */ index) =>
      h("li", {}, h("button", { class: "thumb card_tilt", type: "button", "data-key": `tilt-picture:${fact.evidence}`, tabindex: fact === now ? 0 : -1,
        "aria-pressed": String(fact === now), "aria-label": t("features.picture", { number: index + 1 }), onclick: () => choose(fact) },
        h("img", { src: fileUrl(view.case, fact.file), alt: "", loading: "lazy" }), h("span", { class: "number", "aria-hidden": "true" }, index + 1))); // prettier-ignore
    const measured = view.identity.tilts.findLast(({ document }) => document === one.document)?.measured;
    const index = (/** @type {FactBody} */ place) => pictures.findIndex(({ evidence }) => evidence === place.evidence);
    const places = (measured?.places ?? []).filter((/** @type {FactBody} */ place) => index(place) >= 0);
    const signs = raised(measured?.advisory);
    return [
      places.length > 0 && h("p", { class: "row wrap small" }, t("features.changes"), places.map((/** @type {FactBody} */ place) =>
        h("button", { class: "button quiet", type: "button", "data-key": `change:${place.evidence}`, onclick: () => choose(/** @type {FactBody} */ (pictures[index(place)])) },
          t("features.change", { number: index(place) + 1, place: placeWords(place) })))),
      signs.length > 0 && h("p", { class: "small warn-text" }, t("check.advice", { words: signs.map(signalWords).join(t("list.comma")) })),
      h("ul", { class: "tilt-strip", role: "group", "aria-label": t("features.pictures"), onkeydown: move }, pictures.map(thumb)),
      now && h("img", { class: "tilt-large", src: fileUrl(view.case, now.file), alt: t("features.picture", { number: pictures.indexOf(now) + 1 }) }),
      now && h("button", { class: "button quiet", type: "button", "data-key": `tilt-large:${one.document}`, onclick: () => ask(this, "picture-open", { evidence: now.evidence }) }, t("features.large")),
    ]; // prettier-ignore
  }

  /** @param {CheckShown} shown @param {DocumentFeatures} one @param {readonly FactBody[]} pictures */
  features(shown, one, pictures) {
    const now = this.picture(one, pictures);
    const ticks = new Map(latestTicks(shown.view.identity.ticks, one.document).map((tick) => [tick.feature, tick]));
    const seen = categoriesSeen(shown.view.identity.ticks, one.document);
    const categories = [...new Set(one.features.map(({ category }) => category))];
    const number = (/** @type {string} */ evidence) => pictures.findIndex((fact) => fact.evidence === evidence) + 1;
    return [
      shown.live && now && h("p", { class: "soft small" }, t("features.on", { number: number(now.evidence) })),
      categories.map((category) => h("section", { class: "feature-group", "data-category": category },
        h("h4", { class: seen.has(category) ? "good-text" : "soft" }, seen.has(category) ? "✓ " : "", wordFor("feature_category", category)),
        h("ul", { class: "feature-list" }, one.features.filter((feature) => feature.category === category).map((feature) => this.row(shown, one, feature, ticks.get(feature.id), now, number))))),
    ].flat(); // prettier-ignore
  }

  /**
   * @param {CheckShown} shown @param {DocumentFeatures} one @param {Feature} feature @param {FactBody | undefined} tick
   * @param {FactBody | undefined} now @param {(evidence: string) => number} number
   */
  row({ live, able, working }, one, feature, tick, now, number) {
    // Not disabled meanwhile: the keyboard would lose its place.
    const busy = isWorking(working, "tick");
    const button = (/** @type {typeof ANSWERS[number]} */ seen) =>
      h("button", { class: "button", type: "button", "data-key": `tick:${feature.id}:${seen}`, "aria-pressed": String(tick?.seen === seen), disabled: !able || !now, "aria-disabled": busy ? "true" : null,
        onclick: () => now && !busy && ask(this, "tick-request", { document: one.document, feature: feature.id, evidence: now.evidence, seen }) }, wordFor("feature_seen", seen)); // prettier-ignore
    return h("li", { "data-feature": feature.id }, h("span", {}, featureName(feature)),
      live ? h("div", { class: "answers", role: "group", "aria-label": featureName(feature) }, ANSWERS.map(button)) : tick && h("strong", {}, wordFor("feature_seen", tick.seen)),
      tick && h("small", { class: "soft" }, t("features.on_picture", { number: number(tick.evidence) }))); // prettier-ignore
  }
}

/** How far the sheet of a document is, for whoever listens too. @param {CheckShown} shown @param {DocumentFeatures} one */
function standing({ view, worksheet }, one) {
  const wanted = worksheet?.categories ?? 0;
  const seen = categoriesSeen(view.identity.ticks, one.document);
  const left = [...new Set(one.features.map(({ category }) => category))].filter((category) => !seen.has(category));
  const enough = seen.size >= wanted;
  return h("p", { class: enough ? "good-text" : "" }, h("strong", {}, `${wordFor("evidence", one.document)}: `, t("features.count", { seen: seen.size, wanted })), " ",
    enough ? t("features.enough") : t("features.missing", { names: left.map((category) => wordFor("feature_category", category)).join(t("list.comma")) })); // prettier-ignore
}

define("features-check", FeaturesCheckElement);
