/** What was read of a document, as agent and auditor see it: fields with their confidence, what disagrees. */

import { h } from "../../dom.js";
import { t } from "../../i18n.js";
import { verdictBadge } from "../face_match.js";
import { wordFor } from "../words.js";
import { disagreement, raised, signalWords } from "./words.js";

/**
 * @typedef {import("../projection.js").FactBody} FactBody
 * @typedef {import("./projection.js").Reading} Reading
 */

// The reader gives at most 0.5 where a value contradicts itself (docs/identity.md); from 0.8 on is our own rule,
// where the eye should look twice. Neither is calibrated.
const DOUBTED = 0.5;
const UNSURE = 0.8;

/** What each side is expected to say. @type {Readonly<Record<string, readonly string[]>>} */
const EXPECTED = {
  front: ["name", "sex", "nation", "born", "address", "number"],
  back: ["authority", "issued", "expires"],
  zone: ["surname", "given_names", "number", "nationality", "born", "sex", "expires"],
  unknown: [],
};

/** No field of a document: the errors of its zone, as machine words; an agent who has looked may take them back. */
export const ZONE_ERRORS = "zone_errors";

/** The newest reading of each side. @param {readonly Reading[]} readings @returns {readonly Reading[]} */
export const newestReadings = (readings) => [...new Map(readings.map((one) => [one.side, one])).values()];

/** What a reading has a line for: what its side should say, what was read and what was put in. @param {Reading} reading @returns {string[]} */
export function fieldNames({ side, fields, corrected }) {
  return [...new Set([...(EXPECTED[side] ?? []), ...fields.map((/** @type {FactBody} */ one) => one.name), ...Object.keys(corrected)])];
}

/** @param {Reading} reading */
export const readingTitle = ({ kind, side }) => `${wordFor("document_kind", kind)} · ${wordFor("document_side", side)}`;

/** @param {string} value */
export const fieldWords = (value) => (value ? wordFor("field_value", value) : h("span", { class: "soft" }, t("document.not_read")));

/** @param {string} words the value of `ZONE_ERRORS` */
export function zoneErrors(words) {
  return h("ul", { class: "failures" }, words.split(" ").map((word) => h("li", {}, wordFor("disagreement", `mrz_${word}`))));
}

/** How sure the reader was. @param {Reading} reading @param {string} name */
export function confidenceBadge({ fields }, name) {
  const read = fields.find((/** @type {FactBody} */ one) => one.name === name);
  if (!read) {
    return h("span", { class: "soft" }, "—");
  }
  const tone = read.confidence <= DOUBTED ? "bad" : read.confidence < UNSURE ? "warn" : "plain";
  return h("span", { class: `badge ${tone} numbers` }, `${Math.round(read.confidence * 100)}%`);
}

/** What all readings together came to. @param {FactBody} judged @param {readonly Reading[]} latest */
export function documentVerdict({ verdict, failures }, latest) {
  const signs = raised(latest.flatMap((one) => one.judged?.advisory ?? []));
  return h("div", { class: "stack tight" }, h("div", { class: "row wrap" }, h("strong", {}, t("document.verdict")), verdictBadge(verdict)),
    failures.length > 0 && h("ul", { class: "failures" }, failures.map((/** @type {string} */ one) => h("li", {}, disagreement(one)))),
    signs.length > 0 && h("p", { class: "soft small" }, t("check.advice", { words: signs.map(signalWords).join(t("list.comma")) })),
    h("p", { class: "soft small" }, t("document.note"))); // prettier-ignore
}
