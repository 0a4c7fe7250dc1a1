/** The one-time code: sending it, and what became of it. Asks by `code-request`. */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t } from "../../web_kit/i18n.js";
import { verdictBadge } from "../../web_kit/record/face_match.js";
import { ask, define } from "../../web_kit/record/part.js";
import { timeOfDay, wordFor } from "../../web_kit/record/words.js";
import { CheckElement, workButton } from "./check_element.js";

/**
 * @typedef {import("./check_element.js").CheckShown} CheckShown
 * @typedef {import("../../web_kit/record/identity/projection.js").Code} Code
 */

const CHANNELS = /** @type {const} */ (["sms", "email"]);
const TICK_MS = 1000;

/** Whether a code can still be entered, and if not, what it came to. @param {Code} code @returns {"waiting" | "passed" | "failed" | "expired"} */
function stateOf({ tried, expires_at: until }) {
  if (tried?.right) {
    return "passed";
  }
  return tried?.left === 0 ? "failed" : Date.now() / 1000 >= until ? "expired" : "waiting";
}

export class CodeCheckElement extends CheckElement {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  timer = undefined;

  connectedCallback() {
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  /** @override */
  build() {
    this.left = h("span", { class: "numbers" });
  }

  /** @override */
  redraw(/** @type {CheckShown} */ { view, working, live, able }) {
    const code = view.identity.codes.at(-1);
    mount(this, code && this.sent(code), live && h("div", { class: "row wrap" }, CHANNELS.map((channel) => workButton({ key: `code:${channel}`,
      words: t(code ? "code.again" : "code.send", { channel: wordFor("channel", channel) }), busy: working.includes("code"), able, primary: !code && channel === "sms",
      act: () => ask(this, "code-request", { channel }) })))); // prettier-ignore
    this.tick();
  }

  /** @param {Code} code */
  sent(code) {
    const state = stateOf(code);
    const left = code.tried?.left ?? code.attempts;
    const open = { waiting: [h("p", {}, t("code.waiting", { count: left }), " ", this.left)], expired: [h("p", { class: "warn-text" }, t("code.expired"))] };
    return h("div", { class: "stack tight", role: "status", "data-state": state },
      h("p", {}, t("code.sent", { channel: wordFor("channel", code.channel), to: code.pii_to_masked, time: timeOfDay(code.at) })),
      state === "passed" || state === "failed" ? h("div", { class: "row" }, verdictBadge(state), t(`code.${state}`)) : open[state],
      state === "waiting" && code.tried && h("p", { class: "warn-text small" }, t("code.wrong"))); // prettier-ignore
  }

  tick() {
    const code = this.shown?.view.identity.codes.at(-1);
    const state = code && stateOf(code);
    const shown = this.querySelector("[data-state]")?.getAttribute("data-state");
    if (code && this.left && state === "waiting") {
      this.left.textContent = t("code.left", { time: clock(code.expires_at - Date.now() / 1000) });
    } else if (state && shown && state !== shown) {
      this.again();
    }
  }
}

define("code-check", CodeCheckElement);
