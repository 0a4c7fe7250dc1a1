/**
 * Rows of a table that keep their elements while they stand: what has the focus keeps it, nothing flickers.
 *
 * @template T
 */
export class KeyedRows {
  /**
   * @param {HTMLElement} body
   * @param {(item: T) => string} keyOf
   * @param {(item: T) => {element: HTMLElement, draw: (item: T) => void}} make
   */
  constructor(body, keyOf, make) {
    this.body = body;
    this.keyOf = keyOf;
    this.make = make;
    /** @type {Map<string, {element: HTMLElement, draw: (item: T) => void}>} */
    this.rows = new Map();
  }

  /** @param {readonly T[]} items in the order to be shown, each key once */
  show(items) {
    const wanted = new Set(items.map(this.keyOf));
    for (const [key, { element }] of this.rows) {
      if (!wanted.has(key)) {
        element.remove();
        this.rows.delete(key);
      }
    }
    items.forEach((item, place) => this.put(item, place));
  }

  /** @param {T} item @param {number} place */
  put(item, place) {
    const key = this.keyOf(item);
    const row = this.rows.get(key) ?? this.make(item);
    this.rows.set(key, row);
    const here = this.body.children[place] ?? null;
    // A row that is moved loses the focus, so only those move that stand elsewhere.
    if (here !== row.element) {
      this.body.insertBefore(row.element, here);
    }
    row.draw(item);
  }
}

/** Change a text only when it is another, so that a selection in it stays. @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
