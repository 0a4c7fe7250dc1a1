/**
 * What a call is like, from one reading of `getStats()` to the next. Pure.
 *
 * @import { Playback } from "./wire"
 */

/**
 * @typedef {object} Quality  Over the last interval.
 * @property {number | null} rttMs
 * @property {number} lossUp  Fraction, 0 to 1.
 * @property {number} lossDown  Fraction, 0 to 1.
 * @property {number} kbpsUp
 * @property {number} kbpsDown
 * @property {number | null} uplinkKbps  What the browser's own estimate says that the way up takes.
 * @property {number} fps  Of the first other person's picture, as decoded here.
 * @property {number} freezes
 * @property {number} frozenS
 */
/**
 * @typedef {object} Measured  What one person sees and hears.
 * @property {number | null} rtt  Milliseconds.
 * @property {number} loss  Fraction, 0 to 1.
 * @property {number} frozen  Seconds that the picture stood.
 * @property {number | null} limit  What the path is said to take, in kbit/s; null when nobody said.
 */
/** @typedef {"loss" | "delay" | "frozen" | "device"} Trouble  `frozen` by the network, `device` without it. */
/** @typedef {Pick<Playback, "interval_s" | "fps" | "freezes" | "frozen_s" | "concealed_s">} Played */
/** @typedef {typeof ZERO} Totals */

const ZERO = { up: 0, down: 0, lost: 0, got: 0, frames: 0, freezes: 0, frozenS: 0, concealedS: 0 };
const REPORT_EVERY_S = 5;
const OPUS_HZ = 48000;

// A picture that stands is the network's doing only with a sign of it. Below 1 % what is lost is asked for
// again in time; a late answer comes after the picture is due from 150 ms on; and a camera's picture needs
// 300 kbit/s to move.
const SIGN_LOSS = 0.01;
const SIGN_RTT_MS = 150;
const SIGN_KBPS = 300;

/**
 * What troubles most, and how much: talk suffers above 400 ms there and back, words go missing above 8 %
 * loss, and a picture that stands for a second is noticed by everybody.
 *
 * @param {Measured} measured
 * @returns {{ trouble: Trouble, poor: boolean } | null}
 */
export function troubleOf({ rtt, loss, frozen, limit }) {
  const delay = rtt || 0;
  const isNetwork = loss > SIGN_LOSS || delay > SIGN_RTT_MS || (limit !== null && limit < SIGN_KBPS);
  for (const poor of [true, false]) {
    if (loss > (poor ? 0.08 : 0.03)) return { trouble: "loss", poor };
    if (delay > (poor ? 400 : 200)) return { trouble: "delay", poor };
    if (frozen > (poor ? 1 : 0)) return { trouble: isNetwork ? "frozen" : "device", poor };
  }
  return null;
}

export class CallMeter {
  /**
   * @param {number} other  The m-line of the first other person's picture.
   * @param {number} everyMs  How far readings are meant to be apart.
   */
  constructor(other, everyMs) {
    this._mid = String(other);
    this._everyMs = everyMs;
    this._at = 0;
    this._last = { ...ZERO };
    this._reportedAt = 0;
    this._reported = { ...ZERO };
  }

  /**
   * Take a reading; the first one only begins. One that comes before half of its time is up is left out:
   * a page that was held up reads twice in a row, and what one burst brought is no rate.
   *
   * @param {RTCStatsReport} report
   * @param {number} now  Milliseconds, any steady origin.
   * @returns {Quality | null}
   */
  read(report, now) {
    const isFirst = !this._at;
    if (!isFirst && now - this._at < this._everyMs / 2) return null;
    const { rttMs, lossUp, uplinkKbps, totals } = sumStats(report, this._mid);
    const since = grown(totals, this._last);
    const seconds = (now - this._at) / 1000;
    this._at = now;
    this._last = totals;
    if (isFirst) {
      this._reportedAt = now;
      this._reported = totals;
      return null;
    }
    const lossDown = since.lost + since.got > 0 ? since.lost / (since.lost + since.got) : 0;
    return {
      rttMs,
      lossUp,
      lossDown,
      kbpsUp: (since.up * 8) / 1000 / seconds,
      kbpsDown: (since.down * 8) / 1000 / seconds,
      uplinkKbps,
      fps: since.frames / seconds,
      freezes: since.freezes,
      frozenS: since.frozenS,
    };
  }

  /**
   * What is to be reported now, if anything, from the readings since the last report.
   *
   * @returns {Played | null}
   */
  report() {
    const seconds = (this._at - this._reportedAt) / 1000;
    if (seconds < REPORT_EVERY_S) return null;
    const since = grown(this._last, this._reported);
    this._reportedAt = this._at;
    this._reported = this._last;
    return {
      interval_s: rounded(seconds),
      fps: rounded(since.frames / seconds),
      freezes: since.freezes,
      frozen_s: rounded(since.frozenS),
      concealed_s: rounded(since.concealedS),
    };
  }
}

/** @param {number} value */
function rounded(value) {
  return Math.round(value * 100) / 100;
}

/**
 * @param {Totals} now
 * @param {Totals} before
 * @returns {Totals}
 */
function grown(now, before) {
  const since = { ...ZERO };
  // Counters of a stream that ended may go down; nothing was gained then.
  for (const key of /** @type {(keyof Totals)[]} */ (Object.keys(ZERO))) since[key] = Math.max(0, now[key] - before[key]);
  return since;
}

/**
 * @param {RTCStatsReport} report
 * @param {string} mid
 * @returns {{ rttMs: number | null, lossUp: number, uplinkKbps: number | null, totals: Totals }}
 */
function sumStats(report, mid) {
  const totals = { ...ZERO };
  /** @type {number | null} */
  let rttMs = null;
  /** @type {number | null} */
  let uplinkKbps = null;
  let lossUp = 0;
  report.forEach((/** @type {any} */ stat) => {
    if (stat.type === "candidate-pair" && stat.nominated && stat.currentRoundTripTime !== undefined) {
      rttMs = stat.currentRoundTripTime * 1000;
      if (stat.availableOutgoingBitrate) uplinkKbps = stat.availableOutgoingBitrate / 1000;
    } else if (stat.type === "remote-inbound-rtp") {
      lossUp = Math.max(lossUp, stat.fractionLost || 0);
    } else if (stat.type === "outbound-rtp") {
      totals.up += stat.bytesSent || 0;
    } else if (stat.type === "inbound-rtp") {
      addInbound(totals, stat, mid);
    }
  });
  return { rttMs, lossUp, uplinkKbps, totals };
}

/**
 * @param {Totals} totals
 * @param {any} stat
 * @param {string} mid
 */
function addInbound(totals, stat, mid) {
  totals.down += stat.bytesReceived || 0;
  totals.lost += stat.packetsLost || 0;
  totals.got += stat.packetsReceived || 0;
  totals.freezes += stat.freezeCount || 0;
  totals.frozenS += stat.totalFreezesDuration || 0;
  // What is made up for silence nobody misses.
  totals.concealedS += ((stat.concealedSamples || 0) - (stat.silentConcealedSamples || 0)) / OPUS_HZ;
  if (stat.mid === mid) totals.frames += stat.framesDecoded || 0;
}
