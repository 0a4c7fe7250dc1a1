/** What a supervisor reads beside the pictures: chat, script and story of the call, one at a time. */

import { h, mount } from "../../web_kit/dom.js";
import { language, t } from "../../web_kit/i18n.js";
import { ask, define, part, PartElement } from "../../web_kit/record/part.js";
import "../../web_kit/record/fact_list.js";
import { factWords, timeOfDay, wordFor } from "../../web_kit/record/words.js";
import { myself, silenced } from "../stage/windows.js";
import { KeyedRows, say } from "./keyed_rows.js";

/**
 * @typedef {import("../state.js").ConsoleState} ConsoleState
 * @typedef {import("../../web_kit/record/projection.js").ChatLine} ChatLine
 * @typedef {import("../../web_kit/wire").StepSeen} StepSeen
 */

const TABS = /** @type {const} */ (["chat", "script", "facts"]);
const LINE_MAX = 2000;
/** @type {Readonly<Record<string, string>>} */
const STEP_TONES = { passed: "good", review: "warn", failed: "bad", waived: "warn", waiting: "warn" };

/** @extends {PartElement<ConsoleState>} */
export class WatchSideElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ { view, script, call, link }) {
    return [view, script, call?.parties, call?.phase, link];
  }

  /** @override */
  build() {
    this.lines = h("ol", { class: "watch-lines", role: "log", tabindex: "0", "aria-label": t("watch.tab.chat") });
    this.chatRows = new KeyedRows(this.lines, (/** @type {ChatLine & {nr: number}} */ { nr }) => String(nr), chatLine);
    this.input = h("input", { class: "input", maxlength: LINE_MAX, "aria-label": t("watch.write"), placeholder: t("watch.write"), autocomplete: "off" });
    this.form = h("form", { class: "row watch-form", onsubmit: (/** @type {Event} */ event) => this.askChat(event) }, this.input, h("button", { class: "button primary", type: "submit" }, t("watch.send")));
    this.quiet = h("p", { class: "soft small watch-quiet" }, t("watch.read_only"));
    this.steps = h("ol", { class: "watch-steps" });
    this.stepRows = new KeyedRows(this.steps, (/** @type {StepSeen} */ { id }) => id, stepLine);
    this.facts = /** @type {import("../../web_kit/record/fact_list.js").FactListElement} */ (part("fact-list"));
    this.panels = { chat: h("div", { class: "watch-panel" }, this.lines, this.form, this.quiet), script: h("div", { class: "watch-panel" }, this.steps), facts: h("div", { class: "watch-panel" }, this.facts) };
    this.tabs = TABS.map((name) => h("button", { class: "tab", type: "button", role: "tab", id: `watch-tab-${name}`, "aria-controls": `watch-panel-${name}`,
      onclick: () => this.turnTo(name), onkeydown: (/** @type {KeyboardEvent} */ event) => this.step(event) }, t(`watch.tab.${name}`))); // prettier-ignore
    for (const [name, panel] of Object.entries(this.panels)) {
      panel.id = `watch-panel-${name}`;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", `watch-tab-${name}`);
    }
    mount(this, h("div", { class: "tabs", role: "tablist", "aria-label": t("watch.tabs") }, this.tabs), ...Object.values(this.panels));
    this.turnTo("chat");
  }

  /** @param {(typeof TABS)[number]} open */
  turnTo(open) {
    this.open = open;
    TABS.forEach((name, index) => {
      this.panels?.[name].toggleAttribute("hidden", name !== open);
      this.tabs?.[index]?.setAttribute("aria-selected", String(name === open));
      this.tabs?.[index]?.setAttribute("tabindex", name === open ? "0" : "-1");
    });
  }

  /** @param {KeyboardEvent} event */
  step(event) {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? TABS.length - 1 : 0;
    const next = TABS[(TABS.indexOf(this.open ?? "chat") + by) % TABS.length];
    if (by && next) {
      this.turnTo(next);
      this.tabs?.[TABS.indexOf(next)]?.focus();
    }
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state) {
    const { view, script, link } = state;
    const talking = myself(state)?.mode === "talking";
    const why = talking ? silenced(state) : "";
    this.form?.toggleAttribute("hidden", !talking || why !== "");
    this.form?.querySelector("button")?.toggleAttribute("disabled", link !== "open");
    this.quiet?.toggleAttribute("hidden", talking && why === "");
    this.quiet && say(this.quiet, talking ? why && t(`chat.closed.${why}`) : t("watch.read_only"));
    const atEnd = this.lines && this.lines.scrollTop + this.lines.clientHeight >= this.lines.scrollHeight - 8;
    this.chatRows?.show(view.chat.map((line, nr) => ({ ...line, nr })));
    if (this.lines && atEnd) {
      this.lines.scrollTop = this.lines.scrollHeight;
    }
    this.stepRows?.show(script?.steps ?? []);
    const lines = view.timeline.map((entry) => ({ seq: entry.seq, clock: timeOfDay(entry.at), ...factWords(entry, view), jump: false }));
    this.facts?.show({ lines, current: null, follow: true });
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

/** @param {ChatLine} line */
function chatLine({ role, text, at, file }) {
  const said = file ? t("watch.file", { name: file.pii_name }) : text;
  const element = h("li", { class: role === "customer" ? "from-customer" : "from-staff" },
    h("span", { class: "soft small" }, `${wordFor("role", role)} · ${timeOfDay(at)}`), h("span", { class: "said" }, said)); // prettier-ignore
  return { element, draw: () => {} };
}

/** @param {StepSeen} step */
function stepLine({ zh, en }) {
  const state = h("span", { class: "badge" });
  const answer = h("span", { class: "soft small" });
  const element = h("li", {}, h("span", { class: "grow" }, language() === "en" ? en : zh, " ", answer), state);
  const draw = (/** @type {StepSeen} */ now) => {
    const chosen = now.answers.find((one) => one.id === now.answer);
    say(answer, chosen ? (language() === "en" ? chosen.en : chosen.zh) : "");
    say(state, wordFor("watch.step", now.state));
    state.className = `badge ${STEP_TONES[now.state] ?? "plain"}`;
  };
  return { element, draw };
}

define("watch-side", WatchSideElement);
