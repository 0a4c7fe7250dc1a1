/**
 * After the call: why it ended, the result if it is still owed, what is to be written down, and the way back
 * to the desk before the time for it is over.
 */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t, tCode } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { caseBadge } from "../../web_kit/record/case_badge.js";
import { decisionSummary } from "../../web_kit/record/identity/decision.js";
import { ask, define, part, PartElement } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";
import { now } from "../session.js";
import { isSettled } from "../state.js";
import { finishView } from "./finish_form.js";
import { said } from "./script_panel.js";
import "./side_tabs.js";
import "./wrap_form.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */

// From here on the clock asks for attention.
const LATE_S = 15;

/** @extends {PartElement<ConsoleState>} */
export class WrapUpElement extends PartElement {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  timer = undefined;

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  /** @override */
  looksAt(/** @type {ConsoleState} */ { view, call, script, notice, link, doing, uploads, working }) {
    return [view, call, script, notice, link, doing, uploads, working];
  }

  /** @override */
  build() {
    this.steps = /** @type {import("./script_panel.js").ScriptPanelElement} */ (part("script-panel"));
    this.side = /** @type {import("./side_tabs.js").SideTabsElement} */ (part("side-tabs", "card"));
    this.form = /** @type {import("./finish_form.js").FinishFormElement} */ (part("finish-form"));
    this.notes = /** @type {import("./wrap_form.js").WrapFormElement} */ (part("wrap-form"));
    this.summary = h("div", { class: "stack tight", "aria-live": "polite" });
    this.clock = h("p", { class: "wrap-clock", role: "timer" });
    this.owed = h("section", { class: "stack owed" }, h("h2", {}, t("finish.title")), this.form);
    this.written = h("section", { class: "stack" }, h("h2", {}, t("wrap.title")), this.notes);
    this.next = h("section", { class: "stack next" });
    mount(this, h("section", { class: "card wrap-card" }, this.summary, this.clock, this.owed, this.written, this.next),
      h("section", { class: "card steps-card" }, h("h2", {}, t("step.title")), this.steps), this.side); // prettier-ignore
    this.timer = setInterval(() => this.tick(), 500);
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state) {
    const { view, call, script, link, notice, working } = state;
    // Who left a conversation that goes on handed its result over too.
    const handedOver = call?.left && call.phase !== "ended";
    const owes = (call?.leads ?? false) && !handedOver && !isSettled(view);
    this.drawSummary(state);
    this.owed?.toggleAttribute("hidden", !owes);
    this.written?.toggleAttribute("hidden", !call?.leads);
    this.next?.toggleAttribute("hidden", owes);
    this.drawNext(state);
    this.form?.show(finishView(state, notice?.about === "finish" ? tCode("error", notice.code) : ""));
    this.notes?.show(state);
    this.steps?.show({ script, view, leads: false, live: false, busy: link !== "open", working });
    this.side?.show(state);
    this.tick();
  }

  /** @param {ConsoleState} state */
  drawSummary({ view, call }) {
    const seconds = view.call?.seconds ?? null;
    const reason = view.call?.reason ?? call?.reason;
    const words = reason ? tCode("end", reason) : t(call?.left ? "wrap.left" : "wrap.ending");
    this.summary && mount(this.summary,
      h("div", { class: "row wrap" }, h("h1", {}, view.customer || call?.peer || t("call.the_customer")), view.phase && view.phase !== "in_call" && caseBadge(view.phase)),
      h("p", {}, words, seconds !== null && ` · ${t("wrap.lasted", { time: clock(seconds) })}`),
      h("code", { class: "case-id" }, call?.case ?? view.case)); // prettier-ignore
  }

  /** @param {ConsoleState} state */
  drawNext({ view, call, script, link }) {
    const outcome = view.decision && t(`outcome.${view.decision.outcome}`);
    const reason = script?.abort_reasons.find((one) => one.id === view.decision?.reason);
    const words = outcome ? t("wrap.decided", { outcome, reason: reason ? said(reason) : wordFor("reason", view.decision?.reason) })
      : t(call?.leads ? "wrap.no_result_owed" : "wrap.guest"); // prettier-ignore
    const go = (/** @type {string} */ presence, /** @type {string} */ style) =>
      h("button", { class: `button ${style}`, type: "button", disabled: link !== "open", onclick: () => this.askPresence(presence) }, t(`wrap.${presence}`)); // prettier-ignore
    this.next && mount(this.next, h("p", { class: `notice ${view.decision?.outcome === "passed" ? "good" : ""}` }, icon("check"), words),
      view.identity.decided && h("section", { class: "stack tight" }, h("h2", {}, t("decision.title")), decisionSummary(view.identity.decided)),
      h("p", { class: "soft" }, t(view.phase === "aborted" ? "wrap.archive_aborted" : "wrap.archive")), h("div", { class: "row" }, go("ready", "primary grow"), go("break", "grow"))); // prettier-ignore
  }

  /** @param {string} presence */
  askPresence(presence) {
    this.notes?.askSave();
    ask(this, "presence-request", { presence });
  }

  tick() {
    const doing = this.shown?.doing;
    const wrapping = doing?.presence === "wrap_up";
    const left = doing?.endsAt == null ? null : Math.max(0, doing.endsAt - now());
    this.clock?.toggleAttribute("hidden", !wrapping);
    if (this.clock && wrapping && doing) {
      const words = left === null ? t("wrap.since", { time: clock(now() - doing.since) }) : t("wrap.left_s", { time: clock(left) });
      this.clock.classList.toggle("late", left !== null && left < LATE_S);
      if (this.clock.textContent !== words) {
        mount(this.clock, icon("clock"), words);
      }
    }
  }
}

define("wrap-up", WrapUpElement);
