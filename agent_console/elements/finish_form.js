/** The agent's result: outcome, coded reason, note. The server decides whether it may stand. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";

/** @typedef {{advice: string, busy: boolean, problem: string}} FinishView */

const OUTCOMES = /** @type {const} */ (["passed", "failed", "incomplete"]);
/** @type {Readonly<Record<string, readonly string[]>>} */
const REASONS = {
  passed: [],
  failed: ["face_mismatch", "document", "fraud", "prompting", "other"],
  incomplete: ["light", "picture", "speech", "network", "customer_left", "other"],
};

/** @extends {PartElement<FinishView>} */
export class FinishFormElement extends PartElement {
  /** @override */
  looksAt(/** @type {FinishView} */ { advice, busy, problem }) {
    return [advice, busy, problem];
  }

  /** @override */
  build() {
    this.reason = h("select", { class: "input", id: "finish-reason" });
    this.reasonBox = h("div", { class: "stack" }, h("label", { for: "finish-reason" }, t("finish.reason")), this.reason);
    this.note = h("textarea", { class: "input", id: "finish-note", rows: 3, maxlength: 2000, placeholder: t("finish.note_hint") });
    this.advice = h("p", { class: "notice warn" });
    this.problem = h("p", { class: "problem", role: "alert" });
    this.submit = h("button", { class: "button primary wide", type: "submit" }, t("finish.submit"));
    const choices = OUTCOMES.map((outcome) => h("label", { class: `choice ${outcome}` },
      h("input", { type: "radio", name: "outcome", value: outcome, required: true, onchange: () => this.choose(outcome) }), t(`outcome.${outcome}`))); // prettier-ignore
    mount(this, h("form", { class: "stack finish", onsubmit: (/** @type {Event} */ event) => this.askFinish(event) },
      h("fieldset", { class: "outcomes" }, h("legend", {}, t("finish.outcome")), choices), this.reasonBox,
      h("label", { for: "finish-note" }, t("finish.note")), this.note, this.advice, this.problem, this.submit)); // prettier-ignore
    this.drawReasons("passed");
  }

  /** @param {string} outcome */
  choose(outcome) {
    this.drawReasons(outcome);
    ask(this, "finish-changed");
  }

  /** @param {string} outcome */
  drawReasons(outcome) {
    const words = REASONS[outcome] ?? [];
    if (this.reasonBox && this.reason) {
      this.reasonBox.hidden = words.length === 0;
      this.reason.required = words.length > 0;
      mount(this.reason, words.length > 0 && h("option", { value: "" }, t("finish.choose")), words.map((word) => h("option", { value: word }, t(`reason.${word}`))));
    }
  }

  /** @override */
  draw(/** @type {FinishView} */ { advice, busy, problem }) {
    this.advice?.replaceChildren(advice);
    this.problem?.replaceChildren(problem);
    if (this.advice && this.submit) {
      this.advice.hidden = advice === "";
      this.submit.disabled = busy;
    }
  }

  /** @param {Event} event */
  askFinish(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const outcome = new FormData(form).get("outcome");
    ask(this, "finish-request", { outcome, reason: this.reason?.value ?? "", note: this.note?.value.trim() ?? "" });
  }
}

define("finish-form", FinishFormElement);
