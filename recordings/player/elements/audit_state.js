/** What stands between one signature and the next: an override that waits for a second auditor, a case that was
 *  reopened, and the way to reopen one. Asks by `reopen-request` with `{reason}`. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { dateAndTime, wordFor } from "../../web_kit/record/words.js";
import { mayReopen } from "../state.js";

/** @typedef {import("../state.js").PlayerState} PlayerState */

/** @extends {PartElement<PlayerState>} */
export class AuditStateElement extends PartElement {
  /** @override */
  looksAt(/** @type {PlayerState} */ state) {
    return [state.view.given, state.view.proposed, state.view.reopened, state.view.audit, mayReopen(state), state.signing];
  }

  /** @override */
  build() {
    this.notices = h("div", { class: "stack" });
    this.open = h("button", { class: "button", type: "button", onclick: () => this.turn(true) }, t("reopen.open"));
    this.reason = h("textarea", { class: "input", id: "reopen-reason", rows: 3, maxlength: 2000, required: true });
    this.form = h("form", { class: "stack", hidden: true, onsubmit: (/** @type {Event} */ event) => this.gotReason(event) },
      h("label", { for: "reopen-reason" }, t("reopen.reason")), this.reason, h("p", { class: "small soft" }, t("reopen.text")),
      h("div", { class: "row" }, h("button", { class: "button danger grow", type: "submit" }, t("reopen.sure")),
        h("button", { class: "button", type: "button", onclick: () => this.turn(false) }, t("verdict.back")))); // prettier-ignore
    mount(this, this.notices, this.open, this.form);
    this.addEventListener("keydown", (event) => event.key === "Escape" && !this.form?.hidden && this.turn(false));
  }

  /** @override */
  draw(/** @type {PlayerState} */ state) {
    const { given, proposed, reopened, audit } = state.view;
    if (!this.notices || !this.open || !this.form) {
      return;
    }
    const said = (/** @type {string} */ title, /** @type {Record<string, any>} */ fact) =>
      h("div", { class: "notice warn" }, h("div", {}, h("strong", {}, title), h("p", {}, fact.pii_reason), h("p", { class: "small" }, dateAndTime(fact.at))));
    const grounds = proposed?.grounds.map((/** @type {string} */ word) => wordFor("ground", word)).join(t("list.comma")) ?? "";
    mount(this.notices, reopened && !audit && said(t("reopen.was", { verdict: wordFor("verdict", reopened.was) }), reopened),
      audit ? null : given.map((one) => said(t(one.auditor === state.session?.account ? "look.mine" : "look.other", { verdict: wordFor("verdict", one.verdict) }), one)),
      proposed && !audit && said(t("override.proposed", { grounds }), proposed)); // prettier-ignore
    if (!mayReopen(state)) {
      this.form.hidden = true;
    }
    this.open.hidden = !mayReopen(state) || !this.form.hidden;
    this.open.disabled = state.signing;
    this.hidden = this.open.hidden && this.form.hidden && this.notices.childElementCount === 0;
  }

  /** @param {boolean} open */
  turn(open) {
    if (this.form && this.open && this.reason) {
      this.form.hidden = !open;
      this.open.hidden = open;
      (open ? this.reason : this.open).focus();
    }
  }

  /** @param {Event} event */
  gotReason(event) {
    event.preventDefault();
    const reason = this.reason?.value.trim();
    if (reason) {
      ask(this, "reopen-request", { reason });
    }
  }
}

define("audit-state", AuditStateElement);
