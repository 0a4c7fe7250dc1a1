/** The buttons under the pictures. What is on is what the server and the devices say. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { keyOf } from "../shortcuts.js";
import { others } from "./windows.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */
/** @typedef {import("../local_media.js").Surface} Surface */

const SURFACES = /** @type {const} */ (["monitor", "window", "browser"]);

/** @extends {PartElement<ConsoleState>} */
export class StageControlsElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ { call, micOn, cameraOn, ownScreen, view, link, keysOff }) {
    return [call?.phase, call?.leads, call?.inviting, call?.parties, call?.kycUnlocked, micOn, cameraOn, ownScreen, view.asked, link, keysOff];
  }

  /** @override */
  build() {
    this.mic = this.control("mic-request");
    this.camera = this.control("camera-toggle-request");
    this.hold = this.control("hold-request");
    this.share = this.control("share-open");
    this.still = this.control("scene-request");
    this.invite = this.control("invite-open");
    this.reset = this.control("arrange-reset");
    this.help = this.control("shortcuts-open");
    this.leave = this.control("leave-open", "leave");
    this.end = this.control("hang-up-request", "hang-up");
    this.say(this.reset, "layout", "window.reset", "window.layout");
    this.say(this.help, "keyboard", "keys.title", "keys.label");
    this.say(this.leave, "logout", "call.leave");
    this.say(this.end, "hang-up", "call.hang_up");
    const choices = SURFACES.map((surface) =>
      h("button", { class: "button", type: "button", onclick: () => this.pick(surface) }, icon(surface === "monitor" ? "screen" : surface === "window" ? "layout" : "globe"), t(`share.${surface}`))); // prettier-ignore
    this.menu = h("div", { class: "share-menu", hidden: true, role: "group", "aria-label": t("share.choose"), onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && this.openMenu(false) },
      h("span", { class: "grow" }, t("share.choose")), choices, h("button", { class: "button quiet", type: "button", onclick: () => this.openMenu(false) }, t("cancel"))); // prettier-ignore
    mount(this, this.menu, h("div", { class: "controls" }, this.mic, this.camera, this.hold, this.share, this.still, this.invite, this.reset, this.help, this.leave, this.end));
  }

  /** @param {string} request @param {string} [style] */
  control(request, style = "") {
    return h("button", { class: `control ${style}`, type: "button", "data-key": keyOf(request), onclick: () => ask(this, request) });
  }

  /** @param {HTMLButtonElement | undefined} button @param {string} shape @param {string} words @param {string} [label] shorter, to be seen */
  say(button, shape, words, label = words) {
    if (button && button.dataset.words !== words) {
      button.dataset.words = words;
      button.setAttribute("aria-label", t(words));
      mount(button, icon(shape), h("span", {}, t(label)));
    }
  }

  /** @override */
  draw(/** @type {ConsoleState} */ { call, micOn, cameraOn, ownScreen, view, link, ...state }) {
    const held = call?.phase === "held";
    const leads = call?.leads ?? false;
    const alone = others({ ...state, call, micOn, cameraOn, ownScreen, view, link }).every((one) => one.role === "customer" || one.role === "supervisor");
    this.toggle(this.mic, !micOn, micOn ? "microphone" : "microphone-off", micOn ? "call.mic_on" : "call.mic_off");
    this.toggle(this.camera, !cameraOn, cameraOn ? "camera" : "camera-off", cameraOn ? "call.camera_on" : "call.camera_off");
    this.toggle(this.hold, held, "pause", held ? "hold.off" : "hold.on");
    this.toggle(this.share, Boolean(ownScreen), "screen", ownScreen ? "share.again" : "share.start");
    const waiting = Boolean(view.asked.scene);
    this.say(this.still, "photo", waiting ? "still.waiting" : "still.now");
    this.still?.toggleAttribute("disabled", waiting || !call?.kycUnlocked || held || link !== "open");
    this.say(this.invite, "invite", "invite.open");
    this.invite?.toggleAttribute("disabled", !alone || Boolean(call?.inviting) || link !== "open");
    this.hold?.toggleAttribute("disabled", link !== "open" || !(held || call?.phase === "active"));
    for (const button of [this.hold, this.still, this.invite, this.end, this.share]) {
      button?.toggleAttribute("hidden", !leads);
    }
    this.leave?.toggleAttribute("hidden", leads);
    this.offerKeys(!state.keysOff);
  }

  /** A key that is turned off is not told either. @param {boolean} on */
  offerKeys(on) {
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll(".control"))) {
      const key = (on && button.dataset.key) || "";
      const words = button.getAttribute("aria-label") ?? "";
      button.title = key ? `${words} (${key})` : words;
      if (key) {
        button.setAttribute("aria-keyshortcuts", key);
      } else {
        button.removeAttribute("aria-keyshortcuts");
      }
    }
  }

  /** @param {HTMLButtonElement | undefined} button @param {boolean} pressed @param {string} shape @param {string} words */
  toggle(button, pressed, shape, words) {
    button?.setAttribute("aria-pressed", String(pressed));
    this.say(button, shape, words);
  }

  /** Show or hide the kinds of screen. @param {boolean} [open] the other way round when left out */
  openMenu(open) {
    if (this.menu) {
      this.menu.hidden = open === undefined ? !this.menu.hidden : !open;
      (this.menu.hidden ? this.share : this.menu.querySelector("button"))?.focus();
    }
  }

  /** @param {Surface} surface */
  pick(surface) {
    this.openMenu(false);
    ask(this, "share-request", { surface });
  }
}

define("stage-controls", StageControlsElement);
