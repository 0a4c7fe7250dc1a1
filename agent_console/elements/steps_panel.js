/** The identity steps in the order of the policy: what is done, what may be done, and why not. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { pictureLine, thumbnail } from "../../web_kit/record/evidence_zoom.js";
import { faceMatch, verdictBadge } from "../../web_kit/record/face_match.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { newestEvidence } from "../../web_kit/record/projection.js";
import { steps } from "../../web_kit/record/steps.js";
import { failureWords, wordFor } from "../../web_kit/record/words.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */
/** @typedef {import("../../web_kit/record/steps.js").Step} Step */

const ID_NUMBER_LENGTH = 18;

/** @extends {PartElement<{view: ConsoleState["view"], unlocked: boolean, live: boolean}>} */
export class StepsPanelElement extends PartElement {
  /** @override */
  looksAt(/** @type {{view: ConsoleState["view"], unlocked: boolean, live: boolean}} */ { view, unlocked, live }) {
    const { asked, evidence, idChecks, faceChecks, decision, call, case: caseId } = view;
    return [asked, evidence, idChecks, faceChecks, decision, call?.activeAt, caseId, unlocked, live];
  }

  /** @override */
  build() {
    // The field outlives redrawing: a number half typed must not vanish when a picture arrives.
    this.number = h("input", { class: "input id-number", id: "id-number", maxlength: ID_NUMBER_LENGTH, autocomplete: "off", spellcheck: "false", placeholder: t("step.id_number.hint"), "aria-label": t("step.id_number") });
    this.list = h("ol", { class: "steps" });
    this.lock = h("p", { class: "notice warn", role: "status" });
    mount(this, this.lock, this.list);
  }

  /** @override */
  draw(/** @type {{view: ConsoleState["view"], unlocked: boolean, live: boolean}} */ { view, unlocked, live }) {
    if (!this.list || !this.lock) {
      return;
    }
    const focused = document.activeElement;
    const key = this.contains(focused) ? focused?.getAttribute("data-key") : null;
    this.lock.hidden = unlocked || !live;
    mount(this.lock, icon("shield"), h("span", {}, t("step.locked")));
    mount(this.list, steps(view, unlocked).map((step, index) => this.step(view, step, index + 1, live)));
    const again = focused === this.number ? this.number : key && this.querySelector(`[data-key="${key}"]`);
    /** @type {HTMLElement | null} */ (again || null)?.focus();
  }

  /** @param {ConsoleState["view"]} view @param {Step} step @param {number} number @param {boolean} live */
  step(view, step, number, live) {
    const mark = step.state === "done" ? icon("check") : step.state === "failed" ? icon("close") : String(number);
    const head = h("header", {}, h("span", { class: "step-mark", "aria-hidden": "true" }, mark), h("h3", {}, t(`step.${step.id}`)),
      h("span", { class: `step-state ${step.state}` }, t(`step_state.${step.state}`))); // prettier-ignore
    return h("li", { class: `step ${step.state}` }, head, h("div", { class: "step-body" }, this.body(view, step, live)));
  }

  /** @param {ConsoleState["view"]} view @param {Step} step @param {boolean} live */
  body(view, step, live) {
    switch (step.id) {
      case "id_card":
      case "face_still":
        return this.stillBody(view, step, live);
      case "id_number":
        return this.numberBody(step, live);
      case "face_match":
        return this.matchBody(view, step, live);
      default:
        return this.decisionBody(step, live);
    }
  }

  /** @param {ConsoleState["view"]} view @param {Step} step @param {boolean} live */
  stillBody(view, { id, state, fact }, live) {
    const picture = fact && h("div", { class: "still" }, thumbnail(view.case, fact), pictureLine(fact));
    const words = t(fact ? "step.still_again" : `step.${id}.ask`);
    const button = live && h("button", { class: fact ? "button" : "button primary", type: "button", "data-key": id,
      disabled: state === "locked" || state === "waiting", onclick: () => ask(this, "still-request", { kind: id }) }, words); // prettier-ignore
    const waiting = state === "waiting" && h("p", { class: "phone-asked", role: "status" }, h("span", { class: "spinner", "aria-hidden": "true" }), t("step.waiting_phone"));
    return [picture, waiting, button];
  }

  /** @param {Step} step @param {boolean} live */
  numberBody({ state, fact }, live) {
    const form = live && this.number && h("form", { class: "row", onsubmit: (/** @type {Event} */ event) => this.askNumber(event) }, this.number,
      h("button", { class: "button", type: "submit", "data-key": "id_number", disabled: state === "locked" }, t("step.id_number.check"))); // prettier-ignore
    if (this.number) {
      this.number.disabled = state === "locked";
    }
    return [form, fact && h("div", { class: "stack tight" },
      h("div", { class: "row wrap" }, h("code", { class: "number-read" }, fact.pii_number), verdictBadge(fact.verdict)),
      fact.failures.length > 0 && h("ul", { class: "failures" }, failureWords(fact.failures).map((words) => h("li", {}, words))),
      fact.region && h("p", { class: "soft small" }, t("step.id_number.read", { region: fact.region, birth: fact.birth_date })))]; // prettier-ignore
  }

  /** @param {ConsoleState["view"]} view @param {Step} step @param {boolean} live */
  matchBody(view, { state, lock, fact }, live) {
    const button = live && h("button", { class: fact ? "button" : "button primary", type: "button", "data-key": "match",
      disabled: state === "locked", onclick: () => this.askMatch(view) }, t(fact ? "step.face_match.again" : "step.face_match.ask")); // prettier-ignore
    return [fact && faceMatch(view, fact), lock === "pictures" && h("p", { class: "soft small" }, t("step.face_match.needs")), button];
  }

  /** @param {Step} step @param {boolean} live */
  decisionBody({ state, fact }, live) {
    if (fact) {
      return [h("p", {}, t("step.decision.given", { outcome: t(`outcome.${fact.outcome}`), reason: wordFor("reason", fact.reason) })), fact.pii_note && h("p", { class: "soft" }, fact.pii_note)];
    }
    return [live && h("button", { class: "button", type: "button", "data-key": "decide", disabled: state === "locked",
      onclick: () => ask(this, "decide-request") }, t("step.decision.ask"))]; // prettier-ignore
  }

  /** @param {Event} event */
  askNumber(event) {
    event.preventDefault();
    const number = this.number?.value.trim();
    if (number) {
      ask(this, "number-request", { number });
    }
  }

  /** @param {ConsoleState["view"]} view */
  askMatch(view) {
    const [card, still] = [newestEvidence(view, "id_card"), newestEvidence(view, "face_still")];
    if (card && still) {
      ask(this, "match-request", { card: card.evidence, still: still.evidence });
    }
  }
}

define("steps-panel", StepsPanelElement);
