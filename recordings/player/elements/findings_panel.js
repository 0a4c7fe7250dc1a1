/** What identity was established with: the checks with their scores, and the pictures they used. */

import { h, mount } from "../../web_kit/dom.js";
import { sizeInWords } from "../../web_kit/files.js";
import { t, tCode } from "../../web_kit/i18n.js";
import { fileUrl, pictureLine, thumbnail } from "../../web_kit/record/evidence_zoom.js";
import { faceMatch, verdictBadge } from "../../web_kit/record/face_match.js";
import { define, PartElement } from "../../web_kit/record/part.js";
import { failureWords, personName, shortHash, timeOfDay, VERDICT_TONES, wordFor } from "../../web_kit/record/words.js";

/** @typedef {import("../../web_kit/record/projection.js").CaseView} CaseView */
/** @typedef {import("../../web_kit/record/projection.js").FactBody} FactBody */

/** @extends {PartElement<CaseView>} */
export class FindingsPanelElement extends PartElement {
  /** @override */
  looksAt(/** @type {CaseView} */ { evidence, idChecks, faceChecks, decision, marks, notes, chat, wrapUp, rating }) {
    return [evidence, idChecks, faceChecks, decision, marks, notes, chat, wrapUp, rating];
  }

  /** @override */
  draw(/** @type {CaseView} */ view) {
    const newest = view.faceChecks.at(-1);
    mount(this,
      h("section", { class: "card stack" }, h("h2", {}, t("findings.face")), newest ? faceMatch(view, newest) : h("p", { class: "soft" }, t("findings.no_face"))),
      h("section", { class: "card stack" }, h("h2", {}, t("findings.checks")), h("div", { class: "scroll-x" }, checksTable(view)), decisionLine(view), afterwards(view)),
      h("section", { class: "card stack" }, h("h2", {}, t("findings.evidence")), gallery(view)), sharedFiles(view)); // prettier-ignore
  }
}

/** @param {CaseView} view */
function checksTable(view) {
  const rows = [...view.idChecks.map(idRow), ...view.faceChecks.map(faceRow), ...Object.values(view.marks).map((mark) => markRow(view, mark))];
  if (!rows.length) {
    return h("p", { class: "soft" }, t("findings.none"));
  }
  return h("table", { class: "checks" }, h("thead", {}, h("tr", {}, ["time", "check", "found", "verdict"].map((key) => h("th", { scope: "col" }, t(`column.${key}`))))), h("tbody", {}, rows));
}

/** @param {FactBody} check */
function idRow(check) {
  const found = check.failures.length ? failureWords(check.failures).join(t("list.comma")) : `${check.region} ${check.birth_date}`;
  return h("tr", {}, h("td", {}, h("time", {}, timeOfDay(check.at))), h("td", {}, t("findings.id_number")), h("td", {}, h("code", {}, check.pii_number), h("p", { class: "soft small" }, found)), h("td", {}, verdictBadge(check.verdict)));
}

/** @param {FactBody} check */
function faceRow(check) {
  const score = check.score === null ? wordFor("face_reason", check.reason) : t("findings.score", { score: check.score.toFixed(3), threshold: check.threshold.toFixed(2) });
  return h("tr", {}, h("td", {}, h("time", {}, timeOfDay(check.at))), h("td", {}, t("findings.face_match")),
    h("td", {}, score, h("p", { class: "soft small hashes" }, t("findings.models", { pack: check.pack }), " ", h("code", {}, check.model_sha256.slice(0, 16)), " · ", h("code", {}, check.detector_sha256.slice(0, 16)))),
    h("td", {}, verdictBadge(check.verdict))); // prettier-ignore
}

/** A step that a person settled. @param {CaseView} view @param {FactBody} mark */
function markRow(view, mark) {
  const found = [wordFor("answer", mark.answer), mark.pii_reason].filter(Boolean).join(" · ");
  return h("tr", {}, h("td", {}, h("time", {}, timeOfDay(mark.at))), h("td", {}, wordFor("step", mark.step)),
    h("td", {}, found || "—", h("p", { class: "soft small" }, personName(view, mark.agent))),
    h("td", {}, h("span", { class: `badge ${VERDICT_TONES[mark.result] ?? "plain"}` }, wordFor("step_result", mark.result)))); // prettier-ignore
}

/** @param {CaseView} view */
function afterwards({ wrapUp, rating }) {
  const tags = wrapUp ? [...wrapUp.tags.map((/** @type {string} */ tag) => wordFor("tag", tag)), wordFor("next_action", wrapUp.next_action), wrapUp.pii_note] : [];
  const stars = rating ? "★".repeat(rating.stars) + "☆".repeat(5 - rating.stars) : "";
  return [
    tags.some(Boolean) && h("p", {}, h("strong", {}, t("findings.wrap_up")), " ", tags.filter(Boolean).join(t("list.comma"))),
    rating && h("p", {}, h("strong", {}, t("findings.rating")), " ", h("span", { role: "img", "aria-label": t("findings.stars", { stars: rating.stars }) }, stars), " ", rating.pii_comment),
  ];
}

/** @param {CaseView} view */
function sharedFiles({ case: caseId, chat, parties }) {
  const files = chat.flatMap(({ file }) => (file ? [file] : []));
  const line = (/** @type {FactBody} */ file) =>
    h("li", {}, h("a", { href: fileUrl(caseId, file.file), download: file.pii_name }, file.pii_name), " ",
      h("span", { class: "soft small" }, `${parties[file.seat]?.name || wordFor("role", file.role)} · ${sizeInWords(file.bytes)} · SHA-256 `, h("code", {}, shortHash(file.sha256)))); // prettier-ignore
  return files.length > 0 && h("section", { class: "card stack" }, h("h2", {}, t("findings.files")), h("ul", { class: "shared-files" }, files.map(line)));
}

/** @param {CaseView} view */
function decisionLine({ decision }) {
  if (!decision) {
    return h("p", { class: "soft" }, t("findings.no_decision"));
  }
  return h("p", {}, h("strong", {}, t("findings.decision", { outcome: tCode("outcome", decision.outcome) })), " ", wordFor("reason", decision.reason), decision.pii_note && h("span", { class: "soft" }, ` ${decision.pii_note}`));
}

/** @param {CaseView} view */
function gallery(view) {
  if (!view.evidence.length) {
    return h("p", { class: "soft" }, t("findings.no_evidence"));
  }
  return h("ul", { class: "gallery" }, view.evidence.map((one) => h("li", {}, thumbnail(view.case, one), h("strong", {}, tCode("evidence", one.kind)), pictureLine(one), noteLine(view.notes[one.evidence]))));
}

/** @param {FactBody | undefined} note */
function noteLine(note) {
  const words = note ? [note.pii_note, ...note.tags.map((/** @type {string} */ tag) => wordFor("tag", tag))].filter(Boolean) : [];
  return words.length > 0 && h("p", { class: "small" }, words.join(t("list.comma")));
}

define("findings-panel", FindingsPanelElement);
