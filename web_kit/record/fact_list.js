/** The story of a case: its facts in words, newest last. Asks by `fact-jump` with `{seq}` when told facts lead somewhere. */

import { h, mount } from "../dom.js";
import { t } from "../i18n.js";
import { ask, define, PartElement } from "./part.js";

/**
 * @typedef {{seq: number, clock: string, text: string, tone: string, group: string, jump: boolean}} FactLine
 * @typedef {{lines: readonly FactLine[], current: number | null, follow: boolean}} FactListView
 */

/** @extends {PartElement<FactListView>} */
export class FactListElement extends PartElement {
  /** @override */
  looksAt(/** @type {FactListView} */ { lines, current }) {
    return [lines, current];
  }

  /** @override */
  build() {
    this.list = h("ol", { class: "facts" });
    mount(this, this.list);
  }

  /** @override */
  draw(/** @type {FactListView} */ now, /** @type {FactListView | undefined} */ was) {
    if (now.lines !== was?.lines) {
      this.drawLines(now);
    }
    this.mark(now.current);
    if (now.follow && this.list) {
      this.scrollTop = this.scrollHeight;
    }
  }

  /** @param {FactListView} view */
  drawLines({ lines }) {
    if (!this.list) {
      return;
    }
    // Lines that stand keep their elements: focus and selection of a reader survive new facts.
    const standing = new Map([...this.list.children].map((item) => [/** @type {HTMLElement} */ (item).dataset.key, item]));
    this.list.replaceChildren(...lines.map((line) => standing.get(keyOf(line)) ?? this.line(line)));
    if (!lines.length) {
      this.list.append(h("li", { class: "soft empty" }, t("facts.none")));
    }
  }

  /** @param {FactLine} line */
  line({ seq, clock, text, tone, group, jump }) {
    const inside = [h("time", {}, clock), h("i", { class: `pip ${group}`, "aria-hidden": "true" }), h("span", {}, text)];
    const body = jump
      ? h("button", { type: "button", class: "fact-row", onclick: () => ask(this, "fact-jump", { seq }) }, ...inside)
      : h("div", { class: "fact-row" }, ...inside);
    return h("li", { class: `fact ${tone}`, "data-key": keyOf({ seq, clock, text }), "data-seq": seq }, body);
  }

  /** @param {number | null} current */
  mark(current) {
    for (const item of this.list?.children ?? []) {
      const here = current !== null && /** @type {HTMLElement} */ (item).dataset.seq === String(current);
      item.classList.toggle("current", here);
      if (here) {
        item.setAttribute("aria-current", "true");
        scrollWithin(this, /** @type {HTMLElement} */ (item));
      } else {
        item.removeAttribute("aria-current");
      }
    }
  }
}

/** @param {{seq: number, clock: string, text: string}} line */
const keyOf = ({ seq, clock, text }) => `${seq}|${clock}|${text}`;

/** Bring a line into its list's view without moving the page. @param {HTMLElement} box @param {HTMLElement} item */
function scrollWithin(box, item) {
  const top = item.offsetTop - box.offsetTop;
  if (top < box.scrollTop || top + item.offsetHeight > box.scrollTop + box.clientHeight) {
    box.scrollTop = top - box.clientHeight / 2;
  }
}

define("fact-list", FactListElement);
