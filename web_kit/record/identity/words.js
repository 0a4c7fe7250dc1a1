/** The words inside the sentences about identity checks; the sentences stand in the string tables. */

import { language, t } from "../../i18n.js";
import { wordFor } from "../words.js";

/** @typedef {import("../projection.js").FactBody} FactBody */

/** @param {string} heading @param {readonly string[] | undefined} words */
export function listed(heading, words) {
  return (words ?? []).map((word) => wordFor(heading, word)).join(t("list.comma"));
}

// Sources that a document's field is held against; the longer ending first.
const DIFFERS = /^(\w+?)_differs(?:_from_(\w+))?$/;

const HARDLY_READ = /^(\w+)_(missing|doubtful)$/;
const PHOTO = "photo_";

/** What is wrong with a document, in words. @param {string} word */
export function disagreement(word) {
  const own = wordFor("disagreement", word);
  if (own !== word) {
    return own;
  }
  const hardly = HARDLY_READ.exec(word);
  if (hardly) {
    return t(`disagreement.${hardly[2]}`, { field: wordFor("field", hardly[1] ?? "") });
  }
  if (word.startsWith(PHOTO)) {
    return t("disagreement.photo", { finding: wordFor("photo_finding", word.slice(PHOTO.length)) });
  }
  const differs = DIFFERS.exec(word);
  if (!differs) {
    return own;
  }
  const [, field = "", source = "form"] = differs;
  return t("disagreement.differs", { field: wordFor("field", field), source: wordFor("document_source", source) });
}

/** @type {readonly (readonly [RegExp, string])[]} */
const DECISION_PARTS = [
  [/^class_(I{1,3})_(\w+)$/, "class"],
  [/^(\w+)_by_agent$/, "by_agent"],
  [/^(\w+)_(failed|review|missing)$/, "check"],
];

/** A reason of the decision, in words. @param {string} word */
export function decisionReason(word) {
  const own = wordFor("decision_reason", word);
  if (own !== word) {
    return own;
  }
  for (const [form, part] of DECISION_PARTS) {
    const found = form.exec(word);
    if (found) {
      return partWords(part, found[1] ?? "", found[2] ?? "");
    }
  }
  if (DIFFERS.test(word)) {
    return disagreement(word);
  }
  return word.startsWith("watched_") ? wordFor("watch", word.slice("watched_".length)) : word;
}

/** @param {string} part @param {string} what @param {string} how */
function partWords(part, what, how) {
  if (part === "class") {
    return t("decision.no_class", { name: what, why: wordFor("class_reason", how) });
  }
  const check = checkName(what);
  return part === "by_agent" ? t("decision.by_agent", { check }) : t("decision.check", { check, how: wordFor("decision_how", how) });
}

/** What a check is called; an outside source by its own name. @param {string} check */
export function checkName(check) {
  const service = check.startsWith("external_") ? check.slice("external_".length) : "";
  return service ? wordFor("external", service) : wordFor("identity_check", check);
}

/** What the policy calls a feature of a document. @param {FactBody | import("../../wire").Feature} feature */
export const featureName = ({ zh, en }) => (language() === "en" ? en : zh);

/** Advisory signs that say something, the strongest first. @param {readonly FactBody[] | undefined} signals */
export function raised(signals) {
  return [...(signals ?? [])].filter((one) => one.score > 0).sort((one, other) => other.score - one.score);
}

/** @param {FactBody} signal */
export const signalWords = (signal) =>
  t("signal.line", { name: wordFor("signal_reason", signal.reason) || wordFor("signal", signal.name), score: signal.score.toFixed(2) });

/** A yuan amount or a count. @param {FactBody} limit */
export function limitWords({ name, amount }) {
  const key = `limit.${name}`;
  const number = new Intl.NumberFormat(language()).format(amount);
  return t(key) === key ? `${name}: ${number}` : t(key, { amount: number });
}

/** @param {FactBody} pair */
export function pairName({ first, second }) {
  return t("portraits.pair", { first: wordFor("portrait", first), second: wordFor("portrait", second) });
}

const number = (/** @type {unknown} */ value, /** @type {number} */ digits) => (typeof value === "number" ? value.toFixed(digits) : "—");

/** How precise the value of a sign is. @type {Readonly<Record<string, number>>} */
const DIGITS = { slow_answer: 1, second_face: 1, gaze_off: 2, second_voice: 2 };

/** The signs of a PromptingNoticed, each as words. @param {FactBody} fact @returns {string[]} */
export function promptingWords({ signs, voice }) {
  const found = signs.map((/** @type {FactBody} */ one) => {
    const digits = DIGITS[one.sign] ?? 2;
    const counted = one.sign === "second_voice" ? number(one.count, 1) : number(one.count, 0);
    return t(`prompting.${one.sign}`, { value: number(one.value, digits), limit: number(one.limit, digits), percent: number(100 * one.value, 0), count: counted });
  });
  return voice === "too_little_voice" ? [...found, t("prompting.too_little_voice")] : found;
}

/**
 * What the sentence of a fact may need beyond its own values; see `factWords`.
 *
 * @param {string} name @param {FactBody} fact @returns {Record<string, string | number>}
 */
export function identityValues(name, fact) {
  return SPECIAL[name]?.(fact) ?? {};
}

/** @type {Readonly<Record<string, (fact: FactBody) => Record<string, string | number>>>} */
const SPECIAL = {
  SourceJudged: (fact) => ({ signals_text: raised(fact.signals).map(signalWords).join(t("list.comma")) || t("signal.none") }),
  SourceSummed: (fact) => ({ signals_text: raised(fact.signals).map(signalWords).join(t("list.comma")) || t("signal.none") }),
  DocumentRead: (fact) => ({ count: fact.fields.length, findings_text: listed("photo_finding", fact.findings) }),
  DocumentJudged: (fact) => ({
    failures_text: fact.failures.map(disagreement).join(t("list.comma")),
    signals_text: raised(fact.advisory).map(signalWords).join(t("list.comma")),
  }),
  PortraitsCompared: (fact) => ({
    pairs_text: fact.pairs.map((/** @type {FactBody} */ pair) => `${pairName(pair)} ${number(pair.score, 3)}`).join(t("list.comma")),
  }),
  LivenessMeasured: (fact) => ({ median_text: number(fact.median, 2) }),
  ChallengeDrawn: (fact) => ({ steps_text: listed("gesture", fact.steps) }),
  ChallengeTried: (fact) => ({
    seen_text: t(fact.seen ? "gesture_seen.yes" : "gesture_seen.no"),
    spoken_text: fact.spoken ? t("fact.spoken", { voice: number(fact.spoken.voice_s, 1), r: number(fact.spoken.r, 2) }) : "",
  }),
  TiltRequested: (fact) => ({ count: fact.pictures.length }),
  TiltMeasured: (fact) => ({ count: fact.places.length, signals_text: raised(fact.advisory).map(signalWords).join(t("list.comma")) }),
  FeatureTicked: (fact) => ({ feature_text: featureName(fact) }),
  LightDrawn: (fact) => ({ count: fact.symbols.length }),
  LightMeasured: (fact) => ({ r_text: number(fact.r, 2), gain_text: number(fact.gain, 3) }),
  QuestionDrawn: (fact) => ({ question_text: language() === "en" ? fact.pii_en : fact.pii_zh, count: fact.candidates.length }),
  PromptingNoticed: (fact) => ({ signs_text: promptingWords(fact).join(t("list.comma")) }),
  CodeSent: (fact) => ({ until_text: new Date(fact.expires_at * 1000).toLocaleTimeString(language(), { hour12: false }) }),
  // A right code leaves no attempts, which is no news of how many it took.
  CodeTried: (fact) => ({ right_text: t(fact.right ? "code_tried.right" : "code_tried.wrong"), left_text: fact.right ? "" : t("code_tried.left", { left: fact.left }) }),
  ChecksLocked: (fact) => ({ until_text: new Date(fact.until * 1000).toLocaleString(language(), { hour12: false, dateStyle: "medium", timeStyle: "short" }) }),
  AccountsCounted: (fact) => ({
    counts_text: fact.counts.map((/** @type {FactBody} */ one) => t("account.count", { name: one.name, count: one.amount })).join(t("list.comma")),
  }),
  Decided: (fact) => ({
    class_text: fact.account_class ? t("decision.account_class", { name: fact.account_class }) : "",
    reasons_text: fact.reasons.map(decisionReason).join(t("list.comma")),
  }),
};
