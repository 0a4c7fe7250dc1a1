/**
 * What the customer's page knows.
 *
 * @import { CallPhase, EvidenceKind } from "../web_kit/wire"
 * @import { CaptureTrouble, Facing } from "../web_kit/devices.js"
 */

import { createStore } from "../web_kit/store.js";

/**
 * @typedef {"landing" | "starting" | "trouble" | "queue" | "call" | "thanks" | "problem" | "left"} Screen
 * @typedef {{ seq: number, own: boolean, text: string }} ChatLine
 * @typedef {{ request: string, kind: EvidenceKind }} StillRequest
 * @typedef {{ reason: string, seconds: number | null, at: number }} Ending
 *
 * @typedef {object} State
 * @property {Screen} screen
 * @property {string} bank
 * @property {boolean} recordingConsent
 * @property {boolean} biometricsConsent
 * @property {"capture" | "connect" | "resume"} startingStep
 * @property {CaptureTrouble | null} trouble
 * @property {string | null} problem  An error word, `no_link` or `waiting`.
 * @property {boolean} canRestart  Whether tapping start again can lead anywhere: not with a used ticket.
 * @property {number | null} position
 * @property {number | null} waitS
 * @property {number} agentsReady
 * @property {string | null} caseId
 * @property {CallPhase | null} phase
 * @property {string} peer
 * @property {number | null} activeAt  When the call became active, on the `performance.now()` axis.
 * @property {boolean} recording
 * @property {number | null} dropEndsAt  Own grace period's end on the same axis; null while connected.
 * @property {boolean} dropped
 * @property {number | null} peerEndsAt  The agent's grace period's end.
 * @property {boolean} serviceLost  The service lost sound and picture of both, and is restoring them.
 * @property {boolean} mediaTroubled
 * @property {"" | "weak" | "busy"} strain  What makes the picture poor: the network, or a device.
 * @property {boolean} muted
 * @property {Facing} facing
 * @property {boolean} canFlip
 * @property {boolean} interrupted
 * @property {MediaStream | null} ownStream
 * @property {MediaStream | null} agentStream
 * @property {boolean} soundBlocked
 * @property {readonly ChatLine[]} chat
 * @property {number} unread
 * @property {boolean} chatOpen
 * @property {StillRequest | null} still
 * @property {Ending | null} ending
 */

/** @type {State} */
const INITIAL = {
  screen: "landing",
  bank: "",
  recordingConsent: false,
  biometricsConsent: false,
  startingStep: "capture",
  trouble: null,
  problem: null,
  canRestart: true,
  position: null,
  waitS: null,
  agentsReady: 0,
  caseId: null,
  phase: null,
  peer: "",
  activeAt: null,
  recording: false,
  dropEndsAt: null,
  dropped: false,
  peerEndsAt: null,
  serviceLost: false,
  mediaTroubled: false,
  strain: "",
  muted: false,
  facing: "user",
  canFlip: false,
  interrupted: false,
  ownStream: null,
  agentStream: null,
  soundBlocked: false,
  chat: [],
  unread: 0,
  chatOpen: false,
  still: null,
  ending: null,
};

/** @param {string} bank */
export function createState(bank) {
  return createStore({ ...INITIAL, bank });
}
