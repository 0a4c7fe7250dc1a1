/** The one-time code: sending it, and what became of it. Asks by `code-request`. */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t } from "../../web_kit/i18n.js";
import { verdictBadge } from "../../web_kit/record/face_match.js";
import { ask, define } from "../../web_kit/record/part.js";
import { timeOfDay, wordFor } from "../../web_kit/record/words.js";
import { CheckElement, workButton } from "./check_element.js";
import { isWorking } from "./working.js";

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
  /** What was last drawn of the code. @type {string | undefined} */
  drawn = undefined;

  connectedCallback() {
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  /** @override */
  build() {
    super.build();
    this.left = h("p", { class: "numbers soft" });
  }

  /** @override */
  redraw(/** @type {CheckShown} */ { view, working, live, able }) {
    const code = view.identity.codes.at(-1);
    const state = code && stateOf(code);
    this.drawn = state;
    this.say(code ? sent(code) : []);
    mount(this.rest, state === "waiting" && this.left, live && h("div", { class: "row wrap" }, CHANNELS.map((channel) => workButton({ key: `code:${channel}`,
      words: t(code ? "code.again" : "code.send", { channel: wordFor("channel", channel) }), busy: working.includes(`code:${channel}`), able: able && !isWorking(working, "code"), primary: !code && channel === "sms",
      act: () => ask(this, "code-request", { channel }) })))); // prettier-ignore
    this.tick();
  }

  tick() {
    const code = this.shown?.view.identity.codes.at(-1);
    const state = code && stateOf(code);
    if (code && this.left && state === "waiting") {
      this.left.textContent = t("code.left", { time: clock(code.expires_at - Date.now() / 1000) });
    } else if (state !== this.drawn) {
      this.again();
    }
  }
}

/** @param {Code} code @returns {import("../../web_kit/dom.js").Child[]} */
function sent(code) {
  const state = stateOf(code);
  const count = code.tried?.left ?? code.attempts;
  return [
    h("p", {}, t("code.sent", { channel: wordFor("channel", code.channel), to: code.pii_to_masked, time: timeOfDay(code.at) })),
    state === "waiting" ? h("p", {}, t("code.waiting", { count })) : state === "expired" ? h("p", { class: "warn-text" }, t("code.expired"))
      : h("div", { class: "row" }, verdictBadge(state), t(`code.${state}`)),
    state === "waiting" && code.tried && h("p", { class: "warn-text small" }, t("code.wrong")),
  ]; // prettier-ignore
}

define("code-check", CodeCheckElement);
