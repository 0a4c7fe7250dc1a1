/** What the auditor's page knows. */

import { EMPTY } from "../web_kit/record/projection.js";
import { NO_FILTER } from "./search.js";

/**
 * @typedef {import("../web_kit/record/projection.js").CaseView} CaseView
 * @typedef {import("../web_kit/record/projection.js").Entry} Entry
 * @typedef {Readonly<Record<string, any>>} CaseSummary
 * @typedef {Readonly<Record<string, any>>} Job
 * @typedef {Readonly<{account: string, name: string, role: string, csrf: string, bank?: string}>} Session
 * @typedef {Readonly<{
 *   boot: "loading" | "login" | "in", session: Session | null, loginBusy: boolean,
 *   loginError: string | null, caseId: string | null,
 *   cases: readonly CaseSummary[] | null, count: number | null, more: boolean, next: string | null,
 *   filter: import("./search.js").Filter, marks: readonly string[], problem: string | null,
 *   staff: readonly Readonly<{account: string, name: string}>[], views: readonly import("./search.js").View[],
 *   dropped: import("./search.js").View | null, deskProblem: string | null,
 *   summary: CaseSummary | null, entries: readonly Entry[], jobs: readonly Job[], view: CaseView,
 *   viewing: Viewing | null, viewProblem: string | null, renderProblem: string | null,
 *   calls: readonly import("./track_axis.js").Call[] | null, beside: Beside, sight: string,
 *   signing: boolean, signProblem: string | null, claims: readonly Claim[], queueNote: string, handing: boolean, minute: number}>} PlayerState
 *   `queueNote` is the key of a sentence; `minute` goes with the clock, so that what becomes overdue is drawn anew.
 * @typedef {Readonly<{case: string, account: string, name: string, until: number}>} Claim  an auditor has this case before him
 * @typedef {Readonly<{waveform: any, sprite: any}>} Beside  what the merge left beside the film
 * @typedef {{since_s: number, until_s: number, seqs?: readonly number[]}} Stretch
 * @typedef {Readonly<{viewing_until: number, unmasked_until: number, may_download: boolean,
 *   requests: readonly {seq: number, at: number, account: string, pii_reason: string}[],
 *   axis: readonly {call: string, start: number, end: number, offset_s: number}[],
 *   must: readonly Stretch[], left: readonly Stretch[], seen: readonly Stretch[]}>} Viewing  as the server tells it
 */

/** @type {Beside} */
const NOTHING_BESIDE = Object.freeze({ waveform: null, sprite: null });

/** @type {PlayerState} */
export const START = Object.freeze({
  boot: "loading",
  session: null,
  loginBusy: false,
  loginError: null,
  caseId: null,
  cases: null,
  count: null,
  more: false,
  next: null,
  filter: NO_FILTER,
  // Where each page behind the first begins, down to the one that is shown.
  marks: Object.freeze([]),
  staff: Object.freeze([]),
  views: Object.freeze([]),
  dropped: null,
  deskProblem: null,
  problem: null,
  summary: null,
  entries: Object.freeze([]),
  jobs: Object.freeze([]),
  view: EMPTY,
  viewing: null,
  sight: "",
  viewProblem: null,
  renderProblem: null,
  calls: null,
  beside: NOTHING_BESIDE,
  signing: false,
  signProblem: null,
  claims: Object.freeze([]),
  queueNote: "",
  handing: false,
  minute: 0,
});

export const NO_CASE = Object.freeze({
  summary: null,
  entries: START.entries,
  jobs: START.jobs,
  view: EMPTY,
  viewing: null,
  sight: "",
  viewProblem: null,
  renderProblem: null,
  calls: null,
  beside: NOTHING_BESIDE,
  signing: false,
  signProblem: null,
  queueNote: "",
});

/** Tell whether a reason covers looking at the record now. @param {PlayerState} state */
export function mayLook({ viewing }) {
  return viewing !== null && viewing.viewing_until * 1000 > Date.now();
}

/** Tell whether cards are shown as they are now. @param {Pick<PlayerState, "viewing">} state */
export function seesCards({ viewing }) {
  return viewing !== null && viewing.unmasked_until * 1000 > Date.now();
}

// Nothing more happens by itself to a case in one of these phases.
const AT_REST = new Set(["under_audit", "approved", "rejected", "expired", "aborted"]);

/** Tell whether a case may change without anybody doing something here. @param {CaseSummary | null} summary */
export function isMoving(summary) {
  return summary !== null && !AT_REST.has(summary.phase);
}

/**
 * Return why the verdict cannot be given now, as the key of a sentence; empty when it can.
 *
 * @param {PlayerState} state
 */
export function whyNotSign({ session, summary, view }) {
  if (!summary || !session) {
    return "verdict.not_loaded";
  }
  if (summary.phase !== "under_audit") {
    return view.audit ? "verdict.signed" : view.caseEnd === "not_drawn" ? "verdict.not_drawn" : "verdict.wrong_phase";
  }
  if (view.given.some((/** @type {any} */ one) => one.auditor === session.account)) {
    return "verdict.given";
  }
  return summary.agent && summary.agent === session.account ? "verdict.own_case" : "";
}

/** Whether who is logged in may give the case back to the auditors. @param {PlayerState} state */
export function mayReopen({ session, summary, view }) {
  const closed = summary?.phase === "approved" || summary?.phase === "rejected";
  return closed && (view.audit !== null || view.caseEnd === "not_drawn") && session?.role === "auditor" && summary?.agent !== session.account;
}
