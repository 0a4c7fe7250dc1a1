/** The card's portrait, the live picture and the reference beside each other, with what was measured on them. */

import { h, mount } from "../../dom.js";
import { language, t } from "../../i18n.js";
import { fileUrl, thumbnail } from "../evidence_zoom.js";
import { scale, verdictBadge } from "../face_match.js";
import { evidenceById } from "../projection.js";
import { shortHash, wordFor } from "../words.js";
import { listed, pairName } from "./words.js";

/** @typedef {import("../projection.js").CaseView} CaseView */
/** @typedef {import("../projection.js").FactBody} FactBody */

const RATE = /^(\S+) (\d+)\/(\d+) \(([\d.]+(?:e[+-]?\d+)?)-([\d.]+(?:e[+-]?\d+)?)\), (.+)$/;
const NEXT_RATE = /; (?=\S+ \d+\/\d+ \()/;

/** @param {number} value */
const percent = (value) => new Intl.NumberFormat(language(), { "style": "percent", maximumSignificantDigits: 2 }).format(value);

/** A part of the sample, where the tables know it. @param {string} on */
function sampleName(on) {
  const word = on.toLowerCase().replace(/[^a-z0-9]+/g, "_");
  const known = wordFor("sample", word);
  return known === word ? on : known;
}

/** @param {string} text */
function rateWords(text) {
  const found = RATE.exec(text);
  if (!found) {
    return text;
  }
  const [, name = "", errors = "0", trials = "0", low = "0", high = "0", on = ""] = found;
  const count = new Intl.NumberFormat(language());
  const values = { name, on: sampleName(on), errors: count.format(Number(errors)), trials: count.format(Number(trials)), low: percent(Number(low)),
    high: percent(Number(high)), rate: percent(Number(trials) ? Number(errors) / Number(trials) : 0) }; // prettier-ignore
  const key = `operating.${name}`;
  return t(t(key) === key ? "operating.other" : key, values);
}

/**
 * What a threshold stands for, a sentence for each rate that was measured, as `kyc.portrait_match` writes them.
 *
 * @param {string} text @returns {string[]}
 */
export function operatingWords(text) {
  const [card = "", rates = ""] = text.split(/: (.*)/s);
  return rates ? [...rates.split(NEXT_RATE).map(rateWords), t("operating.card", { card })] : [text || t("operating.none")];
}

/** The pictures that a comparison used, in one order. @param {CaseView} view @param {FactBody} fact */
function sides(view, fact) {
  const found = (/** @type {string | null} */ id) => (id ? evidenceById(view, id) : null);
  return [
    { name: "card", picture: found(fact.portrait) ?? found(fact.card) },
    { name: "still", picture: found(fact.still) },
    { name: "reference", picture: found(fact.reference) },
  ];
}

/** @param {CaseView} view @param {FactBody} fact */
function figures(view, fact) {
  return sides(view, fact).map(({ name, picture }) => {
    const label = wordFor("portrait", name);
    return h("figure", { class: "face" },
      picture ? thumbnail(view.case, picture) : h("div", { class: "thumb empty", role: "img", "aria-label": t("portraits.missing", { name: label }) }, "—"),
      h("figcaption", {}, label)); // prettier-ignore
  });
}

/** @param {FactBody} fact @param {FactBody} pair */
function pairRow(fact, pair) {
  const score = typeof pair.score === "number" ? pair.score.toFixed(3) : "—";
  return h("li", { class: "pair-row" },
    h("div", { class: "score-line" }, h("span", {}, pairName(pair)), h("strong", { class: "numbers" }, score), verdictBadge(pair.verdict)),
    scale({ ...pair, threshold: fact.threshold, review_threshold: fact.review_threshold }),
    pair.reason && h("p", { class: "soft small" }, wordFor("face_reason", pair.reason))); // prettier-ignore
}

/** Every pair with its score and verdict. @param {FactBody} fact */
export function pairList(fact) {
  return h("ul", { class: "portrait-pairs" }, fact.pairs.map((/** @type {FactBody} */ pair) => pairRow(fact, pair)));
}

/** What the threshold stands for, to be unfolded. @param {string} text */
export function operatingPoint(text) {
  return h("details", { class: "operating", "data-keep": "operating" }, h("summary", {}, t("operating.title")), operatingWords(text).map((line) => h("p", { class: "soft small" }, line)));
}

/** One live picture: whether it was compared, and what it is good for. @param {CaseView} view @param {FactBody} still */
function stillRow(view, { evidence, quality }) {
  const picture = evidenceById(view, evidence);
  const turned = Math.max(Math.abs(quality.yaw ?? 0), Math.abs(quality.pitch ?? 0)).toFixed(0);
  const used = quality.rank === 1 ? t("portraits.best") : quality.rank > 1 ? t("portraits.used") : t("portraits.unused");
  const faults = listed("face_quality", quality.faults);
  const figures = { eyes: quality.eye_distance.toFixed(0), turned: quality.yaw === null ? "—" : turned, sharpness: quality.sharpness.toFixed(0),
    brightness: quality.brightness.toFixed(0), score: typeof quality.score === "number" ? quality.score.toFixed(3) : "—" }; // prettier-ignore
  return h("li", { class: "row" }, picture && thumbnail(view.case, picture),
    h("div", {}, h("strong", {}, used), faults && h("span", { class: "warn-text" }, ` ${faults}`), h("p", { class: "soft small" }, t("portraits.figures", figures)))); // prettier-ignore
}

/** All live pictures that were looked at; a fact of before has none. @param {CaseView} view @param {FactBody} fact */
function stillList(view, fact) {
  return fact.stills?.length > 0 && h("ul", { class: "plain-list stills" }, fact.stills.map((/** @type {FactBody} */ one) => stillRow(view, one)));
}

/** @param {CaseView} view @param {FactBody} fact */
export function portraitsMatch(view, fact) {
  return h("div", { class: "face-match" },
    h("div", { class: "faces three" }, figures(view, fact)),
    h("button", { class: "button quiet", type: "button", "data-key": "portraits-large", onclick: () => openLarge(view, fact) }, t("portraits.large")),
    pairList(fact),
    h("p", { class: "soft small" }, t("face.threshold", { threshold: fact.threshold.toFixed(2), review: fact.review_threshold.toFixed(2) })),
    fact.frames > 1 && h("p", { class: "soft small" }, t("portraits.frames", { frames: fact.frames })),
    fact.quality.length > 0 && h("p", { class: "small warn-text" }, t("portraits.quality", { words: listed("face_quality", fact.quality) })),
    stillList(view, fact),
    operatingPoint(fact.operating_point),
    h("p", { class: "soft small" }, fact.models.map((/** @type {FactBody} */ one) => [`${one.name} · SHA-256 `, h("code", { title: one.sha256 }, shortHash(one.sha256)), " "]).flat()),
  ); // prettier-ignore
}

/** All three as large as the window allows. @param {CaseView} view @param {FactBody} fact */
function openLarge(view, fact) {
  const dialog = h("dialog", { class: "zoom side-by-side", "aria-label": t("portraits.title") });
  const shown = sides(view, fact).map(({ name, picture }) => {
    const label = wordFor("portrait", name);
    return h("figure", {}, picture ? h("img", { src: fileUrl(view.case, picture.file), alt: label }) : h("p", { class: "soft empty" }, t("portraits.missing", { name: label })), h("figcaption", {}, label));
  });
  mount(dialog,
    h("header", {}, h("h2", {}, t("portraits.title")), h("button", { class: "button quiet", type: "button", autofocus: true, onclick: () => dialog.close() }, t("close"))),
    h("div", { class: "three-large" }, shown),
    pairList(fact)); // prettier-ignore
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
