/** All pictures of the case, the newest first, and the button for another one. Asks by `picture-open`. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { fileUrl } from "../../web_kit/record/evidence_zoom.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { isPicture } from "../../web_kit/record/projection.js";
import { shortHash, timeOfDay, wordFor } from "../../web_kit/record/words.js";

/**
 * @typedef {import("../state.js").ConsoleState} ConsoleState
 * @typedef {import("../../web_kit/record/projection.js").FactBody} FactBody
 */

/** A small picture that opens large. @param {Element} from @param {ConsoleState["view"]} view @param {FactBody} fact */
export function pictureButton(from, view, fact) {
  const name = wordFor("evidence", fact.kind);
  return h("button", { class: `thumb ${fact.kind}`, type: "button", "data-key": fact.evidence, "aria-label": t("evidence.open", { name }),
    onclick: () => ask(from, "picture-open", { evidence: fact.evidence }) }, h("img", { src: fileUrl(view.case, fact.file), alt: name, loading: "lazy" })); // prettier-ignore
}

/** Where a picture comes from, marked when the phone could do no better. @param {FactBody} fact */
export function sourceBadge({ source }) {
  return h("span", { class: `badge ${source === "stream" ? "warn" : "plain"}` }, wordFor("source", source));
}

/** @extends {PartElement<ConsoleState>} */
export class PictureGalleryElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ { view, call, link }) {
    return [view.evidence, view.notes, view.asked, view.case, call?.kycUnlocked, call?.leads, call?.phase, link];
  }

  /** @override */
  build() {
    this.still = h("button", { class: "button primary", type: "button", onclick: () => ask(this, "scene-request") });
    this.list = h("ul", { class: "gallery-list" });
    mount(this, this.still, this.list);
  }

  /** @override */
  draw(/** @type {ConsoleState} */ { view, call, link }) {
    const waiting = Boolean(view.asked.scene);
    if (this.still && this.list) {
      this.still.hidden = !call?.leads || call.phase === "ended";
      this.still.disabled = waiting || !call?.kycUnlocked || call.phase !== "active" || link !== "open";
      mount(this.still, waiting ? h("span", { class: "spinner", "aria-hidden": "true" }) : icon("photo"), t(waiting ? "still.waiting" : "still.take"));
      const pictures = view.evidence.filter(isPicture).reverse();
      mount(this.list, pictures.length ? pictures.map((fact) => this.item(view, fact)) : h("li", { class: "soft empty" }, t("gallery.none")));
    }
  }

  /** @param {ConsoleState["view"]} view @param {FactBody} fact */
  item(view, fact) {
    const note = view.notes[fact.evidence];
    return h("li", { class: "gallery-item" }, pictureButton(this, view, fact),
      h("div", { class: "stack tight" },
        h("div", { class: "row wrap" }, h("strong", {}, wordFor("evidence", fact.kind)), sourceBadge(fact)),
        h("p", { class: "soft small" }, t("gallery.line", { width: fact.width, height: fact.height, sharpness: Math.round(fact.sharpness), time: timeOfDay(fact.at) })),
        h("p", { class: "soft small" }, "SHA-256 ", h("code", { title: fact.sha256 }, shortHash(fact.sha256))),
        note?.pii_note && h("p", { class: "small note-line" }, note.pii_note),
        note?.tags.length > 0 && h("p", { class: "row wrap tags" }, note?.tags.map((/** @type {string} */ tag) => h("span", { class: "tag" }, tag))))); // prettier-ignore
  }
}

define("picture-gallery", PictureGalleryElement);
