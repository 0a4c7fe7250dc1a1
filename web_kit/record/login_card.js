/** The way in for people of the bank: asks by `login-request` with `{login, password}`. */

import { h, mount } from "../dom.js";
import { t, tCode } from "../i18n.js";
import { icon } from "../icons.js";
import { ask, define, PartElement } from "./part.js";

/** @typedef {{title: string, intro: string, busy: boolean, error: string | null}} LoginView */

/** @extends {PartElement<LoginView>} */
export class LoginCardElement extends PartElement {
  /** @override */
  looksAt(/** @type {LoginView} */ { busy, error }) {
    return [busy, error];
  }

  /** @override */
  build() {
    this.login = h("input", { class: "input", id: "login-name", name: "login", autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false" });
    this.password = h("input", { class: "input", id: "login-password", name: "password", type: "password", autocomplete: "current-password", required: true });
    this.submit = h("button", { class: "button primary wide", type: "submit" });
    this.problem = h("p", { class: "problem", role: "alert" });
    const form = h("form", { class: "login-form", onsubmit: (/** @type {Event} */ event) => this.askLogin(event) },
      h("label", { for: "login-name" }, t("login.name")), this.login,
      h("label", { for: "login-password" }, t("login.password")), this.password,
      this.problem, this.submit); // prettier-ignore
    this.heading = h("h1", {});
    this.intro = h("p", { class: "soft" });
    mount(this, h("div", { class: "card login-box" }, h("div", { class: "brand-icon", "aria-hidden": "true" }, icon("bank")), this.heading, this.intro, form));
    this.login.focus();
  }

  /** @override */
  draw(/** @type {LoginView} */ { title, intro, busy, error }) {
    this.heading?.replaceChildren(title);
    this.intro?.replaceChildren(intro);
    this.submit?.replaceChildren(busy ? t("login.busy") : t("login.enter"));
    if (this.submit) {
      this.submit.disabled = busy;
    }
    this.problem?.replaceChildren(error ? tCode("error", error) : "");
    if (error && !busy) {
      this.password?.select();
    }
  }

  /** @param {Event} event */
  askLogin(event) {
    event.preventDefault();
    ask(this, "login-request", { login: this.login?.value.trim(), password: this.password?.value });
  }
}

define("login-card", LoginCardElement);
