/** Chat and the story of the case, one at a time. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { define, part, PartElement } from "../../web_kit/record/part.js";
import "../../web_kit/record/fact_list.js";
import { factWords, timeOfDay } from "../../web_kit/record/words.js";
import "./chat_panel.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */

const TABS = /** @type {const} */ (["chat", "facts"]);

/** @extends {PartElement<ConsoleState>} */
export class SideTabsElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ { view, link }) {
    return [view.timeline, view.chat, link];
  }

  /** @override */
  build() {
    this.open = "chat";
    this.chat = /** @type {import("./chat_panel.js").ChatPanelElement} */ (part("chat-panel"));
    this.facts = /** @type {import("../../web_kit/record/fact_list.js").FactListElement} */ (part("fact-list"));
    const panels = { chat: this.chat, facts: this.facts };
    for (const [name, panel] of Object.entries(panels)) {
      panel.id = `panel-${name}`;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", `tab-${name}`);
    }
    this.tabs = TABS.map((name) => h("button", { class: "tab", type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`,
      onclick: () => this.turnTo(name), onkeydown: (/** @type {KeyboardEvent} */ event) => this.step(event) }, t(`tab.${name}`), h("span", { class: "count" }))); // prettier-ignore
    mount(this, h("div", { class: "tabs", role: "tablist", "aria-label": t("tab.label") }, this.tabs), this.chat, this.facts);
    this.turnTo("chat");
  }

  /** @param {string} name */
  turnTo(name) {
    this.open = name;
    for (const tab of this.tabs ?? []) {
      const here = tab.id === `tab-${name}`;
      tab.setAttribute("aria-selected", String(here));
      tab.tabIndex = here ? 0 : -1;
    }
    if (this.chat && this.facts) {
      this.chat.hidden = name !== "chat";
      this.facts.hidden = name !== "facts";
    }
    this.drawCount();
  }

  /** @param {KeyboardEvent} event */
  step(event) {
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      this.turnTo(this.open === "chat" ? "facts" : "chat");
      this.tabs?.find((tab) => tab.id === `tab-${this.open}`)?.focus();
    }
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state) {
    const lines = state.view.timeline.map((entry) => ({
      seq: entry.seq, clock: timeOfDay(entry.at), ...factWords(entry, state.view), jump: false })); // prettier-ignore
    this.chat?.show(state);
    this.facts?.show({ lines, current: null, follow: true });
    this.drawCount();
  }

  /** How many lines of the customer have not been looked at. */
  drawCount() {
    const said = this.shown?.view.chat.filter((line) => line.role === "customer").length ?? 0;
    this.seen = this.open === "chat" ? said : Math.min(this.seen ?? 0, said);
    const unread = said - this.seen;
    const badge = this.tabs?.[0]?.querySelector(".count");
    badge?.replaceChildren(unread ? String(unread) : "");
    badge?.toggleAttribute("hidden", !unread);
  }
}

define("side-tabs", SideTabsElement);
