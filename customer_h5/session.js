/**
 * The customer's visit, from the tap to the goodbye: it talks to server, camera and peer connection, and
 * writes what happened into the state. It never touches the page.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { CallState, Entry, QueuePosition, StillWanted, Welcome } from "../web_kit/wire"
 * @import { Facing } from "../web_kit/devices.js"
 * @import { Quality } from "../web_kit/call_meter.js"
 * @import { State, Ending } from "./state.js"
 */

import { Call } from "../web_kit/call.js";
import { troubleOf } from "../web_kit/call_meter.js";
import { Connection } from "../web_kit/connection.js";
import { CaptureError, cameraCount, openCamera, openCapture } from "../web_kit/devices.js";
import { language } from "../web_kit/i18n.js";
import { RestError, request, upload } from "../web_kit/rest.js";
import { forgetSeat, savedSeat, saveSeat } from "./seat.js";
import { CONSENT_VERSION } from "./strings.js";

/** @typedef {{ code: string | null, ticket: string | null }} Entrance */

// A track that the phone silences for longer was taken away, by a phone call for example.
const INTERRUPTED_AFTER_MS = 1500;
/** @type {readonly (string | null)[]} */
const OVER = ["agent_done", "under_audit", "approved", "rejected", "expired", "aborted"];
/** @type {Readonly<Record<string, string>>} */
const CLOSED_AS_ENDING = {
  grace_over: "customer_lost",
  resume_invalid: "customer_lost",
  server_stopped: "server_stopped",
};
// While waiting the server keeps the seat longer than during a call, and says itself when it is gone.
const WAITING_GRACE_S = 600;

/**
 * @param {Quality | null} quality
 * @returns {State["strain"]}
 */
function strainOf(quality) {
  if (!quality) return "";
  const { rttMs, lossUp, lossDown, frozenS } = quality;
  const found = troubleOf({ rtt: rttMs, loss: Math.max(lossUp, lossDown), frozen: frozenS, limit: null });
  if (!found || !found.poor) return "";
  return found.trouble === "device" ? "busy" : "weak";
}

export class Session {
  /**
   * @param {Store<State>} store
   * @param {Entrance} entrance
   */
  constructor(store, entrance) {
    this._store = store;
    this._entrance = entrance;
    /** @type {Connection | null} */
    this._connection = null;
    /** @type {Call | null} */
    this._call = null;
    /** @type {MediaStream | null} */
    this._own = null;
    this._consented = false;
    this._late = false;
  }

  /** Open the devices, then the door. Also the way to try again after trouble. */
  async start() {
    const resume = savedSeat(this._entrance);
    this._store.update({ screen: "starting", startingStep: "capture", trouble: null, problem: null });
    try {
      this._setOwn(this._own || (await openCapture("user")));
      this._store.update({ canFlip: (await cameraCount()) > 1, startingStep: resume ? "resume" : "connect" });
      const ticket = resume ? null : await this._ticket();
      this._connect(resume ? { resume } : { ticket });
    } catch (error) {
      this._gotStartError(error);
    }
  }

  /** Return to the seat that this link had before the page was reloaded, if it is still there. */
  async resume() {
    if (savedSeat(this._entrance)) await this.start();
  }

  /** @param {unknown} error */
  _gotStartError(error) {
    if (error instanceof CaptureError) {
      this._store.update({ screen: "trouble", trouble: error.reason });
    } else if (error instanceof RestError) {
      this._fail(error.code, true);
    } else {
      throw error;
    }
  }

  /** @returns {Promise<string>} */
  async _ticket() {
    const { code, ticket } = this._entrance;
    if (ticket) return ticket;
    const body = { tenant: code, language: language() };
    /** @type {{ case: string, ticket: string }} */
    const door = await request("POST", "/api/walk-in", body);
    this._store.update({ caseId: door.case });
    return door.ticket;
  }

  /** @param {import("../web_kit/connection.js").Credentials} credentials */
  _connect(credentials) {
    const graceS = (/** @type {Welcome} */ welcome) =>
      this._store.get().screen === "call" ? welcome.grace_s : WAITING_GRACE_S;
    const connection = new Connection({ credentials: () => credentials, language, graceS });
    this._connection = connection;
    connection.on("welcome", (welcome) => this._gotWelcome(welcome));
    connection.on("queue_position", (place) => this._gotPosition(place));
    connection.on("call_state", (state) => this._gotCallState(state));
    connection.on("reoffer", () => this._store.update({ serviceLost: true }));
    connection.on("still_wanted", (wanted) => this._gotStillWanted(wanted));
    connection.on("fact", ({ entry }) => this._gotFact(entry));
    connection.on("error", ({ code, about }) => this._gotError(code, about));
    connection.onState((state) => {
      this._store.update({ dropped: state.phase === "dropped", dropEndsAt: state.graceEndsAt });
      if (state.phase === "closed" && state.reason !== "done") this._gotClosed(state.reason || "internal");
    });
    connection.open();
  }

  /** @param {Welcome} welcome */
  _gotWelcome(welcome) {
    this._store.update({ bank: welcome.bank, caseId: welcome.case });
    if (welcome.resume) saveSeat(this._entrance, welcome.resume);
    if (OVER.includes(welcome.phase)) {
      // Whoever comes back too late: the call's own end, if there was a call, comes before the story.
      this._late = true;
    } else if (welcome.call) {
      this._ensureCall(welcome.call);
    } else if (!this._consented && welcome.phase !== "queued") {
      this._joinQueue(welcome);
    }
  }

  /** @param {Welcome} welcome */
  _joinQueue(welcome) {
    if (welcome.consent_version !== CONSENT_VERSION) {
      // What was shown is not what the server asks consent to.
      this._fail("protocol", false);
      return;
    }
    const send = this._sender();
    send({ type: "consent", recording: true, biometrics: true, text_version: CONSENT_VERSION, language: language() });
    send({ type: "join_queue" });
    this._consented = true;
  }

  _sender() {
    return (/** @type {import("../web_kit/wire").ClientMessage} */ message) =>
      Boolean(this._connection && this._connection.send(message));
  }

  /** @param {QueuePosition} place */
  _gotPosition(place) {
    const { position, estimated_wait_s: waitS, agents_ready: agentsReady } = place;
    this._store.update({ screen: "queue", position, waitS, agentsReady });
    this._ensureCall(place.call);
  }

  /** @param {string} id */
  _ensureCall(id) {
    if ((this._call && this._call.call === id) || !this._connection) return;
    if (this._call) this._call.stop();
    const call = new Call({ connection: this._connection, call: id, local: this._local() });
    this._call = call;
    call.onChange(() => this._gotCallChange(call));
    call.start();
    this._store.update({ agentStream: call.remote[0] || null });
  }

  /** @returns {import("../web_kit/call.js").Local} */
  _local() {
    const own = this._own;
    return { microphone: (own && own.getAudioTracks()[0]) || null, camera: (own && own.getVideoTracks()[0]) || null };
  }

  /** @param {Call} call */
  _gotCallChange(call) {
    this._store.update({ mediaTroubled: call.link === "troubled", strain: strainOf(call.quality) });
  }

  /** @param {CallState} state */
  _gotCallState(state) {
    if (state.phase === "ended") {
      this._end(state.reason || "other", state.active_s);
      return;
    }
    this._ensureCall(state.call);
    if (state.phase === "ringing") return;
    const now = performance.now();
    this._store.update({
      screen: "call",
      phase: state.phase,
      peer: state.peer,
      // Both are back when the call goes on.
      serviceLost: this._store.get().serviceLost && state.phase === "reconnecting",
      recording: state.recording,
      activeAt: state.phase === "connecting" ? null : now - state.active_s * 1000,
      peerEndsAt: state.phase === "reconnecting" && state.grace_s !== null ? now + state.grace_s * 1000 : null,
    });
  }

  /** @param {StillWanted} wanted */
  _gotStillWanted({ request: id, kind }) {
    this._store.update({ still: { request: id, kind }, chatOpen: false });
  }

  /** @param {Entry} entry */
  _gotFact(entry) {
    if (this._late && entry.name === "CaseAdvanced" && OVER.includes(entry.fact.now)) {
      this._end("other", 0);
      return;
    }
    const { chat, unread, chatOpen } = this._store.get();
    if (entry.name !== "ChatSaid" || chat.some((line) => line.seq === entry.seq)) return;
    const line = { seq: entry.seq, own: entry.fact.role === "customer", text: entry.fact.pii_text };
    this._store.update({ chat: [...chat, line], unread: chatOpen || line.own ? unread : unread + 1 });
  }

  /**
   * @param {string} code
   * @param {string | null} about
   */
  _gotError(code, about) {
    // Later refusals concern one request and leave the visit as it is; so does a second consent after
    // a reload.
    const { screen } = this._store.get();
    if (about === "hang_up") {
      // Not yet a call for the server; leaving is the customer's right at any moment.
      this._end("customer_hung_up", 0);
    } else if (about === "join_queue" || (screen === "starting" && about !== "consent")) {
      this._fail(code, Boolean(this._entrance.code));
    }
  }

  /** @param {string} reason */
  _gotClosed(reason) {
    const { screen, activeAt } = this._store.get();
    const wasResumed = this._store.get().startingStep === "resume" && screen === "starting";
    forgetSeat();
    if (wasResumed) {
      // The old seat is gone; the link may still open a new one.
      this._release();
      this._store.update({ screen: "landing" });
    } else if (screen === "call") {
      const seconds = activeAt === null ? 0 : (performance.now() - activeAt) / 1000;
      this._end(CLOSED_AS_ENDING[reason] || "server_lost", seconds);
    } else if (screen !== "thanks" && screen !== "left" && screen !== "problem") {
      this._fail(reason, Boolean(this._entrance.code) || reason === "unreachable");
    }
  }

  /**
   * @param {string} code
   * @param {boolean} canRestart
   */
  _fail(code, canRestart) {
    this._store.update({ screen: "problem", problem: code, canRestart });
    this._release();
  }

  /**
   * @param {string} reason
   * @param {number} seconds
   */
  _end(reason, seconds) {
    /** @type {Ending} */
    const ending = { reason, seconds, at: Date.now() / 1000 };
    forgetSeat();
    this._store.update({ screen: "thanks", ending, still: null, canRestart: Boolean(this._entrance.code) });
    this._release();
  }

  /** Let go of call, socket and devices. */
  _release() {
    if (this._call) this._call.stop();
    this._call = null;
    if (this._connection) this._connection.close("done");
    this._connection = null;
    for (const track of this._own ? this._own.getTracks() : []) track.stop();
    this._own = null;
    this._store.update({ ownStream: null, agentStream: null, dropped: false, dropEndsAt: null, interrupted: false });
  }

  /** Stop waiting. */
  leave() {
    this._sender()({ type: "leave_queue" });
    forgetSeat();
    this._store.update({ screen: "left", canRestart: Boolean(this._entrance.code) });
    this._release();
  }

  /** End the call; the server's `call_state` closes the screen. */
  hangUp() {
    const sent = this._sender()({ type: "hang_up" });
    if (!sent) this._end("customer_hung_up", 0);
  }

  /**
   * @param {string} text
   * @returns {boolean} Whether it was sent; the line appears when the journal has it.
   */
  say(text) {
    return this._sender()({ type: "chat", text });
  }

  toggleMute() {
    const muted = !this._store.get().muted;
    for (const track of this._own ? this._own.getAudioTracks() : []) track.enabled = !muted;
    this._store.update({ muted });
  }

  /**
   * Use another camera. Phones hold one camera at a time, so the present one is stopped first.
   *
   * @param {Facing} facing
   * @param {boolean} [sharp]
   */
  async useCamera(facing, sharp = false) {
    const own = this._own;
    if (!own) return;
    const before = this._store.get().facing;
    for (const track of own.getVideoTracks()) track.stop();
    let track;
    try {
      track = await openCamera(facing, sharp);
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      track = await openCamera(before);
      facing = before;
    }
    if (own !== this._own) {
      track.stop();
      return;
    }
    this._setOwn(new MediaStream([...own.getAudioTracks(), track]));
    this._store.update({ facing });
    if (this._call) await this._call.replaceTrack("camera", track);
  }

  /** Take camera and microphone again after the phone took them away. */
  async resumeCapture() {
    for (const track of this._own ? this._own.getTracks() : []) track.stop();
    const { facing, muted } = this._store.get();
    const own = await openCapture(facing);
    for (const track of own.getAudioTracks()) track.enabled = !muted;
    this._setOwn(own);
    const { microphone, camera } = this._local();
    if (!this._call) return;
    await this._call.replaceTrack("microphone", microphone);
    await this._call.replaceTrack("camera", camera);
  }

  /** @param {MediaStream} own */
  _setOwn(own) {
    this._own = own;
    for (const track of own.getTracks()) {
      const check = () => setTimeout(() => this._checkTracks(own), INTERRUPTED_AFTER_MS);
      track.addEventListener("mute", check);
      track.addEventListener("unmute", () => this._checkTracks(own));
      track.addEventListener("ended", () => this._checkTracks(own));
    }
    this._store.update({ ownStream: own, interrupted: false });
  }

  /** @param {MediaStream} own */
  _checkTracks(own) {
    if (own !== this._own) return;
    const interrupted = own.getTracks().some((track) => track.muted || track.readyState === "ended");
    this._store.update({ interrupted });
  }

  /** The camera's track, for the viewfinder's photograph. */
  cameraTrack() {
    return this._local().camera;
  }

  /**
   * Upload the picture that the agent asked for.
   *
   * @param {Blob} photo
   * @param {(fraction: number) => void} onProgress
   * @throws {RestError}
   */
  async sendStill(photo, onProgress) {
    const { still, caseId } = this._store.get();
    const token = this._connection && this._connection.welcome ? this._connection.welcome.upload : null;
    if (!still || !caseId) return;
    await upload(`/api/cases/${caseId}/stills/${still.request}`, photo, token || "", onProgress);
  }
}
