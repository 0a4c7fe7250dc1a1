/** The supervisor's page: the wall, or the call that he is in. Asks before it ends or takes over a call. */

import { h, mount } from "../../web_kit/dom.js";
import { addStrings, t, tCode } from "../../web_kit/i18n.js";
import { ask, define, part, PartElement } from "../../web_kit/record/part.js";
import en from "./strings/en.js";
import zh from "./strings/zh_CN.js";
import { isWatching } from "./supervise.js";
import "./wall_board.js";
import "./watch_view.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */

addStrings({ "zh-CN": zh, en });

const REASON_MAX = 200;

/** @extends {PartElement<ConsoleState>} */
export class SupervisorBoardElement extends PartElement {
  /** @type {PartElement<ConsoleState> | null} */
  inside = null;

  /** @override */
  looksAt(/** @type {ConsoleState} */ state) {
    return Object.values(state);
  }

  /** @override */
  build() {
    this.over = h("p", { class: "notice", role: "status", hidden: true });
    this.view = h("div", { class: "board-view" });
    this.ending = this.endDialog();
    this.taking = this.takeDialog();
    mount(this, this.over, this.view, this.ending, this.taking);
    this.addEventListener("force-end-open", (event) => this.openEnding(/** @type {CustomEvent} */ (event).detail));
    this.addEventListener("take-over-open", () => this.taking?.showModal());
  }

  endDialog() {
    this.endTitle = h("h2", {});
    this.reason = h("textarea", { class: "input", rows: 3, maxlength: REASON_MAX, required: true });
    const form = h("form", { class: "stack", onsubmit: (/** @type {Event} */ event) => this.forceEnd(event) },
      h("label", { class: "field" }, t("board.end_reason"), this.reason), h("button", { class: "button danger", type: "submit" }, t("board.end"))); // prettier-ignore
    return this.dialog(this.endTitle, h("p", {}, t("board.end_text")), form);
  }

  takeDialog() {
    const take = h("button", { class: "button primary", type: "button", onclick: () => this.takeOver() }, t("watch.take_over"));
    return this.dialog(h("h2", {}, t("watch.take_over_title")), h("p", {}, t("watch.take_over_text")), take);
  }

  /** @param {HTMLElement} title @param {...Node} inside */
  dialog(title, ...inside) {
    const dialog = h("dialog", { class: "sheet" });
    title.id = `sheet-${Math.random().toString(36).slice(2)}`;
    dialog.setAttribute("aria-labelledby", title.id);
    mount(dialog, h("header", {}, title, h("button", { class: "button quiet", type: "button", onclick: () => dialog.close() }, t("cancel"))), ...inside);
    return dialog;
  }

  /** @param {{call: string, name: string}} which */
  openEnding({ call, name }) {
    this.endCall = call;
    this.endTitle?.replaceChildren(t("board.end_title", { name }));
    if (this.reason) {
      this.reason.value = "";
    }
    this.ending?.showModal();
  }

  /** @param {Event} event */
  forceEnd(event) {
    event.preventDefault();
    const reason = this.reason?.value.trim() ?? "";
    if (reason) {
      this.ending?.close();
      ask(this, "force-end-request", { call: this.endCall, reason });
    }
  }

  takeOver() {
    this.taking?.close();
    ask(this, "take-over-request");
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state) {
    const tag = isWatching(state) ? "watch-view" : "wall-board";
    if (this.inside?.localName !== tag) {
      this.inside = part(tag);
      this.taking?.close();
      this.view && mount(this.view, this.inside);
    }
    this.inside?.show(state);
    const ended = state.call?.phase === "ended" && !state.call.left;
    if (this.over) {
      this.over.hidden = !ended;
      this.over.replaceChildren(ended ? t("watch.over", { name: state.view.customer || t("case.unnamed"), reason: tCode("end", state.call?.reason) }) : "");
    }
  }
}

define("supervisor-board", SupervisorBoardElement);
