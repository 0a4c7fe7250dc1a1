/** What is written down after a conversation: tags, what comes next, a note. Asks by `wrap-request`. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { timeOfDay } from "../../web_kit/record/words.js";
import { said } from "./script_panel.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */

const NOTE_MAX = 2000;

/** @extends {PartElement<ConsoleState>} */
export class WrapFormElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ { script, view, link }) {
    return [script?.tags, script?.next_actions, view.wrapUp, link];
  }

  /** @override */
  build() {
    this.tags = h("fieldset", { class: "chips" });
    this.next = h("select", { class: "input", id: "wrap-next", name: "next" });
    this.note = h("textarea", { class: "input", id: "wrap-note", name: "note", rows: 3, maxlength: NOTE_MAX, placeholder: t("wrap.note_hint") });
    this.save = h("button", { class: "button", type: "submit" }, t("wrap.save"));
    this.saved = h("span", { class: "soft small", role: "status" });
    this.form = h("form", { class: "stack", onsubmit: (/** @type {Event} */ event) => this.gotSubmit(event) }, this.tags,
      h("div", { class: "stack tight" }, h("label", { for: "wrap-next" }, t("wrap.next")), this.next),
      h("div", { class: "stack tight" }, h("label", { for: "wrap-note" }, t("wrap.note")), this.note),
      h("div", { class: "row" }, this.save, this.saved)); // prettier-ignore
    this.form.addEventListener("input", () => (this.touched = true));
    mount(this, this.form);
  }

  /** @override */
  draw(/** @type {ConsoleState} */ { script, view, link }, /** @type {ConsoleState | undefined} */ was) {
    if (!this.tags || !this.next || !this.save || !this.saved) {
      return;
    }
    if (script?.tags !== was?.script?.tags || !was) {
      mount(this.tags, h("legend", {}, t("wrap.tags")), (script?.tags ?? []).map((tag) =>
        h("label", { class: "chip" }, h("input", { type: "checkbox", name: "tag", value: tag.id }), said(tag)))); // prettier-ignore
      this.tags.hidden = !script?.tags.length;
      mount(this.next, h("option", { value: "" }, t("wrap.no_next")), (script?.next_actions ?? []).map((one) => h("option", { value: one.id }, said(one))));
    }
    this.save.disabled = link !== "open";
    mount(this.saved, view.wrapUp && icon("check"), view.wrapUp && t("wrap.saved", { time: timeOfDay(view.wrapUp.at) }));
  }

  /** Send what was written since it was last sent; nothing written, nothing sent. */
  askSave() {
    if (this.touched && this.form) {
      const data = new FormData(this.form);
      this.touched = false;
      ask(this, "wrap-request", { tags: data.getAll("tag"), next_action: String(data.get("next") ?? ""), note: this.note?.value.trim() ?? "" });
    }
  }

  /** @param {Event} event */
  gotSubmit(event) {
    event.preventDefault();
    this.touched = true;
    this.askSave();
  }
}

define("wrap-form", WrapFormElement);
