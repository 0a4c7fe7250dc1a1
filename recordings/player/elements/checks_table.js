/** Every check of the case in one table, in the order in which it was made. */

import { h } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { verdictBadge } from "../../web_kit/record/face_match.js";
import { categoriesSeen, categoriesWanted, featuresVerdict } from "../../web_kit/record/identity/features.js";
import { figureWords } from "../../web_kit/record/identity/liveness.js";
import { verdictOf } from "../../web_kit/record/identity/projection.js";
import { checkName, disagreement } from "../../web_kit/record/identity/words.js";
import { failureWords, personName, VERDICT_TONES, wordFor } from "../../web_kit/record/words.js";
import { moment } from "./moment.js";

/**
 * @typedef {import("../../web_kit/record/projection.js").CaseView} CaseView
 * @typedef {import("../../web_kit/record/projection.js").FactBody} FactBody
 * @typedef {import("../../web_kit/dom.js").Children} Children
 * @typedef {{at: number, name: string, found: Children, verdict: Children}} CheckRow
 */

const COLUMNS = ["time", "check", "found", "verdict"];

/** @param {CaseView} view @param {number | null} start see `moment` */
export function checksTable(view, start) {
  const rows = [...view.idChecks.map(idRow), ...view.faceChecks.map(faceRow), ...identityRows(view), ...Object.values(view.marks).map((mark) => markRow(view, mark))];
  if (!rows.length) {
    return h("p", { class: "soft" }, t("findings.none"));
  }
  rows.sort((one, other) => one.at - other.at);
  return h("table", { class: "checks" }, h("thead", {}, h("tr", {}, COLUMNS.map((key) => h("th", { scope: "col" }, t(`column.${key}`))))),
    h("tbody", {}, rows.map(({ at, name, found, verdict }) => h("tr", {}, h("td", {}, moment(at, start)), h("td", {}, name), h("td", {}, found), h("td", {}, verdict))))); // prettier-ignore
}

/** @param {FactBody} check @returns {CheckRow} */
function idRow(check) {
  const found = check.failures.length ? failureWords(check.failures).join(t("list.comma")) : `${check.region} ${check.birth_date}`;
  return { at: check.at, name: t("findings.id_number"), found: [h("code", { class: "number-read" }, check.pii_number), h("p", { class: "soft small" }, found)], verdict: verdictBadge(check.verdict) };
}

/** @param {FactBody} check @returns {CheckRow} */
function faceRow(check) {
  const score = check.score === null ? wordFor("face_reason", check.reason) : scored(check.score, check.threshold);
  const models = h("p", { class: "soft small hashes" }, t("findings.models", { pack: check.pack }), " ", h("code", {}, check.model_sha256.slice(0, 16)), " · ", h("code", {}, check.detector_sha256.slice(0, 16)));
  return { at: check.at, name: t("findings.face_match"), found: [score, models], verdict: verdictBadge(check.verdict) };
}

/** @param {number} score @param {number} threshold */
const scored = (score, threshold) => t("findings.score", { score: score.toFixed(3), threshold: threshold.toFixed(2) });

/** A step that a person settled. @param {CaseView} view @param {FactBody} mark @returns {CheckRow} */
function markRow(view, mark) {
  const found = [wordFor("answer", mark.answer), mark.pii_reason].filter(Boolean).join(" · ");
  return { at: mark.at, name: wordFor("step", mark.step), found: [found || "—", h("p", { class: "soft small" }, personName(view, mark.agent))],
    verdict: h("span", { class: `badge ${VERDICT_TONES[mark.result] ?? "plain"}` }, wordFor("step_result", mark.result)) }; // prettier-ignore
}

/** @param {CaseView} view @returns {CheckRow[]} */
function identityRows(view) {
  const { judged, portraits, runs, questions, codes, outside, selfChecks } = view.identity;
  const row = (/** @type {number} */ at, /** @type {string} */ check, /** @type {string | undefined} */ found, /** @type {string | undefined} */ verdict) => ({
    at, name: checkName(check), found: found || "—", verdict: verdict ? verdictBadge(verdict) : h("span", { class: "soft" }, t("findings.open")),
  }); // prettier-ignore
  return [
    ...(judged ? [row(judged.at, "document", judged.failures.map(disagreement).join(t("list.comma")), judged.verdict)] : []),
    ...featureRows(view).map((one) => row(one.at, "features", one.found, one.verdict)),
    ...portraits.map((fact) => row(fact.at, "portraits", portraitsFound(fact), fact.verdict)),
    ...runs.map((run) => row(run.at, run.kind, runFound(view, run), verdictOf(run))),
    ...questions.map((one) => row(one.at, "questions", one.judged?.pii_note, one.judged?.verdict)),
    ...codes.map((one) => row(one.at, "code", one.pii_to_masked, codeVerdict(one))),
    ...outside.map((one) => row(one.at, `external_${one.service}`, wordFor("external_code", one.answer?.code), one.answer?.verdict)),
    ...selfChecks.map((one) => row(one.at, "self_check", t("findings.attempt", { attempt: one.attempt }), one.result?.verdict)),
  ];
}

/** The worksheet of features as it stood at the last tick, one row for all of it. @param {CaseView} view */
function featureRows({ identity }) {
  const last = identity.ticks.at(-1);
  const wanted = categoriesWanted(identity);
  return last ? [{ at: last.at, found: t("features.count", { seen: categoriesSeen(identity.ticks, last.document).size, wanted }), verdict: featuresVerdict(identity.ticks, wanted) }] : [];
}

/** @param {FactBody} fact */
function portraitsFound({ pairs, threshold, reason }) {
  const [first] = pairs;
  return typeof first?.score === "number" ? scored(first.score, threshold) : wordFor("face_reason", reason);
}

/** @param {CaseView} view @param {import("../../web_kit/record/identity/projection.js").Run} run */
function runFound(view, { kind, result, decided }) {
  const by = decided ? t("liveness.decided", { name: personName(view, decided.agent), reason: decided.pii_reason }) : "";
  return [figureWords(kind, result), wordFor("live_reason", result?.reason), by].filter(Boolean).join(" · ");
}

/** A code that was not used up tells nothing yet. @param {import("../../web_kit/record/identity/projection.js").Code} code */
function codeVerdict({ tried }) {
  return tried?.right ? "passed" : tried?.left === 0 ? "failed" : "";
}
