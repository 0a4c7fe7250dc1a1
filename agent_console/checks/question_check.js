/** Questions that only the customer can answer: drawn by the server, judged by the agent. Asks by `question-request`, `question-judge-request`. */

import { h, mount } from "../../web_kit/dom.js";
import { language, t } from "../../web_kit/i18n.js";
import { promptingWords } from "../../web_kit/record/identity/words.js";
import { ask, define } from "../../web_kit/record/part.js";
import { VERDICT_TONES, wordFor } from "../../web_kit/record/words.js";
import { CheckElement, workButton } from "./check_element.js";
import { isWorking } from "./working.js";

/**
 * @typedef {import("./check_element.js").CheckShown} CheckShown
 * @typedef {import("../../web_kit/record/identity/projection.js").Asked} Asked
 * @typedef {import("../../web_kit/record/projection.js").FactBody} FactBody
 */

// The policy's reason, where it has one; else the dialog opens without.
const PROMPTING = "prompting";
const NOTE_MAX = 500;
const ANSWERS = /** @type {const} */ (["passed", "review", "failed"]);

/** The question in the reader's language, and in the other one. @param {Asked} one */
const inBoth = ({ pii_zh: zh, pii_en: en }) => (language() === "en" ? [en, zh] : [zh, en]);

export class QuestionCheckElement extends CheckElement {
  /** @override */
  build() {
    super.build();
    this.note = h("input", { class: "input", maxlength: NOTE_MAX, autocomplete: "off", "aria-label": t("question.note"), placeholder: t("question.note") });
  }

  /** @override */
  redraw(/** @type {CheckShown} */ shown) {
    const { view, working, live, able } = shown;
    const { questions } = view.identity;
    const open = questions.findLast((one) => !one.judged);
    const judged = questions.filter((one) => one.judged);
    this.say(open ? asked(open) : []);
    mount(this.rest,
      judged.length > 0 && h("ol", { class: "asked-list" }, judged.map((one) => this.answered(one, live))),
      open && this.question(shown, open),
      live && !open && workButton({ key: "question", words: t(judged.length ? "question.next" : "question.draw"), busy: working.includes("question"), able, primary: true,
        act: () => ask(this, "question-request") })); // prettier-ignore
  }

  /** @param {CheckShown} shown @param {Asked} one */
  question({ working, live, able }, one) {
    return h("div", { class: "stack tight" },
      one.pii_expected ? h("p", {}, t("question.expected"), " ", h("strong", {}, one.pii_expected)) : h("p", { class: "soft small" }, t("question.by_ear")),
      live && this.note,
      live && h("div", { class: "answers", role: "group", "aria-label": t("question.judge") },
        ANSWERS.map((verdict) => workButton({ key: `judge:${verdict}`, words: wordFor("answered", verdict), busy: working.includes(`judge:${verdict}`), able: able && !isWorking(working, "judge"), act: () => this.askJudgement(one.check, verdict) })))); // prettier-ignore
  }

  /** @param {Asked} one @param {boolean} live */
  answered(one, live) {
    const { verdict, pii_note: note } = one.judged ?? {};
    return h("li", {}, h("span", { class: "grow" }, inBoth(one)[0], note && h("small", { class: "soft" }, ` ${note}`)),
      h("span", { class: `badge ${VERDICT_TONES[verdict] ?? "plain"}` }, wordFor("answered", verdict)), one.prompting && this.prompting(one.prompting, live)); // prettier-ignore
  }

  /** What may mean that somebody prompts, and the way out with that reason chosen. @param {FactBody} fact @param {boolean} live */
  prompting(fact, live) {
    return h("div", { class: "notice warn prompting" }, h("strong", {}, t("question.prompting")), h("ul", {}, promptingWords(fact).map((words) => h("li", {}, words))),
      h("small", {}, t("live.advice_short")),
      live && h("button", { class: "button", type: "button", onclick: () => ask(this, "abort-request", { reason: PROMPTING }) }, t("question.abort"))); // prettier-ignore
  }

  /** @param {string} check @param {string} verdict */
  askJudgement(check, verdict) {
    ask(this, "question-judge-request", { check, verdict, note: this.note?.value.trim() ?? "" });
    this.note && (this.note.value = "");
  }
}

/** @param {Asked} one */
function asked(one) {
  const [words, other] = inBoth(one);
  return h("blockquote", { class: "question" }, h("p", {}, words), h("p", { class: "soft small" }, other));
}


define("question-check", QuestionCheckElement);
