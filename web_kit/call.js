/**
 * One peer connection of a call, on the m-line plan that the server knows.
 *
 * The browser always offers, the server always answers. The offer leaves at once, without candidates: the
 * server learns a browser's addresses from the checks that come from them (ICE-lite). After a change of
 * network the browser checks from its new address, which the server follows; a connection that does not
 * come back so is replaced: a new offer takes the same seat.
 *
 * @import { Connection } from "./connection.js"
 * @import { Quality } from "./call_meter.js"
 * @import { Ladder } from "./limits.js"
 */

import { CallMeter } from "./call_meter.js";
import { applyLimits, cameraLimits, screenLimits } from "./limits.js";
import { withOpusNack } from "./sdp.js";
import { Silence } from "./silence.js";

/**
 * @typedef {"microphone" | "camera" | "screen"} Source
 * @typedef {{ microphone: MediaStreamTrack | null, camera: MediaStreamTrack | null, screen?: MediaStreamTrack | null }} Local
 * @typedef {"new" | "connecting" | "connected" | "troubled" | "closed"} CallLink
 */

// The plan, in m-line order; the server refuses anything else.
/** @type {readonly { kind: "audio" | "video", own?: Source, into?: number | "screen" }[]} */
const PLAN = [
  { kind: "audio", own: "microphone" },
  { kind: "video", own: "camera" },
  { kind: "video", own: "screen" },
  { kind: "audio", into: 0 },
  { kind: "video", into: 0 },
  { kind: "audio", into: 1 },
  { kind: "video", into: 1 },
  { kind: "video", into: "screen" },
  { kind: "audio", into: 2 },
  { kind: "video", into: 2 },
];
const OTHERS = 3;
const FIRST_OTHER = 4;
const DISCONNECTED_MAX_MS = 3000;
// Back online, the old connection's checks have had a round trip or two after this.
const ONLINE_MAX_MS = 500;
const RESTART_MIN_GAP_MS = 3000;
const STATS_EVERY_MS = 2500;
// Browsers take five seconds to call a dead path disconnected. Two are a tunnel, or a base station changed;
// what lasts longer is rarely over before a new offer is.
const LISTEN_EVERY_MS = 500;
const SILENT_CHECK_MS = 1000;
const SILENT_TROUBLE_MS = 2000;
const SILENT_MAX_MS = 3500;

export class Call {
  /**
   * @param {{ connection: Connection, call: string, local: Local }} options
   */
  constructor({ connection, call, local }) {
    this.call = call;
    /** What the other people send, by their slot. */
    this.remote = Array.from({ length: OTHERS }, () => new MediaStream());
    /** The screen that somebody else shares. */
    this.screen = new MediaStream();
    /** @type {CallLink} */
    this.link = "new";
    /** @type {Quality | null} */
    this.quality = null;
    this._connection = connection;
    /** @type {Record<Source, MediaStreamTrack | null>} */
    this._local = { screen: null, ...local };
    /** @type {Ladder} */
    this._ladder = {};
    /** @type {RTCPeerConnection | null} */
    this._pc = null;
    /** @type {Set<() => void>} */
    this._watchers = new Set();
    /** @type {number | undefined} */
    this._restartTimer = undefined;
    this._startedAt = 0;
    this._offers = 0;
    this._meter = new CallMeter(FIRST_OTHER, STATS_EVERY_MS);
    this._silence = new Silence();
    this._silentMs = 0;
    /** @type {(() => void)[]} */
    this._stops = [];
  }

  /**
   * Listen for changes of `link`, `quality` and the tracks in `remote` and `screen`.
   *
   * @param {() => void} watcher
   * @returns {() => void}
   */
  onChange(watcher) {
    this._watchers.add(watcher);
    return () => this._watchers.delete(watcher);
  }

  /** Offer, and keep the connection up until `stop()`. */
  start() {
    const { _connection: connection } = this;
    const stats = setInterval(() => void this._measure(), STATS_EVERY_MS);
    const listening = setInterval(() => void this._listen(), LISTEN_EVERY_MS);
    const online = () => this._gotOnline();
    let dropped = false;
    globalThis.addEventListener("online", online);
    this._stops.push(
      () => clearInterval(stats),
      () => clearInterval(listening),
      () => globalThis.removeEventListener("online", online),
      connection.on("answer", (answer) => {
        // One that was under way when the socket dropped may come behind a newer offer.
        if (answer.call === this.call && answer.number === this._offers) void this._gotAnswer(answer.sdp);
      }),
      connection.on("reoffer", ({ call }) => {
        if (call === this.call) void this._offer();
      }),
      connection.on("error", ({ about }) => {
        if (about === "offer") this._restartIn(RESTART_MIN_GAP_MS);
      }),
      connection.onState((state) => {
        if (state.phase === "open" && dropped && !this._isUp()) void this._offer();
        dropped = state.phase === "dropped";
      }),
    );
    void this._offer();
  }

  /**
   * Send another track in place of the present one, without negotiation; null sends nothing.
   *
   * @param {Source} source
   * @param {MediaStreamTrack | null} track
   */
  async replaceTrack(source, track) {
    this._local[source] = track;
    if (source === "screen" && track) track.contentHint = "text";
    const pc = this._pc;
    const sender = this._senderOf(source);
    if (!sender) return;
    try {
      await sender.replaceTrack(track);
    } catch (error) {
      // A connection that was replaced meanwhile took the track from the start.
      if (pc === this._pc) throw error;
    }
    await this._limit();
  }

  /**
   * Send the camera's picture at less than its best, from now on and on later connections too.
   *
   * @param {Ladder} ladder
   */
  async setCameraLimits(ladder) {
    this._ladder = ladder;
    await this._limit();
  }

  /** End it. Local tracks stay open: they belong to the caller. */
  stop() {
    for (const stop of this._stops.splice(0)) stop();
    clearTimeout(this._restartTimer);
    if (this._pc) this._pc.close();
    this._pc = null;
    this._setLink("closed");
  }

  /** @param {CallLink} link */
  _setLink(link) {
    if (link === this.link) return;
    this.link = link;
    this._changed();
  }

  _changed() {
    for (const watcher of [...this._watchers]) watcher();
  }

  /** @returns {RTCPeerConnection} */
  _newPeer() {
    // TURN credentials end; those of the latest welcome are the ones that last longest.
    const { welcome } = this._connection;
    const iceServers = (welcome ? welcome.ice_servers : []).map((server) => ({
      urls: [...server.urls],
      ...(server.username ? { username: server.username } : {}),
      ...(server.credential ? { credential: server.credential } : {}),
    }));
    const pc = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    for (const line of PLAN) this._plan(pc, line);
    pc.addEventListener("connectionstatechange", () => this._gotState(pc));
    return pc;
  }

  /**
   * @param {RTCPeerConnection} pc
   * @param {(typeof PLAN)[number]} line
   */
  _plan(pc, line) {
    if (line.own) {
      const track = this._local[line.own] || line.kind;
      pc.addTransceiver(track, { direction: "sendonly" });
      return;
    }
    const { receiver } = pc.addTransceiver(line.kind, { direction: "recvonly" });
    const stream = line.into === "screen" ? this.screen : this.remote[line.into || 0];
    if (!stream) return;
    for (const old of stream.getTracks()) if (old.kind === line.kind) stream.removeTrack(old);
    stream.addTrack(receiver.track);
    receiver.track.addEventListener("unmute", () => this._changed());
    receiver.track.addEventListener("mute", () => this._changed());
  }

  async _offer() {
    clearTimeout(this._restartTimer);
    this._restartTimer = undefined;
    if (this._pc) this._pc.close();
    const pc = this._newPeer();
    this._pc = pc;
    this._startedAt = performance.now();
    this._meter = new CallMeter(FIRST_OTHER, STATS_EVERY_MS);
    this.quality = null;
    this._silence = new Silence();
    this._silentMs = 0;
    this._setLink("connecting");
    const { sdp } = await pc.createOffer();
    if (pc !== this._pc) return;
    await pc.setLocalDescription({ type: "offer", sdp: withOpusNack(sdp || "") });
    if (pc !== this._pc || !pc.localDescription) return;
    this._offers += 1;
    this._connection.send({ type: "offer", call: this.call, sdp: pc.localDescription.sdp, number: this._offers });
  }

  /** @param {string} sdp */
  async _gotAnswer(sdp) {
    const pc = this._pc;
    // An answer to an offer that was replaced meanwhile has nothing to attach to.
    if (!pc || pc.signalingState !== "have-local-offer") return;
    await pc.setRemoteDescription({ type: "answer", sdp });
    if (pc === this._pc) await this._limit();
  }

  /**
   * @param {Source} source
   * @returns {RTCRtpSender | null}
   */
  _senderOf(source) {
    const index = PLAN.findIndex((line) => line.own === source);
    const transceiver = this._pc ? this._pc.getTransceivers()[index] : undefined;
    return transceiver ? transceiver.sender : null;
  }

  async _limit() {
    const camera = this._senderOf("camera");
    const screen = this._senderOf("screen");
    if (camera) await applyLimits(camera, cameraLimits(camera.track, this._ladder));
    if (screen) await applyLimits(screen, screenLimits(screen.track));
  }

  /** @param {RTCPeerConnection} pc */
  _gotState(pc) {
    if (pc !== this._pc) return;
    if (pc.connectionState === "connected") {
      this._isBack();
    } else if (pc.connectionState === "failed") {
      this._restartIn(Math.max(0, this._startedAt + RESTART_MIN_GAP_MS - performance.now()));
    } else if (pc.connectionState === "disconnected") {
      this._restartIn(DISCONNECTED_MAX_MS);
    }
  }

  _isBack() {
    clearTimeout(this._restartTimer);
    this._restartTimer = undefined;
    this._setLink("connected");
  }

  _isUp() {
    return this._pc !== null && this._pc.connectionState === "connected" && this.link === "connected";
  }

  async _listen() {
    const pc = this._pc;
    if (!pc || pc.connectionState !== "connected") return;
    const report = await pc.getStats();
    if (pc !== this._pc) return;
    const before = this._silentMs;
    const silent = (this._silentMs = this._silence.read(report, performance.now()));
    const passed = (/** @type {number} */ ms) => before < ms && silent >= ms;
    if (passed(SILENT_CHECK_MS)) this._connection.check();
    if (passed(SILENT_TROUBLE_MS)) this._restartIn(Math.max(0, SILENT_MAX_MS - silent));
    if (before >= SILENT_TROUBLE_MS && silent === 0) this._isBack();
  }

  _gotOnline() {
    if (this._restartTimer !== undefined && !this._isUp()) this._restartIn(ONLINE_MAX_MS);
  }

  /** @param {number} ms */
  _restartIn(ms) {
    this._setLink("troubled");
    // What took the media away may have taken the socket too, on which the next offer goes.
    this._connection.check();
    clearTimeout(this._restartTimer);
    this._restartTimer = setTimeout(() => {
      // While the socket is down the return of the socket offers anew, and without a network `online`.
      if (this._connection.state.phase === "open" && navigator.onLine) void this._offer();
    }, ms);
  }

  async _measure() {
    const pc = this._pc;
    if (!pc || pc.connectionState !== "connected") return;
    const report = await pc.getStats();
    if (pc !== this._pc) return;
    const quality = this._meter.read(report, performance.now());
    if (!quality) return;
    this.quality = quality;
    const played = this._meter.report();
    if (played) this._connection.send({ type: "playback", call: this.call, ...played });
    this._changed();
  }
}
