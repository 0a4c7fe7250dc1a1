/** A way in for a customer: opens a case and shows its link and QR code. Asks by `case-request`, `made-dismiss`. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { dateAndTime } from "../../web_kit/record/words.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */

const PURPOSES = /** @type {const} */ (["open_account", "service"]);
const COPIED_MS = 2000;

/** Links come as a path where the server does not know its own name. @param {string} url */
export const wholeUrl = (url) => new URL(url, location.href).href;

/** @extends {PartElement<ConsoleState>} */
export class NewCaseElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ { made, link }) {
    return [made, link];
  }

  /** @override */
  build() {
    const field = (/** @type {string} */ name, /** @type {number} */ max) => h("label", { class: "field" }, t(`new_case.${name}`), h("input", { class: "input", name, maxlength: max, autocomplete: "off" }));
    const purpose = h("label", { class: "field" }, t("new_case.purpose"), h("select", { class: "input", name: "purpose" }, PURPOSES.map((word) => h("option", { value: word }, t(`purpose.${word}`)))));
    this.submit = h("button", { class: "button primary", type: "submit" }, icon("link"), t("new_case.submit"));
    this.form = h("form", { class: "new-case", onsubmit: (/** @type {Event} */ event) => this.askCase(event) }, field("customer_name", 64), purpose,
      h("details", {}, h("summary", {}, t("new_case.more")), h("div", { class: "stack" }, field("customer_ref", 64), field("skill", 64),
        h("label", { class: "check" }, h("input", { type: "checkbox", name: "vip" }), t("new_case.vip")))), this.submit); // prettier-ignore
    this.result = h("div", { class: "made stack tight", role: "status" });
    mount(this, this.form, this.result);
  }

  /** @override */
  draw(/** @type {ConsoleState} */ { made, link }) {
    this.submit?.toggleAttribute("disabled", link !== "open");
    if (!this.result || !this.form) {
      return;
    }
    this.form.hidden = made !== null;
    if (!made) {
      mount(this.result);
      return;
    }
    const url = wholeUrl(made.url);
    /** @type {HTMLInputElement} */
    const line = h("input", { class: "input mono", readonly: true, value: url, "aria-label": t("new_case.link"), onfocus: () => line.select() });
    const copy = h("button", { class: "button primary", type: "button", onclick: () => void this.copy(copy, url) }, icon("copy"), t("new_case.copy"));
    mount(this.result, h("p", { class: "notice good" }, icon("check"), t("new_case.made")), h("div", { class: "row" }, line, copy),
      h("figure", { class: "qr" }, h("img", { src: made.qr, alt: t("new_case.qr") }), h("figcaption", { class: "soft small" }, t("new_case.scan"))),
      h("p", { class: "soft small" }, t("new_case.expires", { time: dateAndTime(made.expires_at) })),
      h("button", { class: "button", type: "button", onclick: () => print() }, icon("file"), t("new_case.print")),
      h("button", { class: "button quiet", type: "button", onclick: () => ask(this, "made-dismiss") }, t("new_case.another"))); // prettier-ignore
    this.form.reset();
  }

  /** @param {HTMLButtonElement} button @param {string} url */
  async copy(button, url) {
    try {
      await navigator.clipboard.writeText(url);
      mount(button, icon("check"), t("new_case.copied"));
      setTimeout(() => mount(button, icon("copy"), t("new_case.copy")), COPIED_MS);
    } catch {
      // Without the right to the clipboard the link stands selected beside the button.
      this.result?.querySelector("input")?.select();
    }
  }

  /** @param {Event} event */
  askCase(event) {
    event.preventDefault();
    const data = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const word = (/** @type {string} */ name) => String(data.get(name) ?? "").trim();
    ask(this, "case-request", { customer_name: word("customer_name"), purpose: word("purpose"), customer_ref: word("customer_ref"), skill: word("skill"), vip: data.has("vip") });
  }
}

define("new-case", NewCaseElement);
