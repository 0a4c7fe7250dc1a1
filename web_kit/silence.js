/** How long nothing has come over a connection on which something always comes. Pure. */

// Feedback for what we send comes ten times a second or more. After this many looks in a row that found
// something, finding nothing means that the path is gone; while we only wait, packets are far between.
const STEADY_LOOKS = 6;

export class Silence {
  constructor() {
    this._bytes = 0;
    this._heardAt = 0;
    this._looks = 0;
  }

  /**
   * Take a reading; to be called about twice a second.
   *
   * @param {RTCStatsReport} report
   * @param {number} now  Milliseconds, any steady origin.
   * @returns {number}  Milliseconds of silence; 0 while packets come, or are not known to come steadily.
   */
  read(report, now) {
    let bytes = 0;
    report.forEach((/** @type {any} */ stat) => {
      if (stat.type === "candidate-pair") bytes += stat.bytesReceived || 0;
    });
    if (bytes !== this._bytes) {
      this._bytes = bytes;
      this._heardAt = now;
      this._looks += 1;
      return 0;
    }
    if (this._looks >= STEADY_LOOKS) return now - this._heardAt;
    this._looks = 0;
    return 0;
  }
}
