/** All keys of the console on one sheet, behind `?`. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { define } from "../../web_kit/record/part.js";
import { PLACED_KEYS, SHORTCUTS } from "../shortcuts.js";

const SCREENS = /** @type {const} */ (["desk", "ring", "call"]);

export class ShortcutSheetElement extends HTMLElement {
  open() {
    const groups = SCREENS.map((screen) => this.group(t(`keys.on_${screen}`),
      SHORTCUTS.filter((one) => one.screens[0] === screen && one.key !== "?").map(({ key, words }) => [key, t(words)]))); // prettier-ignore
    // Before the longest group, so that both columns are filled.
    groups.splice(-1, 0, this.group(t("keys.on_window"), PLACED_KEYS.map(([key, words]) => [key, t(words)])));
    const dialog = h("dialog", { class: "sheet keys", "aria-label": t("keys.title"), onclose: () => this.remove() });
    mount(dialog, h("header", {}, h("h2", {}, t("keys.title")), h("button", { class: "button quiet", type: "button", onclick: () => dialog.close() }, t("close"))),
      h("div", { class: "key-groups" }, groups), h("p", { class: "soft small" }, t("keys.note"))); // prettier-ignore
    mount(this, dialog);
    dialog.showModal();
  }

  /** @param {string} title @param {readonly (readonly string[])[]} rows */
  group(title, rows) {
    return h("section", {}, h("h3", {}, title), h("dl", {}, rows.map(([key, words]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, words)))));
  }
}

define("shortcut-sheet", ShortcutSheetElement);
