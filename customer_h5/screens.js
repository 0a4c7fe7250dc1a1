/**
 * The quiet screens. Each is a builder that returns its node and, where something changes while it stands,
 * how to bring it up to date.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { Screen, State } from "./state.js"
 */

import { h } from "../web_kit/dom.js";
import { t, tCode } from "../web_kit/i18n.js";
import { icon } from "../web_kit/icons.js";

/**
 * @typedef {object} Actions  What the person may ask for.
 * @property {() => void} start
 * @property {() => void} restart
 * @property {() => void} leave
 * @property {(code: string) => void} enter
 * @property {(screen: Screen) => void} show
 * @property {(phone: string, wish: string) => void} requestCallback
 * @property {() => void} switchLanguage
 * @property {() => void} switchSize
 *
 * @typedef {{ node: HTMLElement, update?: (state: Readonly<State>) => void }} View
 * @typedef {(store: Store<State>, actions: Actions) => View} Builder
 */

/** @type {Builder} */
export function starting() {
  const title = h("h1", null);
  const node = h(
    "main",
    { class: "page centre", "aria-live": "polite" },
    h("div", { class: "spinner", role: "presentation" }),
    title,
  );
  /** @param {Readonly<State>} state */
  function update(state) {
    title.textContent = t(state.startingStep === "resume" ? "call.resuming" : "connecting");
  }
  return { node, update };
}

/**
 * The link to be opened elsewhere: to copy by one tap or by hand, or to hand to another app.
 *
 * @param {string} link
 */
export function linkOut(link) {
  const field = h("input", { class: "input", readonly: true, value: link, "aria-label": t("trouble.link") });
  const told = h("p", { class: "small soft", role: "status" });
  async function copy() {
    field.select();
    try {
      await navigator.clipboard.writeText(link);
    } catch {
      // In-app browsers often withhold the clipboard; the selected text can be copied by hand.
      document.execCommand("copy");
    }
    told.textContent = t("trouble.copied");
  }
  const share = () => void navigator.share({ url: link }).catch(() => undefined);
  return h(
    "div",
    { class: "stack wide" },
    field,
    h("button", { class: "button primary big", type: "button", onclick: copy }, icon("copy"), t("trouble.copy")),
    "share" in navigator ? h("button", { class: "button big", type: "button", onclick: share }, icon("share"), t("trouble.share")) : null,
    told,
  );
}

/** This browser cannot: the way to one that can. @type {Builder} */
export function elsewhere(store, actions) {
  const reason = store.get().elsewhere || "unsupported";
  const node = h(
    "main",
    { class: "page centre" },
    h("span", { class: "medal warn" }, icon("globe")),
    h("h1", null, t(`trouble.${reason}`)),
    h("p", { role: "alert" }, t(`trouble.${reason}.help`)),
    reason === "insecure" ? null : linkOut(location.href),
    h("button", { class: "button quiet big", type: "button", onclick: () => actions.show("callback") }, icon("phone"), t("other.callback.go")),
  );
  return { node };
}

/** @param {number | null} seconds */
export function waitWords(seconds) {
  if (seconds === null) return t("queue.unknown");
  return seconds < 60 ? t("queue.soon") : t("queue.wait", { minutes: Math.round(seconds / 60) });
}

/**
 * A question that must be answered before something is lost.
 *
 * @param {string} title
 * @param {string} text
 * @param {string} yes
 * @param {string} no
 * @param {() => void} onYes
 * @returns {{ node: HTMLElement, show: () => void }}
 */
export function confirmSheet(title, text, yes, no, onYes) {
  const dialog = h("dialog", { class: "sheet", "aria-label": title });
  const close = () => dialog.close();
  const agree = () => {
    dialog.close();
    onYes();
  };
  dialog.append(
    h("h2", null, title),
    h("p", { class: "soft" }, text),
    h("button", { class: "button danger big", type: "button", onclick: agree }, yes),
    h("button", { class: "button big", type: "button", onclick: close }, no),
  );
  return { node: dialog, show: () => dialog.showModal() };
}

/** @param {Actions} actions */
function codeForm(actions) {
  const field = h("input", { class: "input", name: "code", required: true, maxlength: 64, autocomplete: "off", autocapitalize: "off" });
  /** @param {Event} event */
  function go(event) {
    event.preventDefault();
    if (field.value.trim()) actions.enter(field.value.trim());
  }
  return h(
    "form",
    { class: "stack wide", onsubmit: go },
    h("label", { class: "field left" }, t("problem.code"), field),
    h("button", { class: "button primary big", type: "submit" }, t("problem.go")),
  );
}

/** @type {Builder} */
export function problem(store, actions) {
  const { problem: code, canRestart } = store.get();
  if (code === "waiting") {
    const waiting = h("h1", null, t("problem.waiting"));
    return { node: h("main", { class: "page centre" }, h("div", { class: "spinner", role: "presentation" }), waiting) };
  }
  const lost = code === "no_link";
  const node = h(
    "main",
    { class: "page centre" },
    h("span", { class: "medal" }, icon(lost ? "bank" : "warning")),
    h("h1", null, t(lost ? "problem.no_link" : "problem.title")),
    h("p", { role: "alert" }, lost ? t("problem.no_link.text") : tCode("error", code)),
    lost ? codeForm(actions) : null,
    !lost && canRestart
      ? h("button", { class: "button primary big", type: "button", onclick: actions.start }, t("retry"))
      : null,
  );
  return { node };
}

/** @type {Builder} */
export function left(store, actions) {
  const node = h(
    "main",
    { class: "page centre" },
    h("span", { class: "medal" }, icon("bank")),
    h("h1", { role: "status" }, t("left.title")),
    h("p", { class: "soft" }, t("left.text")),
    store.get().canRestart
      ? h("button", { class: "button primary big", type: "button", onclick: actions.restart }, t("thanks.again"))
      : h("p", { class: "soft small" }, t("thanks.close")),
  );
  return { node };
}
