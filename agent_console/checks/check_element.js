/** What the parts of the identity checks have in common: what they look at, buttons that work, focus that stays. */

import { h } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { PartElement } from "../../web_kit/record/part.js";

/**
 * @typedef {import("../../web_kit/record/projection.js").CaseView} CaseView
 * @typedef {{view: CaseView, working: import("./working.js").Working, live: boolean, able: boolean, word: string}} CheckShown
 *   `live`: this page may act at all; `able`: it may act now; `word`: which liveness, which outside source
 */

/** @param {string} words */
export const spinning = (words) => h("p", { class: "phone-asked", role: "status" }, h("span", { class: "spinner", "aria-hidden": "true" }), words);

/**
 * A button that says when it is at work. It then stays focusable, so that the keyboard does not lose its place.
 *
 * @param {{key: string, words: string, busy: boolean, able: boolean, act: () => void, primary?: boolean}} button
 */
export function workButton({ key, words, busy, able, act, primary = false }) {
  return h("button", { class: `button work${primary ? " primary" : ""}`, type: "button", "data-key": key, disabled: !able && !busy,
    "aria-disabled": busy ? "true" : null, onclick: () => !busy && act() },
    busy && h("span", { class: "spinner", "aria-hidden": "true" }), busy ? t("check.working", { what: words }) : words); // prettier-ignore
}

/**
 * Draw, and give the focus back to what had it: the same element, or the one that took its place.
 *
 * @param {HTMLElement} host @param {() => void} draw
 */
export function keepFocus(host, draw) {
  const focused = document.activeElement;
  const inside = focused instanceof HTMLElement && focused !== host && host.contains(focused);
  draw();
  if (!inside || document.activeElement === focused) {
    return;
  }
  const key = focused.dataset.key;
  const again = focused.isConnected ? focused : key ? host.querySelector(`[data-key="${CSS.escape(key)}"]`) : null;
  /** @type {HTMLElement | null} */ (again)?.focus();
}

/** @extends {PartElement<CheckShown>} */
export class CheckElement extends PartElement {
  /** @override */
  looksAt(/** @type {CheckShown} */ { view, working, live, able, word }) {
    return [view.identity, view.evidence, view.asked, view.case, working, live, able, word];
  }

  /** @override */
  draw(/** @type {CheckShown} */ shown, /** @type {CheckShown | undefined} */ was) {
    keepFocus(this, () => this.redraw(shown, was));
  }

  /** @param {CheckShown} _shown @param {CheckShown | undefined} [_was] */
  redraw(_shown, _was) {}

  /** Draw what is shown once more: something of the part's own has changed. */
  again() {
    this.shown && this.draw(this.shown, this.shown);
  }
}
