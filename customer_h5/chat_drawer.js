/**
 * Messages, pictures and files beside the call. A line appears when the journal has it, not before; until then
 * a file is a transfer that can be given up or tried again.
 *
 * @import { Session } from "./session.js"
 * @import { ChatLine, SharedFile, State, Transfer } from "./state.js"
 */

import { h, mount } from "../web_kit/dom.js";
import { t, tCode } from "../web_kit/i18n.js";
import { icon } from "../web_kit/icons.js";
import { RestError } from "../web_kit/rest.js";
import { nameOf } from "./call_state.js";
import { kept } from "./callback.js";
import { ACCEPT } from "./files.js";
import { drafts } from "./state.js";

// Larger pictures are fetched when they are asked for: the line belongs to the conversation.
const PREVIEW_MAX_BYTES = 1024 * 1024;
const FINAL = ["file_too_large", "file_type", "file_mismatch"];

/** @param {number} bytes */
function size(bytes) {
  return bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

/**
 * A received or sent file: a picture shows itself, the rest is saved by a tap.
 *
 * @param {Session} session
 * @param {SharedFile} file
 * @param {(url: string, name: string) => void} view
 */
function fileBubble(session, file, view) {
  const isPicture = file.type.startsWith("image/");
  const trouble = h("span", { class: "small bad-words", role: "alert" });
  const sign = h("span", { class: "file-sign" }, icon(isPicture ? "camera" : "file"));
  async function open() {
    try {
      const url = await session.files.open(file);
      trouble.textContent = "";
      if (isPicture) view(url, file.name);
      else h("a", { href: url, download: file.name }).click();
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      trouble.textContent = tCode("error", error.code);
    }
  }
  async function preview() {
    const url = await session.files.open(file);
    mount(sign, h("img", { src: url, alt: "" }));
    sign.classList.add("preview-file");
  }
  if (isPicture && file.bytes <= PREVIEW_MAX_BYTES) void preview().catch(() => undefined);
  return h(
    "span",
    { class: "bubble" },
    h(
      "button",
      { class: "file", type: "button", onclick: () => void open(), "aria-label": t(isPicture ? "file.view" : "file.save", { name: file.name }) },
      sign,
      h("span", { class: "file-words" }, h("strong", null, file.name), h("span", { class: "small" }, size(file.bytes))),
      isPicture ? null : icon("download"),
    ),
    trouble,
  );
}

/**
 * @param {Session} session
 * @param {Transfer} transfer
 */
function transferRow(session, { id, name, fraction, failed }) {
  const percent = Math.round(fraction * 100);
  const again = () => session.files.retry(id);
  return h(
    "li",
    { class: "transfer" },
    h(
      "div",
      { class: "grow" },
      h("strong", null, name),
      failed
        ? h("p", { class: "small bad-words", role: "alert" }, tCode("error", failed))
        : h("progress", { max: 100, value: percent, "aria-label": t("still.sending", { percent }) }),
    ),
    failed && !FINAL.includes(failed) ? h("button", { class: "button compact", type: "button", onclick: again }, t("retry")) : null,
    h("button", { class: "button quiet compact", type: "button", onclick: () => session.files.cancel(id), "aria-label": t("file.cancel", { name }) }, icon("close")),
  );
}

/**
 * @param {Session} session
 * @param {HTMLElement} node
 */
function transferList(session, node) {
  /** @type {Map<string, HTMLElement>} */
  let rows = new Map();
  /** @param {readonly Transfer[]} transfers */
  function update(transfers) {
    const now = new Map(transfers.map((one) => [`${one.id} ${one.failed}`, one]));
    const isSame = now.size === rows.size && [...now.keys()].every((key) => rows.has(key));
    if (!isSame) {
      rows = new Map([...now].map(([key, one]) => [key, rows.get(key) || transferRow(session, one)]));
      mount(node, ...rows.values());
    }
    for (const [key, { fraction }] of now) {
      const row = rows.get(key);
      const bar = row && row.querySelector("progress");
      if (bar) bar.value = Math.round(fraction * 100);
    }
  }
  return { update };
}

function viewer() {
  const node = h("dialog", { class: "viewer" });
  /**
   * @param {string} url
   * @param {string} name
   */
  function show(url, name) {
    mount(
      node,
      h("img", { src: url, alt: name }),
      h(
        "div",
        { class: "row" },
        h("a", { class: "button grow", href: url, download: name }, icon("download"), t("file.keep")),
        h("button", { class: "button grow", type: "button", onclick: () => node.close() }, icon("close"), t("close")),
      ),
    );
    node.showModal();
  }
  return { node, show };
}

/**
 * @param {Session} session
 */
function composer(session) {
  const field = kept("chat", h("input", { class: "input", maxlength: 2000, placeholder: t("chat.placeholder"), "aria-label": t("chat.placeholder"), autocomplete: "off", enterkeyhint: "send" }));
  const files = h("input", { type: "file", class: "unseen", multiple: true, accept: ACCEPT, "aria-label": t("file.attach") });
  files.addEventListener("change", () => {
    for (const file of files.files || []) session.files.send(file);
    files.value = "";
  });
  /** @param {Event} event */
  function say(event) {
    event.preventDefault();
    const text = field.value.trim();
    if (!text || !session.say(text)) return;
    field.value = "";
    drafts.delete("chat");
  }
  const node = h(
    "form",
    { class: "row composer", onsubmit: say },
    h("label", { class: "button compact attach", title: t("file.attach") }, icon("attach"), files),
    field,
    h("button", { class: "button primary compact", type: "submit", "aria-label": t("chat.send") }, icon("send")),
  );
  return { node, field };
}

/**
 * @param {Session} session
 * @param {() => void} close
 */
export function chatDrawer(session, close) {
  const lines = h("ol", { class: "lines", role: "log", "aria-live": "polite", "aria-label": t("chat.title") });
  const transfers = h("ul", { class: "transfers", "aria-label": t("file.sending") });
  const picture = viewer();
  const { node: form, field } = composer(session);
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
    transfers,
    form,
    h("p", { class: "small soft" }, t("file.limits")),
  );
  node.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  let drawn = 0;

  /**
   * @param {ChatLine} line
   * @param {Readonly<State>} state
   */
  function lineNode(line, state) {
    const who = line.own ? t("chat.you") : nameOf(state, line.seat) || t("call.agent.role");
    const bubble = line.file ? fileBubble(session, line.file, picture.show) : h("span", { class: "bubble" }, line.text);
    return h("li", { class: line.own ? "line own" : "line" }, h("span", { class: "small who" }, who), bubble);
  }

  const moving = transferList(session, transfers);
  /** @param {Readonly<State>} state */
  function update(state) {
    const { chat, chatOpen } = state;
    const opened = node.hidden && chatOpen;
    node.hidden = !chatOpen;
    // Lines are only ever added; what stands keeps its place, its picture and the reader's focus.
    if (drawn === 0) mount(lines, chat.length ? null : h("li", { class: "soft small" }, t("chat.empty")));
    if (chatOpen && drawn < chat.length) {
      lines.append(...chat.slice(drawn).map((line) => lineNode(line, state)));
      drawn = chat.length;
      lines.scrollTop = lines.scrollHeight;
    }
    moving.update(state.transfers);
    if (opened) {
      lines.scrollTop = lines.scrollHeight;
      field.focus();
    }
  }
  return { nodes: [node, picture.node], update };
}
