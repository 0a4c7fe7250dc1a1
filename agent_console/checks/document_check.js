/**
 * Reading a document: which picture, what it says with how much confidence, what disagrees, and correcting it.
 * Asks by `read-request`, `correct-request`, `still-request`.
 */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { confidenceBadge, documentVerdict, fieldNames, fieldWords, newestReadings, readingTitle, ZONE_ERRORS, zoneErrors } from "../../web_kit/record/identity/documents.js";
import { fieldValue } from "../../web_kit/record/identity/projection.js";
import { listed } from "../../web_kit/record/identity/words.js";
import { ask, define } from "../../web_kit/record/part.js";
import { evidenceById, newestEvidence } from "../../web_kit/record/projection.js";
import { wordFor } from "../../web_kit/record/words.js";
import { pictureButton } from "../elements/picture_gallery.js";
import { CheckElement, spinning, workButton } from "./check_element.js";
import { isWorking } from "./working.js";

/**
 * @typedef {import("./check_element.js").CheckShown} CheckShown
 * @typedef {import("../../web_kit/record/identity/projection.js").Reading} Reading
 */

const KINDS = /** @type {const} */ (["id_card", "id_card_back", "passport"]);
const VALUE_MAX = 200;

export class DocumentCheckElement extends CheckElement {
  /** The field that is being corrected: `check:field`. */
  editing = "";

  /** @override */
  build() {
    mount(this, this.rest, this.status);
    this.value = h("input", { class: "input", maxlength: VALUE_MAX, autocomplete: "off", spellcheck: "false",
      onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && this.edit("", "") }); // prettier-ignore
  }

  /** @override */
  redraw(/** @type {CheckShown} */ shown) {
    const { readings, judged } = shown.view.identity;
    const latest = newestReadings(readings);
    mount(this.rest, this.buttons(shown), latest.map((one) => this.reading(shown, one)));
    this.say(judged ? documentVerdict(judged, latest) : []);
  }

  /** @param {CheckShown} shown */
  buttons({ view, working, live, able }) {
    if (!live) {
      return null;
    }
    const waiting = KINDS.find((kind) => view.asked[kind]);
    const button = (/** @type {typeof KINDS[number]} */ kind) => {
      const picture = newestEvidence(view, kind);
      const name = wordFor("evidence", kind);
      return picture
        ? workButton({ key: `read:${kind}`, words: t("document.read", { name }), busy: working.includes(`read:${kind}`), able: able && !isWorking(working, "read"),
          primary: !view.identity.readings.length, act: () => ask(this, "read-request", { evidence: picture.evidence, kind }) })
        : workButton({ key: `ask:${kind}`, words: t("document.ask", { name }), busy: false, able: able && !waiting, act: () => ask(this, "still-request", { kind }) }); // prettier-ignore
    };
    return [h("div", { class: "row wrap" }, KINDS.map(button)), waiting && spinning(t("step.waiting_phone"))].flat();
  }

  /** @param {CheckShown} shown @param {Reading} reading */
  reading(shown, reading) {
    const { view } = shown;
    const picture = evidenceById(view, reading.picture ?? reading.evidence);
    const title = readingTitle(reading);
    return h("section", { class: "reading", "aria-label": title },
      h("div", { class: "still" }, picture ? pictureButton(this, view, picture) : h("div", { class: "thumb empty", "aria-hidden": "true" }, "—"),
        h("div", { class: "stack tight" }, h("h4", {}, title), reading.findings.length > 0 && h("p", { class: "small warn-text" }, icon("warning"), " ", listed("photo_finding", reading.findings)))),
      h("table", { class: "fields" }, h("thead", {}, h("tr", {}, ["field", "value", "confidence"].map((key) => h("th", { scope: "col" }, t(`document.${key}`))))),
        h("tbody", {}, fieldNames(reading).map((name) => this.row(shown, reading, name))))); // prettier-ignore
  }

  /** @param {CheckShown} shown @param {Reading} reading @param {string} name */
  row(shown, reading, name) {
    const label = wordFor("field", name);
    const key = `${reading.check}:${name}`;
    if (this.editing === key) {
      return h("tr", { class: "editing" }, h("th", { scope: "row" }, label), h("td", { colspan: 2 }, this.form(reading, name)));
    }
    const corrected = reading.corrected[name];
    const value = fieldValue(reading, name);
    if (name === ZONE_ERRORS) {
      return value && this.zoneRow(shown, reading.check, label, value);
    }
    return h("tr", { "data-field": name }, h("th", { scope: "row" }, label),
      h("td", {}, fieldWords(value),
        corrected && h("small", { class: "warn-text" }, t("document.was", { value: corrected.pii_before || t("document.not_read") }))),
      h("td", {}, h("div", { class: "row field-end" }, corrected ? h("span", { class: "badge warn" }, t("document.corrected")) : confidenceBadge(reading, name),
        shown.live && h("button", { class: "button quiet", type: "button", "data-key": `edit:${key}`, "aria-label": t("document.correct", { field: label }), title: t("document.correct", { field: label }),
          disabled: !shown.able || shown.working.includes("correct"), onclick: () => this.edit(key, value) }, "✎")))); // prettier-ignore
  }

  /** @param {CheckShown} shown @param {string} check @param {string} label @param {string} words */
  zoneRow({ live, able, working }, check, label, words) {
    return h("tr", { "data-field": ZONE_ERRORS }, h("th", { scope: "row" }, label), h("td", { colspan: 2 },
      zoneErrors(words),
      live && workButton({ key: "zone-right", words: t("document.zone_right"), busy: working.includes("correct"), able,
        act: () => ask(this, "correct-request", { check, field: ZONE_ERRORS, value: "" }) }))); // prettier-ignore
  }

  /** @param {Reading} reading @param {string} name */
  form(reading, name) {
    const label = wordFor("field", name);
    this.value?.setAttribute("aria-label", t("document.correct", { field: label }));
    return h("form", { class: "stack tight", onsubmit: (/** @type {Event} */ event) => this.askCorrection(event, reading.check, name) }, this.value,
      h("div", { class: "row" }, h("button", { class: "button", type: "submit", "data-key": "correct-save" }, t("document.save")),
        h("button", { class: "button quiet", type: "button", onclick: () => this.edit("", "") }, t("cancel")))); // prettier-ignore
  }

  /** Begin or leave a correction. @param {string} key @param {string} value */
  edit(key, value) {
    const left = this.editing;
    this.editing = key;
    if (this.value && key) {
      this.value.value = value;
    }
    this.again();
    const next = key ? this.value : this.querySelector(`[data-key="${CSS.escape(`edit:${left}`)}"]`);
    /** @type {HTMLElement | null | undefined} */ (next)?.focus();
  }

  /** @param {Event} event @param {string} check @param {string} field */
  askCorrection(event, check, field) {
    event.preventDefault();
    const value = this.value?.value.trim() ?? "";
    this.edit("", "");
    ask(this, "correct-request", { check, field, value });
  }
}

define("document-check", DocumentCheckElement);
