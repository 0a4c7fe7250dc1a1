/**
 * Ask a colleague into the call: whom, how, and with which words. Asks by `colleagues-request` when it opens
 * and by `invite-request`; closes when the server says that somebody is being asked.
 */

import { h, mount } from "../../web_kit/dom.js";
import { t, tCode } from "../../web_kit/i18n.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */
/** @typedef {import("../../web_kit/wire").Colleague} Colleague */

const NOTE_MAX = 1000;
const ANYBODY = "anybody";
const WAYS = /** @type {const} */ (["private", "join", "transfer"]);

/** @extends {PartElement<ConsoleState>} */
export class InviteDialogElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ { colleagues, call, notice, link }) {
    return [colleagues, call?.inviting, call?.phase, notice, link];
  }

  /** @override */
  build() {
    this.people = h("fieldset", { class: "colleagues" });
    this.note = h("textarea", { class: "input", id: "invite-note", rows: 2, maxlength: NOTE_MAX, placeholder: t("invite.note_hint") });
    this.problem = h("p", { class: "problem", role: "alert" });
    this.submit = h("button", { class: "button primary wide", type: "submit" }, t("invite.submit"));
    const ways = WAYS.map((way, index) => h("label", { class: "choice" }, h("input", { type: "radio", name: "way", value: way, required: true, checked: index === 0 }),
      h("span", {}, t(`invite.${way}`), h("small", {}, t(`invite.${way}_hint`))))); // prettier-ignore
    this.form = h("form", { class: "stack", onsubmit: (/** @type {Event} */ event) => this.askInvite(event) },
      this.people, h("fieldset", { class: "ways" }, h("legend", {}, t("invite.how")), ways),
      h("div", { class: "stack tight" }, h("label", { for: "invite-note" }, t("invite.note")), this.note), this.problem, this.submit); // prettier-ignore
    /** @type {HTMLDialogElement} */
    this.dialog = h("dialog", { class: "sheet invite", "aria-label": t("invite.title") },
      h("header", {}, h("h2", {}, t("invite.title")), h("button", { class: "button quiet", type: "button", onclick: () => void this.dialog?.close() }, t("cancel"))), this.form); // prettier-ignore
    mount(this, this.dialog);
  }

  open() {
    this.problem?.replaceChildren();
    this.dialog?.showModal();
    ask(this, "colleagues-request");
  }

  /** @override */
  draw(/** @type {ConsoleState} */ { colleagues, call, notice, link }, /** @type {ConsoleState | undefined} */ was) {
    if (colleagues !== was?.colleagues || !was) {
      this.drawPeople(colleagues);
    }
    if (notice !== was?.notice && notice?.about === "invite") {
      this.problem?.replaceChildren(tCode("error", notice.code));
    }
    if (this.submit) {
      this.submit.disabled = link !== "open";
    }
    if (this.dialog?.open && call?.inviting && !was?.call?.inviting) {
      this.dialog.close();
    }
  }

  /** @param {ConsoleState["colleagues"]} colleagues */
  drawPeople(colleagues) {
    if (!this.people) {
      return;
    }
    const chosen = this.chosen();
    const agents = [...(colleagues?.agents ?? [])].sort((one, other) => Number(other.presence === "ready") - Number(one.presence === "ready"));
    const choice = (/** @type {string} */ value, /** @type {import("../../web_kit/dom.js").Child[]} */ ...words) =>
      h("label", { class: "choice" }, h("input", { type: "radio", name: "whom", value, required: true, checked: value === chosen }), h("span", {}, ...words));
    mount(this.people, h("legend", {}, t("invite.whom")),
      !colleagues && h("p", { class: "soft" }, h("span", { class: "spinner", "aria-hidden": "true" }), t("loading")),
      colleagues && !agents.length && h("p", { class: "soft" }, t("invite.nobody")),
      agents.map((one) => choice(`agent:${one.account}`, one.name, presenceBadge(one), one.skills.length > 0 && h("small", {}, one.skills.map((skill) => wordFor("skill", skill)).join(t("list.comma"))))),
      (colleagues?.skills ?? []).map((skill) => choice(`skill:${skill}`, t("invite.skill", { skill: wordFor("skill", skill) }))),
      choice(ANYBODY, t("invite.anybody"))); // prettier-ignore
  }

  chosen() {
    return this.form ? String(new FormData(this.form).get("whom") ?? ANYBODY) : ANYBODY;
  }

  /** @param {Event} event */
  askInvite(event) {
    event.preventDefault();
    const whom = this.chosen();
    const way = this.form && new FormData(this.form).get("way");
    const agent = whom.startsWith("agent:") ? whom.slice("agent:".length) : null;
    const skill = whom.startsWith("skill:") ? whom.slice("skill:".length) : "";
    this.problem?.replaceChildren();
    ask(this, "invite-request", { agent, skill, private: way === "private", transfer: way === "transfer", note: this.note?.value.trim() ?? "" });
  }
}

/** @param {Colleague} colleague */
function presenceBadge({ presence }) {
  const tone = presence === "ready" ? "live" : presence === "busy" || presence === "ringing" ? "busy" : "plain";
  return h("span", { class: `badge ${tone}` }, t(`presence.${presence}`));
}

define("invite-dialog", InviteDialogElement);
