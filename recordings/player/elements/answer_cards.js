/** What customer and outside sources answered, and what the service decided, as the auditor looks at it. */

import { h } from "../../web_kit/dom.js";
import { language, t } from "../../web_kit/i18n.js";
import { verdictBadge } from "../../web_kit/record/face_match.js";
import { decisionSummary } from "../../web_kit/record/identity/decision.js";
import { sourceAnswer } from "../../web_kit/record/identity/outside.js";
import { checkName, promptingWords } from "../../web_kit/record/identity/words.js";
import { dateAndTime, personName, VERDICT_TONES, wordFor } from "../../web_kit/record/words.js";
import { card, draw } from "./identity_cards.js";
import { moment } from "./moment.js";

/**
 * @typedef {import("../../web_kit/record/projection.js").CaseView} CaseView
 * @typedef {import("../../web_kit/record/projection.js").FactBody} FactBody
 * @typedef {import("../../web_kit/record/identity/projection.js").Asked} Asked
 * @typedef {import("../../web_kit/record/identity/projection.js").Code} Code
 */

/** @param {CaseView} view @param {number | null} start see `moment` */
export function questionsCard(view, start) {
  const { questions } = view.identity;
  return questions.length > 0 && card(t("identity_check.questions"), questions.map((one) => question(view, one, start)));
}

/** @param {CaseView} view @param {Asked} one @param {number | null} start */
function question(view, one, start) {
  const { judged, prompting, candidates, pii_expected: expected } = one;
  const [words, other] = language() === "en" ? [one.pii_en, one.pii_zh] : [one.pii_zh, one.pii_en];
  return h("div", { class: "stack tight" },
    h("blockquote", { class: "question" }, h("p", {}, words), h("p", { class: "soft small" }, other)),
    h("div", { class: "row wrap" }, moment(one.at, start),
      judged ? h("span", { class: `badge ${VERDICT_TONES[judged.verdict] ?? "plain"}` }, wordFor("answered", judged.verdict)) : h("span", { class: "soft" }, t("findings.open")),
      judged && h("span", {}, judged.pii_note), judged && h("span", { class: "soft small" }, personName(view, judged.agent))),
    prompting && h("p", { class: "notice warn" }, t("fact.PromptingNoticed", { signs_text: promptingWords(prompting).join(t("list.comma")) })),
    h("p", { class: "soft small" }, expected && [t("question.expected"), " ", expected, " · "].join(""), t("findings.drawn_from", { count: candidates.length }), " · ", draw(one.random_hex))); // prettier-ignore
}

/** @param {CaseView} view @param {number | null} start */
export function codesCard(view, start) {
  const { codes } = view.identity;
  return codes.length > 0 && card(t("identity_check.code"), h("ul", { class: "plain-list" }, codes.map((one) => code(one, start))));
}

/** @param {Code} one @param {number | null} start */
function code({ at, channel, attempts, tried, tries, pii_to_masked: to }, start) {
  const badge = tried?.right ? verdictBadge("passed") : tried?.left === 0 ? verdictBadge("failed") : h("span", { class: "soft" }, t("findings.open"));
  return h("li", { class: "row wrap" }, moment(at, start), h("span", {}, `${wordFor("channel", channel)} ${to}`), badge, h("span", { class: "soft small" }, t("findings.used", { used: tries, attempts })));
}

/** @param {CaseView} view @param {number | null} start */
export function outsideCard(view, start) {
  const { outside } = view.identity;
  return outside.length > 0 && card(t("findings.outside"), h("ul", { class: "plain-list outside" }, outside.map((one) => h("li", { class: "stack tight" },
    h("div", { class: "row" }, h("h3", {}, checkName(`external_${one.service}`)), moment(one.at, start)), one.answer ? sourceAnswer(view, one.answer) : h("p", { class: "soft" }, t("findings.open")))))); // prettier-ignore
}

/** @param {CaseView} view */
export function decisionCard({ identity: { decided, accounts, locks } }) {
  if (!decided && !locks.length) {
    return null;
  }
  const counts = (accounts?.counts ?? []).map((/** @type {FactBody} */ one) => t("account.count", { name: one.name, count: one.amount })).join(t("list.comma"));
  return card(t("decision.title"), decided && decisionSummary(decided), counts && h("p", { class: "small" }, t("findings.accounts", { counts })),
    locks.map((one) => h("p", { class: "small warn-text" }, t("findings.locked", { check: checkName(one.kind), time: dateAndTime(one.until) })))); // prettier-ignore
}
