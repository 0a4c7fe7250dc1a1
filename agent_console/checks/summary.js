/** What speaks against the customer, or is in doubt, in a few lines: for whoever is about to give the result. */

import { h } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { verdictBadge } from "../../web_kit/record/face_match.js";
import { categoriesWanted, featuresVerdict } from "../../web_kit/record/identity/features.js";
import { newestRun, verdictOf } from "../../web_kit/record/identity/projection.js";
import { checkName } from "../../web_kit/record/identity/words.js";
import { wordFor } from "../../web_kit/record/words.js";
import { troubles } from "./live_checks.js";

/** @typedef {import("../../web_kit/record/projection.js").CaseView} CaseView */

/** The newest verdict of each check that was done. @param {CaseView} view @returns {Record<string, string | null | undefined>} */
function verdicts({ identity, faceChecks, idChecks }) {
  const outside = new Map(identity.outside.map((one) => [`external_${one.service}`, one.answer?.verdict]));
  const code = identity.codes.at(-1)?.tried;
  return {
    id_number: idChecks.at(-1)?.verdict,
    face_match: faceChecks.at(-1)?.verdict,
    document: identity.judged?.verdict,
    features: featuresVerdict(identity.ticks, categoriesWanted(identity)),
    portraits: identity.portraits.at(-1)?.verdict,
    ...Object.fromEntries(["passive", "gestures", "light"].map((kind) => [kind, verdictOf(newestRun(identity, kind))])),
    code: code && (code.right ? "passed" : code.left === 0 ? "failed" : ""),
    ...Object.fromEntries(outside),
  };
}

/** @param {CaseView} view */
export function checkSummary(view) {
  const doubtful = Object.entries(verdicts(view)).filter(([, verdict]) => verdict === "failed" || verdict === "review");
  const watched = troubles(view).map((fact) => h("li", { class: "bad-text" }, wordFor("watch", fact.event)));
  const lines = doubtful.map(([check, verdict]) => h("li", { class: "row" }, h("span", { class: "grow" }, checkName(check)), verdictBadge(verdict ?? "")));
  return h("section", { class: "stack tight check-summary", "aria-label": t("summary.title") },
    lines.length + watched.length > 0
      ? [h("h3", {}, t("summary.title")), h("ul", { class: "plain-list" }, lines, watched)]
      : h("p", { class: "soft small" }, t("summary.clear"))); // prettier-ignore
}
