/** A picture of the case, large: zoom, what binds it to the case, and the agent's note to it. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { fileUrl } from "../../web_kit/record/evidence_zoom.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { isPicture } from "../../web_kit/record/projection.js";
import { dateAndTime, wordFor } from "../../web_kit/record/words.js";
import { sourceBadge } from "./picture_gallery.js";

/**
 * @typedef {import("../state.js").ConsoleState} ConsoleState
 * @typedef {import("../../web_kit/record/projection.js").FactBody} FactBody
 */

// Beyond eight times a phone's picture shows its own noise.
const ZOOMS = [1, 1.5, 2, 3, 4, 6, 8];
const NOTE_MAX = 500;
const TAG_MAX = 32;

/** @param {string} text @returns {string[]} */
export function tagsOf(text) {
  const words = text.split(/[,，、;；\n]/).map((one) => one.trim().slice(0, TAG_MAX));
  return [...new Set(words.filter(Boolean))];
}

/** @param {string} label @param {...import("../../web_kit/dom.js").Child} value */
const row = (label, ...value) => h("div", { class: "pair" }, h("dt", {}, label), h("dd", {}, ...value));

/** @extends {PartElement<ConsoleState>} */
export class PictureViewerElement extends PartElement {
  evidence = "";
  zoom = 0;

  /** @override */
  looksAt(/** @type {ConsoleState} */ { view, call, link }) {
    return [view.evidence, view.notes, view.case, call?.leads, link];
  }

  /** @override */
  build() {
    this.image = h("img", { alt: "" });
    this.frame = h("div", { class: "viewer-picture", tabindex: 0, role: "group", "aria-label": t("viewer.picture"), onwheel: (/** @type {WheelEvent} */ event) => this.gotWheel(event),
      onpointerdown: (/** @type {PointerEvent} */ event) => this.drag(event) }, this.image); // prettier-ignore
    this.heading = h("h2", {});
    this.facts = h("dl", { class: "pairs" });
    this.note = h("textarea", { class: "input", id: "picture-note", rows: 2, maxlength: NOTE_MAX });
    this.tags = h("input", { class: "input", id: "picture-tags", placeholder: t("viewer.tags_hint"), autocomplete: "off" });
    this.save = h("button", { class: "button primary", type: "submit" }, t("viewer.save"));
    this.saved = h("span", { class: "soft small", role: "status" });
    this.form = h("form", { class: "stack tight", onsubmit: (/** @type {Event} */ event) => this.askNote(event) },
      h("label", { for: "picture-note" }, t("viewer.note")), this.note, h("label", { for: "picture-tags" }, t("viewer.tags")), this.tags,
      h("div", { class: "row" }, this.save, this.saved)); // prettier-ignore
    const tool = (/** @type {string} */ shape, /** @type {string} */ words, /** @type {() => void} */ act) =>
      h("button", { class: "button quiet", type: "button", title: t(words), "aria-label": t(words), onclick: act }, icon(shape));
    this.level = h("output", { class: "numbers" });
    /** @type {HTMLDialogElement} */
    this.dialog = h("dialog", { class: "viewer", onkeydown: (/** @type {KeyboardEvent} */ event) => this.gotKey(event) },
      h("header", {}, this.heading, tool("left", "viewer.previous", () => this.turn(-1)), tool("right", "viewer.next", () => this.turn(1)), h("span", { class: "grow" }),
        tool("zoom-out", "viewer.smaller", () => this.zoomTo(this.zoom - 1)), this.level, tool("zoom-in", "viewer.larger", () => this.zoomTo(this.zoom + 1)),
        h("button", { class: "button quiet", type: "button", onclick: () => this.dialog?.close() }, t("close"))),
      h("div", { class: "viewer-body" }, this.frame, h("aside", { class: "stack" }, this.facts, this.form))); // prettier-ignore
    mount(this, this.dialog);
  }

  /** @param {string} evidence */
  open(evidence) {
    this.evidence = evidence;
    this.fill();
    this.shown && this.draw(this.shown, this.shown);
    this.dialog?.showModal();
    this.frame?.focus();
  }

  /** @returns {readonly FactBody[]} the newest first, as in the gallery */
  pictures() {
    return (this.shown?.view.evidence ?? []).filter(isPicture).reverse();
  }

  /** Put what was noted into the form. */
  fill() {
    const noted = this.shown?.view.notes[this.evidence];
    if (this.note && this.tags) {
      this.note.value = noted?.pii_note ?? "";
      this.tags.value = (noted?.tags ?? []).join(t("list.comma"));
    }
    this.zoomTo(0);
  }

  /** @override */
  draw(/** @type {ConsoleState} */ { view, call, link }, /** @type {ConsoleState | undefined} */ was) {
    const fact = view.evidence.find((one) => one.evidence === this.evidence);
    if (!fact || !this.image || !this.facts || !this.form || !this.save) {
      return;
    }
    const name = wordFor("evidence", fact.kind);
    const source = fileUrl(view.case, fact.file);
    if (this.image.getAttribute("src") !== source) {
      this.image.src = source;
      this.image.alt = name;
    }
    this.heading?.replaceChildren(name);
    this.dialog?.setAttribute("aria-label", name);
    mount(this.facts, row(t("evidence.size"), `${fact.width} × ${fact.height}`), row(t("evidence.sharpness"), String(Math.round(fact.sharpness))),
      row(t("evidence.source"), sourceBadge(fact)), row(t("evidence.time"), dateAndTime(fact.at)), row("SHA-256", h("code", {}, fact.sha256))); // prettier-ignore
    this.form.hidden = !call?.leads;
    this.save.disabled = link !== "open";
    const noted = view.notes[this.evidence];
    this.saved?.replaceChildren(noted && noted !== was?.view.notes[this.evidence] ? t("viewer.saved") : "");
  }

  /** @param {number} by */
  turn(by) {
    const all = this.pictures();
    const at = all.findIndex((one) => one.evidence === this.evidence);
    const next = all[at + by];
    if (next && this.shown) {
      this.evidence = next.evidence;
      this.fill();
      this.draw(this.shown, this.shown);
    }
  }

  /** @param {number} level */
  zoomTo(level) {
    this.zoom = Math.min(ZOOMS.length - 1, Math.max(0, level));
    const times = ZOOMS[this.zoom] ?? 1;
    this.image?.style.setProperty("--times", String(times));
    this.frame?.classList.toggle("zoomed", times > 1);
    this.level?.replaceChildren(`${Math.round(times * 100)}%`);
  }

  /** @param {WheelEvent} event */
  gotWheel(event) {
    event.preventDefault();
    this.zoomTo(this.zoom + (event.deltaY < 0 ? 1 : -1));
  }

  /** @param {KeyboardEvent} event */
  gotKey(event) {
    if (event.target instanceof Element && event.target.matches("input, textarea")) {
      return;
    }
    /** @type {Record<string, () => void>} */
    const acts = { "+": () => this.zoomTo(this.zoom + 1), "=": () => this.zoomTo(this.zoom + 1), "-": () => this.zoomTo(this.zoom - 1), "0": () => this.zoomTo(0),
      ArrowLeft: () => this.turn(-1), ArrowRight: () => this.turn(1) }; // prettier-ignore
    const act = this.zoom > 0 && event.key.startsWith("Arrow") ? undefined : acts[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  }

  /** Take hold of an enlarged picture. @param {PointerEvent} down */
  drag(down) {
    const { frame } = this;
    if (!frame || down.button !== 0) {
      return;
    }
    const [left, top] = [frame.scrollLeft, frame.scrollTop];
    frame.setPointerCapture(down.pointerId);
    const follow = (/** @type {PointerEvent} */ event) => {
      frame.scrollLeft = left - (event.clientX - down.clientX);
      frame.scrollTop = top - (event.clientY - down.clientY);
    };
    frame.addEventListener("pointermove", follow);
    frame.addEventListener("lostpointercapture", () => frame.removeEventListener("pointermove", follow), { once: true });
  }

  /** @param {Event} event */
  askNote(event) {
    event.preventDefault();
    ask(this, "note-request", { evidence: this.evidence, note: this.note?.value.trim() ?? "", tags: tagsOf(this.tags?.value ?? "") });
  }
}

define("picture-viewer", PictureViewerElement);
