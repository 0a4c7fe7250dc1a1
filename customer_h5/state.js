/**
 * What the customer's page knows.
 *
 * @import { CallPhase, EvidenceKind, PartySeen, TiltWanted } from "../web_kit/wire"
 * @import { Facing } from "../web_kit/devices.js"
 * @import { BrowserTrouble } from "./browser.js"
 * @import { Code, Live } from "./identity_state.js"
 * @import { Rung } from "./ladder.js"
 */

import { createStore } from "../web_kit/store.js";

/**
 * @typedef {"landing" | "other_way" | "elsewhere" | "closed" | "callback" | "called_back" | "starting" | "check"
 *   | "queue" | "call" | "thanks" | "problem" | "left"} Screen
 * @typedef {{ evidence: string, name: string, type: string, bytes: number }} SharedFile
 * @typedef {{ seq: number, own: boolean, seat: string, text: string, file: SharedFile | null }} ChatLine
 * @typedef {{ id: number, name: string, fraction: number, failed: string }} Transfer
 * @typedef {{ request: string, kind: EvidenceKind, atOnce: boolean }} StillRequest
 * @typedef {{ reason: string, seconds: number | null, at: number }} Ending
 * @typedef {{ open: boolean, opensAt: number | null, hours: string, waiting: number, waitS: number | null }} Desk
 *
 * @typedef {"wait" | "good" | "warn" | "bad"} Mark
 * @typedef {"camera" | "microphone" | "uplink" | "delay" | "browser"} Item
 * @typedef {{ mark: Mark, code: string, value: string }} Finding  `code`: reason code, empty when all is well.
 * @typedef {Readonly<Record<Item, Finding>>} Findings
 *
 * @typedef {object} State
 * @property {Screen} screen
 * @property {string} bank
 * @property {boolean} recordingConsent
 * @property {boolean} biometricsConsent
 * @property {boolean} locationConsent
 * @property {Desk | null} desk  What the desk said before the tap; null while unknown.
 * @property {number | null} opensAt  Seconds UTC at which a closed desk opens.
 * @property {"connect" | "resume"} startingStep
 * @property {BrowserTrouble | null} elsewhere
 * @property {Findings | null} findings
 * @property {boolean} joining
 * @property {"" | "interrupted" | "transfer_failed"} cutOff  Why the last call ended, after which another is on its way.
 * @property {string | null} problem  An error word, `no_link` or `waiting`.
 * @property {boolean} canRestart  Whether tapping start again can lead anywhere: not with a used ticket.
 * @property {string} callbackPhone
 * @property {boolean} callbackSending
 * @property {number | null} position
 * @property {number | null} waitS
 * @property {number} agentsReady
 * @property {string | null} caseId
 * @property {CallPhase | null} phase
 * @property {string} peer
 * @property {string} peerNumber  The bank's own number of that person, empty when there is none.
 * @property {string} peerRole
 * @property {string | null} seat
 * @property {readonly PartySeen[]} parties
 * @property {string | null} sharing
 * @property {number | null} heldAt  On the `performance.now()` axis.
 * @property {number | null} activeAt  When the call became active, on the same axis.
 * @property {boolean} recording
 * @property {number | null} dropEndsAt  Own grace period's end on the same axis; null while connected.
 * @property {boolean} dropped
 * @property {number | null} peerEndsAt  The agent's grace period's end.
 * @property {boolean} serviceLost  The service lost sound and picture of both, and is restoring them.
 * @property {boolean} mediaTroubled
 * @property {"" | "weak" | "busy"} strain  What makes the picture poor: the network, or a device.
 * @property {Rung} rung  How far one's own picture was reduced for a weak network.
 * @property {boolean} muted
 * @property {boolean} cameraOff
 * @property {boolean} torch
 * @property {boolean} canTorch
 * @property {Facing} facing
 * @property {boolean} canFlip
 * @property {boolean} interrupted
 * @property {string} deviceTrouble  Reason code of what the device refused last, empty when nothing.
 * @property {MediaStream | null} ownStream
 * @property {readonly MediaStream[]} remote  By slot.
 * @property {MediaStream | null} screenStream
 * @property {boolean} soundBlocked
 * @property {readonly ChatLine[]} chat
 * @property {readonly Transfer[]} transfers
 * @property {number} unread
 * @property {boolean} chatOpen
 * @property {StillRequest | null} still
 * @property {TiltWanted | null} tilt  Pictures that are asked for while a document is tilted.
 * @property {number} stillsTaken  Pictures taken at once, without the sheet.
 * @property {Live | null} live  The liveness check that is under way.
 * @property {Code | null} code  The one-time code that is asked for.
 * @property {string} declined  The liveness check that the customer declined last: nothing brings it back.
 * @property {Ending | null} ending
 * @property {"" | "sending" | "sent"} rating
 */

/** @type {State} */
const INITIAL = {
  screen: "landing",
  bank: "",
  recordingConsent: false,
  biometricsConsent: false,
  locationConsent: false,
  desk: null,
  opensAt: null,
  startingStep: "connect",
  elsewhere: null,
  findings: null,
  joining: false,
  cutOff: "",
  problem: null,
  canRestart: true,
  callbackPhone: "",
  callbackSending: false,
  position: null,
  waitS: null,
  agentsReady: 0,
  caseId: null,
  phase: null,
  peer: "",
  peerNumber: "",
  peerRole: "agent",
  seat: null,
  parties: [],
  sharing: null,
  heldAt: null,
  activeAt: null,
  recording: false,
  dropEndsAt: null,
  dropped: false,
  peerEndsAt: null,
  serviceLost: false,
  mediaTroubled: false,
  strain: "",
  rung: "",
  muted: false,
  cameraOff: false,
  torch: false,
  canTorch: false,
  facing: "user",
  canFlip: false,
  interrupted: false,
  deviceTrouble: "",
  ownStream: null,
  remote: [],
  screenStream: null,
  soundBlocked: false,
  chat: [],
  transfers: [],
  unread: 0,
  chatOpen: false,
  still: null,
  tilt: null,
  stillsTaken: 0,
  live: null,
  code: null,
  declined: "",
  ending: null,
  rating: "",
};

/** @param {string} bank */
export function createState(bank) {
  return createStore({ ...INITIAL, bank });
}

/**
 * What was typed and not sent, by field: it outlives a redrawn screen.
 *
 * @type {Map<string, string>}
 */
export const drafts = new Map();
