/** The two pictures of the call, its state above them, its buttons below. */

import { h, mount, playStream, videoElement } from "../../web_kit/dom.js";
import { clock, t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, part, PartElement } from "../../web_kit/record/part.js";
import { isServiceLost } from "../../web_kit/record/projection.js";
import { now } from "../session.js";
import "./quality_hud.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */

/** @extends {PartElement<ConsoleState>} */
export class VideoStageElement extends PartElement {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  timer = undefined;

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  /** @override */
  looksAt(/** @type {ConsoleState} */ { call, local, remote, micOn, cameraOn, stats, media, link, view, camera }) {
    return [call, local, remote, micOn, cameraOn, stats, media, link, view.parties, view.customer, camera];
  }

  /** @override */
  build() {
    this.remote = videoElement({ class: "remote", label: t("call.customer_picture") });
    this.own = videoElement({ class: "own mirrored", muted: true, label: t("camera.own") });
    this.who = h("strong", { class: "who" });
    this.caseId = h("code", { class: "case-id" });
    this.time = h("span", { class: "call-time", role: "timer" });
    this.rec = h("span", { class: "rec", role: "status" });
    this.banner = h("div", { class: "banner", role: "status" });
    this.bannerWords = h("span", {});
    this.bannerLeft = h("strong", {});
    mount(this.banner, this.bannerWords, this.bannerLeft);
    this.sound = h("button", { class: "button primary sound", type: "button", hidden: true, onclick: () => this.play() }, t("call.sound_on"));
    this.hud = /** @type {import("./quality_hud.js").QualityHudElement} */ (part("quality-hud"));
    this.mic = this.toggle("mic-request", "M");
    this.camera = this.toggle("camera-toggle-request", "V");
    this.end = h("button", { class: "control hang-up", type: "button", onclick: () => ask(this, "hang-up-request"), title: t("call.hang_up") }, icon("hang-up"), h("span", {}, t("call.hang_up")));
    mount(this,
      h("header", { class: "stage-head" }, h("div", {}, this.who, this.caseId), h("span", { class: "grow" }), this.rec, this.time),
      h("div", { class: "pictures" }, this.remote, this.own, this.sound, this.banner, this.hud),
      h("footer", { class: "stage-buttons" }, this.mic, this.camera, this.end)); // prettier-ignore
    this.timer = setInterval(() => this.tick(), 500);
  }

  /** @param {"mic-request" | "camera-toggle-request"} which @param {string} key */
  toggle(which, key) {
    return h("button", { class: "control", type: "button", title: key, "aria-keyshortcuts": key, onclick: () => ask(this, which) });
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state) {
    this.who?.replaceChildren(state.view.customer || state.call?.peer || t("call.the_customer"));
    this.caseId?.replaceChildren(state.call?.case ?? "");
    if (this.own) {
      void playStream(this.own, state.local);
      this.own.classList.toggle("covered", !state.cameraOn);
    }
    if (this.remote && this.remote.srcObject !== state.remote) {
      void this.play();
    }
    this.drawRec(state);
    this.drawToggle(this.mic, state.micOn, "microphone", "mic", "M");
    this.drawToggle(this.camera, state.cameraOn, "camera", "camera", "V");
    this.hud?.show(state);
    this.drawBanner(state);
    this.tick();
  }

  async play() {
    if (this.remote && this.sound) {
      this.sound.hidden = await playStream(this.remote, this.shown?.remote ?? null);
    }
  }

  /** @param {ConsoleState} state */
  drawRec({ call, view }) {
    const lost = isServiceLost(view);
    // Only what unlocks the checks is a whole recording: badge and panel say the same.
    this.rec?.classList.toggle("on", Boolean(call?.recording && call.kycUnlocked && !lost));
    const words = !call?.recording ? "call.not_recording" : lost ? "call.recording_paused" : call.kycUnlocked ? "call.recording" : "call.recording_partly";
    this.rec && mount(this.rec, h("i", { class: "dot", "aria-hidden": "true" }), t(words));
  }

  /** @param {HTMLElement | undefined} button @param {boolean} on @param {string} shape @param {string} words @param {string} key */
  drawToggle(button, on, shape, words, key) {
    if (button && button.getAttribute("aria-pressed") !== String(!on)) {
      button.setAttribute("aria-pressed", String(!on));
      mount(button, icon(on ? shape : `${shape}-off`), h("span", {}, t(`call.${words}_${on ? "on" : "off"}`)), h("kbd", {}, key));
    }
  }

  /** @param {ConsoleState} state */
  drawBanner({ call, link, media, view }) {
    const words =
      link === "dropped" || link === "connecting" ? t("call.own_link_lost")
        : isServiceLost(view) ? t("call.service_lost")
          : call?.phase === "reconnecting" ? t("call.peer_lost", { name: view.customer || call.peer || t("call.the_customer") })
            : call?.phase === "connecting" ? t("call.connecting")
              : media === "troubled" ? t("call.media_troubled") : ""; // prettier-ignore
    this.bannerWords?.replaceChildren(words);
    this.banner?.classList.toggle("shown", words !== "");
  }

  tick() {
    const call = this.shown?.call;
    this.time?.replaceChildren(call?.activeSince == null ? "–:––" : clock(now() - call.activeSince));
    const left = call?.graceEndsAt == null ? "" : t("call.grace", { seconds: Math.max(0, Math.ceil(call.graceEndsAt - now())) });
    if (this.bannerLeft?.textContent !== left) {
      this.bannerLeft?.replaceChildren(left);
    }
  }
}

define("video-stage", VideoStageElement);
