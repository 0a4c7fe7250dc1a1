/**
 * The keys of the console: what each asks for, and where. The overlay behind `?` lists the same table. Who speaks
 * to the computer, or rests a hand on it, can turn all of them off, `?` included (WCAG 2.1.4).
 */

/**
 * @typedef {import("./state.js").ConsoleState} ConsoleState
 * @typedef {import("./state.js").Screen} Screen
 * @typedef {Readonly<{key: string, request: string, words: string, screens: readonly Screen[], leads?: boolean,
 *   detail?: Readonly<Record<string, unknown>>}>} Shortcut  `leads`: only who leads the conversation
 */

const DESK = /** @type {const} */ (["desk"]);
const RING = /** @type {const} */ (["ring"]);
const CALL = /** @type {const} */ (["call"]);

/** @type {readonly Shortcut[]} */
export const SHORTCUTS = [
  { key: "A", request: "accept-request", words: "ring.accept", screens: RING },
  { key: "R", request: "refuse-request", words: "ring.refuse", screens: RING },
  { key: "R", request: "presence-request", words: "keys.ready", screens: DESK, detail: { presence: "ready" } },
  { key: "B", request: "presence-request", words: "keys.break", screens: DESK, detail: { presence: "break" } },
  { key: "M", request: "mic-request", words: "keys.mic", screens: CALL },
  { key: "V", request: "camera-toggle-request", words: "keys.camera", screens: CALL },
  { key: "H", request: "hold-request", words: "keys.hold", screens: CALL, leads: true },
  { key: "S", request: "share-open", words: "keys.share", screens: CALL, leads: true },
  { key: "P", request: "scene-request", words: "keys.still", screens: CALL, leads: true },
  { key: "I", request: "invite-open", words: "keys.invite", screens: CALL, leads: true },
  { key: "D", request: "decide-request", words: "keys.decide", screens: CALL, leads: true },
  { key: "X", request: "abort-request", words: "keys.abort", screens: CALL, leads: true },
  { key: "E", request: "hang-up-request", words: "keys.end", screens: CALL, leads: true },
  { key: "C", request: "chat-open", words: "keys.chat", screens: CALL },
  { key: "G", request: "pictures-open", words: "keys.pictures", screens: CALL },
  { key: "K", request: "checks-open", words: "keys.checks", screens: CALL },
  { key: "Q", request: "quality-toggle", words: "keys.quality", screens: CALL },
  { key: "0", request: "arrange-reset", words: "window.reset", screens: CALL },
  { key: "?", request: "shortcuts-open", words: "keys.title", screens: ["desk", "ring", "call", "wrap_up"] },
];

/** What holds on a window or a picture once it has the focus. */
export const PLACED_KEYS = /** @type {const} */ ([
  ["← ↑ → ↓", "keys.move"], ["⇧ ← ↑ → ↓", "keys.resize"], ["+ − 0", "keys.zoom"], ["← →", "keys.next_picture"],
]); // prettier-ignore

/** The key that asks for something, or nothing. @param {string} request */
export function keyOf(request) {
  return SHORTCUTS.find((one) => one.request === request)?.key ?? "";
}

/**
 * What a key asks for on a screen, if anything.
 *
 * @param {Screen} screen @param {ConsoleState} state @param {string} key
 * @returns {Shortcut | null}
 */
export function shortcutFor(screen, state, key) {
  if (state.keysOff) {
    return null;
  }
  // A Chinese keyboard has a question mark of its own.
  const pressed = key === "？" ? "?" : key.toUpperCase();
  const found = SHORTCUTS.find((one) => one.key === pressed && one.screens.includes(screen));
  return found && !(found.leads && !state.call?.leads) ? found : null;
}
