/**
 * The axis of a merged recording: which wall time is second 0 of the file, and where facts lie on it.
 */

import { factWords } from "../web_kit/record/words.js";

/**
 * @typedef {import("../web_kit/record/projection.js").Entry} Entry
 * @typedef {import("../web_kit/record/projection.js").CaseView} CaseView
 * @typedef {import("../web_kit/record/words.js").FactWords} FactWords
 * @typedef {{seq: number, at: number, second: number, name: string, words: FactWords, jump: boolean}} Marker
 */

/**
 * Return the wall time of second 0, null when nothing was recorded.
 *
 * @param {readonly Entry[]} entries @returns {number | null}
 */
export function axisStart(entries) {
  const active = entries.find((entry) => entry.name === "CallAdvanced" && entry.fact.now === "active");
  // A call that never became active starts with its first recorded frame.
  const first = entries.find((entry) => entry.name === "RecordingStarted");
  return active?.at ?? first?.at ?? null;
}

// Facts that a viewer wants to jump to; the others stand in the list only.
const MARKED = new Set([
  "ChatSaid", "FileShared", "StepMarked", "HostChanged", "ObserverJoined", "ObserverLeft", "SeatModeChanged",
  "CaptureChanged", "SupervisorActed", "StillRequested", "EvidenceStored", "IdNumberChecked", "FacesCompared", "AgentDecided",
  "DocumentRead", "FieldCorrected", "PortraitsCompared", "LivenessStarted", "LivenessMeasured", "ChallengeTried", "ChallengeEnded",
  "LightMeasured", "ChallengeDecided", "PersonWatched", "QuestionDrawn", "QuestionJudged", "PromptingNoticed", "CodeTried", "ExternalAnswered",
  "PartyDropped", "PartyReturned", "MediaLost", "RecorderTroubled", "CaseRecovered", "CallEnded",
]); // prettier-ignore

/** @param {Entry} entry */
function isHold({ name, fact }) {
  return name === "CallAdvanced" && (fact.now === "held" || fact.was === "held");
}

/** @typedef {readonly {start: number, end: number, offset_s: number}[]} Calls  as the server tells the recorded calls */

/**
 * Return where a wall time lies in the recording, in which calls stand behind one another: before 0 or after the
 * end for what happened outside.
 *
 * @param {number} at @param {number | null} start @param {Calls} calls
 */
export function secondAt(at, start, calls) {
  const call = calls.findLast((one) => one.start <= at) ?? calls[0];
  if (!call) {
    return start === null ? Number.NaN : at - start;
  }
  const next = calls[calls.indexOf(call) + 1];
  // Between two calls nothing was recorded: it belongs to the end of the one before.
  return call.offset_s + (next ? Math.min(at, call.end) : at) - call.start;
}

/**
 * Return every told fact with its second in the recording; facts outside lie before 0 or after the end.
 *
 * @param {CaseView} view @param {number | null} start @param {Calls} [calls]
 * @returns {readonly Marker[]}
 */
export function markers(view, start, calls = []) {
  return view.timeline.map((entry) => ({
    seq: entry.seq,
    at: entry.at,
    second: secondAt(entry.at, start, calls),
    name: entry.name,
    words: factWords(entry, view),
    jump: MARKED.has(entry.name) || isHold(entry),
  }));
}

// A seek lands on a frame of its own, a little before the asked second.
const SEEK_SLACK_S = 0.1;

/**
 * Return the seq of the last fact at or before a second of the recording.
 *
 * @param {readonly Marker[]} all @param {number} second @returns {number | null}
 */
export function currentSeq(all, second) {
  return all.findLast((marker) => marker.second <= second + SEEK_SLACK_S)?.seq ?? null;
}

/**
 * Return the markers worth a place on the bar, each with its share of the duration from 0 to 1.
 *
 * @param {readonly Marker[]} all @param {number} duration seconds
 * @returns {readonly (Marker & {share: number})[]}
 */
export function onBar(all, duration) {
  if (!(duration > 0)) {
    return [];
  }
  return all
    .filter((marker) => marker.jump && marker.second >= -0.5 && marker.second <= duration + 0.5)
    .map((marker) => ({ ...marker, share: Math.min(1, Math.max(0, marker.second / duration)) }));
}
