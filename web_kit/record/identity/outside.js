/** What an outside source answered, as agent and auditor see it. */

import { h } from "../../dom.js";
import { t } from "../../i18n.js";
import { fileUrl } from "../evidence_zoom.js";
import { verdictBadge } from "../face_match.js";
import { evidenceById } from "../projection.js";
import { shortHash, wordFor } from "../words.js";
import { listed } from "./words.js";

/** Whom a source was asked about or holds; journals of before do not say. @param {string} key @param {(string | undefined)[]} parts */
function person(key, ...parts) {
  const who = parts.filter(Boolean).join(" · ");
  return who && h("p", { class: "small" }, t(key, { who }));
}

/** @param {import("../projection.js").CaseView} view @param {import("../projection.js").FactBody} fact */
export function sourceAnswer(view, fact) {
  const raw = fact.evidence ? evidenceById(view, fact.evidence) : null;
  return h("div", { class: "stack tight" },
    h("div", { class: "row wrap" }, h("strong", {}, wordFor("external_code", fact.code)), verdictBadge(fact.verdict)),
    person("external.asked", fact.pii_asked_name, fact.pii_asked_number), person("external.held", fact.pii_name, fact.pii_number),
    fact.matched?.length > 0 && h("p", { class: "small" }, t("external.matched", { elements: listed("element", fact.matched) })),
    h("p", { class: "soft small" }, t("external.raw"), " ", raw && h("a", { href: fileUrl(view.case, raw.file), download: "" }, wordFor("evidence", raw.kind)), " SHA-256 ",
      h("code", { title: fact.raw_sha256 }, shortHash(fact.raw_sha256)))); // prettier-ignore
}
