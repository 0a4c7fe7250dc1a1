/** From the facts of the identity checks to what a screen shows: part of the case's view, and folded with it. */

/**
 * @typedef {import("../projection.js").FactBody} FactBody
 * @typedef {import("../projection.js").Fold} Fold
 * @typedef {FactBody & {corrected: Readonly<Record<string, FactBody>>, corrections: readonly FactBody[], judged: FactBody | null}} Reading
 *   a DocumentRead, with the last correction of each field, all of them, and what was judged last under its check
 * @typedef {FactBody & {drawn: FactBody | null, asked: FactBody | null, tried: readonly FactBody[],
 *   former: readonly {drawn: FactBody, tried: readonly FactBody[]}[], light: FactBody | null,
 *   result: FactBody | null, decided: FactBody | null}} Run  a LivenessStarted and what became of it; `former`: tries before
 * @typedef {FactBody & {ended: FactBody | null}} Spell  a PersonWatched that something began with
 * @typedef {FactBody & {result: FactBody | null}} SelfCheck  a SelfCheckStarted
 * @typedef {FactBody & {judged: FactBody | null, prompting: FactBody | null}} Asked  a QuestionDrawn; `prompting`: its signs
 * @typedef {FactBody & {tried: FactBody | null, tries: number}} Code  a CodeSent, the last try and how many there were
 * @typedef {FactBody & {answer: FactBody | null}} Outside  an ExternalAsked
 * @typedef {FactBody & {ended: FactBody | null, measured: FactBody | null}} Tilt  a TiltRequested
 * @typedef {Readonly<{readings: readonly Reading[], judged: FactBody | null, portraits: readonly FactBody[],
 *   runs: readonly Run[], watched: Readonly<Record<string, FactBody>>, spells: readonly Spell[],
 *   sources: Readonly<Record<string, FactBody>>, questions: readonly Asked[], codes: readonly Code[], outside: readonly Outside[],
 *   tilts: readonly Tilt[], ticks: readonly FactBody[], selfChecks: readonly SelfCheck[], locks: readonly FactBody[], accounts: FactBody | null, decided: FactBody | null}>} IdentityView
 *   `watched`: the troubles that go on, by word; `spells`: all there were
 */

/** @type {readonly never[]} */
const NONE = Object.freeze([]);

/** @type {IdentityView} */
export const NO_IDENTITY = Object.freeze({
  readings: NONE, judged: null, portraits: NONE, runs: NONE, watched: Object.freeze({}), spells: NONE, sources: Object.freeze({}),
  questions: NONE, codes: NONE, outside: NONE, tilts: NONE, ticks: NONE, selfChecks: NONE, locks: NONE, accounts: null, decided: null,
}); // prettier-ignore

const ENDED = "ended_";

/**
 * Change the newest of a check's entries; a fact whose beginning is missing changes nothing.
 *
 * @template {FactBody} T
 * @param {readonly T[]} list @param {string} check @param {(one: T) => Partial<T>} change
 * @returns {readonly T[]}
 */
function changed(list, check, change) {
  const at = list.findLastIndex((one) => one.check === check);
  const one = list[at];
  return one ? [...list.slice(0, at), { ...one, ...change(one) }, ...list.slice(at + 1)] : list;
}

/** @typedef {(was: IdentityView, fact: FactBody) => Partial<IdentityView>} IdentityFold */

/** @param {Partial<Run>} change @returns {(was: IdentityView, fact: FactBody) => Partial<IdentityView>} */
const ofRun = (change) => (was, fact) => ({ runs: changed(was.runs, fact.check, () => change) });

/** @type {Readonly<Record<string, IdentityFold>>} */
const IDENTITY = {
  PersonWatched: foldWatched,
  SourceJudged: (was, fact) => ({ sources: { ...was.sources, [fact.seat]: fact } }),
  SourceSummed: (was, fact) => ({ sources: { ...was.sources, [fact.seat]: fact } }),
  DocumentRead: (was, fact) => ({ readings: [...was.readings, { ...fact, corrected: {}, corrections: NONE, judged: null }] }),
  FieldCorrected: (was, fact) => ({
    readings: changed(was.readings, fact.check, ({ corrected, corrections }) => ({
      corrected: { ...corrected, [fact.field]: fact },
      corrections: [...corrections, fact],
    })),
  }),
  // Signs of a copy come with the reading; a judgement after a correction names none.
  DocumentJudged: (was, fact) => ({
    judged: fact,
    readings: changed(was.readings, fact.check, ({ judged }) => ({
      judged: fact.advisory.length || !judged ? fact : { ...fact, advisory: judged.advisory },
    })),
  }),
  PortraitsCompared: (was, fact) => ({ portraits: [...was.portraits, fact] }),
  LivenessStarted: (was, fact) => ({
    runs: [...was.runs, { ...fact, drawn: null, asked: null, tried: NONE, former: NONE, light: null, result: null, decided: null }],
  }),
  ChallengeDrawn: (was, fact) => ({
    runs: changed(was.runs, fact.check, ({ drawn, tried, former }) => ({
      drawn: fact, asked: null, tried: NONE, former: drawn ? [...former, { drawn, tried }] : former,
    })),
  }), // prettier-ignore
  ChallengeAsked: (was, fact) => ofRun({ asked: fact })(was, fact),
  ChallengeTried: (was, fact) => ({
    runs: changed(was.runs, fact.check, ({ tried }) => ({ tried: [...tried, fact], asked: null })),
  }),
  LightDrawn: (was, fact) => ofRun({ light: fact })(was, fact),
  LivenessMeasured: (was, fact) => ofRun({ result: fact, asked: null })(was, fact),
  ChallengeEnded: (was, fact) => ofRun({ result: fact, asked: null })(was, fact),
  LightMeasured: (was, fact) => ofRun({ result: fact, asked: null })(was, fact),
  ChallengeDecided: (was, fact) => ofRun({ decided: fact })(was, fact),
  QuestionDrawn: (was, fact) => ({ questions: [...was.questions, { ...fact, judged: null, prompting: null }] }),
  QuestionJudged: (was, fact) => ({ questions: changed(was.questions, fact.check, () => ({ judged: fact })) }),
  PromptingNoticed: (was, fact) => ({ questions: changed(was.questions, fact.check, () => ({ prompting: fact })) }),
  CodeSent: (was, fact) => ({ codes: [...was.codes, { ...fact, tried: null, tries: 0 }] }),
  CodeTried: (was, fact) => ({ codes: changed(was.codes, fact.check, ({ tries }) => ({ tried: fact, tries: tries + 1 })) }),
  ExternalAsked: (was, fact) => ({ outside: [...was.outside, { ...fact, answer: null }] }),
  ExternalAnswered: (was, fact) => ({ outside: changed(was.outside, fact.check, () => ({ answer: fact })) }),
  TiltRequested: (was, fact) => ({ tilts: [...was.tilts, { ...fact, ended: null, measured: null }] }),
  TiltMeasured: (was, fact) => ({ tilts: changed(was.tilts, fact.check, () => ({ measured: fact })) }),
  TiltEnded: (was, fact) => ({ tilts: changed(was.tilts, fact.check, () => ({ ended: fact })) }),
  FeatureTicked: (was, fact) => ({ ticks: [...was.ticks, fact] }),
  SelfCheckStarted: (was, fact) => ({ selfChecks: [...was.selfChecks, { ...fact, result: null }] }),
  SelfChecked: (was, fact) => ({ selfChecks: changed(was.selfChecks, fact.check, () => ({ result: fact })) }),
  ChecksLocked: (was, fact) => ({ locks: [...was.locks, fact] }),
  AccountsCounted: (_was, fact) => ({ accounts: fact }),
  Decided: (_was, fact) => ({ decided: fact }),
};

/** @type {IdentityFold} */
function foldWatched({ watched, spells }, fact) {
  if (!fact.event.startsWith(ENDED)) {
    return { watched: { ...watched, [fact.event]: fact }, spells: [...spells, { ...fact, ended: null }] };
  }
  const word = fact.event.slice(ENDED.length);
  const { [word]: _over, ...rest } = watched;
  const at = spells.findLastIndex((one) => one.event === word && one.ended === null);
  return { watched: rest, spells: spells.map((one, index) => (index === at ? { ...one, ended: fact } : one)) };
}

/** @param {IdentityFold} change @returns {Fold} */
const within = (change) => (view, fact, at) => ({
  // What was seen in the picture tells itself when it began; the journal has it up to three seconds later.
  identity: Object.freeze({ ...view.identity, ...change(view.identity, Object.freeze({ at, ...fact })) }),
});

/** @type {Readonly<Record<string, Fold>>} */
export const IDENTITY_FOLDS = Object.fromEntries(Object.entries(IDENTITY).map(([name, change]) => [name, within(change)]));

/** What a document says in a field now: what was read, unless somebody overruled it. @param {Reading} reading @param {string} name */
export function fieldValue({ fields, corrected }, name) {
  return corrected[name]?.pii_after ?? fields.find((/** @type {FactBody} */ one) => one.name === name)?.pii_value ?? "";
}

/** The newest run of a kind. @param {IdentityView} identity @param {string} kind @returns {Run | null} */
export function newestRun({ runs }, kind) {
  return runs.findLast((run) => run.kind === kind) ?? null;
}

/** The run that is not over, if any. @param {IdentityView} identity @returns {Run | null} */
export function openRun({ runs }) {
  return runs.findLast((run) => run.result === null && run.decided === null) ?? null;
}

/** What a run came to: the agent's word stands over what was measured. @param {Run | null} run */
export function verdictOf(run) {
  return run?.decided?.verdict ?? run?.result?.verdict ?? "";
}
