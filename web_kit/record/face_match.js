/** A face comparison as agent and auditor see it: the two pictures, the score on its scale, the verdict. */

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { thumbnail } from "./evidence_zoom.js";
import { evidenceById } from "./projection.js";
import { shortHash, VERDICT_TONES, wordFor } from "./words.js";

/** @typedef {import("./projection.js").CaseView} CaseView */
/** @typedef {import("./projection.js").FactBody} FactBody */

// This pack may never approve by itself: its error rate between people of one region is far too high.
const DEMO_PACK = "base";

/** @param {string} verdict */
export function verdictBadge(verdict) {
  return h("span", { class: `badge ${VERDICT_TONES[verdict] ?? "plain"}` }, wordFor("check", verdict));
}

/** @param {CaseView} view @param {string | null} id @param {string} label */
function face(view, id, label) {
  const evidence = id ? evidenceById(view, id) : null;
  return h("figure", { class: "face" },
    evidence ? thumbnail(view.case, evidence) : h("div", { class: "thumb empty", "aria-hidden": "true" }, "—"),
    h("figcaption", {}, label)); // prettier-ignore
}

/**
 * The score on a scale of 0 to 1 with both thresholds marked.
 *
 * @param {FactBody} check
 */
export function scale(check) {
  const bar = h("div", { class: `scale ${VERDICT_TONES[check.verdict] ?? "plain"}`, "aria-hidden": "true" });
  const fill = h("i", { class: "fill" });
  fill.style.setProperty("--at", String(Math.min(1, Math.max(0, check.score ?? 0))));
  const marks = [check.review_threshold, check.threshold].map((value) => {
    const mark = h("i", { class: "limit" });
    mark.style.setProperty("--at", String(value));
    return mark;
  });
  bar.append(fill, ...marks);
  return bar;
}

/** @param {CaseView} view @param {FactBody} check */
export function faceMatch(view, check) {
  const score = typeof check.score === "number" ? check.score.toFixed(3) : "—";
  return h("div", { class: "face-match" },
    h("div", { class: "faces" }, face(view, check.portrait ?? check.card, t("evidence.id_portrait")), face(view, check.still, t("evidence.face_still"))),
    h("div", { class: "score-line" }, h("strong", { class: "score" }, score), verdictBadge(check.verdict)),
    scale(check),
    h("p", { class: "soft small" }, t("face.threshold", { threshold: check.threshold.toFixed(2), review: check.review_threshold.toFixed(2) })),
    check.reason && h("p", { class: "soft small" }, wordFor("face_reason", check.reason)),
    check.pack === DEMO_PACK && h("p", { class: "notice warn" }, t("face.demo_note")),
    h("p", { class: "soft small" }, t("face.model", { pack: check.pack }), " ", h("code", { title: check.model_sha256 }, shortHash(check.model_sha256))),
  ); // prettier-ignore
}
