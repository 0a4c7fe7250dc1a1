/**
 * The identity steps of a case in the order of its policy, read off the projected facts.
 *
 * A step is `done`, `review` or `failed` by a fact only. `waiting` means that the phone was asked and has
 * not delivered. `locked` steps may not be tried: recording does not run, or an earlier step is missing.
 */

import { newestEvidence } from "./projection.js";

/**
 * @typedef {import("./projection.js").CaseView} CaseView
 * @typedef {import("./projection.js").FactBody} FactBody
 * @typedef {"locked" | "open" | "waiting" | "done" | "review" | "failed"} StepState
 * @typedef {{id: "id_card" | "id_number" | "face_still" | "face_match" | "decision", state: StepState,
 *   lock: "" | "recording" | "pictures" | "call", fact: FactBody | null}} Step
 */

/** @type {Readonly<Record<string, StepState>>} */
const BY_VERDICT = { passed: "done", review: "review", failed: "failed" };

/** @param {CaseView} view @param {"id_card" | "face_still"} kind @param {boolean} unlocked @returns {Step} */
function still(view, kind, unlocked) {
  const fact = newestEvidence(view, kind);
  const asked = view.asked[kind] ?? null;
  if (!unlocked && !fact) {
    return { id: kind, state: "locked", lock: "recording", fact };
  }
  return { id: kind, state: asked && unlocked ? "waiting" : fact ? "done" : "open", lock: "", fact };
}

/** @param {FactBody | undefined} fact @returns {StepState} */
const judged = (fact) => (fact ? (BY_VERDICT[fact.verdict] ?? "open") : "open");

/** @param {CaseView} view @param {boolean} unlocked @returns {Step} */
function idNumber(view, unlocked) {
  const fact = view.idChecks.at(-1);
  const lock = unlocked || fact ? "" : "recording";
  return { id: "id_number", state: lock ? "locked" : judged(fact), lock, fact: fact ?? null };
}

/** @param {CaseView} view @param {boolean} unlocked @returns {Step} */
function faceMatch(view, unlocked) {
  const fact = view.faceChecks.at(-1) ?? null;
  const ready = newestEvidence(view, "id_card") && newestEvidence(view, "face_still");
  if (fact) {
    return { id: "face_match", state: judged(fact), lock: "", fact };
  }
  const lock = !unlocked ? "recording" : ready ? "" : "pictures";
  return { id: "face_match", state: lock ? "locked" : "open", lock, fact };
}

/** @param {CaseView} view @param {boolean} unlocked @returns {Step} */
function decision(view, unlocked) {
  if (view.decision) {
    const state = BY_VERDICT[view.decision.outcome] ?? "review";
    return { id: "decision", state, lock: "", fact: view.decision };
  }
  const began = unlocked || view.call?.activeAt != null;
  return { id: "decision", state: began ? "open" : "locked", lock: began ? "" : "call", fact: null };
}

/**
 * @param {CaseView} view
 * @param {boolean} unlocked every mandatory track is on disk, as the server says
 * @returns {readonly Step[]}
 */
export function steps(view, unlocked) {
  return [
    still(view, "id_card", unlocked),
    idNumber(view, unlocked),
    still(view, "face_still", unlocked),
    faceMatch(view, unlocked),
    decision(view, unlocked),
  ];
}

/**
 * Tell whether all identity checks let the agent pass the customer; the server decides again.
 *
 * @param {readonly Step[]} all
 */
export function maySayPassed(all) {
  return all.every((step) => step.id === "decision" || step.state === "done" || step.state === "review");
}
