/**
 * One kind of liveness check: starting it, how far it is, what it found, and the agent's word where it is needed.
 * Asks by `liveness-request`, `challenge-decide-request`.
 */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t } from "../../web_kit/i18n.js";
import { gestureList, runOutcome } from "../../web_kit/record/identity/liveness.js";
import { newestRun, openRun, verdictOf } from "../../web_kit/record/identity/projection.js";
import { ask, define } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";
import { CheckElement, spinning, workButton } from "./check_element.js";
import { isWorking } from "./working.js";

/**
 * @typedef {import("./check_element.js").CheckShown} CheckShown
 * @typedef {import("../../web_kit/record/identity/projection.js").Run} Run
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
    this.say(run ? (running ? progress(run) : runOutcome(view, run)) : []);
    mount(this.rest, this.step.key !== "" && h("div", { class: "row" }, this.bar, this.left), run && (run.tried.length || run.asked) ? gestureList(run.drawn, run.tried, run.asked) : null,
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

define("liveness-check", LivenessCheckElement);
