/**
 * How far one's own picture is reduced on a weak network: fewer pictures, smaller ones, then stills. Pure.
 *
 * @typedef {"" | "rate" | "size" | "stills"} Rung
 */

/** @type {readonly Rung[]} */
const RUNGS = ["", "rate", "size", "stills"];
// Kilobits a second below which the next rung is taken. 720p moves well above 600; at a dozen pictures a
// second it holds to 300; below 120 sound with its own protection leaves nothing for a moving picture.
const DOWN_KBPS = [600, 300, 120];
// To go back up there must be clearly more than what made us go down, or the picture would swing.
const UP_FACTOR = 1.4;
// An estimate begins low and takes seconds to find its height.
const DOWN_MS = [10000, 5000, 10000];
// Well below its estimate a line shows nothing of its limit: the picture needed no more.
const FULL = 0.5;
const UP_MS = 10000;
// With stills nothing fills the line, so the estimate cannot grow: a moving picture is tried again by itself.
const RETRY_MIN_MS = 30000;
const RETRY_MAX_MS = 240000;

/**
 * @param {number | null} began
 * @param {number} now
 */
function since(began, now) {
  return began === null ? now : began;
}

export class Ladder {
  constructor() {
    /** @type {Rung} */
    this.rung = "";
    /** @type {number | null} */
    this._lowSince = null;
    /** @type {number | null} */
    this._highSince = null;
    this._retryMs = RETRY_MIN_MS;
    this._stillsSince = 0;
  }

  /**
   * Take a measurement of the uplink.
   *
   * @param {number | null} kbps  What the way up takes; null when the browser does not say.
   * @param {number} sent  What went up, in kbit/s.
   * @param {number} now  Milliseconds, any steady origin.
   * @returns {Rung}
   */
  read(kbps, sent, now) {
    if (kbps === null) return this.rung;
    const at = RUNGS.indexOf(this.rung);
    const down = DOWN_KBPS[at];
    const up = (DOWN_KBPS[at - 1] || Infinity) * UP_FACTOR;
    const low = down !== undefined && kbps < down && sent >= kbps * FULL;
    this._lowSince = low ? since(this._lowSince, now) : null;
    this._highSince = kbps > up ? since(this._highSince, now) : null;
    if (this._lowSince !== null && now - this._lowSince >= (DOWN_MS[at] || 0)) this._step(at + 1, now);
    else if (this._highSince !== null && now - this._highSince >= UP_MS) this._step(at - 1, now);
    else if (this.rung === "stills" && now - this._stillsSince >= this._retryMs) this._step(at - 1, now);
    return this.rung;
  }

  /**
   * @param {number} to
   * @param {number} now
   */
  _step(to, now) {
    const was = this.rung;
    this.rung = RUNGS[to] || "";
    this._lowSince = null;
    this._highSince = null;
    if (this.rung === "stills") {
      this._stillsSince = now;
    } else if (was === "stills") {
      this._retryMs = Math.min(RETRY_MAX_MS, this._retryMs * 2);
    } else if (this.rung === "") {
      this._retryMs = RETRY_MIN_MS;
    }
  }
}
