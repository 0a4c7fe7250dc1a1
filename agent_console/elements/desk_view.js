/** The desk between calls: presence, queue, own picture, customers' links, calls back, my latest cases. */

import { h, mount, playStream, videoElement } from "../../web_kit/dom.js";
import { t, tCode } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { caseBadge } from "../../web_kit/record/case_badge.js";
import { ask, define, part, PartElement } from "../../web_kit/record/part.js";
import { dateAndTime, wordFor } from "../../web_kit/record/words.js";
import "./callback_list.js";
import "./new_case.js";
import "./presence_chooser.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */

/** @type {Readonly<Record<number, string>>} */
const WAITING_WORDS = { 0: "desk.nobody", 1: "desk.waiting_one" };

/** @extends {PartElement<ConsoleState>} */
export class DeskViewElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ { doing, waiting, camera, local, cases, callbacks, made, link, session, bellOff, cutOff }) {
    return [doing, waiting, camera, local, cases, callbacks, made, link, session, bellOff, cutOff];
  }

  /** @override */
  build() {
    this.greeting = h("h1", {});
    this.cutOff = h("p", { class: "notice warn cut-off", role: "status", hidden: true });
    this.presence = /** @type {import("./presence_chooser.js").PresenceChooserElement} */ (part("presence-chooser"));
    this.waiting = h("strong", {});
    this.waitingWords = h("span", { class: "soft" });
    this.bell = h("button", { class: "button quiet", type: "button", onclick: () => ask(this, "bell-request") });
    this.video = videoElement({ class: "mirrored", muted: true, label: t("camera.own") });
    this.cameraHelp = h("div", { class: "camera-help" });
    this.newCase = /** @type {import("./new_case.js").NewCaseElement} */ (part("new-case"));
    this.callbacks = /** @type {import("./callback_list.js").CallbackListElement} */ (part("callback-list"));
    this.callbackCount = h("span", { class: "count" });
    this.cases = h("div", { class: "my-cases" });
    mount(this,
      h("header", { class: "desk-head" }, h("div", { class: "grow" }, this.greeting, h("p", { class: "soft" }, t("desk.intro"))), this.bell,
        h("button", { class: "button quiet", type: "button", onclick: () => ask(this, "shortcuts-open") }, icon("keyboard"), t("keys.title")),
        this.cutOff),
      h("section", { class: "card desk-presence", "aria-live": "polite" }, h("h2", {}, t("presence.label")), this.presence,
        h("div", { class: "queue" }, this.waiting, this.waitingWords)),
      h("section", { class: "card desk-camera" }, h("h2", {}, t("camera.own")), h("div", { class: "preview" }, this.video, this.cameraHelp)),
      h("section", { class: "card desk-link" }, h("h2", {}, t("new_case.title")), this.newCase),
      h("section", { class: "card desk-callbacks" }, h("h2", {}, t("callbacks.title"), " ", this.callbackCount), this.callbacks),
      h("section", { class: "card desk-cases" }, h("h2", {}, t("desk.cases")), this.cases)); // prettier-ignore
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state, /** @type {ConsoleState | undefined} */ was) {
    this.greeting?.replaceChildren(t("desk.hello", { name: state.session?.name ?? "" }));
    this.drawCutOff(state);
    this.presence?.show(state);
    this.waiting?.replaceChildren(String(state.waiting));
    this.waitingWords?.replaceChildren(t(WAITING_WORDS[state.waiting] ?? "desk.waiting"));
    this.bell && mount(this.bell, t(state.bellOff ? "bell.off" : "bell.on"));
    this.bell?.setAttribute("aria-pressed", String(state.bellOff));
    this.newCase?.show(state);
    this.callbacks?.show(state);
    this.callbackCount?.replaceChildren(String(state.callbacks.length));
    this.callbackCount?.toggleAttribute("hidden", !state.callbacks.length);
    this.drawCamera(state);
    if (state.cases !== was?.cases) {
      this.drawCases(state);
    }
  }

  /** @param {ConsoleState} state */
  drawCutOff({ cutOff }) {
    const words = cutOff ? t(cutOff.mine ? "desk.cut_off" : "desk.cut_off_guest", { name: cutOff.name || t("call.the_customer") }) : "";
    if (this.cutOff && this.cutOff.textContent !== words) {
      this.cutOff.hidden = words === "";
      this.cutOff.textContent = words;
    }
  }

  /** @param {ConsoleState} state */
  drawCamera({ camera, local }) {
    if (this.video) {
      void playStream(this.video, local);
      this.video.hidden = camera !== "on";
    }
    if (!this.cameraHelp) {
      return;
    }
    this.cameraHelp.hidden = camera === "on";
    const working = camera === "asking" || camera === "off";
    mount(this.cameraHelp, icon(working ? "camera" : "camera-off"), h("p", {}, tCode("camera", camera)),
      !working && h("button", { class: "button", type: "button", onclick: () => ask(this, "camera-request") }, t("camera.again"))); // prettier-ignore
  }

  /** @param {ConsoleState} state */
  drawCases({ cases }) {
    if (!this.cases) {
      return;
    }
    if (!cases.length) {
      mount(this.cases, h("p", { class: "soft" }, t("desk.no_cases")));
      return;
    }
    const row = (/** @type {any} */ one) =>
      h("tr", {}, h("td", {}, h("strong", {}, one.pii_customer_name || t("case.unnamed"))), h("td", {}, wordFor("purpose", one.purpose)),
        h("td", { class: "soft" }, dateAndTime(one.created_at)), h("td", {}, caseBadge(one.phase))); // prettier-ignore
    mount(this.cases, h("table", {},
      h("thead", {}, h("tr", {}, ["customer", "purpose", "created", "phase"].map((key) => h("th", { scope: "col" }, t(`column.${key}`))))),
      h("tbody", {}, cases.map(row)))); // prettier-ignore
  }
}

define("desk-view", DeskViewElement);
