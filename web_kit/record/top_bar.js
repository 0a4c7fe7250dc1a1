/** The bar above every page of the bank's people: what this is, who is in, language, way out. */

import { h, mount } from "../dom.js";
import { language, setLanguage, t } from "../i18n.js";
import { icon } from "../icons.js";
import { ask, define, PartElement } from "./part.js";

/** @typedef {{title: string, bank: string, name: string, link: "" | "open" | "connecting" | "dropped" | "closed"}} TopBarView */

/** @extends {PartElement<TopBarView>} */
export class TopBarElement extends PartElement {
  /** @override */
  looksAt(/** @type {TopBarView} */ { title, bank, name, link }) {
    return [title, bank, name, link];
  }

  /** @override */
  draw(/** @type {TopBarView} */ { title, bank, name, link }) {
    const other = language() === "zh-CN" ? "en" : "zh-CN";
    mount(this,
      h("span", { class: "brand-icon", "aria-hidden": "true" }, icon("bank")),
      h("span", { class: "brand" }, h("strong", {}, bank || t("brand.name")), h("span", { class: "soft" }, title)),
      h("span", { class: "grow" }),
      link && h("span", { class: `link-state ${link}`, role: "status" }, h("i", { class: "dot", "aria-hidden": "true" }), t(`link.${link}`)),
      name && h("span", { class: "person" }, h("span", { class: "avatar", "aria-hidden": "true" }, [...name][0] ?? ""), name),
      h("button", { class: "button quiet", type: "button", lang: other, onclick: () => setLanguage(other) }, other === "en" ? "English" : "中文"),
      name && h("button", { class: "button quiet", type: "button", onclick: () => ask(this, "logout-request") }, t("login.leave")),
    ); // prettier-ignore
  }
}

define("top-bar", TopBarElement);
