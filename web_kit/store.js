/**
 * One frozen state object per app. State flows down from here; nobody edits it in place.
 *
 * @template {object} S
 * @typedef {object} Store
 * @property {() => Readonly<S>} get
 * @property {(change: Partial<S>) => void} update  Merges `change`; listeners run only if a value changed.
 * @property {(listener: (now: Readonly<S>, was: Readonly<S>) => void) => () => void} subscribe
 *   Calls `listener` at once and after every change; returns the way to stop.
 */

/**
 * @template {object} S
 * @param {S} initial
 * @returns {Store<S>}
 */
export function createStore(initial) {
  let state = Object.freeze({ ...initial });
  /** @type {Set<(now: Readonly<S>, was: Readonly<S>) => void>} */
  const listeners = new Set();

  /** @param {Partial<S>} change */
  function update(change) {
    const keys = /** @type {(keyof S)[]} */ (Object.keys(change));
    if (keys.every((key) => Object.is(state[key], change[key]))) return;
    const was = state;
    state = Object.freeze({ ...state, ...change });
    for (const listener of [...listeners]) listener(state, was);
  }

  return {
    get: () => state,
    update,
    subscribe(listener) {
      listeners.add(listener);
      listener(state, state);
      return () => listeners.delete(listener);
    },
  };
}
