/** After the call: why it ended, what was found, the result if it is still owed, and the way back to the desk. */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t, tCode } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { caseBadge } from "../../web_kit/record/case_badge.js";
import { ask, define, part, PartElement } from "../../web_kit/record/part.js";
import "./finish_form.js";
import "./side_tabs.js";
import "./steps_panel.js";
import { finishView } from "./call_view.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */

// In these phases the case no longer waits for the agent's result.
const SETTLED = new Set(["agent_done", "under_audit", "approved", "rejected", "aborted", "expired"]);

/** @extends {PartElement<ConsoleState>} */
export class WrapUpElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ { view, call, notice, link, presence }) {
    return [view, call, notice, link, presence];
  }

  /** @override */
  build() {
    this.steps = /** @type {import("./steps_panel.js").StepsPanelElement} */ (part("steps-panel"));
    this.side = /** @type {import("./side_tabs.js").SideTabsElement} */ (part("side-tabs", "card"));
    this.form = /** @type {import("./finish_form.js").FinishFormElement} */ (part("finish-form"));
    this.summary = h("div", { class: "stack", "aria-live": "polite" });
    this.owed = h("section", { class: "stack owed" }, h("h2", {}, t("finish.title")), this.form);
    this.next = h("section", { class: "stack next" });
    mount(this, h("section", { class: "card wrap-card" }, this.summary, this.owed, this.next),
      h("section", { class: "card steps-card" }, h("h2", {}, t("step.title")), this.steps), this.side); // prettier-ignore
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state) {
    const { view, call } = state;
    const settled = view.decision !== null || SETTLED.has(view.phase);
    this.drawSummary(state);
    if (this.owed && this.next) {
      this.owed.hidden = settled;
      this.next.hidden = !settled;
      this.drawNext(state);
    }
    this.form?.show(finishView(state));
    this.steps?.show({ view, unlocked: call?.kycUnlocked ?? false, live: false });
    this.side?.show(state);
  }

  /** @param {ConsoleState} state */
  drawSummary({ view, call }) {
    const seconds = view.call?.seconds ?? null;
    const reason = view.call?.reason ?? call?.reason;
    this.summary && mount(this.summary,
      h("div", { class: "row wrap" }, h("h1", {}, view.customer || call?.peer || t("call.the_customer")), view.phase && caseBadge(view.phase)),
      h("p", {}, reason ? tCode("end", reason) : t("wrap.ending"), seconds !== null && ` · ${t("wrap.lasted", { time: clock(seconds) })}`),
      h("code", { class: "case-id" }, call?.case ?? view.case)); // prettier-ignore
  }

  /** @param {ConsoleState} state */
  drawNext({ view, link }) {
    const words = view.decision ? t("wrap.decided", { outcome: t(`outcome.${view.decision.outcome}`) }) : t("wrap.no_result_owed");
    const go = (/** @type {string} */ presence, /** @type {string} */ style) =>
      h("button", { class: `button ${style}`, type: "button", disabled: link !== "open", onclick: () => ask(this, "presence-request", { presence }) }, t(`wrap.${presence}`)); // prettier-ignore
    this.next && mount(this.next, h("p", { class: `notice ${view.decision?.outcome === "passed" ? "good" : ""}` }, icon("check"), words),
      h("p", { class: "soft" }, t("wrap.archive")), h("div", { class: "row" }, go("ready", "primary grow"), go("break", "grow"))); // prettier-ignore
  }
}

define("wrap-up", WrapUpElement);
