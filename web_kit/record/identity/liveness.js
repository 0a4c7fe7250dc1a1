/** What a liveness check came to, as agent and auditor see it: its numbers, its gestures, who decided. */

import { h } from "../../dom.js";
import { t } from "../../i18n.js";
import { icon } from "../../icons.js";
import { scale, verdictBadge } from "../face_match.js";
import { personName, wordFor } from "../words.js";
import { verdictOf } from "./projection.js";
import { checkName } from "./words.js";

/**
 * @typedef {import("../projection.js").CaseView} CaseView
 * @typedef {import("../projection.js").FactBody} FactBody
 * @typedef {import("./projection.js").Run} Run
 */

/** The numbers behind a verdict in a line; empty where nothing was measured. @param {string} kind @param {FactBody | null} result */
export function figureWords(kind, result) {
  if (!(result?.frames > 0)) {
    return "";
  }
  return kind === "passive"
    ? t("liveness.passive_figures", { median: result?.median.toFixed(2), frames: result?.frames, spread: result?.spread.toFixed(2) })
    : t("liveness.light_figures", { r: result?.r.toFixed(2), gain: result?.gain.toFixed(3), lag: result?.lag_s.toFixed(2), background: result?.background_share.toFixed(2), frames: result?.frames });
}

/** The same with its scale. @param {string} kind @param {FactBody} result */
function figures(kind, result) {
  const words = figureWords(kind, result);
  return [
    words && h("p", { class: "small" }, words),
    words && kind === "passive" && scale({ ...result, score: result.median }),
    words && kind === "passive" && h("p", { class: "soft small" }, t("face.threshold", { threshold: result.threshold.toFixed(2), review: result.review_threshold.toFixed(2) })),
  ];
}

/** What a run that is over came to. @param {CaseView} view @param {Run} run @returns {import("../../dom.js").Child[]} */
export function runOutcome(view, run) {
  const { kind, result, decided } = run;
  return [
    h("div", { class: "row wrap" }, h("strong", {}, checkName(kind)), verdictBadge(verdictOf(run))),
    result && figures(kind, result),
    // What was measured stays in sight when somebody decided otherwise.
    decided && result && h("p", { class: "small" }, t("liveness.measured", { verdict: wordFor("check", result.verdict) })),
    result?.reason && h("p", { class: "soft small" }, wordFor("live_reason", result.reason)),
    decided && h("p", { class: "small" }, t("liveness.decided", { name: personName(view, decided.agent), reason: decided.pii_reason })),
  ].flat();
}

/** What a reading aloud was judged by; empty where nothing was. @param {FactBody | null | undefined} spoken */
export function spokenWords(spoken) {
  return spoken
    ? t("liveness.spoken", { voice: spoken.voice_s.toFixed(1), bursts: spoken.bursts, moved: spoken.moved.toFixed(2), r: spoken.r.toFixed(2), lag: spoken.lag_s.toFixed(2) })
    : "";
}

/** The gestures of one try. @param {FactBody | null} drawn @param {readonly FactBody[]} tried @param {FactBody | null} asked the one that is asked now */
export function gestureList(drawn, tried, asked) {
  // What was not seen ends a try: nobody was asked for the rest.
  const rest = t(tried.some(({ seen }) => !seen) ? "gesture_seen.never" : "liveness.to_come");
  const state = (/** @type {number} */ index) => {
    const over = tried[index];
    const now = asked?.index === index + 1;
    const words = over ? t(over.seen ? "gesture_seen.yes" : "gesture_seen.no") : now ? t("liveness.now") : rest;
    return { mark: over ? icon(over.seen ? "check" : "close") : now ? "●" : "○", words, tone: over ? (over.seen ? "good" : "bad") : "" };
  };
  return h("ol", { class: "gestures" }, (drawn?.steps ?? []).map((/** @type {string} */ step, /** @type {number} */ index) => {
    const { mark, words, tone } = state(index);
    const why = tried[index]?.reason;
    const digits = step === "say_digits" ? ` ${drawn?.digits}` : "";
    const spoken = spokenWords(tried[index]?.spoken);
    return h("li", { class: tone }, h("span", { "aria-hidden": "true" }, mark), h("span", { class: "grow" }, wordFor("gesture", step), digits, spoken && h("span", { class: "soft small block" }, spoken, " ", t("liveness.spoken_note"))),
      h("span", { class: "soft small" }, why ? wordFor("live_reason", why) : words)); // prettier-ignore
  }));
}
