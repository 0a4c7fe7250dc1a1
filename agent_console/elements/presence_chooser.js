/**
 * What the agent does: ready, on a break and why, wrapping up and for how long yet. Asks by
 * `presence-request`; shows what the desk says.
 */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t } from "../../web_kit/i18n.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";
import { now } from "../session.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */

const CHOICES = /** @type {const} */ (["ready", "break"]);
const REASONS = /** @type {const} */ (["meal", "rest", "meeting", "training", "other"]);

/** Somebody waits and this agent could help: the way must be seen. @param {string} presence @param {number} waiting */
const isWanted = (presence, waiting) => waiting > 0 && presence === "break";

/** @extends {PartElement<ConsoleState>} */
export class PresenceChooserElement extends PartElement {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  timer = undefined;

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  /** @override */
  looksAt(/** @type {ConsoleState} */ { doing, waiting, link }) {
    return [doing, waiting, link];
  }

  /** @override */
  build() {
    this.buttons = CHOICES.map((choice) => h("button", { type: "button", class: `choice ${choice}`, onclick: () => ask(this, "presence-request", { presence: choice }) },
      h("i", { class: "dot", "aria-hidden": "true" }), h("span", {}, t(`presence.${choice}`)), h("small", {}))); // prettier-ignore
    this.reasons = h("div", { class: "reasons", role: "group", "aria-label": t("presence.reason") });
    this.other = h("p", { class: "notice" });
    mount(this, h("div", { class: "presence", role: "group", "aria-label": t("presence.label") }, this.buttons), this.reasons, this.other);
    this.timer = setInterval(() => this.tick(), 1000);
  }

  /** @override */
  draw(/** @type {ConsoleState} */ { doing, waiting, link }) {
    for (const [index, choice] of CHOICES.entries()) {
      const button = this.buttons?.[index];
      button?.setAttribute("aria-pressed", String(doing.presence === choice));
      button?.toggleAttribute("disabled", link !== "open");
    }
    this.buttons?.[0]?.classList.toggle("wanted", isWanted(doing.presence, waiting));
    this.drawReasons(doing, link);
    this.tick();
  }

  /** @param {ConsoleState["doing"]} doing @param {string} link */
  drawReasons({ presence, reason }, link) {
    if (!this.reasons) {
      return;
    }
    this.reasons.hidden = presence !== "break";
    const had = this.reasons.contains(document.activeElement) ? document.activeElement?.getAttribute("data-reason") : null;
    mount(this.reasons, h("span", { class: "soft small" }, t("presence.reason")), REASONS.map((word) =>
      h("button", { type: "button", class: "chip", "data-reason": word, "aria-pressed": String(word === reason), disabled: link !== "open",
        onclick: () => ask(this, "presence-request", { presence: "break", reason: word }) }, t(`break_reason.${word}`)))); // prettier-ignore
    /** @type {HTMLElement | null} */ (had ? this.reasons.querySelector(`[data-reason="${had}"]`) : null)?.focus();
  }

  tick() {
    const { doing, waiting } = this.shown ?? {};
    if (!doing || waiting === undefined) {
      return;
    }
    const since = t("presence.since", { time: clock(now() - doing.since) });
    for (const [index, choice] of CHOICES.entries()) {
      const calm = doing.presence === choice ? since : t(`presence.${choice}_hint`);
      const words = choice === "ready" && isWanted(doing.presence, waiting) ? t("presence.wanted", { count: waiting }) : calm;
      const small = this.buttons?.[index]?.querySelector("small");
      small && small.textContent !== words && small.replaceChildren(words);
    }
    this.tickOther(doing);
  }

  /** What is neither of the two, in words. @param {ConsoleState["doing"]} doing */
  tickOther({ presence, reason, endsAt }) {
    if (!this.other) {
      return;
    }
    const wrapping = presence === "wrap_up" && endsAt !== null ? t("wrap.left_s", { time: clock(endsAt - now()) }) : "";
    // The desk itself sets these reasons, which the agent did not choose.
    const told = presence === "break" && !REASONS.some((word) => word === reason) ? wordFor("break_reason", reason) : "";
    const words = wrapping || told;
    this.other.hidden = words === "";
    if (this.other.textContent !== words) {
      this.other.replaceChildren(words);
    }
  }
}

define("presence-chooser", PresenceChooserElement);
