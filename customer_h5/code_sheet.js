/**
 * The one-time code: typed under the bar above, where a phone's keyboard does not cover it.
 *
 * @import { Session } from "./session.js"
 * @import { Code } from "./identity_state.js"
 * @import { State } from "./state.js"
 */

import { h, mount } from "../web_kit/dom.js";
import { clock, t } from "../web_kit/i18n.js";
import { icon } from "../web_kit/icons.js";
import { drafts } from "./state.js";

const DRAFT = "code";

/**
 * The digits of what was typed or pasted; full-width ones as well.
 *
 * @param {string} text
 * @param {number} most
 */
function digitsOf(text, most) {
  return text.normalize("NFKC").replace(/\D/g, "").slice(0, most);
}

/** @param {Session} session */
export function codeSheet(session) {
  const sheet = new CodeSheet(session);
  return { node: sheet.node, update: (/** @type {Readonly<State>} */ state) => sheet.update(state), tick: () => sheet.tick() };
}

class CodeSheet {
  /** @param {Session} session */
  constructor(session) {
    this._session = session;
    this.node = h("section", { class: "code-sheet", hidden: true, "aria-label": t("code.title") });
    /** @type {Code | null} */
    this._code = null;
    this._field = h("input", {
      id: "code-field", class: "input code-field", type: "text", inputmode: "numeric", autocomplete: "one-time-code", pattern: "[0-9]*",
      "aria-describedby": "code-words", oninput: () => this._typed(), onkeydown: (/** @type {KeyboardEvent} */ event) => void (event.key === "Enter" && this._send()),
    }); // prettier-ignore
    this._go = h("button", { class: "button primary", type: "button", onclick: () => this._send() }, t("code.send"));
    this._words = h("p", { id: "code-words", role: "status" });
    this._time = h("span", { class: "numbers small" });
    this._wish = h("button", { class: "button quiet compact", type: "button", onclick: () => this._ask() }, t("code.wish"));
  }

  /** @param {Readonly<State>} state */
  update({ code }) {
    this.node.hidden = code === null;
    if (code === this._code) return;
    const was = this._code;
    this._code = code;
    if (!code) {
      mount(this.node);
    } else if (code.phase === "thanks" || code.phase === "agent_helps") {
      drafts.delete(DRAFT);
      mount(this.node, h("p", { class: "code-over", role: "status" }, icon(code.phase === "thanks" ? "check" : "headset"), t(`code.over.${code.phase}`)));
    } else {
      if (code.wrong && was && was.phase === "checking") drafts.delete(DRAFT);
      this._again(code, !was || was.check !== code.check || !this._field.isConnected);
    }
  }

  /**
   * @param {Code} code
   * @param {boolean} anew
   */
  _again({ digits, channel, left, phase, wrong }, anew) {
    if (anew) this._draw(digits, channel);
    this._field.value = drafts.get(DRAFT) || "";
    this._wish.disabled = false;
    const words = phase === "checking" ? t("code.checking") : wrong ? t("code.wrong", { left }) : t("code.left", { left });
    this._words.classList.toggle("bad-words", phase === "enter" && wrong);
    this._words.textContent = words;
    this._typed();
    this.tick();
    if (phase === "enter") this._field.focus();
  }

  /**
   * @param {number} digits
   * @param {Code["channel"]} channel
   */
  _draw(digits, channel) {
    const label = h("label", { class: "code-label", for: "code-field" }, t(`code.title.${channel}`, { digits }));
    mount(this.node, label, h("div", { class: "row" }, this._field, this._go), this._words, h("div", { class: "row" }, h("span", { class: "grow" }, this._time), this._wish));
  }

  /** The time that is left, as long as there is any. */
  tick() {
    const { _code: code } = this;
    if (!code || (code.phase !== "enter" && code.phase !== "checking")) return;
    const left = (code.endsAt - performance.now()) / 1000;
    const words = left > 0 ? t("code.time", { time: clock(left) }) : t("code.expired");
    if (this._time.textContent !== words) this._time.textContent = words;
    this._allow();
  }

  _typed() {
    const { _code: code } = this;
    if (!code) return;
    const digits = digitsOf(this._field.value, code.digits);
    if (digits !== this._field.value) this._field.value = digits;
    drafts.set(DRAFT, digits);
    this._allow();
  }

  _allow() {
    const { _code: code } = this;
    const whole = code !== null && this._field.value.length === code.digits;
    this._go.disabled = !whole || !code || code.phase !== "enter" || code.endsAt <= performance.now();
  }

  _send() {
    if (this._go.disabled) return;
    if (!this._session.identity.enterCode(this._field.value)) this._words.textContent = t("code.offline");
  }

  _ask() {
    if (!this._session.identity.askCode()) {
      this._words.textContent = t("code.offline");
      return;
    }
    this._wish.disabled = true;
    this._words.textContent = t("code.wished");
  }
}
