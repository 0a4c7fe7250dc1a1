/**
 * The agent's result: outcome, coded reason, note. `passed` is offered once the script is complete; what else
 * can be said comes from the policy. The server decides whether it may stand.
 */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { missing, said } from "./script_panel.js";

/**
 * @typedef {import("../../web_kit/wire").Choice} Choice
 * @typedef {{complete: boolean, missing: number, reasons: readonly Choice[], busy: boolean, problem: string}} FinishView
 */

const OUTCOMES = /** @type {const} */ (["passed", "failed", "incomplete"]);
const NOTE_MAX = 2000;
/** @type {readonly never[]} */
const NO_REASONS = Object.freeze([]);

/**
 * What the form is to offer.
 *
 * @param {import("../state.js").ConsoleState} state @param {string} problem
 * @returns {FinishView}
 */
export function finishView({ script, link }, problem) {
  return { complete: script?.complete ?? false, missing: missing(script), reasons: script?.abort_reasons ?? NO_REASONS, busy: link !== "open", problem };
}

/** @extends {PartElement<FinishView>} */
export class FinishFormElement extends PartElement {
  /** @override */
  looksAt(/** @type {FinishView} */ { complete, missing: left, reasons, busy, problem }) {
    return [complete, left, reasons, busy, problem];
  }

  /** @override */
  build() {
    this.reason = h("select", { class: "input", id: "finish-reason" });
    this.reasonBox = h("div", { class: "stack tight" }, h("label", { for: "finish-reason" }, t("finish.reason")), this.reason);
    this.note = h("textarea", { class: "input", id: "finish-note", rows: 3, maxlength: NOTE_MAX, placeholder: t("finish.note_hint") });
    this.advice = h("p", { class: "notice warn" });
    this.problem = h("p", { class: "problem", role: "alert" });
    this.submit = h("button", { class: "button primary wide", type: "submit" }, t("finish.submit"));
    this.choices = OUTCOMES.map((outcome) => h("input", { type: "radio", name: "outcome", value: outcome, required: true, onchange: () => this.choose() }));
    const labels = this.choices.map((input) => h("label", { class: `choice ${input.value}` }, input, t(`outcome.${input.value}`)));
    this.form = h("form", { class: "stack finish", onsubmit: (/** @type {Event} */ event) => this.askFinish(event) },
      h("fieldset", { class: "outcomes" }, h("legend", {}, t("finish.outcome")), labels), this.advice, this.reasonBox,
      h("div", { class: "stack tight" }, h("label", { for: "finish-note" }, t("finish.note")), this.note), this.problem, this.submit); // prettier-ignore
    mount(this, this.form);
  }

  /** Begin with an outcome, and a reason where there is one. @param {string} outcome @param {string} [reason] */
  begin(outcome, reason = "") {
    for (const input of this.choices ?? []) {
      input.checked = input.value === outcome && !input.disabled;
    }
    this.choose();
    if (reason && this.reason) {
      this.reason.value = reason;
    }
  }

  outcome() {
    return this.choices?.find((input) => input.checked)?.value ?? "";
  }

  choose() {
    this.drawReasons();
    ask(this, "finish-changed");
  }

  drawReasons() {
    const outcome = this.outcome();
    const reasons = this.shown?.reasons.filter((one) => one.outcome === outcome || one.outcome == null) ?? [];
    const wanted = outcome !== "" && outcome !== "passed";
    if (this.reasonBox && this.reason) {
      const chosen = this.reason.value;
      this.reasonBox.hidden = !wanted;
      this.reason.required = wanted;
      mount(this.reason, wanted && h("option", { value: "" }, t("finish.choose")), wanted && reasons.map((one) => h("option", { value: one.id, selected: one.id === chosen }, said(one))));
    }
  }

  /** @override */
  draw(/** @type {FinishView} */ { complete, missing: left, busy, problem }) {
    const [passed] = this.choices ?? [];
    if (passed) {
      passed.disabled = !complete;
      passed.checked = passed.checked && complete;
    }
    this.drawReasons();
    this.advice?.replaceChildren(left > 0 ? t("finish.missing", { count: left }) : t("finish.not_complete"));
    this.advice?.toggleAttribute("hidden", complete);
    this.problem?.replaceChildren(problem);
    this.submit?.toggleAttribute("disabled", busy);
  }

  /** @param {Event} event */
  askFinish(event) {
    event.preventDefault();
    const outcome = this.outcome();
    ask(this, "finish-request", { outcome, reason: outcome === "passed" ? "" : (this.reason?.value ?? ""), note: this.note?.value.trim() ?? "" });
  }
}

define("finish-form", FinishFormElement);
