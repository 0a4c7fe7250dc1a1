/** Where tracks lie on the recording's axis. Pure. */

/**
 * @typedef {readonly [number, number, number]} Run  second of the call, second of the track, length
 * @typedef {{track: string, seat: string, role: string, source: string, codec: string, runs: readonly Run[]}} Track
 * @typedef {{call: string, start: number, seconds: number, offset_s: number, tracks: readonly Track[]}} Call
 * @typedef {{key: string, seat: string, role: string, source: string, tracks: readonly Track[]}} Lane  what one person's
 *   device gave, in the order of time; runs on the recording's axis
 */

/**
 * Return the second of the track that belongs to a second of the axis; null where the track has nothing.
 *
 * @param {readonly Run[]} runs @param {number} second @returns {number | null}
 */
export function placeAt(runs, second) {
  const run = runs.find(([at, , length]) => second >= at && second < at + length);
  return run ? run[1] + second - run[0] : null;
}

/** @param {readonly Call[]} calls */
export function lengthOf(calls) {
  return calls.reduce((sum, call) => sum + call.seconds, 0);
}

/**
 * Return what each device of each person gave, the customer first, over all calls.
 *
 * @param {readonly Call[]} calls @returns {readonly Lane[]}
 */
export function lanesOf(calls) {
  /** @type {Map<string, {key: string, seat: string, role: string, source: string, tracks: Track[]}>} */
  const lanes = new Map();
  for (const call of calls) {
    for (const track of call.tracks) {
      const key = `${track.seat} ${track.source}`;
      const lane = lanes.get(key) ?? { key, seat: track.seat, role: track.role, source: track.source, tracks: [] };
      const runs = track.runs.map(([at, media, length]) => /** @type {Run} */ ([at + call.offset_s, media, length]));
      lane.tracks.push({ ...track, runs });
      lanes.set(key, lane);
    }
  }
  const order = (/** @type {{role: string, source: string}} */ one) => (one.role === "customer" ? 0 : 1) + (one.source === "screen" ? 2 : 0);
  return [...lanes.values()].sort((one, other) => order(one) - order(other));
}

/**
 * Return the stretches of the axis in which a lane has nothing, longer than a blink.
 *
 * @param {Lane} lane @param {number} duration @returns {readonly {since_s: number, until_s: number}[]}
 */
export function gapsOf(lane, duration) {
  const runs = lane.tracks.flatMap((track) => track.runs).sort((one, other) => one[0] - other[0]);
  const gaps = [];
  let reached = 0;
  for (const [at, , length] of runs) {
    if (at - reached > 0.5) {
      gaps.push({ since_s: reached, until_s: at });
    }
    reached = Math.max(reached, at + length);
  }
  if (duration - reached > 0.5) {
    gaps.push({ since_s: reached, until_s: duration });
  }
  return gaps;
}
