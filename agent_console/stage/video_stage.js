/** The call to look at: its state above, the windows in the middle, the connections and the buttons below. */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t } from "../../web_kit/i18n.js";
import { define, part, PartElement } from "../../web_kit/record/part.js";
import { isServiceLost } from "../../web_kit/record/projection.js";
import { now } from "../session.js";
import "./conference_bar.js";
import { placed } from "./layout.js";
import { wordOf } from "./quality_hud.js";
import "./stage_controls.js";
import "./stage_window.js";
import { others, windowsOf } from "./windows.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */
/** @typedef {import("./layout.js").WindowId} WindowId */
/** @typedef {import("./stage_window.js").StageWindowElement} StageWindowElement */

/** @extends {PartElement<ConsoleState>} */
export class VideoStageElement extends PartElement {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  timer = undefined;
  /** @type {Map<WindowId, StageWindowElement>} */
  windows = new Map();

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  /** @override */
  looksAt(/** @type {ConsoleState} */ state) {
    const { call, local, streams, screen, ownScreen, micOn, cameraOn, stats, media, link, view, camera, arrangement, wide, keysOff, session } = state;
    return [call, local, streams, screen, ownScreen, micOn, cameraOn, stats, media, link, view, camera, arrangement, wide, keysOff, session];
  }

  /** @override */
  build() {
    this.who = h("strong", { class: "who" });
    this.caseId = h("code", { class: "case-id" });
    this.time = h("span", { class: "call-time", role: "timer" });
    this.rec = h("span", { class: "rec", role: "status" });
    this.people = h("ul", { class: "people", "aria-label": t("call.people") });
    this.banner = h("div", { class: "banner", role: "status" });
    this.bannerWords = h("span", {});
    this.bannerLeft = h("strong", {});
    mount(this.banner, this.bannerWords, this.bannerLeft);
    this.sound = h("button", { class: "button primary sound", type: "button", hidden: true, onclick: () => this.play() }, t("call.sound_on"));
    this.bar = /** @type {import("./conference_bar.js").ConferenceBarElement} */ (part("conference-bar"));
    this.hud = /** @type {import("./quality_hud.js").QualityHudElement} */ (part("quality-hud"));
    this.controls = /** @type {import("./stage_controls.js").StageControlsElement} */ (part("stage-controls"));
    this.pictures = h("div", { class: "pictures" }, this.sound, this.banner);
    mount(this,
      h("header", { class: "stage-head" }, h("div", {}, this.who, this.caseId), this.people, h("span", { class: "grow" }), this.rec, this.time),
      this.bar, this.pictures, this.hud, this.controls); // prettier-ignore
    this.addEventListener("sound-blocked", () => this.sound?.removeAttribute("hidden"));
    this.timer = setInterval(() => this.tick(), 500);
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state) {
    this.who?.replaceChildren(state.view.customer || state.call?.peer || t("call.the_customer"));
    this.caseId?.replaceChildren(state.call?.case ?? "");
    this.drawPeople(state);
    this.drawWindows(state);
    this.drawRec(state);
    this.bar?.show(state);
    this.hud?.show(state);
    this.controls?.show(state);
    this.drawBanner(state);
    this.tick();
  }

  /** Who is in the call beside the customer, who has the headline. @param {ConsoleState} state */
  drawPeople(state) {
    const staff = others(state).filter((one) => one.role !== "customer");
    this.people && mount(this.people, staff.map((one) => h("li", { class: `person-chip ${one.mode}` }, one.name, h("small", {}, t(`mode.${one.mode}`)))));
  }

  /** @param {ConsoleState} state */
  drawWindows(state) {
    const views = windowsOf(state);
    const places = new Map(placed(state.arrangement, views.map((one) => one.id), state.ownScreen !== null).map((one) => [one.id, one])); // prettier-ignore
    for (const [id, element] of this.windows) {
      if (!places.has(id)) {
        element.remove();
        this.windows.delete(id);
      }
    }
    for (const view of views) {
      const place = places.get(view.id);
      const element = this.windows.get(view.id) ?? this.openWindow(view.id);
      if (place) {
        const quality = view.id === "share" ? "" : wordOf(state, view.own ? null : view.seat);
        element.show({ view, placed: place, arrangement: state.arrangement, quality });
      }
    }
  }

  /** @param {WindowId} id */
  openWindow(id) {
    const element = /** @type {StageWindowElement} */ (part("stage-window"));
    this.windows.set(id, element);
    this.pictures?.append(element);
    return element;
  }

  play() {
    this.sound?.setAttribute("hidden", "");
    for (const element of this.windows.values()) {
      void element.play();
    }
  }

  /** @param {ConsoleState} state */
  drawRec({ call, view }) {
    const lost = isServiceLost(view);
    // Only what unlocks the checks is a whole recording: badge and panel say the same.
    this.rec?.classList.toggle("on", Boolean(call?.recording && call.kycUnlocked && !lost));
    const partly = call?.phase === "held" ? "call.recording_held" : "call.recording_partly";
    const words = !call?.recording ? "call.not_recording" : lost ? "call.recording_paused" : call.kycUnlocked ? "call.recording" : partly;
    this.rec && mount(this.rec, h("i", { class: "dot", "aria-hidden": "true" }), t(words));
  }

  /** @param {ConsoleState} state */
  drawBanner({ call, link, media, view }) {
    const words =
      link === "dropped" || link === "connecting" ? t("call.own_link_lost")
        : isServiceLost(view) ? t("call.service_lost")
          : call?.phase === "reconnecting" ? t("call.peer_lost", { name: this.whoIsAway() })
            : call?.phase === "connecting" ? t("call.connecting")
              : media === "troubled" ? t("call.media_troubled") : ""; // prettier-ignore
    this.bannerWords?.replaceChildren(words);
    this.banner?.classList.toggle("shown", words !== "");
  }

  whoIsAway() {
    const state = /** @type {ConsoleState} */ (this.shown);
    const away = others(state).find((one) => !one.present);
    return away?.role === "customer" || !away?.name ? state.view.customer || state.call?.peer || t("call.the_customer") : away.name;
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
