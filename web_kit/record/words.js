/**
 * Facts in words: which sentence, which tone, with which values. The sentences stand in the string tables.
 */

import { sizeInWords } from "../files.js";
import { clock, language, t } from "../i18n.js";
import * as identity from "./identity/vocabulary.js";
import { identityValues } from "./identity/words.js";

/**
 * @typedef {import("./projection.js").Entry} Entry
 * @typedef {import("./projection.js").CaseView} CaseView
 * @typedef {import("./projection.js").FactBody} FactBody
 * @typedef {"plain" | "good" | "warn" | "bad"} Tone
 * @typedef {{text: string, tone: Tone, group: string}} FactWords
 */

/** @type {Readonly<Record<string, string>>} */
const GROUPS = {
  ...identity.GROUPS,
  CaseCreated: "case", TicketIssued: "case", TicketRedeemed: "case", ConsentGiven: "case", CaseAdvanced: "case",
  DeviceChecked: "case", LocationTold: "case", NetworkSeen: "case", CallbackRequested: "case", CallbackMade: "case", ServiceRated: "case",
  AgentDrawn: "call", RingStarted: "call", RingEnded: "call", CallAdvanced: "call", CallEnded: "call",
  PartyJoined: "people", PartyLeft: "people", PartyDropped: "people", PartyReturned: "people",
  PartyInvited: "people", ObserverJoined: "people", ObserverLeft: "people", SeatModeChanged: "people",
  HostChanged: "people", CaptureChanged: "people", SupervisorActed: "people",
  MediaConnected: "people", MediaLost: "people", MediaMissing: "people", TrackStarted: "people", TrackEnded: "people", TrackStalled: "recording", TrackResumed: "recording",
  RecordingStarted: "recording", RecordingStopped: "recording", RecorderTroubled: "recording",
  CaseRecovered: "recording", ClockStepped: "recording", SegmentSealed: "recording", QualityMeasured: "people", PlaybackReported: "people",
  ChatSaid: "chat", FileShared: "chat", StillRequested: "still", EvidenceStored: "still", EvidenceNoted: "still",
  IdNumberChecked: "check", FacesCompared: "check", StepMarked: "check",
  AgentDecided: "decision", WrapUpNoted: "decision", AuditSigned: "decision",
  AuditDrawn: "decision", VerdictGiven: "decision", OverrideProposed: "decision", AuditReopened: "decision",
  MergeQueued: "archive", MergeStarted: "archive", MergeFailed: "archive", GapsAccounted: "archive", MergeCompleted: "archive",
  RenderRequested: "archive", RenderCompleted: "archive",
  ArchiveWritten: "archive", ArchiveVerified: "archive", SpoolReleased: "archive", RecordViewed: "archive", RecordExported: "archive",
  HoldSet: "archive", HoldLifted: "archive", RelationEnded: "archive", MediaDiscarded: "archive", RecordTimestamped: "archive",
  ViewingBegun: "archive", RecordWatched: "archive", UnmaskAsked: "archive", UnmaskAnswered: "archive", RecordDownloaded: "archive",
}; // prettier-ignore

/** @type {Readonly<Record<string, Tone>>} */
const TONES = {
  ...identity.TONES,
  CallEnded: "warn", PartyDropped: "warn", MediaLost: "bad", MediaMissing: "bad", RecorderTroubled: "bad", TrackStalled: "bad", TrackResumed: "good",
  CaseRecovered: "warn", ClockStepped: "warn", MergeFailed: "bad", ArchiveVerified: "good", PartyReturned: "good",
  MergeCompleted: "good", SupervisorActed: "warn", HoldSet: "warn", MediaDiscarded: "warn",
}; // prettier-ignore

/** @type {Readonly<Record<string, Tone>>} */
export const VERDICT_TONES = {
  passed: "good", review: "warn", failed: "bad", incomplete: "warn", approved: "good", rejected: "bad",
  waived: "warn",
}; // prettier-ignore

// Which field of which fact is a machine word, and under which heading its translation stands.
/** @type {Readonly<Record<string, string>>} */
const VOCABULARY = {
  ...identity.HEADINGS,
  role: "role", source: "source", how: "ring_end", outcome: "outcome", what: "trouble", mode: "mode",
  microphone: "capture", camera: "capture", action: "board_action", result: "step_result", next_action: "next_action", template: "template",
  "StepMarked.step": "step", "StepMarked.answer": "answer", "SeatModeChanged.now": "mode",
  "DeviceChecked.camera": "device", "DeviceChecked.microphone": "device",
  "CaseAdvanced.now": "case", "CallAdvanced.now": "call_phase", "RecordingStarted.kind": "kind",
  "StillRequested.kind": "evidence", "EvidenceStored.kind": "evidence", "AuditSigned.verdict": "verdict", "AuditReopened.was": "verdict", "VerdictGiven.verdict": "verdict", "ViewingBegun.reason": "view_reason",
  "IdNumberChecked.verdict": "check", "FacesCompared.verdict": "check",
}; // prettier-ignore

/**
 * Translate a machine word; one that no table knows is shown as it is rather than hidden.
 *
 * @param {string} heading @param {string | null | undefined} word
 */
export function wordFor(heading, word) {
  if (word === null || word === undefined || word === "") {
    return "";
  }
  const key = `${heading}.${word}`;
  const text = t(key);
  return text === key ? word : text;
}

/** @param {readonly string[]} failures */
export function failureWords(failures) {
  return failures.map((word) => wordFor("failure", word));
}

/**
 * Return the name of a member of staff, as far as the case tells it.
 *
 * @param {CaseView} view @param {string | null | undefined} account
 */
export function personName(view, account) {
  return account ? view.names[account] || account : "";
}

/** @param {string} heading @param {readonly string[] | undefined} words */
function wordList(heading, words) {
  return (words ?? []).map((word) => wordFor(heading, word)).join(t("list.comma"));
}

/** @param {Entry} entry @param {CaseView} view @returns {Record<string, string | number>} */
function values({ name, fact }, view) {
  /** @type {Record<string, string | number>} */
  const found = {};
  for (const [key, value] of Object.entries(fact)) {
    const heading = VOCABULARY[`${name}.${key}`] ?? VOCABULARY[key];
    if (heading && typeof value === "string") {
      found[key] = wordFor(heading, value);
    } else if (typeof value === "string" || typeof value === "number") {
      found[key] = value;
    }
  }
  return { ...found, ...extra(name, fact, view) };
}

/** @param {string} name @param {FactBody} fact @param {CaseView} view */
function extra(name, fact, view) {
  const who = fact.seat ? view.parties[fact.seat] : undefined;
  return {
    name: fact.name || t("case.unnamed"),
    pii_customer_name: fact.pii_customer_name || t("case.unnamed"),
    who: who?.name || wordFor("role", who?.role ?? fact.role) || t("role.unknown"),
    mb: fact.bytes ? (fact.bytes / 1e6).toFixed(1) : "0",
    took: fact.seconds === undefined ? "" : clock(fact.seconds),
    speed_x: fact.speed === undefined ? "" : fact.speed.toFixed(1),
    gap: fact.gap_s === undefined ? "" : fact.gap_s.toFixed(2),
    score_text: typeof fact.score === "number" ? fact.score.toFixed(3) : "—",
    threshold_text: typeof fact.threshold === "number" ? fact.threshold.toFixed(2) : "—",
    reason_text: reasonWord(name, fact.reason),
    missing_text: (fact.missing ?? []).map((/** @type {string} */ one) => wordFor("source", one)).join(" + "),
    failures_text: failureWords(fact.failures ?? []).join(t("list.comma")),
    subjects_text: wordList("subject", fact.subjects) || t("list.nothing"),
    refused_text: fact.refused?.length ? t("fact.refused", { subjects: wordList("subject", fact.refused) }) : "",
    viewer_text: personName(view, fact.account) || t("viewer.unknown"),
    watched_text: fact.spans ? clock(fact.spans.reduce((/** @type {number} */ sum, /** @type {FactBody} */ one) => sum + one.until_s - one.since_s, 0)) : "",
    granted_text: fact.granted === undefined ? "" : t(fact.granted ? "granted.yes" : "granted.no"),
    ...(name === "AuditDrawn" ? drawWords(fact) : {}),
    incomplete_text: name === "GapsAccounted" ? incompleteSteps(fact) : "",
    ...staffWords(name, fact, view),
    ...deviceWords(fact),
    ...identityValues(name, fact),
  };
}

/** @param {string} name @param {FactBody} fact @param {CaseView} view */
function staffWords(name, fact, view) {
  return {
    agent_text: personName(view, fact.agent),
    by_text: personName(view, fact.by),
    chosen_text: personName(view, fact.chosen),
    supervisor_text: personName(view, fact.supervisor),
    now_name: name === "HostChanged" ? fact.name || personName(view, fact.now) || t("list.nothing") : "",
    target_text: personName(view, fact.target) || wordFor("skill", fact.skill) || t("invited.anybody"),
    target_name: fact.target ? t("fact.target", { name: personName(view, fact.target) }) : "",
    invited_how: t(`invited.${fact.transfer ? "transfer" : fact.private ? "private" : "at_once"}`),
    candidates_count: fact.candidates?.length ?? 0,
    tags_text: wordList("tag", fact.tags),
    grounds_text: wordList("ground", fact.grounds),
    size_text: fact.bytes ? sizeInWords(fact.bytes) : "",
    form_text: fact.width ? `${fact.width}×${fact.height}` : sizeInWords(fact.bytes ?? 0),
    track_text: name === "RecordingStarted" ? trackWords(fact, view) : "",
  };
}

/** @param {FactBody} fact */
function drawWords({ drawn, share, due_at: due }) {
  return {
    drawn_text: t(drawn ? "drawn.audited" : "drawn.left_out"),
    // A share of a thousandth is told as 0.1, one of all as 100.
    share_percent: Number((share * 100).toPrecision(4)),
    due_text: due ? t("drawn.due", { time: dateAndTime(due) }) : "",
  };
}

/** A shared screen is not the picture of its owner. @param {FactBody} fact @param {CaseView} view */
function trackWords({ track, kind }, view) {
  return view.sources[track] === "screen" ? wordFor("source", "screen") : wordFor("kind", kind);
}

/** @param {FactBody} fact */
function incompleteSteps({ steps }) {
  const found = steps.filter((/** @type {FactBody} */ one) => one.kept === "incomplete");
  return found.length ? t("fact.incomplete", { steps: wordList("step", found.map((/** @type {FactBody} */ one) => one.step)) }) : "";
}

/** @param {FactBody} fact */
function deviceWords(fact) {
  const known = typeof fact.uplink_kbps === "number";
  return {
    problems_text: wordList("device_problem", fact.problems) || t("device.fine"),
    uplink_text: known ? Math.round(fact.uplink_kbps) : "—",
    rtt_text: typeof fact.rtt_ms === "number" ? Math.round(fact.rtt_ms) : "—",
    place_text: typeof fact.pii_latitude === "number" ? placeWords(fact) : "",
    network_text: typeof fact.country === "string" ? networkWords(fact) : "",
    doubts_text: fact.doubts?.length ? t("fact.doubts", { doubts: wordList("network_doubt", fact.doubts) }) : "",
  };
}

/** Coordinates with their radius, as they are burnt into the recording. @param {FactBody} fact */
export function placeWords({ pii_latitude: north, pii_longitude: east, accuracy_m: radius }) {
  const metres = Math.ceil(radius);
  const within = metres < 1000 ? `±${metres} m` : `±${Math.ceil(metres / 1000)} km`;
  return `${Math.abs(north).toFixed(4)}°${north < 0 ? "S" : "N"} ${Math.abs(east).toFixed(4)}°${east < 0 ? "W" : "E"} ${within}`;
}

/** Where a network is, of which kind and whose, as far as that is known. @param {FactBody} fact */
export function networkWords({ country, kind, operator }) {
  return [countryName(country), wordFor("network_kind", kind), operator].filter(Boolean).join(" · ");
}

/** Return a country's name in the reader's language; a code that is none stays as it is. @param {string} code */
function countryName(code) {
  const own = wordFor("country", code);
  if (own !== code || !/^[A-Z]{2}$/.test(code)) {
    return own;
  }
  return new Intl.DisplayNames([language()], { type: "region" }).of(code) ?? code;
}

/** @type {Readonly<Record<string, string>>} */
const REASON_HEADINGS = {
  ...identity.REASONS,
  CallEnded: "end", CaseAdvanced: "case_end", FacesCompared: "face_reason", AgentDecided: "reason", MediaLost: "media_lost",
}; // prettier-ignore

/** @param {string} name @param {string | null | undefined} reason */
function reasonWord(name, reason) {
  return wordFor(REASON_HEADINGS[name] ?? "reason", reason);
}

/** @param {Entry} entry @returns {Tone} */
function toneOf({ name, fact }) {
  const verdict = fact.verdict ?? fact.outcome ?? fact.result;
  if ((name === "NetworkSeen" && fact.doubts.length) || (name === "PersonWatched" && !fact.event.startsWith("ended_"))) {
    return "warn";
  }
  return (verdict && VERDICT_TONES[verdict]) || TONES[name] || "plain";
}

/**
 * Return the sentence that tells a fact.
 *
 * @param {Entry} entry @param {CaseView} view the case, for people's names
 * @returns {FactWords}
 */
export function factWords(entry, view) {
  const key = `fact.${entry.name}`;
  // Values that a fact leaves empty leave no gap.
  const text = t(key, values(entry, view)).replace(/ {2,}/g, " ").trim();
  return { text: text === key ? entry.name : text, tone: toneOf(entry), group: GROUPS[entry.name] ?? "case" };
}

/** Return the local time of day of a journal time. @param {number} at */
export function timeOfDay(at) {
  return new Date(at * 1000).toLocaleTimeString(language(), { hour12: false });
}

/** Return local date and time. @param {number} at */
export function dateAndTime(at) {
  return new Date(at * 1000).toLocaleString(language(), { hour12: false, dateStyle: "medium", timeStyle: "short" });
}

/** Return the first and last symbols of a SHA-256, enough to compare by eye. @param {string} hash */
export function shortHash(hash) {
  return hash.length > 16 ? `${hash.slice(0, 8)}…${hash.slice(-4)}` : hash;
}
