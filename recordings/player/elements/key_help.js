/** Which key does what, in a dialog. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";

const KEYS = [
  ["play", ["␣", "K"]], ["seconds", ["←", "→"]], ["ten", ["J", "L"]], ["frame", [",", "."]], ["speed", ["<", ">"]],
  ["share", ["0", "…", "9"]], ["ends", ["Home", "End"]], ["marker", ["P", "N"]], ["unseen", ["U"]],
  ["mute", ["M"]], ["tracks", ["T"]], ["layout", ["V"]], ["faces", ["C"]], ["full", ["F"]], ["next", ["G"]], ["help", ["?"]],
]; // prettier-ignore

export function openKeyHelp() {
  const dialog = h("dialog", { class: "key-help", "aria-label": t("keys.title") });
  mount(dialog, h("header", { class: "row" }, h("h2", {}, t("keys.title")), h("span", { class: "grow" }),
      h("button", { class: "button quiet", type: "button", autofocus: true, onclick: () => dialog.close() }, t("close"))),
    h("dl", {}, KEYS.map(([what, keys]) => h("div", {}, h("dt", {}, [...(keys ?? [])].map((key) => h("kbd", {}, key))), h("dd", {}, t(`keys.${what}`)))))); // prettier-ignore
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
