/** Which seconds of the recording were really played, gathered from where playback stands. Pure. */

/** @typedef {{since_s: number, until_s: number}} Span */

// At more than this speed nobody follows a conversation; the server counts by the same number.
export const RATE_MAX = 2;
// Playback tells its place four times a second; a larger step at the speed is a jump.
const STEP_S = 1.2;

/**
 * Gathers spans: `at` as playback goes on, `stop` where it stops or jumps, `take` what is to be reported.
 */
export function createCoverage() {
  /** @type {Span[]} */
  let done = [];
  /** @type {Span | null} */
  let open = null;

  function stop() {
    if (open && open.until_s > open.since_s) {
      done.push(open);
    }
    open = null;
  }

  return {
    stop,
    /** @param {number} second @param {number} rate @param {boolean} playing */
    at(second, rate, playing) {
      if (!playing || rate > RATE_MAX) {
        stop();
        return;
      }
      if (open && (second < open.until_s || second - open.until_s > STEP_S * Math.max(1, rate))) {
        stop();
      }
      open = open ? { since_s: open.since_s, until_s: second } : { since_s: second, until_s: second };
    },
    /** @returns {readonly Span[]} */
    take() {
      const going = open;
      stop();
      open = going && { since_s: going.until_s, until_s: going.until_s };
      const taken = done;
      done = [];
      return taken;
    },
  };
}
