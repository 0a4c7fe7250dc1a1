/**
 * All checks at a glance while the call runs: who is in the picture, the face match, liveness, signs about source and
 * place, each with what it stands for; below, the checks that the script does not name, and the decision.
 */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { scale, verdictBadge } from "../../web_kit/record/face_match.js";
import { decisionSummary } from "../../web_kit/record/identity/decision.js";
import { newestRun, openRun, verdictOf } from "../../web_kit/record/identity/projection.js";
import { operatingPoint, pairList } from "../../web_kit/record/identity/portraits.js";
import { checkName, raised, signalWords } from "../../web_kit/record/identity/words.js";
import { define, PartElement } from "../../web_kit/record/part.js";
import { partyOf } from "../../web_kit/record/projection.js";
import { timeOfDay, wordFor } from "../../web_kit/record/words.js";
import { keepFocus } from "./check_element.js";
import { CHECKS, checkPart, wordOf } from "./check_parts.js";

/**
 * @typedef {import("../state.js").ConsoleState} ConsoleState
 * @typedef {import("../../web_kit/record/projection.js").CaseView} CaseView
 * @typedef {import("../../web_kit/record/projection.js").FactBody} FactBody
 * @typedef {import("../../web_kit/dom.js").Children} Children
 */

const KINDS = /** @type {const} */ (["passive", "gestures", "light"]);

/** @param {string} name @param {...Children} inside */
const row = (name, ...inside) => h("div", { class: "live-row", "data-row": name }, h("dt", {}, t(`live.${name}`)), h("dd", {}, ...inside));

/** Troubles of watching that go on. @param {CaseView} view @returns {readonly FactBody[]} */
export const troubles = (view) => Object.values(view.identity.watched);

/** @param {FactBody} fact */
export const troubleWords = (fact) => t("live.since", { words: wordFor("watch", fact.event), time: timeOfDay(fact.at) });

/** @extends {PartElement<ConsoleState>} */
export class LiveChecksElement extends PartElement {
  /** The parts of checks that the script does not name. @type {Map<string, {part: import("./check_element.js").CheckElement, box: HTMLElement}>} */
  more = new Map();

  /** @override */
  looksAt(/** @type {ConsoleState} */ { view, working, call, link, script }) {
    return [view.identity, view.faceChecks, view.evidence, view.asked, view.network, view.device, view.parties, working, call?.phase, call?.leads, call?.kycUnlocked, link, script];
  }

  /** @override */
  build() {
    this.rows = h("dl", { class: "live-rows" });
    this.cards = h("div", { class: "more-checks" });
    this.decision = h("div", {});
    mount(this, this.rows, this.cards, h("section", { class: "stack tight" }, h("h3", {}, t("decision.title")), this.decision));
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state, /** @type {ConsoleState | undefined} */ was) {
    const { view } = state;
    const open = this.rows?.querySelector("details.operating")?.hasAttribute("open") ?? false;
    this.rows && keepFocus(this, () => mount(/** @type {HTMLElement} */ (this.rows), watching(view), match(view), liveness(view), source(view), flags(view)));
    this.rows?.querySelector("details.operating")?.toggleAttribute("open", open);
    this.drawMore(state);
    if (this.decision && (!was || was.view.identity.decided !== view.identity.decided)) {
      mount(this.decision, decisionSummary(view.identity.decided));
    }
  }

  /** @param {ConsoleState} state */
  drawMore({ view, working, call, link, script }) {
    const named = new Set(script?.steps.map((step) => step.check));
    const live = Boolean(script && call?.leads && call.phase !== "ended" && !call.left);
    const able = live && link === "open" && call?.phase === "active" && call.kycUnlocked;
    for (const check of CHECKS) {
      const made = this.more.get(check) ?? this.make(check);
      const worksheet = script?.worksheet ?? null;
      made.box.hidden = named.has(check) || !live || (check === "features" && !worksheet);
      if (!made.box.hidden) {
        made.part.show({ view, working, live, able, word: wordOf(check), worksheet });
      }
    }
  }

  /** @param {string} check */
  make(check) {
    const made = { part: /** @type {import("./check_element.js").CheckElement} */ (checkPart(check)), box: h("details", { class: "more-check", "data-check": check }) };
    mount(made.box, h("summary", {}, checkName(check)), made.part);
    this.cards?.append(made.box);
    this.more.set(check, made);
    return made;
  }
}

/** @param {CaseView} view */
function watching(view) {
  const found = troubles(view);
  const there = partyOf(view, "customer")?.media === "connected";
  const calm = h("span", { class: there ? "good-text" : "soft" }, t(there ? "live.calm" : "live.not_watching"));
  return row("watching", found.length ? found.map((fact) => h("span", { class: "badge bad" }, icon("warning"), troubleWords(fact))) : calm);
}

/** @param {CaseView} view */
function match(view) {
  const portraits = view.identity.portraits.at(-1);
  const single = view.faceChecks.at(-1);
  const fact = portraits && !(single && single.at > portraits.at) ? portraits : single;
  if (!fact) {
    return row("match", h("span", { class: "soft" }, t("live.not_done")));
  }
  const thresholds = h("p", { class: "soft small" }, t("face.threshold", { threshold: fact.threshold.toFixed(2), review: fact.review_threshold.toFixed(2) }));
  if (fact === portraits) {
    return row("match", verdictBadge(fact.verdict), pairList(fact), thresholds, operatingPoint(fact.operating_point));
  }
  const score = typeof fact.score === "number" ? fact.score.toFixed(3) : "—";
  return row("match", h("div", { class: "row wrap" }, h("strong", { class: "numbers" }, score), verdictBadge(fact.verdict)), scale(fact),
    thresholds, h("p", { class: "soft small" }, t("live.model", { pack: fact.pack }))); // prettier-ignore
}

/** @param {CaseView} view */
function liveness(view) {
  const running = openRun(view.identity);
  const line = (/** @type {string} */ kind) => {
    const run = newestRun(view.identity, kind);
    const state = !run ? h("span", { class: "soft" }, t("live.not_done"))
      : run === running ? h("span", { class: "badge busy" }, t("live.running")) : verdictBadge(verdictOf(run)); // prettier-ignore
    const reason = run?.result?.reason;
    return h("li", { class: "row wrap" }, h("span", { class: "grow" }, wordFor("liveness", kind)), state, reason && run !== running && h("small", { class: "soft full" }, wordFor("live_reason", reason)));
  };
  return row("liveness", h("ul", { class: "plain-list" }, KINDS.map(line)));
}

/** @param {CaseView} view */
function source(view) {
  const seat = partyOf(view, "customer")?.seat ?? "";
  const fact = view.identity.sources[seat];
  if (!fact) {
    return row("source", h("span", { class: "soft" }, t("live.not_done")));
  }
  const signs = raised(fact.signals);
  return row("source",
    signs.length ? h("ul", { class: "plain-list" }, signs.map((one) => h("li", {}, signalWords(one)))) : h("span", {}, t("signal.none")),
    h("p", { class: "soft small" }, t("live.advice"))); // prettier-ignore
}

/** What network and device told, as flags. @param {CaseView} view */
function flags({ network, device }) {
  const words = [
    ...(network?.doubts ?? []).map((/** @type {string} */ word) => wordFor("network_doubt", word)),
    ...(device?.problems ?? []).map((/** @type {string} */ word) => wordFor("device_problem", word)),
  ];
  return row("flags", words.length ? words.map((word) => h("span", { class: "badge warn" }, word)) : h("span", { class: "soft" }, t(network || device ? "live.no_flags" : "live.not_done")));
}

define("live-checks", LiveChecksElement);
