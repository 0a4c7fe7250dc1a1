/** An outside source: asking it, and what it answered. Asks by `external-request`. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { fileUrl } from "../../web_kit/record/evidence_zoom.js";
import { verdictBadge } from "../../web_kit/record/face_match.js";
import { listed } from "../../web_kit/record/identity/words.js";
import { ask, define } from "../../web_kit/record/part.js";
import { evidenceById } from "../../web_kit/record/projection.js";
import { shortHash, wordFor } from "../../web_kit/record/words.js";
import { CheckElement, workButton } from "./check_element.js";

/**
 * @typedef {import("./check_element.js").CheckShown} CheckShown
 * @typedef {import("../../web_kit/record/projection.js").CaseView} CaseView
 * @typedef {import("../../web_kit/record/projection.js").FactBody} FactBody
 */

export class ExternalCheckElement extends CheckElement {
  /** @override */
  redraw(/** @type {CheckShown} */ { view, working, live, able, word }) {
    const newest = view.identity.outside.findLast((one) => one.service === word);
    const name = wordFor("external", word);
    const busy = working.includes(`external:${word}`);
    this.say(newest?.answer ? answer(view, newest.answer) : newest && !busy ? h("p", { class: "soft small" }, t("external.no_answer")) : []);
    mount(this.rest, live && workButton({ key: `external:${word}`, words: t(newest ? "external.again" : "external.ask", { name }), busy, able, primary: !newest,
        act: () => ask(this, "external-request", { service: word }) })); // prettier-ignore
  }
}

/** @param {CaseView} view @param {FactBody} fact */
function answer(view, fact) {
  const raw = fact.evidence ? evidenceById(view, fact.evidence) : null;
  return h("div", { class: "stack tight" },
    h("div", { class: "row wrap" }, h("strong", {}, wordFor("external_code", fact.code)), verdictBadge(fact.verdict)),
    fact.matched.length > 0 && h("p", { class: "small" }, t("external.matched", { elements: listed("element", fact.matched) })),
    h("p", { class: "soft small" }, t("external.raw"), " ", raw && h("a", { href: fileUrl(view.case, raw.file), download: "" }, wordFor("evidence", raw.kind)), " SHA-256 ",
      h("code", { title: fact.raw_sha256 }, shortHash(fact.raw_sha256)))); // prettier-ignore
}

define("external-check", ExternalCheckElement);
