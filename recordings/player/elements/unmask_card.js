/**
 * Who may see the card: a request with a reason, another's answer, and until when it holds. Asks by
 * `unmask-request` with `{reason}` and by `unmask-answer` with `{asked, granted}`.
 */

import { h, mount } from "../../web_kit/dom.js";
import { t, tCode } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { personName, timeOfDay } from "../../web_kit/record/words.js";
import { seesCards } from "../state.js";

/** @typedef {import("../state.js").PlayerState} PlayerState */

/** @extends {PartElement<PlayerState>} */
export class UnmaskCardElement extends PartElement {
  /** @override */
  looksAt(/** @type {PlayerState} */ state) {
    return [state.viewing, state.viewProblem, seesCards(state)];
  }

  /** @override */
  build() {
    this.standing = h("p", { class: "row", role: "status" });
    this.reason = h("input", { class: "input", id: "unmask-reason", maxlength: 500, required: true, placeholder: t("unmask.hint") });
    this.form = h("form", { class: "stack", onsubmit: (/** @type {Event} */ event) => this.gotRequest(event) },
      h("label", { for: "unmask-reason" }, t("unmask.reason")), h("div", { class: "row" }, this.reason, h("button", { class: "button", type: "submit" }, t("unmask.ask")))); // prettier-ignore
    this.requests = h("div", { class: "stack" });
    this.problem = h("p", { class: "problem", role: "alert" });
    mount(this, h("section", { class: "card stack", "aria-labelledby": "unmask-title" }, h("h2", { id: "unmask-title" }, t("unmask.title")), this.standing, this.requests, this.form, this.problem));
  }

  /** @override */
  draw(/** @type {PlayerState} */ state) {
    const { viewing, session, view } = state;
    const open = seesCards(state);
    const requests = viewing?.requests ?? [];
    const mine = requests.some((one) => one.account === session?.account);
    this.standing && mount(this.standing, icon(open ? "card" : "lock"), h("span", {}, open ? t("unmask.open", { time: timeOfDay(viewing?.unmasked_until ?? 0) }) : t(mine ? "unmask.waits" : "unmask.closed")));
    this.form && (this.form.hidden = open || mine || session?.role !== "auditor");
    const others = requests.filter((one) => one.account !== session?.account);
    this.requests && mount(this.requests, others.map((one) => this.request(one, personName(view, one.account))));
    this.problem?.replaceChildren(state.viewProblem ? tCode("error", state.viewProblem) : "");
  }

  /** @param {{seq: number, at: number, pii_reason: string}} one @param {string} name */
  request({ seq, at, pii_reason: reason }, name) {
    const answer = (/** @type {boolean} */ granted) => () => ask(this, "unmask-answer", { asked: seq, granted });
    return h("div", { class: "notice" }, h("p", {}, t("unmask.asked", { name, time: timeOfDay(at), reason })),
      h("div", { class: "row" }, h("button", { class: "button primary", type: "button", onclick: answer(true) }, t("unmask.grant")), h("button", { class: "button quiet", type: "button", onclick: answer(false) }, t("unmask.refuse")))); // prettier-ignore
  }

  /** @param {Event} event */
  gotRequest(event) {
    event.preventDefault();
    const reason = this.reason?.value.trim();
    if (reason) {
      ask(this, "unmask-request", { reason });
    }
  }
}

define("unmask-card", UnmaskCardElement);
