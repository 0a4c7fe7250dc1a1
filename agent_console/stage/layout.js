/**
 * Where the windows of a call stand on the stage. Pure; nothing of it reaches the server or a recording.
 *
 * Places are shares of the stage, 0 to 1, so that an arrangement fits every window size. At most one
 * window is the main one and fills the stage behind the others.
 */

/**
 * @typedef {"customer" | "share" | "third" | "fourth" | "self"} WindowId
 * @typedef {Readonly<{x: number, y: number, w: number, h: number}>} Place
 * @typedef {Readonly<{main: WindowId | "none" | "auto", places: Readonly<Partial<Record<WindowId, Place>>>,
 *   pinned: readonly WindowId[], order: readonly WindowId[]}>} Arrangement
 *   `order` from the back to the front, as they were last touched.
 * @typedef {Readonly<{id: WindowId, place: Place, main: boolean, pinned: boolean, z: number}>} Placed
 */

/** @type {readonly WindowId[]} */
export const WINDOWS = ["customer", "share", "third", "fourth", "self"];

/** @type {Arrangement} */
export const UNTOUCHED = Object.freeze({ main: "auto", places: {}, pinned: [], order: [] });

// Below this a header's buttons no longer fit and a face is no longer seen.
const SMALLEST = { w: 0.16, h: 0.18 };
const WHOLE = Object.freeze({ x: 0, y: 0, w: 1, h: 1 });
// Where the main window goes when it is taken away from the back.
const FLOATING = Object.freeze({ x: 0.06, y: 0.06, w: 0.62, h: 0.72 });
const PINNED_Z = WINDOWS.length;

/** @type {Readonly<Record<WindowId, Place>>} */
const USUAL = {
  customer: { x: 0.015, y: 0.64, w: 0.26, h: 0.34 },
  share: { x: 0.015, y: 0.08, w: 0.34, h: 0.36 },
  third: { x: 0.745, y: 0.02, w: 0.24, h: 0.29 },
  fourth: { x: 0.745, y: 0.335, w: 0.24, h: 0.29 },
  self: { x: 0.745, y: 0.69, w: 0.24, h: 0.29 },
};

/** @param {number} value @param {number} low @param {number} high */
const within = (value, low, high) => Math.min(high, Math.max(low, value));

/** Bring a place inside the stage. @param {Place} place @returns {Place} */
function inside({ x, y, w, h }) {
  const [wide, high] = [within(w, SMALLEST.w, 1), within(h, SMALLEST.h, 1)];
  return { x: within(x, 0, 1 - wide), y: within(y, 0, 1 - high), w: wide, h: high };
}

/** Which window fills the stage. @param {Arrangement} arrangement @param {readonly WindowId[]} ids @param {boolean} ownShare */
export function mainOf({ main }, ids, ownShare) {
  if (main === "none" || (main !== "auto" && ids.includes(main))) {
    return main;
  }
  // What somebody else shows is what the talk is about; one's own screen one sees anyway.
  return ids.includes("share") && !ownShare ? "share" : "customer";
}

/**
 * @param {Arrangement} arrangement @param {readonly WindowId[]} ids the windows there are
 * @param {boolean} ownShare whether the shared screen is one's own
 * @returns {readonly Placed[]}
 */
export function placed(arrangement, ids, ownShare) {
  const main = mainOf(arrangement, ids, ownShare);
  return ids.map((id) => {
    const pinned = arrangement.pinned.includes(id);
    const touched = arrangement.order.indexOf(id) + 1;
    const z = id === main ? 0 : 1 + touched + (pinned ? PINNED_Z + 1 : 0);
    return { id, place: id === main ? WHOLE : placeOf(arrangement, id), main: id === main, pinned, z };
  });
}

/** @param {Arrangement} arrangement @param {WindowId} id @returns {Place} */
function placeOf({ places }, id) {
  return places[id] ?? USUAL[id];
}

/** Bring a window before the others. @param {Arrangement} arrangement @param {WindowId} id @returns {Arrangement} */
export function raised(arrangement, id) {
  if (arrangement.order.at(-1) === id) {
    return arrangement;
  }
  return Object.freeze({ ...arrangement, order: [...arrangement.order.filter((one) => one !== id), id] });
}

/**
 * Move a window or change its size; the main window comes off the back first.
 *
 * @param {Arrangement} arrangement @param {Placed} window as it stands
 * @param {Partial<Place>} by how far, in shares of the stage
 * @returns {Arrangement}
 */
export function changed(arrangement, window, { x = 0, y = 0, w = 0, h = 0 }) {
  const from = window.main ? (arrangement.places[window.id] ?? FLOATING) : window.place;
  const [dw, dh] = [within(w, SMALLEST.w - from.w, 1 - from.x - from.w), within(h, SMALLEST.h - from.h, 1 - from.y - from.h)];
  const place = inside({ x: from.x + x, y: from.y + y, w: from.w + dw, h: from.h + dh });
  const main = window.main ? "none" : arrangement.main;
  return raised(Object.freeze({ ...arrangement, main, places: { ...arrangement.places, [window.id]: place } }), window.id);
}

/** Keep a window before the others, or no longer. @param {Arrangement} arrangement @param {WindowId} id @returns {Arrangement} */
export function pinToggled(arrangement, id) {
  const others = arrangement.pinned.filter((one) => one !== id);
  const pinned = others.length < arrangement.pinned.length ? others : [...others, id];
  return Object.freeze({ ...arrangement, pinned });
}

/** Let a window fill the stage, or float again. @param {Arrangement} arrangement @param {Placed} window @returns {Arrangement} */
export function mainToggled(arrangement, window) {
  return Object.freeze({ ...arrangement, main: window.main ? "none" : window.id });
}

/** @param {any} place @returns {boolean} */
const isPlace = (place) => ["x", "y", "w", "h"].every((key) => Number.isFinite(place?.[key]));

/**
 * Read an arrangement that was kept; what does not make sense is left out.
 *
 * @param {string | null} text
 * @returns {Arrangement}
 */
export function parseArrangement(text) {
  let kept;
  try {
    kept = JSON.parse(text ?? "null");
  } catch {
    return UNTOUCHED;
  }
  if (typeof kept !== "object" || kept === null) {
    return UNTOUCHED;
  }
  const known = (/** @type {unknown} */ list) => (Array.isArray(list) ? WINDOWS.filter((id) => list.includes(id)) : []);
  const places = WINDOWS.filter((id) => isPlace(kept.places?.[id])).map((id) => [id, inside(kept.places[id])]);
  const main = [...WINDOWS, "none"].includes(kept.main) ? kept.main : "auto";
  const order = Array.isArray(kept.order) ? [...new Set(kept.order)].filter((id) => WINDOWS.includes(id)) : [];
  return Object.freeze({ main, places: Object.fromEntries(places), pinned: known(kept.pinned), order });
}
