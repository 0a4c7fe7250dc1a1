/** What the parts of the identity checks have in common: what they look at, buttons that work, focus that stays. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { PartElement } from "../../web_kit/record/part.js";

/**
 * @typedef {import("../../web_kit/record/projection.js").CaseView} CaseView
 * @typedef {{view: CaseView, working: import("./working.js").Working, live: boolean, able: boolean, word: string,
 *   worksheet?: import("../../web_kit/wire").Worksheet | null}} CheckShown
 *   `live`: this page may act at all; `able`: it may act now; `word`: which liveness, which outside source;
 *   `worksheet`: the features that the policy wants looked for
 */

/** @param {string} words */
export const spinning = (words) => h("p", { class: "phone-asked" }, h("span", { class: "spinner", "aria-hidden": "true" }), words);

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
  /** What is read out when it changes: it stays in the page, and holds nothing that ticks. */
  status = h("div", { class: "stack tight", role: "status" });
  rest = h("div", { class: "check-part" });

  /** @override */
  build() {
    mount(this, this.status, this.rest);
  }

  /** @override */
  looksAt(/** @type {CheckShown} */ { view, working, live, able, word, worksheet }) {
    return [view.identity, view.evidence, view.asked, view.case, working, live, able, word, worksheet];
  }

  /** @override */
  draw(/** @type {CheckShown} */ shown, /** @type {CheckShown | undefined} */ was) {
    const unfolded = [...this.querySelectorAll("details[data-keep][open]")].map((one) => one.getAttribute("data-keep"));
    keepFocus(this, () => this.redraw(shown, was));
    for (const one of this.querySelectorAll("details[data-keep]")) {
      one.toggleAttribute("open", unfolded.includes(one.getAttribute("data-keep")));
    }
  }

  /** Say something anew only when it is new. @param {...import("../../web_kit/dom.js").Children} words */
  say(...words) {
    const next = h("div", {}, ...words);
    if (next.textContent !== this.status.textContent) {
      this.status.replaceChildren(...next.childNodes);
    }
  }

  /** @param {CheckShown} _shown @param {CheckShown | undefined} [_was] */
  redraw(_shown, _was) {}

  /** Draw what is shown once more: something of the part's own has changed. */
  again() {
    this.shown && this.draw(this.shown, this.shown);
  }
}
