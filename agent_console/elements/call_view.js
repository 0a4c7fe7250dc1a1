/** The call: pictures on the left, identity steps in the middle, chat and story on the right. */

import { h, mount } from "../../web_kit/dom.js";
import { t, tCode } from "../../web_kit/i18n.js";
import { define, part, PartElement } from "../../web_kit/record/part.js";
import { maySayPassed, steps } from "../../web_kit/record/steps.js";
import "./finish_form.js";
import "./side_tabs.js";
import "./steps_panel.js";
import "./video_stage.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */

/** What the agent should know before saying passed. @param {ConsoleState} state */
export function finishView(state) {
  const complete = maySayPassed(steps(state.view, true));
  const { notice } = state;
  return {
    advice: complete ? "" : t("finish.incomplete_advice"),
    busy: state.link !== "open",
    problem: notice?.about === "finish" ? tCode("error", notice.code) : "",
  };
}

/** @extends {PartElement<ConsoleState>} */
export class CallViewElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ state) {
    return Object.values(state);
  }

  /** @override */
  build() {
    this.stage = /** @type {import("./video_stage.js").VideoStageElement} */ (part("video-stage"));
    this.steps = /** @type {import("./steps_panel.js").StepsPanelElement} */ (part("steps-panel"));
    this.side = /** @type {import("./side_tabs.js").SideTabsElement} */ (part("side-tabs", "card"));
    this.form = /** @type {import("./finish_form.js").FinishFormElement} */ (part("finish-form"));
    this.decide = this.dialog("decide", t("finish.title"), this.form);
    const end = h("button", { class: "button danger wide", type: "button", onclick: () => this.confirmEnd() }, t("call.hang_up"));
    this.ending = this.dialog("ending", t("call.end_title"), h("p", {}, t("call.end_text")), end);
    mount(this, this.stage, h("section", { class: "card steps-card", "aria-label": t("step.title") }, h("h2", {}, t("step.title")), this.steps), this.side, this.decide, this.ending);
    this.addEventListener("decide-request", () => this.decide?.showModal());
    this.addEventListener("hang-up-request", () => this.ending?.showModal());
  }

  /** @param {string} name @param {string} title @param {...Node} inside */
  dialog(name, title, ...inside) {
    const dialog = h("dialog", { class: `sheet ${name}`, "aria-label": title });
    mount(dialog, h("header", {}, h("h2", {}, title), h("button", { class: "button quiet", type: "button", onclick: () => dialog.close() }, t("cancel"))), ...inside);
    return dialog;
  }

  confirmEnd() {
    this.ending?.close();
    this.dispatchEvent(new CustomEvent("hang-up-confirmed", { bubbles: true, composed: true }));
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state) {
    this.stage?.show(state);
    this.steps?.show({ view: state.view, unlocked: state.call?.kycUnlocked ?? false, live: true });
    this.side?.show(state);
    this.form?.show(finishView(state));
  }
}

define("call-view", CallViewElement);
