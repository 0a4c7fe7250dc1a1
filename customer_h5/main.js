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
import { RestError, request } from "../web_kit/rest.js";
import { browserTrouble } from "./browser.js";
import { callback, calledBack } from "./callback.js";
import { closed, landing, otherWay } from "./landing.js";
import { elsewhere, left, problem, starting } from "./screens.js";
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
const secrets = new URLSearchParams(location.hash.slice(1));
/** @type {import("./session.js").Entrance} */
const entrance = {
  code: new URLSearchParams(location.search).get("b"),
  ticket: secrets.get("ticket"),
  seat: secrets.get("seat"),
};
/** @type {Partial<Record<Screen, Builder>>} */
const builders = {
  landing, other_way: otherWay, closed, callback, called_back: calledBack, elsewhere, starting, problem, left,
};
/** @type {Promise<Session> | null} */
let session = null;
/** @type {View | null} */
let view = null;

/** The part that needs camera and socket is loaded once somebody means to call. */
function loadSession() {
  if (session) return session;
  session = import("./visit_screens.js").then(({ Session, STRINGS: more, IDENTITY_STRINGS: checks, ...screens }) => {
    addStrings(more);
    addStrings(checks);
    const made = new Session(store, entrance);
    builders.check = screens.checkScreen(made);
    builders.queue = screens.queueScreen(made);
    builders.call = screens.callScreen(made);
    builders.thanks = screens.thanksScreen(made);
    return made;
  });
  session.catch(() => {
    session = null;
    store.update({ screen: "problem", problem: "offline", canRestart: true });
  });
  return session;
}

/** @type {import("./screens.js").Actions} */
const actions = {
  // A door that is open already, after a way back to the first screen, only needs the consents.
  start: () => void loadSession().then((made) => void (made.consent() || made.start()), () => undefined),
  restart: () => location.reload(),
  leave: () => void loadSession().then((made) => made.leave()),
  enter: (code) => location.assign(`${location.pathname}?b=${encodeURIComponent(code)}`),
  show: (screen) => store.update({ screen, problem: null }),
  requestCallback: (phone, wish) => void loadSession().then((made) => made.requestCallback(phone, wish), () => undefined),
  switchLanguage,
  switchSize,
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
    enter();
  });
  // Carries no secret; the exact origin is known only once the bank's page has spoken.
  parent.postMessage({ type: "teller-ready" }, "*");
}

/** Whether the desk is open, as far as the link tells whose. */
async function askDesk() {
  if (!entrance.code) return;
  try {
    /** @type {{ open: boolean, opens_at: number | null, hours: string, waiting: number, estimated_wait_s: number | null }} */
    const said = await request("GET", `/api/desk?b=${encodeURIComponent(entrance.code)}`);
    const { open, opens_at: opensAt, hours, waiting, estimated_wait_s: waitS } = said;
    store.update({ desk: { open, opensAt, hours, waiting, waitS } });
    if (!open && store.get().screen === "landing") store.update({ screen: "closed" });
  } catch (error) {
    // The door itself says what is wrong, when somebody knocks.
    if (!(error instanceof RestError)) throw error;
  }
}

/** The link is known: the first screen. */
function enter() {
  const trouble = browserTrouble();
  if (trouble) store.update({ screen: "elsewhere", elsewhere: trouble, problem: null });
  else store.update({ screen: "landing", problem: null });
}

function begin() {
  firstSize();
  const known = entrance.ticket || entrance.code || entrance.seat;
  if (known) enter();
  else if (parent !== window) awaitTicket();
  else store.update({ screen: "problem", problem: "no_link" });
  store.subscribe((now, was) => {
    const anew = now === was || now.screen !== was.screen || now.bank !== was.bank;
    if (anew) draw(now);
    if (now.screen !== was.screen) beginScreen();
    if (!anew && view && view.update) view.update(now);
    if (now.recordingConsent && !was.recordingConsent) void loadSession().catch(() => undefined);
  });
  onLanguage(() => draw(store.get()));
  resumeSeat();
  void askDesk();
}

/** A reloaded page goes straight back to its seat. */
function resumeSeat() {
  try {
    if (store.get().screen === "landing" && (entrance.seat || sessionStorage.getItem("teller-seat"))) {
      void loadSession().then((made) => made.resume());
    }
  } catch {
    // Without storage there is no seat to return to.
  }
}

begin();
