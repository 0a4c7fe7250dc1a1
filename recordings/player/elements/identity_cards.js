/** The identity checks as the auditor looks at them one by one: document, portraits, liveness, who was in the picture. */

import { h } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { thumbnail } from "../../web_kit/record/evidence_zoom.js";
import { verdictBadge } from "../../web_kit/record/face_match.js";
import { confidenceBadge, documentVerdict, fieldNames, fieldWords, newestReadings, readingTitle, ZONE_ERRORS, zoneErrors } from "../../web_kit/record/identity/documents.js";
import { gestureList, runOutcome } from "../../web_kit/record/identity/liveness.js";
import { portraitsMatch } from "../../web_kit/record/identity/portraits.js";
import { checkName, listed, raised, signalWords } from "../../web_kit/record/identity/words.js";
import { evidenceById, partyOf } from "../../web_kit/record/projection.js";
import { personName, shortHash, wordFor } from "../../web_kit/record/words.js";
import { moment } from "./moment.js";

/**
 * @typedef {import("../../web_kit/record/projection.js").CaseView} CaseView
 * @typedef {import("../../web_kit/record/projection.js").FactBody} FactBody
 * @typedef {import("../../web_kit/record/identity/projection.js").Reading} Reading
 * @typedef {import("../../web_kit/record/identity/projection.js").Run} Run
 * @typedef {import("../../web_kit/record/identity/projection.js").Spell} Spell
 * @typedef {import("../../web_kit/dom.js").Children} Children
 */

/** @param {string} title @param {...Children} inside */
export const card = (title, ...inside) => h("section", { class: "card stack", "aria-label": title }, h("h2", {}, title), ...inside);

/** @param {readonly FactBody[]} models */
const modelLine = (models) =>
  models.length > 0 && h("p", { class: "soft small hashes" }, t("findings.read_by"), models.flatMap((one) => [" ", one.name, " ", h("code", { title: one.sha256 }, shortHash(one.sha256))]));

// --- document ---

/** @param {CaseView} view @param {number | null} start see `moment` */
export function documentCard(view, start) {
  const { readings, judged } = view.identity;
  const latest = newestReadings(readings);
  return latest.length > 0 && card(t("identity_check.document"), judged && documentVerdict(judged, latest), latest.map((one) => reading(view, one, start)));
}

/** @param {CaseView} view @param {Reading} one @param {number | null} start */
function reading(view, one, start) {
  const picture = evidenceById(view, one.picture ?? one.evidence);
  const times = view.identity.readings.filter(({ side }) => side === one.side).length;
  const heads = ["field", "value", "confidence"];
  return h("section", { class: "reading document-read", "aria-label": readingTitle(one) },
    h("div", { class: "stack tight" }, h("h3", { class: "row" }, readingTitle(one), moment(one.at, start)), picture && thumbnail(view.case, picture),
      one.findings.length > 0 && h("p", { class: "small warn-text" }, listed("photo_finding", one.findings)),
      times > 1 && h("p", { class: "soft small" }, t("findings.read_again", { count: times })), modelLine(one.models)),
    h("div", { class: "stack tight" },
      h("table", { class: "fields" }, h("thead", {}, h("tr", {}, heads.map((key) => h("th", { scope: "col" }, t(`document.${key}`))))),
        h("tbody", {}, fieldNames(one).map((name) => fieldRow(one, name)))),
      one.corrections.length > 0 && h("ul", { class: "plain-list corrections" }, one.corrections.map((fact) => correction(view, fact, start))))); // prettier-ignore
}

/** What was read; what an agent made of it stands below. @param {Reading} one @param {string} name */
function fieldRow(one, name) {
  const read = one.fields.find((/** @type {FactBody} */ field) => field.name === name)?.pii_value ?? "";
  const now = one.corrected[name];
  const words = name === ZONE_ERRORS && read ? zoneErrors(read) : fieldWords(read);
  return h("tr", { "data-field": name }, h("th", { scope: "row" }, wordFor("field", name)),
    h("td", {}, now ? [h("s", { class: "soft" }, words), h("strong", { class: "corrected" }, fieldWords(now.pii_after))] : words),
    h("td", {}, confidenceBadge(one, name))); // prettier-ignore
}

/** @param {CaseView} view @param {FactBody} fact @param {number | null} start */
function correction(view, { at, seat, field, pii_before: before, pii_after: after }, start) {
  const words = { name: view.parties[seat]?.name || wordFor("role", "agent"), field: wordFor("field", field), before: before || t("list.nothing"), after: after || t("list.nothing") };
  return h("li", { class: "row small warn-text" }, moment(at, start), h("span", { class: "grow" }, t("findings.correction", words)));
}

// --- portraits ---

/** @param {CaseView} view @param {number | null} start */
export function portraitsCard(view, start) {
  const newest = view.identity.portraits.at(-1);
  return newest && card(t("identity_check.portraits"), h("div", { class: "row wrap" }, moment(newest.at, start), verdictBadge(newest.verdict),
    newest.reason && h("span", { class: "soft small" }, wordFor("face_reason", newest.reason))), portraitsMatch(view, newest)); // prettier-ignore
}

// --- liveness ---

/** @param {CaseView} view @param {number | null} start */
export function livenessCard(view, start) {
  const { runs } = view.identity;
  return runs.length > 0 && card(t("findings.liveness"), h("div", { class: "runs" }, runs.map((run) => runBox(view, run, start))));
}

/** @param {CaseView} view @param {Run} run @param {number | null} start */
function runBox(view, run, start) {
  const { kind, attempt, agent, elder, result, decided } = run;
  const over = result !== null || decided !== null;
  return h("section", { class: "run stack tight", "aria-label": checkName(kind) },
    over ? runOutcome(view, run) : h("div", { class: "row wrap" }, h("strong", {}, checkName(kind)), h("span", { class: "soft" }, t("findings.open"))),
    h("p", { class: "soft small row wrap" }, moment(run.at, start), t("findings.begun", { name: personName(view, agent), attempt }), elder && t("findings.elder")),
    kind === "gestures" && gestureTries(run), run.light && colours(run.light, result?.started_at, start), result?.models?.length > 0 && modelLine(result?.models)); // prettier-ignore
}

/** Every try with what was drawn for it. @param {Run} run */
function gestureTries({ drawn, tried, former }) {
  const all = drawn ? [...former, { drawn, tried }] : former;
  return all.map((one) => h("div", { class: "stack tight" },
    h("p", { class: "soft small" }, t("findings.try", { attempt: one.drawn.attempt, seconds: one.drawn.seconds_each }), one.drawn.digits && ` · ${one.drawn.digits}`, " · ", draw(one.drawn.random_hex)),
    gestureList(one.drawn, one.tried, null))); // prettier-ignore
}

/** What an auditor draws again from. @param {string} hex */
export const draw = (hex) => h("span", {}, t("findings.draw"), " ", h("code", { title: hex }, shortHash(hex)));

/** The colours that the screen showed. @param {FactBody} light @param {number | null | undefined} shown seconds UTC @param {number | null} start */
function colours({ symbols, seconds_each: seconds, nonce_hex: nonce }, shown, start) {
  const words = t("findings.colours", { count: symbols.length, seconds });
  return h("div", { class: "stack tight" },
    h("div", { class: "colours", role: "img", "aria-label": `${words} ${symbols}` }, [...symbols].map((symbol) => h("i", { class: `colour ${symbol}` }))),
    h("p", { class: "soft small row wrap" }, shown ? moment(shown, start) : t("findings.not_shown"), h("span", {}, words), draw(nonce))); // prettier-ignore
}

// --- who was in the picture, and where it came from ---

/** @param {CaseView} view @param {number | null} start */
export function pictureCard(view, start) {
  const { spells, sources } = view.identity;
  const source = sources[partyOf(view, "customer")?.seat ?? ""];
  if (!spells.length && !source) {
    return null;
  }
  return card(t("findings.picture"),
    spells.length ? [h("ul", { class: "plain-list spells" }, spells.map((one) => spell(one, start))), modelLine(watchers(spells))] : h("p", { class: "soft" }, t("findings.calm")),
    source && h("h3", {}, t("findings.source")), source && signs(source)); // prettier-ignore
}

/** Who looked, each once; journals of before name nobody. @param {readonly Spell[]} spells @returns {FactBody[]} */
function watchers(spells) {
  const all = spells.flatMap(({ models }) => models ?? []);
  return [...new Map(all.map((/** @type {FactBody} */ one) => [one.sha256, one])).values()];
}

/** @param {Spell} one @param {number | null} start */
function spell({ at, event, score, ended }, start) {
  const words = wordFor("watch", event);
  return h("li", { class: "row wrap" }, moment(at, start), h("strong", { class: "bad-text" }, words),
    h("span", { class: "soft" }, ended ? t("findings.lasted", { seconds: (ended.at - at).toFixed(1) }) : t("findings.to_the_end")),
    typeof score === "number" && h("span", { class: "soft small" }, t("findings.likeness", { score: score.toFixed(2) }))); // prettier-ignore
}

/** @param {FactBody} fact */
function signs(fact) {
  const found = raised(fact.signals);
  const clear = fact.signals.filter((/** @type {FactBody} */ one) => one.score <= 0).map((/** @type {FactBody} */ one) => wordFor("signal", one.name));
  return h("div", { class: "stack tight" },
    found.length > 0 && h("ul", { class: "plain-list" }, found.map((one) => h("li", {}, signalWords(one)))),
    clear.length > 0 && h("p", { class: "soft small" }, t("findings.no_signs", { names: clear.join(t("list.comma")) })),
    h("p", { class: "soft small" }, t("live.advice"))); // prettier-ignore
}
