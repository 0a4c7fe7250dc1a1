/** The call: pictures on the left, the script in the middle, chat, pictures and story on the right. */

import { h, mount } from "../../web_kit/dom.js";
import { t, tCode } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, part, PartElement } from "../../web_kit/record/part.js";
import "../../web_kit/record/whereabouts.js";
import { checkSummary } from "../checks/summary.js";
import "../checks/watch_alerts.js";
import { successor } from "../stage/windows.js";
import "../stage/video_stage.js";
import { finishView } from "./finish_form.js";
import "./invite_dialog.js";
import "./picture_viewer.js";
import { missing } from "./script_panel.js";
import "./side_tabs.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */

// Script and chat share one column (console.css), and a low window leaves the script three lines of it.
const LOW = "(min-width: 64rem) and (max-width: 99rem) and (max-height: 50rem)";

/** @extends {PartElement<ConsoleState>} */
export class CallViewElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ state) {
    return Object.values(state);
  }

  /** @override */
  build() {
    this.stage = /** @type {import("../stage/video_stage.js").VideoStageElement} */ (part("video-stage"));
    this.whereabouts = /** @type {import("../../web_kit/record/whereabouts.js").CustomerWhereaboutsElement} */ (part("customer-whereabouts"));
    this.alerts = /** @type {import("../checks/watch_alerts.js").WatchAlertsElement} */ (part("watch-alerts"));
    this.tall = h("button", { class: "button quiet tall", type: "button", "aria-pressed": "false", title: t("step.tall"), "aria-label": t("step.tall"), onclick: () => this.side?.fold(!this.side.folded) }, icon("fullscreen"));
    this.steps = /** @type {import("./script_panel.js").ScriptPanelElement} */ (part("script-panel"));
    this.side = /** @type {import("./side_tabs.js").SideTabsElement} */ (part("side-tabs", "card"));
    this.form = /** @type {import("./finish_form.js").FinishFormElement} */ (part("finish-form"));
    this.invite = /** @type {import("./invite_dialog.js").InviteDialogElement} */ (part("invite-dialog"));
    this.viewer = /** @type {import("./picture_viewer.js").PictureViewerElement} */ (part("picture-viewer"));
    this.progress = h("p", { class: "soft small grow", role: "status" });
    this.decideButton = h("button", { class: "button primary", type: "button", onclick: () => this.openDecide("passed") }, t("finish.open"));
    this.abortButton = h("button", { class: "button", type: "button", onclick: () => this.openDecide("failed") }, t("finish.abort"));
    this.ends = h("footer", { class: "steps-foot" }, this.progress, this.abortButton, this.decideButton);
    this.summary = h("div", {});
    this.decide = this.dialog("decide", t("finish.title"), this.summary, this.form);
    this.ending = this.confirm("ending", "call.end_title", "call.end_text", "call.hang_up", "hang-up-confirmed");
    this.leaving = this.confirm("leaving", "call.leave_title", "call.leave_text", "call.leave", "leave-request");
    mount(this, this.stage, h("section", { class: "card steps-card", "aria-label": t("step.title") }, h("header", { class: "row" }, h("h2", { class: "grow" }, t("step.title")), this.tall), this.alerts, this.whereabouts, this.steps, this.ends),
      this.side, this.decide, this.ending, this.leaving, this.invite, this.viewer); // prettier-ignore
    this.listen();
  }

  /** What opens here, wherever in the call it was asked for. */
  listen() {
    /** @type {Record<string, (detail: any) => void>} */
    const openers = {
      "decide-request": () => this.openDecide("passed"),
      "abort-request": (detail) => this.openDecide("failed", detail?.reason),
      "hang-up-request": () => this.ending?.showModal(),
      "leave-open": () => this.leaving?.showModal(),
      "invite-open": () => this.mayInvite() && this.invite?.open(),
      "share-open": () => this.stage?.controls?.openMenu(),
      "chat-open": () => this.side?.focusChat(),
      "pictures-open": () => this.side?.turnTo("pictures"),
      "checks-open": () => this.side?.turnTo("checks"),
      "side-folded": ({ folded }) => this.tall?.setAttribute("aria-pressed", String(folded)),
      "picture-open": ({ evidence }) => this.viewer?.open(evidence),
    };
    for (const [name, open] of Object.entries(openers)) {
      this.addEventListener(name, (event) => open(/** @type {CustomEvent} */ (event).detail));
    }
  }

  mayInvite() {
    const state = this.shown;
    return Boolean(state?.call?.leads && !state.call.inviting && !successor(state));
  }

  /** @param {string} name @param {string} title @param {...Node} inside */
  dialog(name, title, ...inside) {
    const dialog = h("dialog", { class: `sheet ${name}`, "aria-label": title });
    mount(dialog, h("header", {}, h("h2", {}, title), h("button", { class: "button quiet", type: "button", onclick: () => dialog.close() }, t("cancel"))), ...inside);
    return dialog;
  }

  /** @param {string} name @param {string} title @param {string} text @param {string} button @param {string} request */
  confirm(name, title, text, button, request) {
    const go = h("button", { class: "button danger wide", type: "button" }, t(button));
    const dialog = this.dialog(name, t(title), h("p", {}, t(text)), go);
    go.addEventListener("click", () => {
      dialog.close();
      ask(this, request);
    });
    return dialog;
  }

  /** @param {string} outcome @param {string} [reason] */
  openDecide(outcome, reason = "") {
    if (this.shown?.call?.leads && !this.decide?.open) {
      this.decide?.showModal();
      this.form?.begin(outcome, reason);
    }
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state, /** @type {ConsoleState | undefined} */ was) {
    const { script, view, call, link, notice, working } = state;
    const leads = call?.leads ?? false;
    this.stage?.show(state);
    this.whereabouts?.show(state);
    this.steps?.show({ script, view, leads, live: true, busy: link !== "open", working });
    this.alerts?.show(state);
    this.summary?.replaceChildren(checkSummary(view));
    this.side?.show(state);
    this.form?.show(finishView(state, notice?.about === "finish" ? tCode("error", notice.code) : ""));
    this.invite?.show(state);
    this.viewer?.show(state);
    if (!was && matchMedia(LOW).matches) {
      this.side?.fold(true);
    }
    const left = missing(script);
    this.progress?.replaceChildren(script?.complete ? t("finish.complete") : left ? t("finish.missing", { count: left }) : "");
    this.ends?.toggleAttribute("hidden", !leads);
    this.decideButton?.classList.toggle("primary", script?.complete ?? false);
  }
}

define("call-view", CallViewElement);
