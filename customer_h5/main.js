/**
 * Entry of the customer's page: reads the link, draws the screen that the state names, and talks to the
 * bank's page when it stands inside one.
 *
 * @import { Session } from "./session.js"
 * @import { Builder, View } from "./screens.js"
 * @import { Screen, State } from "./state.js"
 */

import { h, mount } from "../web_kit/dom.js";
import { addStrings, language, onLanguage, setLanguage, t } from "../web_kit/i18n.js";
import { icon } from "../web_kit/icons.js";
import { landing, left, problem, queue, starting, thanks, trouble } from "./screens.js";
import { createState } from "./state.js";
import { STRINGS } from "./strings.js";

const SIZE_KEY = "teller-size";

addStrings(STRINGS);

/** @param {string} name */
function meta(name) {
  const found = document.querySelector(`meta[name="${name}"]`);
  return (found && found.getAttribute("content")) || "";
}

const store = createState(meta("teller-bank"));
/** @type {{ code: string | null, ticket: string | null }} */
const entrance = {
  code: new URLSearchParams(location.search).get("b"),
  ticket: new URLSearchParams(location.hash.slice(1)).get("ticket"),
};
/** @type {Partial<Record<Screen, Builder>>} */
const builders = { landing, starting, trouble, queue, thanks, problem, left };
/** @type {Promise<Session> | null} */
let session = null;
/** @type {View | null} */
let view = null;

/** The part that needs camera and socket is loaded once somebody means to call. */
function loadSession() {
  if (session) return session;
  session = Promise.all([import("./session.js"), import("./call_screen.js")]).then(([sessions, screens]) => {
    const made = new sessions.Session(store, entrance);
    builders.call = screens.callScreen(made);
    return made;
  });
  session.catch(() => {
    session = null;
    store.update({ screen: "problem", problem: "offline", canRestart: true });
  });
  return session;
}

const actions = {
  start: () => void loadSession().then((made) => made.start(), () => undefined),
  restart: () => location.reload(),
  leave: () => void loadSession().then((made) => made.leave()),
  /** @param {string} code */
  enter: (code) => location.assign(`${location.pathname}?b=${encodeURIComponent(code)}`),
};

function switchLanguage() {
  setLanguage(language() === "en" ? "zh-CN" : "en");
}

function switchSize() {
  const root = document.documentElement;
  const large = root.dataset.size !== "large";
  root.dataset.size = large ? "large" : "normal";
  try {
    localStorage.setItem(SIZE_KEY, root.dataset.size);
  } catch {
    // Without storage the choice lives as long as the page.
  }
  draw(store.get());
}

function firstSize() {
  try {
    document.documentElement.dataset.size = localStorage.getItem(SIZE_KEY) || "normal";
  } catch {
    document.documentElement.dataset.size = "normal";
  }
}

/** @param {Readonly<State>} state */
function masthead(state) {
  const large = document.documentElement.dataset.size === "large";
  return h(
    "header",
    { class: "masthead" },
    h("span", { class: "brand grow" }, icon("bank"), h("span", { class: "brand-name" }, state.bank || t("product"))),
    h(
      "button",
      { class: "button quiet compact", type: "button", onclick: switchSize, "aria-pressed": String(large), "aria-label": t("text.larger") },
      icon("text"),
    ),
    h("button", { class: "button quiet compact", type: "button", onclick: switchLanguage, lang: language() === "en" ? "zh-CN" : "en" }, t("language.other")),
  );
}

/** @param {Readonly<State>} state */
function draw(state) {
  const build = builders[state.screen];
  if (!build) return;
  document.title = state.bank ? `${state.bank} · ${t("product")}` : t("product");
  view = build(store, actions);
  mount(document.body, state.screen === "call" ? null : masthead(state), view.node);
  if (view.update) view.update(state);
}

/** A new screen begins at its top, for eyes and for screen readers. */
function beginScreen() {
  if (!view) return;
  view.node.tabIndex = -1;
  view.node.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/**
 * Tell the bank's page where the customer is.
 *
 * @param {string} origin
 * @param {Readonly<State>} now
 * @param {Readonly<State>} was
 */
function report(origin, now, was) {
  if (now.screen === was.screen) return;
  parent.postMessage({ type: "teller-state", state: now.screen }, origin);
  if (now.screen === "thanks" && now.ending) {
    parent.postMessage({ type: "teller-ended", reason: now.ending.reason, case: now.caseId }, origin);
  }
}

/** Inside a frame the ticket comes by message, from a configured origin only. */
function awaitTicket() {
  const origins = meta("teller-embed-origins").split(" ").filter(Boolean);
  store.update({ screen: "problem", problem: "waiting" });
  globalThis.addEventListener("message", (event) => {
    const { type, ticket } = Object(event.data);
    if (event.source !== parent || !origins.includes(event.origin)) return;
    if (type !== "teller-ticket" || typeof ticket !== "string" || entrance.ticket) return;
    entrance.ticket = ticket;
    store.subscribe((now, was) => report(event.origin, now, was));
    store.update({ screen: "landing", problem: null });
  });
  // Carries no secret; the exact origin is known only once the bank's page has spoken.
  parent.postMessage({ type: "teller-ready" }, "*");
}

function begin() {
  firstSize();
  if (parent !== window && !entrance.ticket && !entrance.code) awaitTicket();
  else if (!entrance.ticket && !entrance.code) store.update({ screen: "problem", problem: "no_link" });
  store.subscribe((now, was) => {
    const anew = now === was || now.screen !== was.screen || now.bank !== was.bank;
    if (anew) draw(now);
    if (now.screen !== was.screen) beginScreen();
    if (!anew && view && view.update) view.update(now);
    if (now.recordingConsent && !was.recordingConsent) void loadSession().catch(() => undefined);
  });
  onLanguage(() => draw(store.get()));
  resumeSeat();
}

/** A reloaded page goes straight back to its seat. */
function resumeSeat() {
  try {
    if (store.get().screen === "landing" && sessionStorage.getItem("teller-seat")) {
      void loadSession().then((made) => made.resume());
    }
  } catch {
    // Without storage there is no seat to return to.
  }
}

begin();
