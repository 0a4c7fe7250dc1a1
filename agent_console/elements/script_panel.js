/**
 * The script of the conversation as the server holds it: each step with its state, why it is locked, and what
 * may be done about it. Asks by `mark-request`, `still-request`, `number-request`, `match-request`; the checks of
 * identity are parts of their own.
 */

import { h, mount } from "../../web_kit/dom.js";
import { language, t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { pictureLine } from "../../web_kit/record/evidence_zoom.js";
import { faceMatch, verdictBadge } from "../../web_kit/record/face_match.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { newestEvidence } from "../../web_kit/record/projection.js";
import { failureWords, wordFor } from "../../web_kit/record/words.js";
import { keepFocus } from "../checks/check_element.js";
import { checkPart, wordOf } from "../checks/check_parts.js";
import { pictureButton } from "./picture_gallery.js";

/**
 * @typedef {import("../state.js").ConsoleState} ConsoleState
 * @typedef {import("../../web_kit/wire").StepSeen} StepSeen
 * @typedef {{script: ConsoleState["script"], view: ConsoleState["view"], leads: boolean, live: boolean, busy: boolean, working: ConsoleState["working"]}} ScriptView
 *   `live`: the conversation goes on; `busy`: nothing can be sent just now
 */

const ID_NUMBER_LENGTH = 18;
const REASON_MAX = 500;
/** @type {Readonly<Record<string, string>>} */
const MARKS = { passed: "check", failed: "close", review: "warning", waiting: "clock", locked: "lock", waived: "shield", skipped: "right" };
const SETTLED = new Set(["passed", "waived", "skipped"]);
const WAIVABLE = new Set(["open", "waiting", "failed", "review"]);
const STILL = "evidence_";
// What the machine does with what it has already; every other check waits for the customer.
const BY_MACHINE = /^(face_match|portraits|passive|external_.*)$/;

/** A word of the policy in the reader's language. @param {{zh: string, en: string}} words */
export const said = ({ zh, en }) => (language() === "en" ? en : zh);

/** The state of a step in a word, which tells for whom it waits. @param {StepSeen} step */
function stateWords({ state, check }) {
  const working = check === "document" ? "reading" : BY_MACHINE.test(check) ? "checking" : state;
  return t(`step_state.${state === "waiting" ? working : state}`);
}

/** How many steps still stand in the way of `passed`. @param {ConsoleState["script"]} script */
export function missing(script) {
  return (script?.steps ?? []).filter((step) => step.mandatory && !SETTLED.has(step.state) && step.state !== "review").length;
}

/** @extends {PartElement<ScriptView>} */
export class ScriptPanelElement extends PartElement {
  /** Steps that are shown or hidden against their state. @type {Map<string, boolean>} */
  turned = new Map();
  /** The step whose waiver is being written. */
  waiving = "";
  /** The step that changed last: its result is still to be read. */
  latest = "";
  /** What does the checks that have a part of their own, by step. @type {Map<string, import("../checks/check_parts.js").CheckElement>} */
  parts = new Map();

  /** @override */
  looksAt(/** @type {ScriptView} */ { script, view, leads, live, busy, working }) {
    const { evidence, idChecks, faceChecks, identity, asked, notes, case: caseId } = view;
    return [script, evidence, idChecks, faceChecks, identity, asked, notes, caseId, leads, live, busy, working];
  }

  /** @override */
  build() {
    // Fields outlive redrawing: what is half typed must not vanish when a picture arrives.
    this.number = h("input", { class: "input id-number", maxlength: ID_NUMBER_LENGTH, autocomplete: "off", spellcheck: "false", placeholder: t("step.id_number.hint"), "aria-label": t("step.number_label") });
    this.reason = h("textarea", { class: "input", rows: 2, maxlength: REASON_MAX, required: true, "aria-label": t("step.waive_reason"), placeholder: t("step.waive_reason") });
    this.list = h("ol", { class: "steps" });
    this.lock = h("p", { class: "notice warn", role: "status" });
    mount(this.lock, icon("shield"), h("span", {}, t("step.locked")));
    mount(this, this.lock, this.list);
  }

  /** @override */
  draw(/** @type {ScriptView} */ shown, /** @type {ScriptView | undefined} */ was) {
    if (!this.list || !this.lock) {
      return;
    }
    this.follow(shown, was);
    const steps = shown.script?.steps ?? [];
    this.lock.hidden = !shown.live || !steps.some((step) => step.lock === "recording");
    const { list } = this;
    keepFocus(this, () => mount(list, steps.length ? steps.map((step, index) => this.step(shown, step, index + 1)) : h("li", { class: "soft empty" }, t("step.none"))));
  }

  /** @param {ScriptView} shown @param {ScriptView | undefined} was */
  follow({ script }, was) {
    const before = new Map(was?.script?.steps.map((step) => [step.id, step.state]));
    const news = script?.steps.findLast((step) => before.has(step.id) && before.get(step.id) !== step.state && step.state !== "open" && step.state !== "locked");
    this.latest = news?.id ?? this.latest;
  }

  again() {
    this.shown && this.draw(this.shown, this.shown);
  }

  /** @param {ScriptView} shown @param {StepSeen} step @param {number} number */
  step(shown, step, number) {
    const { id, state } = step;
    const open = this.turned.get(id) ?? (id === this.latest || !(SETTLED.has(state) || (state === "locked" && step.lock !== "")));
    const body = open ? this.body(shown, step) : [];
    const answer = step.answers.find((one) => one.id === step.answer);
    const head = h("button", { class: "step-head", type: "button", "data-key": `${id}:head`, "aria-expanded": String(open),
      onclick: () => { this.turned.set(id, !open); this.again(); } },
      h("span", { class: "step-mark", "aria-hidden": "true" }, MARKS[state] ? icon(MARKS[state]) : String(number)),
      h("span", { class: "step-title" }, said(step), !step.mandatory && h("small", {}, t("step.optional")),
        answer && h("small", { class: "step-answer" }, said(answer))),
      h("span", { class: `step-state ${state}` }, stateWords(step))); // prettier-ignore
    const lock = state === "locked" && step.lock !== "recording" && h("p", { class: "step-lock" }, this.lockWords(shown, step));
    return h("li", { class: `step ${state}`, "data-step": id }, h("h3", {}, head), lock, h("div", { class: "step-body" }, body));
  }

  /** @param {ScriptView} shown @param {StepSeen} step */
  lockWords({ script }, { lock }) {
    const before = script?.steps.find((one) => one.id === lock);
    return before ? t("step.after", { step: said(before) }) : t("step.in_call");
  }

  /** @param {ScriptView} shown @param {StepSeen} step @returns {import("../../web_kit/dom.js").Child[]} */
  body(shown, step) {
    const live = shown.live && shown.leads;
    const able = live && !shown.busy && step.state !== "locked" && step.state !== "skipped";
    return [...this.checkBody(shown, step, live, able), this.waiver(step, able)];
  }

  /** @param {ScriptView} shown @param {StepSeen} step @param {boolean} live @param {boolean} able */
  checkBody({ view, working, script }, step, live, able) {
    if (step.check.startsWith(STILL)) {
      return this.stillBody(view, step, step.check.slice(STILL.length), live, able);
    }
    const own = this.parts.get(step.id) ?? checkPart(step.check);
    if (own) {
      this.parts.set(step.id, own);
      own.show({ view, working, live, able, word: wordOf(step.check), worksheet: script?.worksheet ?? null });
      return [own];
    }
    switch (step.check) {
      case "id_number":
        return this.numberBody(view, live, able);
      case "face_match":
        return this.matchBody(view, step, live, able);
      case "":
        return this.handBody(step, live, able);
      default:
        return [h("p", { class: "soft small" }, wordFor("step_by", step.check))];
    }
  }

  /** @param {ConsoleState["view"]} view @param {StepSeen} step @param {string} kind @param {boolean} live @param {boolean} able */
  stillBody(view, { state }, kind, live, able) {
    const fact = newestEvidence(view, kind);
    const waiting = state === "waiting";
    return [
      fact && h("div", { class: "still" }, pictureButton(this, view, fact), pictureLine(fact)),
      waiting && h("p", { class: "phone-asked", role: "status" }, h("span", { class: "spinner", "aria-hidden": "true" }), t("step.waiting_phone")),
      live && h("button", { class: fact ? "button" : "button primary", type: "button", "data-key": kind, disabled: !able || waiting,
        onclick: () => ask(this, "still-request", { kind }) }, t(fact ? "step.still_again" : `step.${kind}.ask`)),
    ]; // prettier-ignore
  }

  /** @param {ConsoleState["view"]} view @param {boolean} live @param {boolean} able */
  numberBody(view, live, able) {
    const fact = view.idChecks.at(-1) ?? null;
    const form = live && this.number && h("form", { class: "row", onsubmit: (/** @type {Event} */ event) => this.askNumber(event) }, this.number,
      h("button", { class: "button", type: "submit", "data-key": "id_number", disabled: !able }, t("step.id_number.check"))); // prettier-ignore
    if (this.number) {
      this.number.disabled = !able;
    }
    return [form, fact && h("div", { class: "stack tight" },
      h("div", { class: "row wrap" }, h("code", { class: "number-read" }, fact.pii_number), verdictBadge(fact.verdict)),
      fact.failures.length > 0 && h("ul", { class: "failures" }, failureWords(fact.failures).map((words) => h("li", {}, words))),
      fact.region && h("p", { class: "soft small" }, t("step.id_number.read", { region: fact.region, birth: fact.birth_date })))]; // prettier-ignore
  }

  /** @param {ConsoleState["view"]} view @param {StepSeen} step @param {boolean} live @param {boolean} able */
  matchBody(view, { state }, live, able) {
    const fact = view.faceChecks.at(-1) ?? null;
    const button = live && h("button", { class: fact ? "button" : "button primary", type: "button", "data-key": "match",
      disabled: !able || state === "waiting", onclick: () => this.askMatch(view) }, t(fact ? "step.face_match.again" : "step.face_match.ask")); // prettier-ignore
    return [fact && faceMatch(view, fact), button];
  }

  /** A step settled by hand: by one of its answers, or plainly. @param {StepSeen} step @param {boolean} live @param {boolean} able */
  handBody(step, live, able) {
    if (!live) {
      return [];
    }
    const mark = (/** @type {string} */ result, /** @type {string} */ answer, /** @type {string} */ words, /** @type {boolean} */ chosen) =>
      h("button", { class: "button", type: "button", "data-key": `${step.id}:${result}:${answer}`, "aria-pressed": String(chosen), disabled: !able,
        onclick: () => this.askMark(step.id, result, answer, "") }, words); // prettier-ignore
    const ways = step.answers.length
      ? step.answers.map((one) => mark("passed", one.id, said(one), one.id === step.answer))
      : [mark("passed", "", t("step.done"), step.state === "passed"), mark("failed", "", t("step.not_done"), step.state === "failed")];
    return [h("div", { class: "answers", role: "group", "aria-label": said(step) }, ways)];
  }

  /** @param {StepSeen} step @param {boolean} able */
  waiver({ id, state, waivable }, able) {
    if (!waivable || !able || !WAIVABLE.has(state)) {
      return null;
    }
    if (this.waiving !== id) {
      return h("button", { class: "button quiet waive", type: "button", "data-key": `${id}:waive`, onclick: () => this.openWaiver(id) }, t("step.waive"));
    }
    return h("form", { class: "stack tight waiver", onsubmit: (/** @type {Event} */ event) => this.askWaiver(event, id) }, this.reason,
      h("div", { class: "row" }, h("button", { class: "button", type: "submit" }, t("step.waive_confirm")),
        h("button", { class: "button quiet", type: "button", onclick: () => this.openWaiver("") }, t("cancel")))); // prettier-ignore
  }

  /** @param {string} id */
  openWaiver(id) {
    this.waiving = id;
    this.again();
    id && this.reason?.focus();
  }

  /** @param {Event} event @param {string} step */
  askWaiver(event, step) {
    event.preventDefault();
    const reason = this.reason?.value.trim() ?? "";
    if (reason && this.reason) {
      this.askMark(step, "waived", "", reason);
      this.reason.value = "";
      this.openWaiver("");
    }
  }

  /** @param {string} step @param {string} result @param {string} answer @param {string} reason */
  askMark(step, result, answer, reason) {
    ask(this, "mark-request", { step, result, answer, reason });
  }

  /** @param {Event} event */
  askNumber(event) {
    event.preventDefault();
    const number = this.number?.value.trim();
    if (number) {
      ask(this, "number-request", { number });
    }
  }

  /** @param {ConsoleState["view"]} view */
  askMatch(view) {
    const [card, still] = [newestEvidence(view, "id_card"), newestEvidence(view, "face_still")];
    if (card && still) {
      ask(this, "match-request", { card: card.evidence, still: still.evidence });
    }
  }
}

define("script-panel", ScriptPanelElement);
