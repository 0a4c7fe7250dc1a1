/** Customers who would rather be called back. Asks by `callback-request`. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { dateAndTime } from "../../web_kit/record/words.js";

/** @typedef {import("../state.js").ConsoleState} ConsoleState */

/** @extends {PartElement<ConsoleState>} */
export class CallbackListElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ { callbacks, link }) {
    return [callbacks, link];
  }

  /** @override */
  draw(/** @type {ConsoleState} */ { callbacks, link }) {
    const row = (/** @type {any} */ one) => h("li", { class: "callback" },
      h("div", { class: "grow" }, h("strong", {}, one.name || t("case.unnamed")), " ", h("a", { href: `tel:${one.phone}`, class: "numbers" }, one.phone),
        one.wish && h("p", { class: "small" }, one.wish), h("p", { class: "soft small" }, dateAndTime(one.asked_at))),
      h("button", { class: "button", type: "button", disabled: link !== "open", onclick: () => ask(this, "callback-request", { case: one.case }) }, icon("link"), t("callbacks.make"))); // prettier-ignore
    mount(this, callbacks.length ? h("ul", { class: "callbacks" }, callbacks.map(row)) : h("p", { class: "soft" }, t("callbacks.none")));
  }
}

define("callback-list", CallbackListElement);
