/**
 * One peer connection of a call, on the m-line plan that the server knows.
 *
 * The browser always offers, the server always answers; there is no trickle, the offer carries its
 * candidates. A broken connection is not repaired but replaced: a new offer takes the same seat.
 *
 * @import { Connection } from "./connection.js"
 */

/**
 * @typedef {"microphone" | "camera" | "screen"} Source
 * @typedef {{ microphone: MediaStreamTrack | null, camera: MediaStreamTrack | null, screen?: MediaStreamTrack | null }} Local
 * @typedef {"new" | "connecting" | "connected" | "troubled" | "closed"} CallLink
 * @typedef {object} Quality
 * @property {number | null} rttMs
 * @property {number} lossUp  Fraction, 0 to 1.
 * @property {number} lossDown  Fraction, 0 to 1.
 * @property {number} kbpsUp
 * @property {number} kbpsDown
 * @property {1 | 2 | 3} level  3 is good.
 */

// The plan, in m-line order; the server refuses anything else.
/** @type {readonly { kind: "audio" | "video", own?: Source, into?: number }[]} */
const PLAN = [
  { kind: "audio", own: "microphone" },
  { kind: "video", own: "camera" },
  { kind: "video", own: "screen" },
  { kind: "audio", into: 0 },
  { kind: "video", into: 0 },
  { kind: "audio", into: 1 },
  { kind: "video", into: 1 },
  { kind: "video", into: 2 },
];
const STREAMS = 3;
// Candidates of a stuck STUN server must not hold up the call; host candidates come within milliseconds.
const GATHER_MAX_MS = 1000;
const DISCONNECTED_MAX_MS = 3000;
const RESTART_MIN_GAP_MS = 3000;
const STATS_EVERY_MS = 2000;
// Without a hint Chromium starts at 300 kbit/s and looks blurry for the first seconds.
const START_KBPS = 900;
const CAMERA_MAX_BPS = 1800000;
const CAMERA_MAX_WIDTH = 1280;

/**
 * Add the start bitrate to the format lines of the `index`-th m-section of an answer.
 *
 * @param {string} sdp
 * @param {number} index
 * @param {number} kbps
 * @returns {string}
 */
export function withStartBitrate(sdp, index, kbps) {
  let section = -1;
  /** @type {Set<string>} */
  const hinted = new Set();
  const hint = `x-google-start-bitrate=${kbps}`;
  const lines = sdp.split("\r\n").map((line) => {
    if (line.startsWith("m=")) section += 1;
    const [, format, rest] = /^a=fmtp:(\d+) (.*)$/.exec(line) || [];
    if (section !== index || !format || !rest || rest.startsWith("apt=")) return line;
    hinted.add(format);
    return `${line};${hint}`;
  });
  section = -1;
  return lines.flatMap((line) => {
    if (line.startsWith("m=")) section += 1;
    const format = (/^a=rtpmap:(\d+) (?:VP8|H264)\//.exec(line) || [])[1];
    return section === index && format && !hinted.has(format) ? [line, `a=fmtp:${format} ${hint}`] : [line];
  }).join("\r\n");
}

/**
 * @param {number | null} rttMs
 * @param {number} loss
 * @returns {1 | 2 | 3}
 */
function levelOf(rttMs, loss) {
  // Talk becomes laborious above 400 ms there and back, and picture breaks above some 8 % loss.
  if (loss > 0.08 || (rttMs || 0) > 400) return 1;
  return loss > 0.03 || (rttMs || 0) > 200 ? 2 : 3;
}

export class Call {
  /**
   * @param {{ connection: Connection, call: string, local: Local }} options
   */
  constructor({ connection, call, local }) {
    this.call = call;
    /** What the others send: the first person, the second person, the shared screen. */
    this.remote = Array.from({ length: STREAMS }, () => new MediaStream());
    /** @type {CallLink} */
    this.link = "new";
    /** @type {Quality | null} */
    this.quality = null;
    this._connection = connection;
    /** @type {Record<Source, MediaStreamTrack | null>} */
    this._local = { screen: null, ...local };
    /** @type {RTCPeerConnection | null} */
    this._pc = null;
    /** @type {Set<() => void>} */
    this._watchers = new Set();
    /** @type {number | undefined} */
    this._restartTimer = undefined;
    this._startedAt = 0;
    this._bytes = { at: 0, up: 0, down: 0, lost: 0, got: 0 };
    /** @type {(() => void)[]} */
    this._stops = [];
  }

  /**
   * Listen for changes of `link`, `quality` and the tracks in `remote`.
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
    let dropped = false;
    this._stops.push(
      () => clearInterval(stats),
      connection.on("answer", (answer) => {
        if (answer.call === this.call) void this._gotAnswer(answer.sdp);
      }),
      connection.on("error", ({ about }) => {
        if (about === "offer") this._restartIn(RESTART_MIN_GAP_MS);
      }),
      connection.onState((state) => {
        if (state.phase === "open" && dropped) void this._offer();
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
    const index = PLAN.findIndex((line) => line.own === source);
    const transceiver = this._pc ? this._pc.getTransceivers()[index] : undefined;
    if (!transceiver) return;
    await transceiver.sender.replaceTrack(track);
    if (source === "camera") await this._limitCamera(transceiver.sender);
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
    const stream = this.remote[line.into || 0];
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
    this._bytes = { at: 0, up: 0, down: 0, lost: 0, got: 0 };
    this._setLink("connecting");
    await pc.setLocalDescription(await pc.createOffer());
    await gathered(pc);
    if (pc !== this._pc || !pc.localDescription) return;
    this._connection.send({ type: "offer", call: this.call, sdp: pc.localDescription.sdp });
  }

  /** @param {string} sdp */
  async _gotAnswer(sdp) {
    const pc = this._pc;
    // An answer to an offer that was replaced meanwhile has nothing to attach to.
    if (!pc || pc.signalingState !== "have-local-offer") return;
    await pc.setRemoteDescription({ type: "answer", sdp: withStartBitrate(sdp, 1, START_KBPS) });
    const camera = pc.getTransceivers()[1];
    if (!camera || pc !== this._pc) return;
    await this._limitCamera(camera.sender);
  }

  /** @param {RTCRtpSender} sender */
  async _limitCamera(sender) {
    const width = sender.track ? sender.track.getSettings().width || 0 : 0;
    const parameters = sender.getParameters();
    for (const encoding of parameters.encodings) {
      encoding.maxBitrate = CAMERA_MAX_BPS;
      // A camera opened at still resolution must not be encoded at it.
      encoding.scaleResolutionDownBy = Math.max(1, width / CAMERA_MAX_WIDTH);
    }
    await sender.setParameters(parameters);
  }

  /** @param {RTCPeerConnection} pc */
  _gotState(pc) {
    if (pc !== this._pc) return;
    if (pc.connectionState === "connected") {
      clearTimeout(this._restartTimer);
      this._restartTimer = undefined;
      this._setLink("connected");
    } else if (pc.connectionState === "failed") {
      this._restartIn(Math.max(0, this._startedAt + RESTART_MIN_GAP_MS - performance.now()));
    } else if (pc.connectionState === "disconnected") {
      this._restartIn(DISCONNECTED_MAX_MS);
    }
  }

  /** @param {number} ms */
  _restartIn(ms) {
    this._setLink("troubled");
    clearTimeout(this._restartTimer);
    this._restartTimer = setTimeout(() => {
      // While the socket is down the return of the socket offers anew.
      if (this._connection.state.phase === "open") void this._offer();
    }, ms);
  }

  async _measure() {
    const pc = this._pc;
    if (!pc || pc.connectionState !== "connected") return;
    const report = await pc.getStats();
    if (pc !== this._pc) return;
    const sums = sumStats(report);
    const before = this._bytes;
    this._bytes = { ...sums.totals, at: performance.now() };
    if (!before.at) return;
    const seconds = (this._bytes.at - before.at) / 1000;
    const lost = Math.max(0, sums.totals.lost - before.lost);
    const got = Math.max(0, sums.totals.got - before.got);
    const lossDown = lost + got > 0 ? lost / (lost + got) : 0;
    this.quality = {
      rttMs: sums.rttMs,
      lossUp: sums.lossUp,
      lossDown,
      kbpsUp: ((sums.totals.up - before.up) * 8) / 1000 / seconds,
      kbpsDown: ((sums.totals.down - before.down) * 8) / 1000 / seconds,
      level: levelOf(sums.rttMs, Math.max(lossDown, sums.lossUp)),
    };
    this._changed();
  }
}

/**
 * @param {RTCStatsReport} report
 * @returns {{ rttMs: number | null, lossUp: number, totals: { up: number, down: number, lost: number, got: number } }}
 */
function sumStats(report) {
  const totals = { up: 0, down: 0, lost: 0, got: 0 };
  /** @type {number | null} */
  let rttMs = null;
  let lossUp = 0;
  report.forEach((/** @type {any} */ stat) => {
    if (stat.type === "candidate-pair" && stat.nominated && stat.currentRoundTripTime !== undefined) {
      rttMs = stat.currentRoundTripTime * 1000;
    } else if (stat.type === "remote-inbound-rtp") {
      lossUp = Math.max(lossUp, stat.fractionLost || 0);
    } else if (stat.type === "outbound-rtp") {
      totals.up += stat.bytesSent || 0;
    } else if (stat.type === "inbound-rtp") {
      totals.down += stat.bytesReceived || 0;
      totals.lost += stat.packetsLost || 0;
      totals.got += stat.packetsReceived || 0;
    }
  });
  return { rttMs, lossUp, totals };
}

/**
 * @param {RTCPeerConnection} pc
 * @returns {Promise<void>}
 */
function gathered(pc) {
  if (pc.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, GATHER_MAX_MS);
    pc.addEventListener("icegatheringstatechange", () => {
      if (pc.iceGatheringState !== "complete") return;
      clearTimeout(timer);
      resolve();
    });
  });
}
