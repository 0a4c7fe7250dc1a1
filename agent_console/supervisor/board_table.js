/** A table of the wallboard: a heading, columns, keyed rows, and what it says when there are none. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { KeyedRows, say } from "./keyed_rows.js";

/**
 * @template T
 * @typedef {Readonly<{name: string, value?: (item: T) => string, tone?: (item: T) => string, badge?: boolean, strong?: boolean,
 *   make?: (item: T) => {element: Element, draw: (item: T) => void}}>} Column  `make` instead of `value`: what is more than a text
 */

export const NOTHING = "—";

/** @template T */
export class BoardTable {
  /**
   * @param {string} name  Of the words: `board.<name>` is the heading, `board.<name>_none` what an empty one says.
   * @param {readonly Column<T>[]} columns
   * @param {(item: T) => string} keyOf
   */
  constructor(name, columns, keyOf) {
    this.columns = columns;
    this.count = h("span", { class: "board-count numbers" });
    this.none = h("p", { class: "soft board-none" }, t(`board.${name}_none`));
    const body = h("tbody", {});
    const head = h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col" }, column.name && t(`board.column.${column.name}`)))));
    this.table = h("table", { class: "board-rows" }, head, body);
    this.rows = new KeyedRows(body, keyOf, (item) => this.row(item));
    this.element = h("section", { class: `card board-table board-${name}`, "aria-label": t(`board.${name}`) });
    mount(this.element, h("h2", {}, t(`board.${name}`), this.count), this.none, this.table);
  }

  /** @param {readonly T[]} items */
  show(items) {
    say(this.count, String(items.length));
    this.none.hidden = items.length > 0;
    this.table.hidden = items.length === 0;
    this.rows.show(items);
  }

  /** @param {T} item */
  row(item) {
    const cells = this.columns.map((column) => this.cell(column, item));
    const element = h("tr", {}, cells.map((cell) => cell.element));
    return { element, draw: (/** @type {T} */ now) => cells.forEach((cell) => cell.draw(now)) };
  }

  /** @param {Column<T>} column @param {T} item */
  cell(column, item) {
    // Narrow screens show each row as a card, where a cell carries the column's name.
    const element = h("td", { class: `cell-${column.name || "actions"}`, "data-label": column.name && t(`board.column.${column.name}`) });
    if (column.make) {
      const { element: inside, draw } = column.make(item);
      element.append(inside);
      return { element, draw };
    }
    const text = h(column.strong ? "strong" : "span", { class: column.badge ? "badge" : "" });
    element.append(text);
    return { element, draw: (/** @type {T} */ now) => this.draw(column, text, now) };
  }

  /** @param {Column<T>} column @param {HTMLElement} text @param {T} item */
  draw({ value, tone, badge }, text, item) {
    const words = value ? value(item) : "";
    say(text, words);
    // A card leaves out what there is not.
    text.parentElement?.classList.toggle("blank", words === NOTHING);
    const kind = tone ? tone(item) : "";
    text.className = badge ? `badge ${kind}` : kind && `tone ${kind}`;
  }
}
