/**
 * Messages beside the call. A line appears when the journal has it, not before.
 *
 * @import { Session } from "./session.js"
 * @import { State } from "./state.js"
 */

import { h, mount } from "../web_kit/dom.js";
import { t } from "../web_kit/i18n.js";
import { icon } from "../web_kit/icons.js";

/**
 * @param {Session} session
 * @param {() => void} close
 */
export function chatDrawer(session, close) {
  const lines = h("ol", { class: "lines", role: "log", "aria-live": "polite", "aria-label": t("chat.title") });
  const field = h("input", { class: "input", maxlength: 2000, placeholder: t("chat.placeholder"), "aria-label": t("chat.placeholder"), autocomplete: "off", enterkeyhint: "send" });
  /** @param {Event} event */
  function say(event) {
    event.preventDefault();
    const text = field.value.trim();
    if (text && session.say(text)) field.value = "";
  }
  const node = h(
    "section",
    { class: "drawer", hidden: true, "aria-label": t("chat.title") },
    h(
      "header",
      { class: "row" },
      h("h2", { class: "grow" }, t("chat.title")),
      h("button", { class: "button quiet compact", type: "button", onclick: close, "aria-label": t("close") }, icon("close")),
    ),
    lines,
    h(
      "form",
      { class: "row", onsubmit: say },
      field,
      h("button", { class: "button primary compact", type: "submit", "aria-label": t("chat.send") }, icon("send")),
    ),
  );
  node.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  /** @type {State["chat"] | null} */
  let shown = null;
  /** @param {Readonly<State>} state */
  function update(state) {
    const opened = node.hidden && state.chatOpen;
    node.hidden = !state.chatOpen;
    if (shown !== state.chat) drawLines(lines, state);
    shown = state.chat;
    if (opened) {
      lines.scrollTop = lines.scrollHeight;
      field.focus();
    }
  }
  return { node, update };
}

/**
 * @param {HTMLElement} lines
 * @param {Readonly<State>} state
 */
function drawLines(lines, { chat, peer }) {
  const empty = h("li", { class: "soft small" }, t("chat.empty"));
  const rows = chat.map((line) =>
    h(
      "li",
      { class: line.own ? "line own" : "line" },
      h("span", { class: "small who" }, line.own ? t("chat.you") : peer || t("call.agent.role")),
      h("span", { class: "bubble" }, line.text),
    ),
  );
  mount(lines, rows.length ? rows : empty);
  lines.scrollTop = lines.scrollHeight;
}
