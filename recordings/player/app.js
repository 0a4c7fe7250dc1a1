/** The auditor's page: login, the list of cases, one case with its recording. */

import { setMark, setSight, sightQuery } from "../web_kit/record/evidence_zoom.js";
import recordEn from "../web_kit/record/en.js";
import "../web_kit/record/login_card.js";
import { part } from "../web_kit/record/part.js";
import { project } from "../web_kit/record/projection.js";
import "../web_kit/record/top_bar.js";
import recordZh from "../web_kit/record/zh_CN.js";
import { h, mount } from "../web_kit/dom.js";
import { addStrings, onLanguage, t, tCode } from "../web_kit/i18n.js";
import { request, RestError, setCsrf } from "../web_kit/rest.js";
import { createStore } from "../web_kit/store.js";
import "./elements/case_list.js";
import "./elements/case_page.js";
import "./elements/view_watermark.js";
import { isRendering } from "./films.js";
import { makeQueue } from "./queue.js";
import { bodyOf } from "./search.js";
import { isMoving, mayLook, NO_CASE, seesCards, START } from "./state.js";
import en from "./strings/en.js";
import zh from "./strings/zh_CN.js";

/** @typedef {import("./state.js").PlayerState} PlayerState */

addStrings({ "zh-CN": { ...recordZh, ...zh }, en: { ...recordEn, ...en } });

// As in the agent's console: do not ask for a session that was never begun here.
const LOGGED_IN_KEY = "teller-audit-session";
const MERGING_MS = 1000;
const LIST_MS = 4000;
// Behind the moment at which cards are veiled again, as the server's clock has it.
const SIGHT_LATE_MS = 500;

const store = createStore(START);
const queue = makeQueue(store, refresh);
/** @type {{bar: any, main: HTMLElement, view: any, notice: HTMLElement}} */
let page;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let again;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let sightEnds;

function build() {
  const kept = page?.view?.remember?.();
  page = { bar: part("top-bar"), main: h("main", { id: "main" }), view: null, notice: h("div", { class: "notice bad page-problem", role: "alert" }) };
  mount(document.body, h("a", { class: "skip", href: "#main" }, t("skip")), page.bar, page.notice, page.main);
  draw(store.get());
  kept && page.view?.recall?.(kept);
}

/** @param {PlayerState} state */
function tagOf({ boot, caseId }) {
  return boot === "loading" ? null : boot === "login" ? "login-card" : caseId ? "case-page" : "case-list";
}

/** @param {PlayerState} state */
function draw(state) {
  const tag = tagOf(state);
  document.title = t("player.title");
  page.bar.show({ title: t("player.title"), bank: state.session?.bank ?? "", name: state.session?.name ?? "", link: "" });
  if (page.view?.localName !== tag) {
    page.view = tag ? part(tag) : null;
    mount(page.main, page.view ?? h("div", { class: "loading" }, h("span", { class: "spinner" }), t("loading")));
    scrollTo(0, 0);
  }
  const shown = tag === "login-card" ? { title: t("player.title"), intro: t("player.intro"), busy: state.loginBusy, error: state.loginError } : state;
  page.view?.show(shown);
  page.notice.hidden = state.problem === null || tag !== "case-page";
  page.notice.replaceChildren(state.problem ? tCode("error", state.problem) : "");
}

async function boot() {
  if (!localStorage.getItem(LOGGED_IN_KEY)) {
    store.update({ boot: "login" });
    return;
  }
  try {
    enter(await request("GET", "/api/me"));
  } catch {
    localStorage.removeItem(LOGGED_IN_KEY);
    store.update({ boot: "login" });
  }
}

/** @param {import("./state.js").Session} session */
function enter(session) {
  setCsrf(session.csrf);
  localStorage.setItem(LOGGED_IN_KEY, "1");
  store.update({ session, boot: "in", loginBusy: false, loginError: null });
  gotRoute();
  void readDesk();
}

/** Read what the list is narrowed by; without it the list still works. */
async function readDesk() {
  try {
    const [{ staff }, { views }] = await Promise.all([request("GET", "/api/staff"), request("GET", "/api/views")]);
    store.update({ staff, views });
  } catch (error) {
    store.update({ deskProblem: codeOf(error) });
  }
}

/** @param {{login: string, password: string}} credentials */
async function logIn(credentials) {
  store.update({ loginBusy: true, loginError: null });
  try {
    enter(await request("POST", "/api/login", credentials));
  } catch (error) {
    store.update({ loginBusy: false, loginError: codeOf(error) });
  }
}

async function logOut() {
  clearTimeout(again);
  await queue.leave();
  try {
    await request("POST", "/api/logout");
  } finally {
    localStorage.removeItem(LOGGED_IN_KEY);
    store.update({ ...START, boot: "login" });
  }
}

/** @param {unknown} error */
function codeOf(error) {
  if (error instanceof RestError) {
    return error.code;
  }
  throw error;
}

function gotRoute() {
  const wanted = location.hash.slice(1);
  const caseId = wanted.startsWith("case-") ? wanted : null;
  if (caseId !== store.get().caseId) {
    void queue.leave();
  }
  store.update({ caseId, problem: null, ...(caseId === store.get().caseId ? {} : NO_CASE) });
  void refresh();
}

/** Read what the page shows, and again while it may change. */
async function refresh() {
  clearTimeout(again);
  store.update({ minute: Math.floor(Date.now() / 60_000) });
  const { boot: where, caseId } = store.get();
  if (where !== "in") {
    return;
  }
  try {
    await (caseId ? readCase(caseId) : readCases());
    store.update({ problem: null });
  } catch (error) {
    gotProblem(codeOf(error));
  }
  const { summary, cases, view, jobs, boot: now } = store.get();
  const moving = caseId ? isMoving(summary) || isRendering(view, jobs) : cases?.some((one) => one.phase === "agent_done");
  clearTimeout(again);
  if (now === "in" && (!caseId || moving)) {
    again = setTimeout(() => void refresh(), moving ? MERGING_MS : LIST_MS);
  }
}

/** @param {string} code */
function gotProblem(code) {
  if (code === "not_logged_in" || code === "denied") {
    localStorage.removeItem(LOGGED_IN_KEY);
    store.update({ ...START, boot: "login", loginError: code });
  } else {
    store.update({ problem: code });
  }
}

async function readCases() {
  const { filter, marks } = store.get();
  /** @type {{cases: any[], count: number | null, more: boolean, next: string | null, claims: any[]}} */
  const found = await request("POST", "/api/cases/search", bodyOf(filter, marks.at(-1) ?? "", new Date()));
  const now = store.get();
  if (now.filter === filter && now.marks === marks) {
    // Behind the first page nobody counts again.
    const { count, more, ...page } = found;
    keep(count === null ? page : found);
  }
}

/** @param {import("./search.js").Filter} filter */
function narrow(filter) {
  store.update({ filter, marks: START.marks });
  return refresh();
}

/** @param {number} by  1 for the page behind, -1 for the one before. */
function turnPage(by) {
  const { marks, next } = store.get();
  store.update({ marks: by < 0 ? marks.slice(0, -1) : next ? [...marks, next] : marks });
  scrollTo(0, 0);
  return refresh();
}

/** @param {string} path @param {import("./search.js").View | {name: string}} body @param {Record<string, any>} then */
async function changeViews(path, body, then) {
  try {
    const { views } = await request("POST", path, body);
    store.update({ views, deskProblem: null, ...then });
  } catch (error) {
    store.update({ deskProblem: codeOf(error) });
  }
}

/** @param {string} caseId */
async function readCase(caseId) {
  /** @type {any} */
  const [{ case: summary, entries, jobs, claims }, viewing] = await Promise.all([request("GET", path(caseId)), request("GET", path(caseId, "viewings"))]);
  if (store.get().caseId === caseId) {
    const before = sightQuery();
    setSight(seesCards({ viewing }) ? String(viewing.unmasked_until) : "");
    keep({ summary, entries, jobs, viewing, claims, sight: sightQuery() });
    if (sightQuery() !== before) {
      clearTimeout(sightEnds);
      sightEnds = seesCards({ viewing }) ? setTimeout(refresh, viewing.unmasked_until * 1000 - Date.now() + SIGHT_LATE_MS) : undefined;
      await (store.get().calls && readTracks());
    }
    await readBeside();
  }
}

/** Read what the merge left beside the film, once. */
async function readBeside() {
  const { caseId, view, beside } = store.get();
  const wanted = /** @type {const} */ ({ waveform: "waveform", sprite: "thumbnail_index" });
  for (const [key, kind] of Object.entries(wanted)) {
    const made = (view.merge.result?.files ?? []).find((/** @type {{kind: string}} */ one) => one.kind === kind);
    if (made && caseId && mayLook(store.get()) && !beside[/** @type {keyof typeof beside} */ (key)]) {
      const content = await request("GET", path(caseId, `files/${made.file}`));
      if (store.get().caseId === caseId) {
        store.update({ beside: { ...store.get().beside, [key]: content } });
      }
    }
  }
}

async function readTracks() {
  const { caseId } = store.get();
  try {
    /** @type {any} */
    const { calls } = await request("GET", path(caseId, `tracks${sightQuery()}`));
    if (store.get().caseId === caseId) {
      keep({ calls });
    }
  } catch (error) {
    store.update({ problem: codeOf(error) });
  }
}

/** @param {string | null} caseId @param {string} [what] */
const path = (caseId, what) => `/api/cases/${encodeURIComponent(caseId ?? "")}${what ? `/${what}` : ""}`;

/** Ask for something about looking at the record; the answer is how it stands then. @param {string} what @param {unknown} body */
async function askViewing(what, body) {
  const { caseId } = store.get();
  try {
    const viewing = await request("POST", path(caseId, what), body);
    if (store.get().caseId === caseId) {
      keep({ viewing, viewProblem: null });
    }
  } catch (error) {
    store.update({ viewProblem: codeOf(error) });
  }
}

/** @param {string} what @param {unknown} body */
async function askThenRead(what, body) {
  await askViewing(what, body);
  await refresh();
}

/** Have the film made anew. @param {{template: string, reason: string}} asked */
async function askRender(asked) {
  const { caseId } = store.get();
  store.update({ renderProblem: null });
  try {
    await request("POST", path(caseId, "renders"), asked);
  } catch (error) {
    const renderProblem = codeOf(error);
    store.get().caseId === caseId && store.update({ renderProblem });
  }
  await refresh();
}

/**
 * Put answers into the state, keeping what is equal to what stands there: an answer that brings nothing
 * new must not redraw anything.
 *
 * @param {Record<string, any>} answers
 */
function keep(answers) {
  /** @type {any} */
  const state = store.get();
  const changed = Object.entries(answers).filter(([key, value]) => JSON.stringify(state[key]) !== JSON.stringify(value));
  const change = Object.fromEntries(changed);
  store.update(change.entries ? { ...change, view: project(change.entries) } : change);
}

/** @param {"verdict" | "reopen"} what @param {{verdict?: string, reason: string}} said */
async function sign(what, said) {
  const { caseId } = store.get();
  store.update({ signing: true, signProblem: null });
  try {
    await request("POST", path(caseId, what), said);
  } catch (error) {
    store.update({ signProblem: codeOf(error) });
  }
  await refresh();
  store.update({ signing: false });
}

/** @type {Readonly<Record<string, (detail: any) => unknown>>} */
const REQUESTS = {
  "login-request": logIn,
  "logout-request": logOut,
  "verdict-request": (signed) => sign("verdict", signed),
  "reopen-request": (reason) => sign("reopen", reason),
  "next-request": queue.next,
  "claim-request": (on) => queue.claim(store.get().caseId ?? "", on),
  "viewing-request": (asked) => askThenRead("viewings", asked),
  "watched-report": (asked) => askViewing("watched", asked),
  "tracks-request": readTracks,
  "render-request": askRender,
  "unmask-request": (asked) => askThenRead("unmaskings", asked),
  "unmask-answer": ({ asked, granted }) => askThenRead(`unmaskings/${asked}`, { granted }),
  "filter-request": narrow,
  "page-request": turnPage,
  "view-keep": (view) => changeViews("/api/views", view, { dropped: null }),
  "view-drop": (view) => changeViews("/api/views/drop", { name: view.name }, { dropped: view }),
  "view-undo": () => {
    const { dropped } = store.get();
    return dropped && changeViews("/api/views", dropped, { dropped: null });
  },
};

/** @param {KeyboardEvent} event */
function gotKey(event) {
  const busy = event.target instanceof Element && event.target.matches("input, textarea, select, button, a");
  const ours = !event.ctrlKey && !event.metaKey && !event.altKey && !document.querySelector("dialog[open]");
  // The space bar presses a focused button and arrows move a focused slider; letters stay shortcuts there.
  const free = !busy || (event.target instanceof Element && !event.target.matches("input:not([type=range]), textarea, select") && /^[a-z,.<>?/]$/i.test(event.key));
  if (ours && free && page.view?.pressed?.(event.key)) {
    event.preventDefault();
  }
}

for (const [name, handle] of Object.entries(REQUESTS)) {
  document.addEventListener(name, (event) => void handle(/** @type {CustomEvent} */ (event).detail));
}
setMark((caseId) => {
  const mark = /** @type {import("./elements/view_watermark.js").ViewWatermarkElement} */ (part("view-watermark"));
  mark.show({ name: store.get().session?.name ?? "", caseId });
  return mark;
});
document.addEventListener("keydown", gotKey);
addEventListener("hashchange", gotRoute);
build();
onLanguage(build);
store.subscribe(draw);
void boot();
