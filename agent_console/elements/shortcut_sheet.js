/** All keys of the console on one sheet, behind `?`, and the switch for them. Asks by `keys-request`. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { ask, define } from "../../web_kit/record/part.js";
import { PLACED_KEYS, SHORTCUTS } from "../shortcuts.js";

const SCREENS = /** @type {const} */ (["desk", "ring", "call"]);

export class ShortcutSheetElement extends HTMLElement {
  /** @param {boolean} on */
  open(on) {
    const groups = SCREENS.map((screen) => this.group("single", t(`keys.on_${screen}`),
      SHORTCUTS.filter((one) => one.screens[0] === screen && one.key !== "?").map(({ key, words }) => [key, t(words)]))); // prettier-ignore
    // Before the longest group, so that both columns are filled. These need the focus, so they never surprise.
    groups.splice(-1, 0, this.group("", t("keys.on_window"), PLACED_KEYS.map(([key, words]) => [key, t(words)])));
    const dialog = h("dialog", { class: "sheet keys", "aria-label": t("keys.title"), onclose: () => this.remove() });
    mount(dialog, h("header", {}, h("h2", {}, t("keys.title")), h("button", { class: "button quiet", type: "button", onclick: () => dialog.close() }, t("close"))),
      this.choice(dialog, on), h("div", { class: "key-groups" }, groups), h("p", { class: "soft small" }, t("keys.note"))); // prettier-ignore
    mount(this, dialog);
    dialog.showModal();
  }

  /** @param {HTMLElement} dialog @param {boolean} on */
  choice(dialog, on) {
    dialog.toggleAttribute("data-off", !on);
    const box = h("input", { type: "checkbox", role: "switch", checked: on, "aria-describedby": "keys-hint", onchange: () => {
      ask(this, "keys-request");
      dialog.toggleAttribute("data-off", !box.checked);
    } }); // prettier-ignore
    return h("div", {}, h("label", { class: "check" }, box, t("keys.on")), h("p", { id: "keys-hint", class: "soft small" }, t("keys.on_hint")));
  }

  /** @param {string} kind @param {string} title @param {readonly (readonly string[])[]} rows */
  group(kind, title, rows) {
    return h("section", { class: kind }, h("h3", {}, title), h("dl", {}, rows.map(([key, words]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, words)))));
  }
}

define("shortcut-sheet", ShortcutSheetElement);
