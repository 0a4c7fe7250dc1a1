/**
 * A part of the page that is drawn from state handed down to it.
 *
 * `show(state)` draws only when something it looks at has changed, so that focus, scroll and running video
 * stay where they are while the rest of the state moves.
 */

/** @template S */
export class PartElement extends HTMLElement {
  /** @type {S | undefined} */
  #shown = undefined;

  /** What this part depends on; parts are compared value by value. @param {S} state @returns {readonly unknown[]} */
  looksAt(state) {
    return [state];
  }

  /** Make the lasting children once, before the first drawing. */
  build() {}

  /** @param {S} _state @param {S | undefined} _was */
  draw(_state, _was) {}

  /** @param {S} state */
  show(state) {
    const was = this.#shown;
    if (was === undefined) {
      this.build();
    } else {
      const before = this.looksAt(was);
      if (this.looksAt(state).every((value, index) => Object.is(value, before[index]))) {
        this.#shown = state;
        return;
      }
    }
    this.#shown = state;
    this.draw(state, was);
  }

  /** The state last shown. @returns {S | undefined} */
  get shown() {
    return this.#shown;
  }
}

/**
 * Ask an ancestor to do something; nothing changes here until the state says so.
 *
 * @param {Element} from @param {string} name @param {unknown} [detail]
 */
export function ask(from, name, detail = null) {
  from.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, detail }));
}

/** Define an element unless a second copy of the module already has. @param {string} tag @param {CustomElementConstructor} kind */
export function define(tag, kind) {
  if (!customElements.get(tag)) {
    customElements.define(tag, kind);
  }
}

/**
 * Make a part by its tag.
 *
 * @template {HTMLElement} E
 * @param {string} tag @param {string} [className]
 * @returns {E}
 */
export function part(tag, className = "") {
  const element = document.createElement(tag);
  if (className) {
    element.className = className;
  }
  return /** @type {E} */ (element);
}
