/** Which windows a call has, and what each of them shows. Pure. */

/**
 * @typedef {import("../state.js").ConsoleState} ConsoleState
 * @typedef {import("../state.js").PartySeen} PartySeen
 * @typedef {import("./layout.js").WindowId} WindowId
 * @typedef {"live" | "off" | "interrupted" | "stills" | "away" | "held"} Picture  All but `live` stands still.
 * @typedef {Readonly<{id: WindowId, seat: string | null, name: string, role: string, mode: string, picture: Picture,
 *   microphone: string, stream: MediaStream | null, own: boolean}>} WindowView
 */

/** @type {readonly WindowId[]} */
const STAFF = ["third", "fourth"];

/** The party that this page is. @param {ConsoleState} state @returns {PartySeen | null} */
export function myself({ call }) {
  return call?.parties.find((one) => one.seat === call.seat) ?? null;
}

/** Everybody else, the customer first. @param {ConsoleState} state @returns {readonly PartySeen[]} */
export function others({ call }) {
  const rest = call?.parties.filter((one) => one.seat !== call.seat) ?? [];
  return [...rest.filter((one) => one.role === "customer"), ...rest.filter((one) => one.role !== "customer")];
}

/** The colleague who talks to staff only, as yet. @param {ConsoleState} state @returns {PartySeen | null} */
export function consulted(state) {
  return others(state).find((one) => one.mode === "private") ?? null;
}

/**
 * Why nothing that is written here would be sent, which the server refuses; empty when it would be. Held is who
 * is not on a line of a colleague who talks.
 *
 * @param {ConsoleState} state @returns {"" | "private" | "consult" | "held"}
 */
export function silenced(state) {
  const me = myself(state);
  if (me?.mode === "private") {
    return "private";
  }
  const customer = others(state).find((one) => one.role === "customer");
  const held = state.call?.phase === "held" || (state.call?.phase === "reconnecting" && customer?.slot === null);
  return held ? (consulted(state) ? "consult" : "held") : "";
}

/** The colleague to whom the call can be left. @param {ConsoleState} state @returns {PartySeen | null} */
export function successor(state) {
  return others(state).find((one) => one.role !== "customer" && one.mode === "talking" && one.present) ?? null;
}

/** @param {PartySeen} party @param {string} phase @returns {Picture} */
export function pictureOf(party, phase) {
  if (!party.present) {
    return "away";
  }
  if (party.camera !== "on") {
    return party.camera;
  }
  return party.slot === null && phase === "held" ? "held" : "live";
}

/** @param {ConsoleState} state @param {PartySeen} party @param {WindowId} id @returns {WindowView} */
function personWindow({ call, streams, view }, party, id) {
  const { seat, role, mode, microphone, slot } = party;
  const name = party.name || (role === "customer" ? view.customer : "");
  const stream = slot === null ? null : (streams[slot] ?? null);
  return { id, seat, name, role, mode, microphone, stream, own: false, picture: pictureOf(party, call?.phase ?? "") };
}

/** @param {ConsoleState} state @returns {WindowView} */
function ownWindow(state) {
  const { micOn, cameraOn, local, session, call } = state;
  const me = myself(state);
  return { id: "self", seat: call?.seat ?? null, name: session?.name ?? "", role: me?.role ?? "agent", mode: me?.mode ?? "talking",
    microphone: micOn ? "on" : "off", stream: local, own: true, picture: cameraOn && state.camera === "on" ? "live" : "off" }; // prettier-ignore
}

/** @param {ConsoleState} state @returns {readonly WindowView[]} */
function shareWindow({ call, screen, ownScreen, session }) {
  const common = { id: /** @type {const} */ ("share"), role: "share", mode: "talking", microphone: "on", picture: /** @type {const} */ ("live") };
  if (ownScreen) {
    return [{ ...common, seat: call?.seat ?? null, name: session?.name ?? "", stream: ownScreen, own: true }];
  }
  const sharer = call?.sharing && call.sharing !== call.seat ? call.sharing : null;
  const name = call?.parties.find((one) => one.seat === sharer)?.name ?? "";
  return sharer ? [{ ...common, seat: sharer, name, stream: screen, own: false }] : [];
}

/**
 * The windows in reading order. Who only listens has none: nothing is seen of him.
 *
 * @param {ConsoleState} state @returns {readonly WindowView[]}
 */
export function windowsOf(state) {
  const people = others(state);
  const customer = people.filter((one) => one.role === "customer").slice(0, 1);
  const staff = people.filter((one) => one.role !== "customer" && one.mode !== "monitor").slice(0, STAFF.length);
  return [
    ...customer.map((one) => personWindow(state, one, "customer")),
    ...shareWindow(state),
    ...staff.map((one, index) => personWindow(state, one, /** @type {WindowId} */ (STAFF[index]))),
    ownWindow(state),
  ];
}
