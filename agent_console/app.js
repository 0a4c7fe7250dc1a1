/** The agent's console: wires state, session and screens together. */

import { h, mount } from "../web_kit/dom.js";
import { addStrings, onLanguage, t } from "../web_kit/i18n.js";
import { createStore } from "../web_kit/store.js";
import "./elements/call_view.js";
import "./elements/desk_view.js";
import "./elements/ring_card.js";
import "./elements/shortcut_sheet.js";
import "./elements/wrap_up.js";
import checksEn from "./checks/strings/en.js";
import checksZh from "./checks/strings/zh_CN.js";
import { problemWords } from "./problem.js";
import recordEn from "../web_kit/record/en.js";
import "../web_kit/record/login_card.js";
import { ask, part } from "../web_kit/record/part.js";
import "../web_kit/record/top_bar.js";
import recordZh from "../web_kit/record/zh_CN.js";
import { remembered, requestsOf } from "./requests.js";
import { RingTone } from "./ring_tone.js";
import { ConsoleSession } from "./session.js";
import { shortcutFor } from "./shortcuts.js";
import { screenOf, START } from "./state.js";
import en from "./strings/en.js";
import zh from "./strings/zh_CN.js";
import { supervise } from "./supervisor/supervise.js";
import { Toast } from "./toast.js";
import "./supervisor/supervisor_board.js";

/** @typedef {import("./state.js").ConsoleState} ConsoleState */
/** @typedef {import("./state.js").Screen} Screen */

addStrings({ "zh-CN": { ...recordZh, ...zh, ...checksZh }, en: { ...recordEn, ...en, ...checksEn } });

const FLASH_MS = 900;
/** @type {Partial<Record<Screen, string>>} */
const TAGS = { login: "login-card", desk: "desk-view", ring: "desk-view", call: "call-view", wrap_up: "wrap-up", board: "supervisor-board" };

const store = createStore({ ...START, ...remembered() });
const session = new ConsoleSession(store);
const bell = new RingTone();
/** @type {{bar: any, main: HTMLElement, ring: any, notice: Toast, view: any}} */
let page;
/** @type {ReturnType<typeof setInterval> | undefined} */
let flashing;

function build() {
  const main = h("main", { id: "main" });
  page = { bar: part("top-bar"), main, ring: null, notice: new Toast(), view: null };
  mount(document.body, h("a", { class: "skip", href: "#main" }, t("skip")), page.bar, main, page.notice.node);
  draw(store.get());
}

/** @param {ConsoleState} state */
function draw(state) {
  const screen = screenOf(state);
  document.body.dataset.screen = screen;
  const title = t(screen === "board" ? "board.title" : "console.title");
  page.bar.show({ title, bank: state.bank, name: state.session?.name ?? "", link: state.session ? state.link : "" });
  const tag = TAGS[screen];
  if (page.view?.localName !== tag) {
    page.view = tag ? part(tag) : null;
    mount(page.main, page.view ?? h("div", { class: "loading" }, h("span", { class: "spinner" }), t("loading")));
  }
  page.view?.show(screen === "login" ? loginView(state) : state);
  drawRing(state, screen === "ring");
  drawNotice(state);
}

/** @param {ConsoleState} state */
function loginView({ loginBusy, loginError }) {
  return { title: t("console.title"), intro: t("console.intro"), busy: loginBusy, error: loginError };
}

/** @param {ConsoleState} state @param {boolean} ringing */
function drawRing(state, ringing) {
  if (ringing) {
    page.ring ??= page.main.appendChild(part("ring-card"));
    page.ring.show(state);
  } else {
    page.ring?.remove();
    page.ring = null;
  }
  page.view?.toggleAttribute("inert", ringing);
  page.bar.toggleAttribute("inert", ringing);
  if (ringing && !state.bellOff) {
    bell.start();
  } else {
    bell.stop();
  }
  flash(ringing ? t("ring.flash", { name: state.ring?.customer_name || t("case.unnamed") }) : "");
}

/** @param {string} words */
function flash(words) {
  const calm = t("console.title");
  if (!words) {
    clearInterval(flashing);
    flashing = undefined;
    document.title = calm;
  } else if (flashing === undefined) {
    document.title = words;
    flashing = setInterval(() => {
      document.title = document.title === calm ? words : calm;
    }, FLASH_MS);
  }
}

/** @param {ConsoleState} state */
function drawNotice({ notice, link, linkReason, session: who }) {
  const closed = who !== null && link === "closed";
  // A refused result is told beside the form that asked for it, so is an invitation that nobody can take.
  const here = notice && notice.about !== "finish" && !(notice.about === "invite" && document.querySelector("dialog.invite[open]"));
  if (closed) {
    const words = problemWords({ code: linkReason ?? "unreachable", about: null });
    page.notice.show({ key: `closed ${words}`, words, button: t("retry"), act: () => session.reconnect(), stays: true });
  } else {
    const act = () => store.get().notice === notice && store.update({ notice: null });
    page.notice.show(here ? { key: `${notice.nr}`, words: problemWords(notice), button: t("close"), act, stays: false } : null);
  }
}

/** @type {import("./requests.js").Requests} */
const REQUESTS = {
  ...requestsOf(session, store),
  ...supervise(store, session),
  "shortcuts-open": () => openShortcuts(),
};

function openShortcuts() {
  const sheet = /** @type {import("./elements/shortcut_sheet.js").ShortcutSheetElement} */ (document.createElement("shortcut-sheet"));
  document.body.append(sheet);
  sheet.open(!store.get().keysOff);
}

/** @param {KeyboardEvent} event */
function gotKey(event) {
  const typing = event.target instanceof Element && event.target.matches("input, textarea, select");
  if (event.key === "Escape" && !typing && !document.querySelector("dialog[open]") && page.notice.dismiss()) {
    return;
  }
  const state = store.get();
  const found = shortcutFor(screenOf(state), state, event.key);
  if (found && !typing && !event.ctrlKey && !event.metaKey && !event.altKey && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    // The view hears it first: what opens something there is no request to the server.
    ask(page.view, found.request, found.detail ?? {});
  }
}

for (const [name, handle] of Object.entries(REQUESTS)) {
  document.addEventListener(name, (event) => handle(/** @type {CustomEvent} */ (event).detail));
}
document.addEventListener("keydown", gotKey);
document.addEventListener("pointerdown", () => bell.unlock());
document.addEventListener("keydown", () => bell.unlock());
build();
onLanguage(build);
store.subscribe(draw);
void session.boot();
