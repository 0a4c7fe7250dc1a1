/** A call that a supervisor is in: how he takes part, everybody's picture, what he may do about it. */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, part, PartElement } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";
import { now } from "../session.js";
import { myself } from "../stage/windows.js";
import { PHASE_TONES } from "./figures.js";
import { say } from "./keyed_rows.js";
import "./watch_pictures.js";
import "./watch_side.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */

const MODES = /** @type {const} */ (["monitor", "whisper", "talking"]);
/** @type {Readonly<Record<(typeof MODES)[number], string>>} */
const MODE_ICONS = { monitor: "headset", whisper: "microphone", talking: "camera" };

/** @extends {PartElement<ConsoleState>} */
export class WatchViewElement extends PartElement {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  timer = undefined;

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  /** @override */
  looksAt(/** @type {ConsoleState} */ { call, view, script, streams, screen, local, micOn, cameraOn, camera, link, media }) {
    return [call, view, script, streams, screen, local, micOn, cameraOn, camera, link, media];
  }

  /** @override */
  build() {
    this.who = h("h1", { class: "watch-who" });
    this.phase = h("span", { class: "badge" });
    this.time = h("span", { class: "numbers", role: "timer" });
    this.state = h("p", { class: "watch-state", role: "status" });
    this.trouble = h("p", { class: "notice warn", role: "status", hidden: true });
    this.sound = h("button", { class: "button primary sound", type: "button", hidden: true, onclick: () => this.playAll() }, t("watch.sound_on"));
    this.pictures = /** @type {import("./watch_pictures.js").WatchPicturesElement} */ (part("watch-pictures"));
    this.side = /** @type {import("./watch_side.js").WatchSideElement} */ (part("watch-side", "card"));
    this.addEventListener("sound-blocked", () => this.sound?.removeAttribute("hidden"));
    mount(this, h("header", { class: "watch-head" }, this.who, this.phase, this.time, h("span", { class: "grow" }), this.sound, this.leaveButton()),
      this.state, this.trouble, this.pictures, this.side, this.controls()); // prettier-ignore
    this.timer = setInterval(() => this.tick(), 500);
  }

  leaveButton() {
    return h("button", { class: "button", type: "button", onclick: () => ask(this, "watch-leave-request") }, icon("left"), t("watch.leave"));
  }

  controls() {
    this.modes = MODES.map((mode) =>
      h("button", { class: "button mode", type: "button", "data-mode": mode, onclick: () => ask(this, "mode-request", { mode }) }, icon(MODE_ICONS[mode]),
        h("span", {}, h("strong", {}, t(`watch.mode.${mode}`)), h("small", {}, t(`watch.mode_text.${mode}`))))); // prettier-ignore
    this.mic = h("button", { class: "button", type: "button", onclick: () => ask(this, "mic-request") });
    this.camera = h("button", { class: "button", type: "button", onclick: () => ask(this, "camera-toggle-request") });
    this.takeOver = h("button", { class: "button", type: "button", onclick: () => ask(this, "take-over-open") }, t("watch.take_over"));
    this.end = h("button", { class: "button danger", type: "button", onclick: () => this.askEnd() }, t("board.end"));
    return h("div", { class: "watch-controls" }, h("div", { class: "watch-modes", role: "group", "aria-label": t("watch.modes") }, this.modes),
      h("div", { class: "row wrap" }, this.mic, this.camera, this.takeOver, this.end)); // prettier-ignore
  }

  askEnd() {
    const { call, view } = /** @type {ConsoleState} */ (this.shown);
    ask(this, "force-end-open", { call: call?.call, name: view.customer || t("case.unnamed") });
  }

  playAll() {
    this.sound?.setAttribute("hidden", "");
    this.pictures?.playAll();
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state) {
    const mode = myself(state)?.mode ?? "monitor";
    this.dataset.mode = mode;
    this.who && say(this.who, state.view.customer || state.call?.peer || t("case.unnamed"));
    if (this.phase && state.call) {
      say(this.phase, wordFor("call_phase", state.call.phase));
      this.phase.className = `badge ${PHASE_TONES[state.call.phase] ?? "plain"}`;
    }
    this.drawState(mode);
    this.drawTrouble(state);
    this.drawControls(state, mode);
    this.pictures?.show(state);
    this.side?.show(state);
    this.tick();
  }

  /** @param {string} mode */
  drawState(mode) {
    if (this.state && this.state.dataset.mode !== mode) {
      this.state.dataset.mode = mode;
      mount(this.state, icon(mode === "monitor" ? "lock" : "microphone"), h("span", {}, t(`watch.state.${mode}`)));
    }
  }

  /** @param {ConsoleState} state */
  drawTrouble({ link, media, call, camera }) {
    const capture = camera !== "on" && camera !== "off" && camera !== "asking";
    const words = link !== "open" ? t("watch.own_link_lost")
      : call?.phase === "reconnecting" ? t("watch.party_lost")
        : media === "troubled" || media === "connecting" ? t("watch.media_troubled")
          : capture ? t("watch.no_capture") : ""; // prettier-ignore
    if (this.trouble) {
      this.trouble.hidden = words === "";
      say(this.trouble, words);
    }
  }

  /** @param {ConsoleState} state @param {string} mode */
  drawControls({ link, micOn, cameraOn, local }, mode) {
    for (const button of this.modes ?? []) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
      button.disabled = link !== "open";
    }
    this.takeOver?.toggleAttribute("disabled", link !== "open");
    this.end?.toggleAttribute("disabled", link !== "open");
    this.toggle(this.mic, mode !== "monitor" && Boolean(local?.getAudioTracks().length), micOn, "microphone");
    this.toggle(this.camera, mode === "talking" && Boolean(local?.getVideoTracks().length), cameraOn, "camera");
  }

  /** @param {HTMLButtonElement | undefined} button @param {boolean} shown @param {boolean} on @param {"microphone" | "camera"} what */
  toggle(button, shown, on, what) {
    if (!button) {
      return;
    }
    button.hidden = !shown;
    button.setAttribute("aria-pressed", String(!on));
    const words = t(`watch.${what}_${on ? "on" : "off"}`);
    if (button.textContent !== words) {
      mount(button, icon(on ? what : `${what}-off`), words);
    }
  }

  tick() {
    const since = this.shown?.call?.activeSince;
    this.time && say(this.time, since == null ? "–:––" : clock(now() - since));
  }
}

define("watch-view", WatchViewElement);
