/**
 * A number left instead of waiting.
 *
 * @import { Builder } from "./screens.js"
 * @import { State } from "./state.js"
 */

import { h } from "../web_kit/dom.js";
import { t, tCode } from "../web_kit/i18n.js";
import { icon } from "../web_kit/icons.js";
import { drafts } from "./state.js";

// The wire takes 5 to 32 characters; national and international forms fit.
const PHONE = "[+]?[0-9 \\(\\)\\-]{4,31}";

/**
 * A field whose text outlives a redrawn screen.
 *
 * @template {HTMLInputElement | HTMLTextAreaElement} T
 * @param {string} name
 * @param {T} field
 * @returns {T}
 */
export function kept(name, field) {
  field.value = drafts.get(name) || "";
  field.addEventListener("input", () => drafts.set(name, field.value));
  return field;
}

/**
 * Where the customer came from.
 *
 * @param {Readonly<State>} state
 * @returns {import("./state.js").Screen}
 */
function before({ position, elsewhere, findings, opensAt, desk }) {
  if (position !== null) return "queue";
  if (elsewhere) return "elsewhere";
  if (opensAt !== null || (desk && !desk.open)) return "closed";
  return findings ? "check" : "landing";
}

/** @type {Builder} */
export function callback(store, actions) {
  const from = store.get();
  const phone = kept("phone", h("input", { class: "input", type: "tel", inputmode: "tel", autocomplete: "tel", required: true, maxlength: 32, pattern: PHONE, title: t("callback.phone.help") }));
  const wish = kept("wish", h("textarea", { class: "input", maxlength: 200, rows: 2, placeholder: t("callback.wish.help") }));
  const send = h("button", { class: "button primary big", type: "submit" }, t("callback.send"));
  const trouble = h("p", { class: "notice bad", role: "alert", hidden: true });
  /** @param {Event} event */
  function go(event) {
    event.preventDefault();
    actions.requestCallback(phone.value.trim(), wish.value.trim());
  }
  const waiting = from.position !== null;
  const node = h(
    "main",
    { class: "page stack" },
    h("h1", null, t("callback.title")),
    h("p", { class: "soft" }, t(waiting ? "callback.text.queue" : "callback.text")),
    h(
      "form",
      { class: "card stack", onsubmit: go },
      h("label", { class: "field" }, t("callback.phone"), phone),
      h("label", { class: "field" }, t("callback.wish"), wish),
      trouble,
      send,
    ),
    h("button", { class: "button quiet", type: "button", onclick: () => actions.show(before(from)) }, t("back")),
  );
  /** @param {Readonly<State>} state */
  function update(state) {
    send.disabled = state.callbackSending;
    trouble.hidden = !state.problem;
    trouble.textContent = state.problem ? tCode("error", state.problem) : "";
  }
  return { node, update };
}

/** @type {Builder} */
export function calledBack(store) {
  const { callbackPhone, caseId } = store.get();
  const node = h(
    "main",
    { class: "page centre" },
    h("span", { class: "medal good" }, icon("phone")),
    h("h1", { role: "status" }, t("called.title")),
    h("p", { class: "soft" }, t("called.text", { phone: callbackPhone })),
    caseId ? h("p", { class: "small soft" }, t("thanks.reference"), " ", h("span", { class: "mono" }, caseId)) : null,
    h("p", { class: "soft small" }, t("thanks.close")),
  );
  return { node };
}
