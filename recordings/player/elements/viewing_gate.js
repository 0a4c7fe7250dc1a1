/**
 * Before anything of a record is shown: why it is looked at. Asks by `viewing-request` with `{reason, note}`.
 */

import { h, mount } from "../../web_kit/dom.js";
import { t, tCode } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";

/** @typedef {import("../state.js").PlayerState} PlayerState */

export const REASONS = ["audit", "quality", "complaint", "dispute", "investigation", "authority", "other"];

/** @extends {PartElement<PlayerState>} */
export class ViewingGateElement extends PartElement {
  /** @override */
  looksAt(/** @type {PlayerState} */ { viewProblem }) {
    return [viewProblem];
  }

  /** @override */
  build() {
    const choice = (/** @type {string} */ reason, /** @type {number} */ index) =>
      h("label", { class: "reason-choice" }, h("input", { type: "radio", name: "reason", value: reason, checked: index === 0, onchange: () => this.gotChoice() }), h("span", {}, wordFor("view_reason", reason)));
    this.note = h("input", { class: "input", id: "viewing-note", maxlength: 500, placeholder: t("gate.note_hint") });
    this.problem = h("p", { class: "problem", role: "alert" });
    this.form = h("form", { class: "card stack gate", "aria-labelledby": "gate-title", onsubmit: (/** @type {Event} */ event) => this.gotReason(event) },
      h("div", { class: "row" }, icon("shield"), h("h2", { id: "gate-title" }, t("gate.title"))),
      h("p", { class: "soft" }, t("gate.text")),
      h("fieldset", { class: "reasons" }, h("legend", {}, t("gate.reason")), REASONS.map(choice)),
      h("label", { for: "viewing-note" }, t("gate.note")), this.note, this.problem,
      h("button", { class: "button primary", type: "submit" }, icon("play"), t("gate.enter"))); // prettier-ignore
    mount(this, this.form);
  }

  /** @override */
  draw(/** @type {PlayerState} */ { viewProblem }) {
    this.problem?.replaceChildren(viewProblem ? tCode("error", viewProblem) : "");
  }

  /** Another reason than those of the list must be written. */
  gotChoice() {
    if (this.note) {
      this.note.required = this.chosen() === "other";
    }
  }

  chosen() {
    return String(this.form ? new FormData(this.form).get("reason") : "");
  }

  /** @param {Event} event */
  gotReason(event) {
    event.preventDefault();
    ask(this, "viewing-request", { reason: this.chosen(), note: this.note?.value.trim() ?? "" });
  }
}

define("viewing-gate", ViewingGateElement);
