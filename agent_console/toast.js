/** What went wrong, in a line above everything. It goes by itself, but never from under a hand or the focus. */

import { h, mount } from "../web_kit/dom.js";

// Twice what the longest of these lines takes to be read.
const SHOWN_MS = 12_000;

/** @typedef {{key: string, words: string, button: string, act: () => unknown, stays: boolean}} Told  `stays`: until `act` is asked for. */

export class Toast {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer = undefined;
  /** @type {Told | null} */
  told = null;

  constructor() {
    this.node = h("div", { class: "toast", role: "alert", hidden: true });
    for (const event of ["pointerenter", "focusin"]) {
      this.node.addEventListener(event, () => clearTimeout(this.timer));
    }
    for (const event of ["pointerleave", "focusout"]) {
      this.node.addEventListener(event, () => this.wait());
    }
  }

  /** Show this, or nothing; the same once more changes nothing. @param {Told | null} told */
  show(told) {
    if (told?.key === this.told?.key) {
      return;
    }
    this.told = told;
    this.node.hidden = told === null;
    mount(this.node, told && h("span", { class: "grow" }, told.words),
      told && h("button", { class: told.stays ? "button" : "button quiet", type: "button", onclick: told.act }, told.button)); // prettier-ignore
    this.wait();
  }

  wait() {
    clearTimeout(this.timer);
    const { told, node } = this;
    if (told && !told.stays && !node.matches(":hover, :focus-within")) {
      this.timer = setTimeout(told.act, SHOWN_MS);
    }
  }

  /** Take away what may go; tell whether there was anything. */
  dismiss() {
    const { told } = this;
    if (!told || told.stays) {
      return false;
    }
    told.act();
    return true;
  }
}
