/**
 * Chat lines and files as the journal holds them, what is on its way, and the line to write the next. Asks by
 * `chat-request` and `files-request`.
 */

import { h, mount } from "../../web_kit/dom.js";
import { sizeInWords } from "../../web_kit/files.js";
import { t, tCode } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { timeOfDay, wordFor } from "../../web_kit/record/words.js";
import { FILE_TYPES } from "../files.js";
import { silenced } from "../stage/windows.js";

/**
 * @typedef {import("../state.js").ConsoleState} ConsoleState
 * @typedef {import("../../web_kit/record/projection.js").FactBody} FactBody
 * @typedef {import("../../web_kit/record/projection.js").ChatLine} ChatLine
 */

const LINE_MAX = 2000;

/** @param {string} caseId @param {FactBody} file */
const sharedUrl = (caseId, file) => `/api/cases/${encodeURIComponent(caseId)}/files/${encodeURIComponent(file.evidence)}`;

/** @extends {PartElement<ConsoleState>} */
export class ChatPanelElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ { view, link, uploads, call }) {
    return [view.chat, view.case, link, uploads, call?.seat, call?.phase, call?.parties];
  }

  /** @override */
  build() {
    this.lines = h("ol", { class: "chat-lines", role: "log", "aria-live": "polite", tabindex: "0", "aria-label": t("chat.title") });
    this.uploads = h("ul", { class: "uploads", "aria-label": t("chat.uploads") });
    this.input = h("input", { class: "input", maxlength: LINE_MAX, placeholder: t("chat.write"), "aria-label": t("chat.write"), "aria-describedby": "chat-closed", autocomplete: "off" });
    this.picker = h("input", { type: "file", multiple: true, hidden: true, accept: FILE_TYPES.join(","), "aria-label": t("chat.attach"), onchange: () => this.pick() });
    this.attach = h("button", { class: "button quiet", type: "button", title: t("chat.attach_hint"), "aria-label": t("chat.attach"), onclick: () => this.picker?.click() }, icon("attach"));
    this.send = h("button", { class: "button primary", type: "submit", "aria-label": t("chat.send") }, icon("send"));
    this.closed = h("p", { class: "notice chat-closed", role: "status", id: "chat-closed", hidden: true });
    mount(this, this.lines, this.uploads, this.closed, h("form", { class: "chat-form", onsubmit: (/** @type {Event} */ event) => this.askChat(event) }, this.picker, this.attach, this.input, this.send),
      h("p", { class: "drop-hint", "aria-hidden": "true" }, icon("attach"), t("chat.drop"))); // prettier-ignore
    this.addEventListener("paste", (event) => this.gotFiles(event, event.clipboardData));
    this.addEventListener("dragover", (event) => this.gotDrag(event));
    this.addEventListener("dragleave", () => this.classList.remove("dropping"));
    this.addEventListener("drop", (event) => this.gotFiles(event, event.dataTransfer));
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state, /** @type {ConsoleState | undefined} */ was) {
    const { view, uploads, call } = state;
    if (this.lines && (view.chat !== was?.view.chat || call?.seat !== was?.call?.seat)) {
      const lines = view.chat.map((line) => this.line(state, line));
      mount(this.lines, lines.length ? lines : h("li", { class: "soft empty" }, t("chat.none")));
      this.lines.scrollTop = this.lines.scrollHeight;
    }
    this.uploads && mount(this.uploads, uploads.map((one) => this.upload(one)));
    this.drawForm(state);
  }

  /** Closed while the server would refuse it, and it is said why. @param {ConsoleState} state */
  drawForm(state) {
    const why = silenced(state);
    const shut = why !== "" || state.link !== "open";
    this.send?.toggleAttribute("disabled", shut);
    this.attach?.toggleAttribute("disabled", shut);
    this.input?.toggleAttribute("disabled", why !== "");
    if (this.closed && this.closed.dataset.why !== why) {
      this.closed.dataset.why = why;
      this.closed.hidden = why === "";
      this.closed.textContent = why && t(`chat.closed.${why}`);
    }
  }

  /** @param {ConsoleState} state @param {ChatLine} line */
  line({ view, call }, { seat, role, text, at, file }) {
    const mine = call?.seat ? seat === call.seat : role === "agent";
    const who = view.parties[seat]?.name || wordFor("role", role);
    return h("li", { class: mine ? "mine" : "theirs" }, !mine && role !== "customer" && h("span", { class: "soft small" }, who),
      file ? this.file(view.case, file) : h("span", { class: "said" }, text), h("time", { class: "soft small" }, timeOfDay(at))); // prettier-ignore
  }

  /** @param {string} caseId @param {FactBody} file */
  file(caseId, file) {
    const url = sharedUrl(caseId, file);
    const name = h("span", { class: "file-name" }, file.pii_name, h("small", {}, sizeInWords(file.bytes)));
    const picture = file.media_type.startsWith("image/") && h("img", { src: url, alt: file.pii_name, loading: "lazy", onload: () => this.lines && (this.lines.scrollTop = this.lines.scrollHeight) });
    return h("a", { class: `said file ${picture ? "picture" : ""}`, href: url, target: "_blank", rel: "noopener", title: `SHA-256 ${file.sha256}` }, picture || icon("file"), name);
  }

  /** @param {import("../state.js").Upload} upload */
  upload({ id, name, size, share, error }) {
    const dismiss = error && h("button", { class: "button quiet", type: "button", "aria-label": t("chat.dismiss", { name }), onclick: () => ask(this, "upload-dismiss", { id }) }, icon("close"));
    return h("li", { class: error ? "refused" : "" }, h("span", { class: "file-name" }, name, h("small", {}, error ? tCode("error", error) : sizeInWords(size))),
      !error && h("progress", { max: 1, value: share, "aria-label": name }), dismiss); // prettier-ignore
  }

  pick() {
    ask(this, "files-request", { files: [...(this.picker?.files ?? [])] });
    if (this.picker) {
      // The same file may be wanted once more.
      this.picker.value = "";
    }
  }

  /** @param {DragEvent} event */
  gotDrag(event) {
    if (event.dataTransfer?.types.includes("Files") && !this.attach?.disabled) {
      event.preventDefault();
      this.classList.add("dropping");
    }
  }

  /** @param {Event} event @param {DataTransfer | null} data */
  gotFiles(event, data) {
    this.classList.remove("dropping");
    if (data?.files.length && !this.attach?.disabled) {
      event.preventDefault();
      ask(this, "files-request", { files: [...data.files] });
    }
  }

  /** @param {Event} event */
  askChat(event) {
    event.preventDefault();
    const text = this.input?.value.trim();
    if (text && this.input) {
      ask(this, "chat-request", { text });
      this.input.value = "";
    }
  }
}

define("chat-panel", ChatPanelElement);
