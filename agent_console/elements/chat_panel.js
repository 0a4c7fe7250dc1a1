/** Chat lines as the journal holds them, and the line to write the next. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { timeOfDay } from "../../web_kit/record/words.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */

const LINE_MAX = 2000;

/** @extends {PartElement<ConsoleState>} */
export class ChatPanelElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ { view, link }) {
    return [view.chat, link];
  }

  /** @override */
  build() {
    this.lines = h("ol", { class: "chat-lines", role: "log", "aria-live": "polite", tabindex: "0", "aria-label": t("chat.title") });
    this.input = h("input", { class: "input", maxlength: LINE_MAX, placeholder: t("chat.write"), "aria-label": t("chat.write"), autocomplete: "off" });
    this.send = h("button", { class: "button primary", type: "submit", "aria-label": t("chat.send") }, icon("send"));
    mount(this, this.lines, h("form", { class: "chat-form", onsubmit: (/** @type {Event} */ event) => this.askChat(event) }, this.input, this.send));
  }

  /** @override */
  draw(/** @type {ConsoleState} */ { view, link }) {
    const lines = view.chat.map(({ role, text, at }) =>
      h("li", { class: role === "agent" ? "mine" : "theirs" }, h("span", { class: "said" }, text), h("time", { class: "soft small" }, timeOfDay(at)))); // prettier-ignore
    if (this.lines) {
      mount(this.lines, lines.length ? lines : h("li", { class: "soft empty" }, t("chat.none")));
      this.lines.scrollTop = this.lines.scrollHeight;
    }
    if (this.send) {
      this.send.disabled = link !== "open";
    }
  }

  /** @param {Event} event */
  askChat(event) {
    event.preventDefault();
    const text = this.input?.value.trim();
    if (text && this.input) {
      ask(this, "chat-request", { text });
      this.input.value = "";
    }
  }
}

define("chat-panel", ChatPanelElement);
