/** What the service decided on the case, and why; shared by agent and auditor. */

import { h } from "../../dom.js";
import { t } from "../../i18n.js";
import { verdictBadge } from "../face_match.js";
import { shortHash } from "../words.js";
import { decisionReason, limitWords } from "./words.js";

/** @typedef {import("../projection.js").FactBody} FactBody */

/** @param {FactBody | null} fact */
export function decisionSummary(fact) {
  if (!fact) {
    return h("p", { class: "soft small" }, t("decision.none"));
  }
  const { verdict, account_class: name, limits, reasons, policy, policy_version: version, inputs_sha256: inputs } = fact;
  return h("div", { class: "decision stack tight" },
    h("div", { class: "row wrap" }, verdictBadge(verdict), name && h("strong", {}, t("decision.account_class", { name }))),
    limits.length > 0 && h("ul", { class: "plain-list" }, limits.map((/** @type {FactBody} */ limit) => h("li", {}, limitWords(limit)))),
    h("ul", { class: "reasons-list" }, reasons.map((/** @type {string} */ word) => h("li", {}, decisionReason(word)))),
    h("p", { class: "soft small" }, t("decision.policy", { policy, version }), " · ", t("decision.inputs"), " SHA-256 ", h("code", { title: inputs }, shortHash(inputs)))); // prettier-ignore
}
