/**
 * One kind of liveness check: starting it, how far it is, what it found, and the agent's word where it is needed.
 * Asks by `liveness-request`, `challenge-decide-request`.
 */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { scale, verdictBadge } from "../../web_kit/record/face_match.js";
import { newestRun, openRun, verdictOf } from "../../web_kit/record/identity/projection.js";
import { ask, define } from "../../web_kit/record/part.js";
import { personName, wordFor } from "../../web_kit/record/words.js";
import { CheckElement, spinning, workButton } from "./check_element.js";
import { isWorking } from "./working.js";

/**
 * @typedef {import("./check_element.js").CheckShown} CheckShown
 * @typedef {import("../../web_kit/record/identity/projection.js").Run} Run
 * @typedef {import("../../web_kit/record/projection.js").FactBody} FactBody
 */

const REASON_MAX = 500;
const TICK_MS = 250;
const DECISIONS = /** @type {const} */ (["passed", "failed"]);

export class LivenessCheckElement extends CheckElement {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  timer = undefined;
  /** What goes on now, and since when by this page's clock. */
  step = { key: "", since: 0, seconds: 0 };

  disconnectedCallback() {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  connectedCallback() {
    this.tickWhileRunning();
  }

  /** @override */
  build() {
    super.build();
    this.elder = h("input", { type: "checkbox", "data-key": "elder" });
    this.elderLabel = h("label", { class: "check" }, this.elder, t("liveness.elder"));
    this.reason = h("textarea", { class: "input", rows: 2, maxlength: REASON_MAX, required: true, "aria-label": t("liveness.reason"), placeholder: t("liveness.reason") });
    this.bar = h("progress", { max: 1, value: 0, "aria-label": t("liveness.progress") });
    this.left = h("span", { class: "numbers soft small" });
  }

  /** @override */
  redraw(/** @type {CheckShown} */ shown) {
    const { view, word, live } = shown;
    const run = newestRun(view.identity, word);
    const running = run !== null && openRun(view.identity)?.check === run.check;
    this.follow(run, running);
    this.say(run ? (running ? progress(run) : this.outcome(run)) : []);
    mount(this.rest, this.step.key !== "" && h("div", { class: "row" }, this.bar, this.left), run?.tried.length || run?.asked ? stepList(run) : null,
      live && this.start(shown, run, running), live && run && this.decide(shown, run, running)); // prettier-ignore
    this.tickWhileRunning();
  }

  /** Note when what goes on began. @param {Run | null} run @param {boolean} running */
  follow(run, running) {
    const { asked, light } = run ?? {};
    const seconds = !running ? 0 : asked ? asked.seconds : light ? light.seconds_each * light.symbols.length : 0;
    const key = seconds ? `${run?.check} ${asked?.attempt ?? "light"} ${asked?.index ?? ""}` : "";
    if (key !== this.step.key) {
      this.step = { key, since: performance.now(), seconds };
    }
  }

  tickWhileRunning() {
    clearInterval(this.timer);
    this.timer = this.step.key && this.isConnected ? setInterval(() => this.tick(), TICK_MS) : undefined;
    this.tick();
  }

  tick() {
    const { since, seconds } = this.step;
    const gone = (performance.now() - since) / 1000;
    if (this.bar && this.left && seconds > 0) {
      this.bar.value = Math.min(1, gone / seconds);
      this.left.textContent = clock(Math.max(0, seconds - gone));
    }
  }

  /** @param {Run} run */
  outcome(run) {
    const { result, decided } = run;
    return [
      h("div", { class: "row wrap" }, h("strong", {}, wordFor("liveness", run.kind)), verdictBadge(verdictOf(run))),
      result && figures(run.kind, result),
      result?.reason && h("p", { class: "soft small" }, wordFor("live_reason", result.reason)),
      decided && h("p", { class: "small" }, t("liveness.decided", { name: personName(/** @type {CheckShown} */ (this.shown).view, decided.agent), reason: decided.pii_reason })),
    ].flat();
  }

  /** @param {CheckShown} shown @param {Run | null} run @param {boolean} running */
  start({ view, working, able, word }, run, running) {
    const other = openRun(view.identity);
    const busy = running || working.includes("liveness");
    return [
      !running && other && h("p", { class: "soft small" }, t("liveness.other", { kind: wordFor("liveness", other.kind) })),
      h("div", { class: "row wrap" },
        !running && workButton({ key: `start:${word}`, words: t(run ? "liveness.again" : "liveness.start", { kind: wordFor("liveness", word) }), busy, able: able && !other, primary: !run,
          act: () => ask(this, "liveness-request", { kind: word, elder: this.elder?.checked ?? false }) }),
        !running && word === "gestures" && this.elderLabel),
    ].flat(); // prettier-ignore
  }

  /** The agent ends a run that goes on, or overrules what it found. @param {CheckShown} shown @param {Run} run @param {boolean} running */
  decide({ working, able }, run, running) {
    if (!running && verdictOf(run) === "passed" && !run.decided) {
      return null;
    }
    const open = run.result?.verdict === "review" && !run.decided;
    return h("details", { class: "overrule", open: open || this.querySelector("details.overrule")?.hasAttribute("open") },
      h("summary", { "data-key": "overrule" }, t(running ? "liveness.stop" : "liveness.overrule")),
      h("div", { class: "stack tight" }, this.reason,
        h("div", { class: "row wrap" }, DECISIONS.map((verdict) => workButton({ key: `decide:${verdict}`, words: t(`liveness.decide_${verdict}`), busy: working.includes(`decide:${verdict}`), able: able && !isWorking(working, "decide"), act: () => this.askDecision(run.check, verdict) }))))); // prettier-ignore
  }

  /** @param {string} check @param {string} verdict */
  askDecision(check, verdict) {
    if (!this.reason?.reportValidity() || !this.reason.value.trim()) {
      return;
    }
    ask(this, "challenge-decide-request", { check, verdict, reason: this.reason.value.trim() });
    this.reason.value = "";
  }
}

/** How far a run is. @param {Run} run @returns {import("../../web_kit/dom.js").Children} */
function progress({ kind, drawn, asked, light }) {
  if (asked) {
    const step = wordFor("gesture", asked.step);
    return [spinning(t("liveness.asked", { step, index: asked.index, of: asked.of, attempt: asked.attempt, tries: drawn?.tries ?? asked.attempt })),
      asked.digits && h("p", {}, t("liveness.digits"), " ", h("strong", { class: "digits" }, asked.digits))]; // prettier-ignore
  }
  const waiting = kind === "passive" ? "liveness.looking" : drawn ? "liveness.judging" : "liveness.ready";
  return spinning(light ? t("liveness.lighting", { count: light.symbols.length }) : t(waiting));
}

/** The numbers behind a verdict. @param {string} kind @param {FactBody} result */
function figures(kind, result) {
  if (kind === "passive") {
    return [
      h("p", { class: "small" }, t("liveness.passive_figures", { median: result.median.toFixed(2), frames: result.frames, spread: result.spread.toFixed(2) })),
      scale({ ...result, score: result.median }),
      h("p", { class: "soft small" }, t("face.threshold", { threshold: result.threshold.toFixed(2), review: result.review_threshold.toFixed(2) })),
    ];
  }
  return kind === "light"
    ? h("p", { class: "small" }, t("liveness.light_figures", { r: result.r.toFixed(2), gain: result.gain.toFixed(3), lag: result.lag_s.toFixed(2), background: result.background_share.toFixed(2), frames: result.frames }))
    : null;
}

/** The gestures of the try that goes on, or was the last. @param {Run} run */
function stepList({ drawn, asked, tried }) {
  const state = (/** @type {number} */ index) => {
    const over = tried[index];
    const now = asked?.index === index + 1;
    const words = over ? t(over.seen ? "gesture_seen.yes" : "gesture_seen.no") : t(now ? "liveness.now" : "liveness.to_come");
    return { mark: over ? icon(over.seen ? "check" : "close") : now ? "●" : "○", words, tone: over ? (over.seen ? "good" : "bad") : "" };
  };
  return h("ol", { class: "gestures" }, (drawn?.steps ?? []).map((/** @type {string} */ step, /** @type {number} */ index) => {
    const { mark, words, tone } = state(index);
    const why = tried[index]?.reason;
    return h("li", { class: tone }, h("span", { "aria-hidden": "true" }, mark), h("span", { class: "grow" }, wordFor("gesture", step)),
      h("span", { class: "soft small" }, why ? wordFor("live_reason", why) : words)); // prettier-ignore
  }));
}

define("liveness-check", LivenessCheckElement);
