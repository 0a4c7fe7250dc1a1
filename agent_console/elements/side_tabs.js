/** Chat, the checks at a glance, pictures and the story of the case, one at a time. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { NO_IDENTITY } from "../../web_kit/record/identity/projection.js";
import { ask, define, part, PartElement } from "../../web_kit/record/part.js";
import "../../web_kit/record/fact_list.js";
import { factWords, timeOfDay } from "../../web_kit/record/words.js";
import "../checks/live_checks.js";
import "./chat_panel.js";
import "./picture_gallery.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */
/** @typedef {"chat" | "checks" | "pictures" | "facts"} Tab */

const TABS = /** @type {const} */ (["chat", "checks", "pictures", "facts"]);

/** @extends {PartElement<ConsoleState>} */
export class SideTabsElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ { view, link, uploads, call, working, script }) {
    return [view, link, uploads, call, working, script];
  }

  /** @override */
  build() {
    /** @type {Tab} */
    this.open = "chat";
    /** Only the tabs themselves are shown: the script has the height. */
    this.folded = false;
    /** What had been there when a tab was last looked at. @type {Record<Tab, number>} */
    this.seen = { chat: 0, checks: 0, pictures: 0, facts: 0 };
    this.chat = /** @type {import("./chat_panel.js").ChatPanelElement} */ (part("chat-panel"));
    this.checks = /** @type {import("../checks/live_checks.js").LiveChecksElement} */ (part("live-checks"));
    this.pictures = /** @type {import("./picture_gallery.js").PictureGalleryElement} */ (part("picture-gallery"));
    this.facts = /** @type {import("../../web_kit/record/fact_list.js").FactListElement} */ (part("fact-list"));
    this.panels = { chat: this.chat, checks: this.checks, pictures: this.pictures, facts: this.facts };
    for (const [name, panel] of Object.entries(this.panels)) {
      panel.id = `panel-${name}`;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", `tab-${name}`);
    }
    this.tabs = TABS.map((name) => h("button", { class: "tab", type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`,
      onclick: () => this.turnTo(name), onkeydown: (/** @type {KeyboardEvent} */ event) => this.step(event) }, t(`tab.${name}`), h("span", { class: "count" }))); // prettier-ignore
    mount(this, h("div", { class: "tabs", role: "tablist", "aria-label": t("tab.label") }, this.tabs), this.chat, this.checks, this.pictures, this.facts);
    this.turnTo("chat");
  }

  /** Give the height to the script, or take it back; tells so by `side-folded`. @param {boolean} folded */
  fold(folded) {
    this.folded = folded;
    this.toggleAttribute("data-folded", folded);
    this.drawCounts();
    ask(this, "side-folded", { folded });
  }

  /** @param {Tab} name */
  turnTo(name) {
    this.open = name;
    this.dataset.tab = name;
    for (const tab of this.tabs ?? []) {
      const here = tab.id === `tab-${name}`;
      tab.setAttribute("aria-selected", String(here));
      tab.tabIndex = here ? 0 : -1;
    }
    for (const [tab, panel] of Object.entries(this.panels ?? {})) {
      panel.hidden = tab !== name;
    }
    this.fold(false);
  }

  /** @param {KeyboardEvent} event */
  step(event) {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const next = TABS[(TABS.indexOf(this.open ?? "chat") + by + TABS.length) % TABS.length];
    if (by && next) {
      this.turnTo(next);
      this.tabs?.find((tab) => tab.id === `tab-${next}`)?.focus();
    }
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state) {
    const lines = state.view.timeline.map((entry) => ({
      seq: entry.seq, clock: timeOfDay(entry.at), ...factWords(entry, state.view), jump: false })); // prettier-ignore
    this.chat?.show(state);
    this.checks?.show(state);
    this.pictures?.show(state);
    this.facts?.show({ lines, current: null, follow: true });
    this.drawCounts();
  }

  /** How much came in that has not been looked at. */
  drawCounts() {
    const { view, call } = this.shown ?? {};
    const there = { chat: view?.chat.filter((line) => line.seat !== call?.seat).length ?? 0, checks: findings(view), pictures: view?.evidence.length ?? 0, facts: 0 };
    TABS.forEach((name, index) => {
      const seen = this.seen ?? there;
      seen[name] = this.open === name && !this.folded ? there[name] : Math.min(seen[name], there[name]);
      const unread = there[name] - seen[name];
      const badge = this.tabs?.[index]?.querySelector(".count");
      badge?.replaceChildren(unread ? String(unread) : "");
      badge?.toggleAttribute("hidden", !unread);
    });
  }

  /** Open the chat and write. */
  focusChat() {
    this.turnTo("chat");
    this.chat?.input?.focus();
  }
}

/** How many results of checks there are. @param {ConsoleState["view"] | undefined} view */
function findings(view) {
  const { portraits, runs, outside, readings } = view?.identity ?? NO_IDENTITY;
  return portraits.length + readings.length + runs.filter((run) => run.result).length + outside.filter((one) => one.answer).length;
}

define("side-tabs", SideTabsElement);
