/**
 * From the journal to what a screen shows: a pure fold over facts.
 *
 * The agent's console folds the facts as the server sends them, the auditor's player folds the same facts
 * as they stand in the journal. Both therefore show the same case. Nothing else may put a result on a screen.
 */

import { IDENTITY_FOLDS, NO_IDENTITY } from "./identity/projection.js";

/**
 * @typedef {Record<string, any>} FactBody
 * @typedef {{seq: number, at: number, case: string, name: string, fact: FactBody, hash?: string}} Entry
 * @typedef {{seat: string, role: string, name: string, account: string | null, present: boolean, mode: string,
 *   microphone: string, camera: string,
 *   media: "waiting" | "connected" | "lost", lostBy: string | null, graceEndsAt: number | null, quality: FactBody | null,
 *   playback: FactBody | null}} Party
 * @typedef {{track: string, role: string, kind: string, source: string, stopped: boolean,
 *   troubled: boolean}} Recording
 * @typedef {{seat: string, role: string, text: string, at: number, file: FactBody | null}} ChatLine  `file` is the
 *   FileShared fact.
 * @typedef {{id: string, phase: string, activeAt: number | null, endedAt: number | null,
 *   reason: string | null, seconds: number | null}} CallView
 * @typedef {{state: "none" | "queued" | "running" | "failed" | "done", attempt: number, reason: string,
 *   result: FactBody | null}} MergeView
 * @typedef {Readonly<{case: string, lastSeq: number, phase: string, caseEnd: string | null, customer: string,
 *   purpose: string, policy: string, createdAt: number | null, vip: boolean, skill: string,
 *   consent: FactBody | null, device: FactBody | null, network: FactBody | null, place: FactBody | null, callback: FactBody | null,
 *   call: CallView | null, host: string | null, names: Readonly<Record<string, string>>,
 *   sources: Readonly<Record<string, string>>, troubles: Readonly<Record<string, FactBody>>, marks: Readonly<Record<string, FactBody>>,
 *   notes: Readonly<Record<string, FactBody>>, wrapUp: FactBody | null, rating: FactBody | null,
 *   parties: Readonly<Record<string, Party>>, recordings: Readonly<Record<string, Recording>>,
 *   asked: Readonly<Record<string, FactBody>>, evidence: readonly FactBody[], idChecks: readonly FactBody[],
 *   faceChecks: readonly FactBody[], identity: import("./identity/projection.js").IdentityView, chat: readonly ChatLine[], decision: FactBody | null, merge: MergeView,
 *   gaps: FactBody | null, archived: FactBody | null, verified: FactBody | null, audit: FactBody | null,
 *   proposed: FactBody | null, reopened: FactBody | null, given: readonly FactBody[], renders: readonly FactBody[],
 *   timeline: readonly Entry[]}>} CaseView
 * @typedef {(view: CaseView, fact: FactBody, at: number) => Partial<CaseView>} Fold
 */

/** @type {CaseView} */
export const EMPTY = Object.freeze({
  case: "",
  lastSeq: -1,
  phase: "",
  caseEnd: null,
  customer: "",
  purpose: "",
  policy: "",
  createdAt: null,
  vip: false,
  skill: "",
  consent: null,
  device: null,
  network: null,
  place: null,
  callback: null,
  call: null,
  host: null,
  names: Object.freeze({}),
  sources: Object.freeze({}),
  troubles: Object.freeze({}),
  marks: Object.freeze({}),
  notes: Object.freeze({}),
  wrapUp: null,
  rating: null,
  parties: Object.freeze({}),
  recordings: Object.freeze({}),
  asked: Object.freeze({}),
  evidence: Object.freeze([]),
  idChecks: Object.freeze([]),
  faceChecks: Object.freeze([]),
  identity: NO_IDENTITY,
  chat: Object.freeze([]),
  decision: null,
  merge: Object.freeze({ state: /** @type {const} */ ("none"), attempt: 0, reason: "", result: null }),
  renders: Object.freeze([]),
  gaps: null,
  archived: null,
  verified: null,
  audit: null,
  given: Object.freeze([]),
  proposed: null,
  reopened: null,
  timeline: Object.freeze([]),
});

/** @param {CaseView} view @param {string} seat @param {Partial<Party>} change */
function party(view, seat, change) {
  const known = view.parties[seat];
  return known ? { parties: { ...view.parties, [seat]: { ...known, ...change } } } : {};
}

/** @param {CaseView} view @param {string} track @param {Partial<Recording>} change */
function recording(view, track, change) {
  const known = view.recordings[track];
  return known ? { recordings: { ...view.recordings, [track]: { ...known, ...change } } } : {};
}

/** The troubles that go on but these of a track. @param {CaseView} view @param {string} track @param {...string} kinds */
function without(view, track, ...kinds) {
  const over = kinds.map((kind) => `${kind} ${track}`).filter((key) => key in view.troubles);
  return over.length ? Object.fromEntries(Object.entries(view.troubles).filter(([key]) => !over.includes(key))) : view.troubles;
}

/** @param {FactBody} fact @param {number} at */
const stamped = (fact, at) => Object.freeze({ ...fact, at });

// The first measurement comes as soon as a seat is there; over less than this, one burst looks like a rate.
const MEASURED_MIN_S = 1;

/** @type {Readonly<Record<string, Fold>>} */
const FOLDS = {
  ...IDENTITY_FOLDS,
  CaseCreated: (view, fact, at) => ({
    phase: "created",
    customer: fact.pii_customer_name,
    purpose: fact.purpose,
    policy: fact.policy,
    createdAt: at,
    vip: Boolean(fact.vip),
    skill: fact.skill ?? "",
  }),
  ConsentGiven: (view, fact, at) => ({ consent: stamped(fact, at) }),
  DeviceChecked: (view, fact, at) => ({ device: stamped(fact, at) }),
  NetworkSeen: (view, fact, at) => ({ network: stamped(fact, at) }),
  LocationTold: (view, fact, at) => ({ place: stamped(fact, at) }),
  CallbackRequested: (view, fact, at) => ({ callback: stamped(fact, at) }),
  CaseAdvanced: (view, fact) => ({ phase: fact.now, caseEnd: fact.reason ?? null }),
  CallAdvanced: foldCall,
  CallEnded: (view, fact, at) => ({
    troubles: EMPTY.troubles,
    call: {
      ...(view.call ?? newCall(fact.call)),
      phase: "ended",
      endedAt: at,
      reason: fact.reason,
      seconds: fact.seconds,
    },
  }),
  PartyJoined: (view, fact) => joined(view, fact, "talking"),
  ObserverJoined: (view, fact) => joined(view, fact, fact.mode),
  SeatModeChanged: (view, fact) => party(view, fact.seat, { mode: fact.now }),
  ObserverLeft: (view, fact) => party(view, fact.seat, { present: false, graceEndsAt: null }),
  CaptureChanged: (view, fact) =>
    party(view, fact.seat, { microphone: fact.microphone, camera: fact.camera }),
  HostChanged: (view, fact) => ({
    host: fact.now ?? null,
    names: fact.now && fact.name ? { ...view.names, [fact.now]: fact.name } : view.names,
  }),
  PartyLeft: (view, fact) => party(view, fact.seat, { present: false, graceEndsAt: null }),
  PartyDropped: (view, fact) => party(view, fact.seat, { graceEndsAt: fact.grace_ends_at }),
  PartyReturned: (view, fact) => party(view, fact.seat, { present: true, graceEndsAt: null }),
  MediaConnected: (view, fact) => party(view, fact.seat, { media: "connected", lostBy: null }),
  // What was measured on the old connection says nothing about the next one.
  MediaLost: (view, fact) =>
    party(view, fact.seat, { media: "lost", lostBy: fact.reason, quality: null, playback: null }),
  QualityMeasured: (view, fact, at) =>
    fact.interval_s < MEASURED_MIN_S ? {} : party(view, fact.seat, { quality: stamped(fact, at) }),
  PlaybackReported: (view, fact, at) => party(view, fact.seat, { playback: stamped(fact, at) }),
  TrackStarted: (view, fact) => ({ sources: { ...view.sources, [fact.track]: fact.source } }),
  TrackEnded: (view, fact) => ({ troubles: without(view, fact.track, "no_packets", "recorder") }),
  TrackStalled: (view, fact, at) => ({ troubles: { ...view.troubles, [`no_packets ${fact.track}`]: { ...fact, what: "no_packets", at } } }),
  TrackResumed: (view, fact) => ({ troubles: without(view, fact.track, "no_packets") }),
  RecordingStarted: foldRecording,
  RecordingStopped: (view, fact) => recording(view, fact.track, { stopped: true }),
  RecorderTroubled: (view, fact, at) => ({
    ...recording(view, fact.track, { troubled: true }),
    troubles: { ...view.troubles, [`recorder ${fact.track}`]: { ...fact, source: view.sources[fact.track] ?? "", at } },
  }),
  ChatSaid: (view, fact, at) => ({
    chat: [...view.chat, { seat: fact.seat, role: fact.role, text: fact.pii_text, at, file: null }],
  }),
  FileShared: (view, fact, at) => ({
    chat: [...view.chat, { seat: fact.seat, role: fact.role, text: "", at, file: stamped(fact, at) }],
  }),
  EvidenceNoted: (view, fact, at) => ({ notes: { ...view.notes, [fact.evidence]: stamped(fact, at) } }),
  StepMarked: (view, fact, at) => ({ marks: { ...view.marks, [fact.step]: stamped(fact, at) } }),
  WrapUpNoted: (view, fact, at) => ({ wrapUp: stamped(fact, at) }),
  ServiceRated: (view, fact, at) => ({ rating: stamped(fact, at) }),
  StillRequested: (view, fact, at) => ({ asked: { ...view.asked, [fact.kind]: stamped(fact, at) } }),
  EvidenceStored: foldEvidence,
  IdNumberChecked: (view, fact, at) => ({ idChecks: [...view.idChecks, stamped(fact, at)] }),
  FacesCompared: (view, fact, at) => ({ faceChecks: [...view.faceChecks, stamped(fact, at)] }),
  AgentDecided: (view, fact, at) => ({ decision: stamped(fact, at) }),
  MergeQueued: (view) => ({ merge: { ...view.merge, state: "queued" } }),
  MergeStarted: (view, fact) => ({ merge: { ...view.merge, state: "running", attempt: fact.attempt } }),
  MergeFailed: (view, fact) => ({ merge: { ...view.merge, state: "failed", reason: fact.reason } }),
  MergeCompleted: (view, fact, at) => ({ merge: { ...view.merge, state: "done", result: stamped(fact, at) } }),
  RenderCompleted: (view, fact, at) => ({ renders: [...view.renders, stamped(fact, at)] }),
  GapsAccounted: (view, fact, at) => ({ gaps: stamped(fact, at) }),
  ArchiveWritten: (view, fact, at) => ({ archived: stamped(fact, at) }),
  ArchiveVerified: (view, fact, at) => ({ verified: stamped(fact, at) }),
  VerdictGiven: (view, fact, at) => ({ given: [...view.given, stamped(fact, at)] }),
  OverrideProposed: (view, fact, at) => ({ proposed: stamped(fact, at) }),
  AuditSigned: (view, fact, at) => ({ audit: stamped(fact, at) }),
  AuditReopened: (view, fact, at) => ({ audit: null, proposed: null, given: [], reopened: stamped(fact, at) }),
};

/**
 * Somebody who came to watch and then talks keeps seat and connection.
 *
 * @param {CaseView} view @param {FactBody} fact @param {string} mode
 * @returns {Partial<CaseView>}
 */
function joined(view, { seat, role, name, account = null }, mode) {
  // Media and the seat's own news come by different ways: either may be first.
  const early = view.timeline.some((entry) => entry.name === "MediaConnected" && entry.fact.seat === seat);
  const known = view.parties[seat] ?? {
    microphone: "on",
    camera: "on",
    media: early ? /** @type {const} */ ("connected") : /** @type {const} */ ("waiting"),
    lostBy: null,
    quality: null,
    playback: null,
  };
  const one = { ...known, seat, role, name, account, mode, present: true, graceEndsAt: null };
  const names = account && name ? { ...view.names, [account]: name } : view.names;
  return { parties: { ...view.parties, [seat]: one }, names };
}

/** @type {Fold} */
function foldRecording(view, { track, role, kind }) {
  const source = view.sources[track] ?? "";
  const troubles = without(view, track, "recorder");
  return { troubles, recordings: { ...view.recordings, [track]: { track, role, kind, source, stopped: false, troubled: false } } };
}

/** @param {string} id @returns {CallView} */
function newCall(id) {
  return { id, phase: "", activeAt: null, endedAt: null, reason: null, seconds: null };
}

/** @type {Fold} */
function foldCall(view, fact, at) {
  const call = view.call && view.call.id === fact.call ? view.call : newCall(fact.call);
  const activeAt = fact.now === "active" ? (call.activeAt ?? at) : call.activeAt;
  return { call: { ...call, phase: fact.now, activeAt } };
}

/** @type {Fold} */
function foldEvidence(view, fact, at) {
  const { [fact.kind]: answered, ...asked } = view.asked;
  const open = answered && answered.request !== fact.evidence ? view.asked : asked;
  return { evidence: [...view.evidence, stamped(fact, at)], asked: open };
}

// Measurements arrive every few seconds and say nothing to a reader of the story of the call; what is withheld
// is the verdict of another auditor, which this one must not see yet.
const NOT_TOLD = new Set(["QualityMeasured", "PlaybackReported", "SegmentSealed", "Withheld"]);

/**
 * Return the view after one more entry; an entry that was folded before changes nothing.
 *
 * @param {CaseView} view
 * @param {Entry} entry
 * @returns {CaseView}
 */
export function fold(view, entry) {
  if (entry.seq <= view.lastSeq) {
    return view;
  }
  const change = FOLDS[entry.name]?.(view, entry.fact, entry.at) ?? {};
  const timeline = NOT_TOLD.has(entry.name) ? view.timeline : [...view.timeline, entry];
  return Object.freeze({ ...view, ...change, case: entry.case, lastSeq: entry.seq, timeline });
}

/** @param {readonly Entry[]} entries @returns {CaseView} */
export function project(entries) {
  return entries.reduce(fold, EMPTY);
}

/** @param {CaseView} view @param {string} kind @returns {FactBody | null} */
export function newestEvidence(view, kind) {
  return view.evidence.findLast((item) => item.kind === kind) ?? null;
}

/** @param {CaseView} view @param {string} id @returns {FactBody | null} */
export function evidenceById(view, id) {
  return view.evidence.find((item) => item.evidence === id) ?? null;
}

/** Tell whether evidence can be looked at; an outside source's answer is read. @param {FactBody} evidence */
export const isPicture = ({ media_type: form }) => form.startsWith("image/");

/** Tell whether the service itself lost somebody's media, and is restoring it. @param {CaseView} view */
export function isServiceLost(view) {
  return Object.values(view.parties).some((one) => one.lostBy === "worker_lost");
}

/** @param {CaseView} view @param {string} role @returns {Party | null} */
export function partyOf(view, role) {
  return Object.values(view.parties).findLast((one) => one.role === role) ?? null;
}
