/** What identity was established with: the checks with their scores, and the pictures they used. */

import { h, mount } from "../../web_kit/dom.js";
import { sizeInWords } from "../../web_kit/files.js";
import { t, tCode } from "../../web_kit/i18n.js";
import { fileUrl, pictureLine, thumbnail } from "../../web_kit/record/evidence_zoom.js";
import { faceMatch } from "../../web_kit/record/face_match.js";
import { define, part, PartElement } from "../../web_kit/record/part.js";
import { isPicture } from "../../web_kit/record/projection.js";
import { shortHash, timeOfDay, wordFor } from "../../web_kit/record/words.js";
import { codesCard, decisionCard, outsideCard, questionsCard } from "./answer_cards.js";
import { checksTable } from "./checks_table.js";
import "./machine_findings.js";
import { featuresCard } from "./features_card.js";
import { card, documentCard, livenessCard, pictureCard, portraitsCard } from "./identity_cards.js";

/** @typedef {import("../../web_kit/record/projection.js").CaseView} CaseView */
/** @typedef {import("../../web_kit/record/projection.js").FactBody} FactBody */

/** @typedef {{view: CaseView, start: number | null}} FindingsView  `start`: see `moment` */

/** @extends {PartElement<FindingsView>} */
export class FindingsPanelElement extends PartElement {
  machine = /** @type {import("./machine_findings.js").MachineFindingsElement} */ (part("machine-findings"));

  /** @override */
  looksAt(/** @type {FindingsView} */ { view, start }) {
    const { evidence, idChecks, faceChecks, identity, decision, marks, notes, chat, wrapUp, rating, merge } = view;
    return [merge, evidence, idChecks, faceChecks, identity, decision, marks, notes, chat, wrapUp, rating, start];
  }

  /** @override */
  draw(/** @type {FindingsView} */ { view, start }) {
    mount(this,
      this.machine, decisionCard(view), card(t("findings.checks"), h("div", { class: "scroll-x" }, checksTable(view, start)), decisionLine(view), afterwards(view)),
      documentCard(view, start), featuresCard(view, start), faceCard(view), portraitsCard(view, start), livenessCard(view, start), pictureCard(view, start),
      questionsCard(view, start), codesCard(view, start), outsideCard(view, start),
      card(t("findings.evidence"), gallery(view)), sharedFiles(view)); // prettier-ignore
    this.machine.show(view);
  }
}

/** Two pictures compared; where all three were, that alone speaks. @param {CaseView} view */
function faceCard(view) {
  const newest = view.faceChecks.at(-1);
  if (!newest && view.identity.portraits.length > 0) {
    return null;
  }
  return card(t("findings.face"), newest ? faceMatch(view, newest) : h("p", { class: "soft" }, t("findings.no_face")));
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
  return files.length > 0 && card(t("findings.files"), h("ul", { class: "shared-files" }, files.map(line)));
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
  const pictures = view.evidence.filter(isPicture);
  const others = view.evidence.filter((one) => !isPicture(one));
  return [
    h("ul", { class: "gallery" }, pictures.map((one) => h("li", {}, thumbnail(view.case, one), h("strong", {}, wordFor("evidence", one.kind)), pictureLine(one), noteLine(view.notes[one.evidence])))),
    others.length > 0 && h("ul", { class: "plain-list" }, others.map((one) => h("li", { class: "row wrap" }, h("a", { href: fileUrl(view.case, one.file), download: "" }, wordFor("evidence", one.kind)),
      h("span", { class: "soft small" }, `${timeOfDay(one.at)} · ${sizeInWords(one.bytes)} · SHA-256 `, h("code", { title: one.sha256 }, shortHash(one.sha256)))))),
  ]; // prettier-ignore
}

/** @param {FactBody | undefined} note */
function noteLine(note) {
  const words = note ? [note.pii_note, ...note.tags.map((/** @type {string} */ tag) => wordFor("tag", tag))].filter(Boolean) : [];
  return words.length > 0 && h("p", { class: "small" }, words.join(t("list.comma")));
}

define("findings-panel", FindingsPanelElement);
