/**
 * A liveness check on the customer's screen: what comes, what to do now, and a neutral word when it is over.
 *
 * @import { Session } from "./session.js"
 * @import { Live, Step } from "./identity_state.js"
 * @import { State } from "./state.js"
 */

import { h, mount } from "../web_kit/dom.js";
import { t, tCode } from "../web_kit/i18n.js";
import { icon } from "../web_kit/icons.js";
import { gestureGuide, lightGuide, ring } from "./guides.js";
import { ownPicture } from "./own_picture.js";
import { canSpeak } from "./speaking.js";

// The guide shows one gesture a customer may be asked for.
const EXAMPLE = "turn_left";
// Digits come one after the other, so that there is a pause between them: what is heard and what moves can
// then be told apart. First the words are spoken; after the last digit comes a rest, and it begins again.
const DIGITS_BEGIN_MS = 2500;
const DIGIT_MS = 1500;
const DIGIT_ELDER_MS = 2000;
const DIGITS_REST = 2;

/**
 * @param {string} label
 * @param {() => unknown} onclick
 * @param {string} [kind]
 * @param {Element} [sign]
 */
function button(label, onclick, kind = "", sign) {
  return h("button", { class: `button big ${kind}`, type: "button", onclick }, sign, label);
}

/** What the whole screen may show is best shown without the browser's own bars; phones may refuse. */
function fillScreen() {
  const page = document.documentElement;
  if (page.requestFullscreen && !document.fullscreenElement) void page.requestFullscreen().catch(() => undefined);
}

function leaveScreen() {
  if (document.fullscreenElement) void document.exitFullscreen().catch(() => undefined);
}

/**
 * Whether the sheet covers the call. Without a line nothing can be done here, and the call says so.
 *
 * @param {Readonly<State>} state
 */
export function isUp({ live, dropped }) {
  return live !== null && !live.away && !dropped && live.phase !== "look" && live.phase !== "light";
}

/** @param {Session} session */
export function liveSheet(session) {
  const sheet = new LiveSheet(session);
  return { node: sheet.node, update: (/** @type {Readonly<State>} */ state) => sheet.update(state), tick: () => sheet.tick() };
}

class LiveSheet {
  /** @param {Session} session */
  constructor(session) {
    this._session = session;
    this._own = ownPicture(t("call.self"));
    this.node = h("section", { class: "live", hidden: true, "aria-label": t("live.title") });
    this._drawn = "";
    this._filled = false;
    /** @type {Step | null} */
    this._step = null;
    this._total = 1;
    this._digitMs = DIGIT_MS;
    /** @type {HTMLElement[]} */
    this._digits = [];
    this._muted = h("p", { class: "notice warn live-muted", role: "alert" }, icon("microphone-off"), h("span", { class: "grow" }, t("live.muted")),
      h("button", { class: "button compact", type: "button", onclick: () => session.devices.setMuted(false) }, t("call.unmute"))); // prettier-ignore
    this._ring = ring();
    this._seconds = h("span", { class: "numbers" });
  }

  /** @param {Readonly<State>} state */
  update(state) {
    const { live } = state;
    this._own.update(state);
    this._muted.hidden = !state.muted;
    this.node.hidden = !isUp(state) && !(live && live.phase === "look");
    if (this._filled && (!live || live.away || live.phase === "thanks" || live.phase === "agent_helps")) {
      this._filled = false;
      leaveScreen();
    }
    const { phase = "", step = null } = live || {};
    const drawn = live ? `${live.check} ${phase} ${step ? `${step.attempt} ${step.index}` : ""}` : "";
    if (drawn === this._drawn) return;
    this._drawn = drawn;
    this._step = step;
    if (!live) {
      mount(this.node);
      return;
    }
    this.node.dataset.kind = live.kind;
    this.node.dataset.phase = phase;
    this.node.classList.toggle("elder", live.elder);
    this._draw(live);
    this.tick();
  }

  /** The countdown goes on. */
  tick() {
    const { _step: step } = this;
    if (!step) return;
    const left = Math.max(0, step.endsAt - performance.now());
    this._ring.show(left / this._total);
    this._seconds.textContent = String(Math.ceil(left / 1000));
    const turn = Math.floor((performance.now() - step.askedAt - DIGITS_BEGIN_MS) / this._digitMs);
    const now = turn < 0 ? -1 : turn % (this._digits.length + DIGITS_REST);
    this._digits.forEach((digit, index) => digit.classList.toggle("now", index === now));
  }

  /** @param {Live} live */
  _draw(live) {
    const { phase } = live;
    if (phase === "look") this._look();
    else if (phase === "explain") this._explain(live);
    else if (phase === "step" && live.step) this._prompt(live.step, live.elder);
    else if (phase === "wait") this._wait(live);
    else if (phase === "again") this._again(live);
    else if (phase !== "light") this._over(phase);
    const first = this.node.querySelector(".primary");
    if (first instanceof HTMLElement) first.focus();
  }

  _look() {
    mount(this.node, h("p", { class: "live-note", role: "status" }, icon("face"), t("live.look")));
  }

  /** @param {Live} live */
  _explain({ kind }) {
    const isLight = kind === "light";
    const calm = isLight && matchMedia("(prefers-reduced-motion: reduce)").matches;
    const points = isLight ? ["brightness", "distance", "still"] : ["alone", "face", "follow"];
    mount(
      this.node,
      h(
        "div",
        { class: "live-body" },
        h("h2", null, t(isLight ? "live.light.title" : "live.gestures.title")),
        isLight ? h("p", { class: "notice warn" }, icon("warning"), t("live.light.warning")) : null,
        calm ? h("p", { class: "notice warn" }, icon("warning"), t("live.light.calm")) : null,
        isLight ? lightGuide() : gestureGuide(EXAMPLE),
        h("p", null, t(isLight ? "live.light.text" : "live.gestures.text")),
        h("ul", { class: "live-points" }, ...points.map((point) => h("li", null, icon("check"), t(`live.tip.${point}`)))),
      ),
      this._footer(this._readyButton(kind, "live.ready")),
    );
  }

  /**
   * @param {Live["kind"]} kind
   * @param {"live.ready" | "live.ready.again"} words
   */
  _readyButton(kind, words) {
    const trouble = h("p", { class: "live-trouble small", role: "alert" });
    const go = async () => {
      start.disabled = true;
      if (kind === "light") {
        this._filled = true;
        fillScreen();
      }
      const found = await this._session.identity.ready();
      start.disabled = false;
      trouble.textContent = found && `${tCode("found", found)} ${tCode("found.help", found)}`;
    };
    const start = button(t(words), () => void go(), "primary", icon("check"));
    return [trouble, start];
  }

  /**
   * @param {Step} step
   * @param {boolean} elder
   */
  _prompt(step, elder) {
    const { gesture, index, of, digits, endsAt } = step;
    this._total = Math.max(1, endsAt - performance.now());
    this._digits = [...digits].map((one) => h("span", null, one));
    this._digitMs = elder ? DIGIT_ELDER_MS : DIGIT_MS;
    const numbers = digits ? h("p", { class: "digits", role: "img", "aria-label": [...digits].join(" ") }, ...this._digits) : null;
    mount(
      this.node,
      h(
        "header",
        { class: "live-prompt" },
        h("div", { class: "row" }, h("p", { class: "grow small" }, t("live.progress", { index, of })), h("div", { class: "countdown", role: "timer", "aria-label": t("live.seconds") }, this._ring.node, this._seconds)),
        h("h2", { role: "alert" }, tCode("live.step", gesture)),
        numbers,
        digits ? this._muted : null,
      ),
      h("div", { class: "live-stage" }, this._own.node, gestureGuide(gesture)),
      this._footer([canSpeak() ? button(t("live.repeat"), () => this._session.identity.sayStep(), "", icon("play")) : null]),
    );
  }

  /** @param {Live} live */
  _wait({ kind }) {
    mount(
      this.node,
      h("div", { class: "live-body", role: "status" }, h("div", { class: "spinner", role: "presentation" }), h("p", null, t(kind === "light" ? "live.light.wait" : "live.wait"))),
      h("footer", { class: "live-buttons" }, button(t("live.back"), () => this._session.identity.away(), "quiet")),
    );
  }

  /** @param {Live} live */
  _again({ kind }) {
    mount(
      this.node,
      h(
        "div",
        { class: "live-body" },
        h("h2", { role: "alert" }, t("live.over.again")),
        h("ul", { class: "live-points" }, ...["bright", "face", "follow"].map((point) => h("li", null, icon("check"), t(`live.tip.${point}`)))),
      ),
      this._footer(this._readyButton(kind, "live.ready.again")),
    );
  }

  /** @param {string} word */
  _over(word) {
    const good = word === "thanks";
    mount(
      this.node,
      h(
        "div",
        { class: "live-body", role: "status" },
        h("span", { class: `medal ${good ? "good" : ""}` }, icon(good ? "check" : "headset")),
        h("h2", null, t(`live.over.${word}`)),
      ),
      h("footer", { class: "live-buttons" }, button(t("live.back"), () => this._session.identity.close(), "primary")),
    );
  }

  /** @param {(Element | null)[]} buttons */
  _footer(buttons) {
    const other = button(t("live.other"), () => this._session.identity.decline(), "quiet");
    return h("footer", { class: "live-buttons" }, ...buttons, other);
  }
}
