/**
 * Maker and checker: the auditor signs what somebody else has done, in two steps: verdict and reason, then what
 * is about to be signed. Asks by `verdict-request` with `{verdict, reason}`.
 */

import { h, mount } from "../../web_kit/dom.js";
import { t, tCode } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { dateAndTime, shortHash } from "../../web_kit/record/words.js";
import { whyNotSign } from "../state.js";

/** @typedef {import("../state.js").PlayerState} PlayerState */

/** @typedef {Readonly<{verdict: string, reason: string}>} Signature */

/** @extends {PartElement<PlayerState>} */
export class VerdictFormElement extends PartElement {
  /** What waits to be confirmed. @type {Signature | null} */
  asked = null;

  /** @override */
  looksAt(/** @type {PlayerState} */ state) {
    return [whyNotSign(state), state.view.audit, state.signing, state.signProblem];
  }

  /** @override */
  build() {
    this.why = h("p", { class: "notice warn" });
    this.signed = h("div", { class: "signed", "aria-live": "polite" });
    this.reason = h("textarea", { class: "input", id: "verdict-reason", rows: 3, maxlength: 2000, required: true, placeholder: t("verdict.reason_hint") });
    this.problem = h("p", { class: "problem", role: "alert" });
    this.approve = h("button", { class: "button primary grow", type: "submit", value: "approved" }, icon("check"), t("verdict.approve"));
    this.reject = h("button", { class: "button danger grow", type: "submit", value: "rejected" }, icon("close"), t("verdict.reject"));
    this.form = h("form", { class: "stack", onsubmit: (/** @type {SubmitEvent} */ event) => this.gotVerdict(event) },
      h("label", { for: "verdict-reason" }, t("verdict.reason")), this.reason, this.problem, h("div", { class: "row" }, this.approve, this.reject)); // prettier-ignore
    this.sure = h("div", { class: "stack sure", role: "group", "aria-labelledby": "verdict-sure" });
    mount(this, h("section", { class: "card stack", "aria-labelledby": "verdict-title" },
      h("h2", { id: "verdict-title" }, t("verdict.title")), this.why, this.signed, this.form, this.sure)); // prettier-ignore
    this.addEventListener("keydown", (event) => event.key === "Escape" && this.asked && this.goBack());
  }

  /** @override */
  draw(/** @type {PlayerState} */ state) {
    const why = whyNotSign(state);
    const { audit } = state.view;
    if (!this.why || !this.signed || !this.form || !this.sure) {
      return;
    }
    if (why !== "") {
      this.asked = null;
    }
    this.why.hidden = why === "" || audit !== null;
    this.why.replaceChildren(why && t(why, { phase: tCode("case", state.summary?.phase) }));
    this.form.hidden = audit !== null || this.asked !== null;
    this.sure.hidden = this.asked === null;
    for (const field of [this.reason, this.approve, this.reject]) {
      field && (field.disabled = why !== "" || state.signing);
    }
    this.problem?.replaceChildren(state.signProblem ? tCode("error", state.signProblem) : "");
    this.signed.hidden = audit === null;
    mount(this.signed, audit && this.signature(audit, state));
  }

  /** @param {Record<string, any>} audit @param {PlayerState} state */
  signature(audit, { session, summary }) {
    const mine = audit.auditor === session?.account;
    return h("div", { class: `seal ${audit.verdict}` }, icon(audit.verdict === "approved" ? "shield" : "close"),
      h("div", {}, h("strong", {}, t(`verdict.${audit.verdict}`)), h("p", {}, audit.pii_reason),
        h("p", { class: "small" }, mine ? session?.name : (summary?.auditor_name ?? audit.auditor), " · ", dateAndTime(audit.at)),
        h("p", { class: "small" }, t("verdict.bound_to"), " ", h("code", { title: audit.manifest_sha256 }, shortHash(audit.manifest_sha256))))); // prettier-ignore
  }

  /** @param {SubmitEvent} event */
  gotVerdict(event) {
    event.preventDefault();
    const verdict = /** @type {HTMLButtonElement | null} */ (event.submitter)?.value;
    const reason = this.reason?.value.trim();
    if (verdict && reason) {
      this.asked = { verdict, reason };
      this.drawSure(this.asked);
    }
  }

  /** @param {Signature} asked */
  drawSure({ verdict, reason }) {
    if (!this.sure || !this.form) {
      return;
    }
    const good = verdict === "approved";
    const sign = h("button", { class: `button grow ${good ? "primary" : "danger"}`, type: "button", onclick: () => this.askVerdict() }, icon(good ? "check" : "close"), t(`verdict.sure_${verdict}`));
    mount(this.sure, h("h3", { id: "verdict-sure" }, t(`verdict.ask_${verdict}`)), h("blockquote", {}, reason), h("p", { class: "small soft" }, t("verdict.sure_text")),
      h("div", { class: "row" }, sign, h("button", { class: "button", type: "button", onclick: () => this.goBack() }, t("verdict.back")))); // prettier-ignore
    this.form.hidden = true;
    this.sure.hidden = false;
    sign.focus();
  }

  goBack() {
    this.asked = null;
    this.form && (this.form.hidden = false);
    this.sure && (this.sure.hidden = true);
    this.reason?.focus();
  }

  askVerdict() {
    const asked = this.asked;
    this.goBack();
    ask(this, "verdict-request", asked);
  }
}

define("verdict-form", VerdictFormElement);
