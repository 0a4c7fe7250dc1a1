/**
 * What a small picture of a document inside the frame measures, and the word for what is wrong with it. Pure.
 *
 * The same measures and limits as the bank's own (docs/identity.md, "Documents"), which decides on the still.
 */

/** @typedef {{ x: number, y: number, width: number, height: number }} Rect */
/**
 * @typedef {object} Measures
 * @property {boolean} edge  Four sides were found where the frame has its own.
 * @property {number} sharpness  Variance of the Laplacian over the variance of the grey values.
 * @property {number} brightness  The median grey, 0 to 255.
 * @property {number} glare  Share of burnt-out pixels, 0 to 1.
 * @property {number} width  From side to side, in pixels of the small picture.
 */
/** @typedef {"no_edge" | "too_small" | "too_dark" | "too_bright" | "glare" | "blurred" | "good"} CardWord */
/** @typedef {{ grey: Uint8Array, width: number, height: number }} Grey */
/** @typedef {{ x: number, y: number, alongX: number, alongY: number, outX: number, outY: number, length: number }} Side */

/** The frame in the small picture is this wide, so that the limits mean the same on every camera. */
export const CARD_WIDTH = 640;
/** So much is looked at around the frame, in shares of its width: where a side may lie. */
export const MARGIN = 0.08;

// Of docs/identity.md: rendered cards lose the first field at 0.018, lamps burn out 3 to 9 %, good light gives
// 211 to 221 and a fifth of it 50, 640 pixels are read without a loss.
const SHARPNESS_MIN = 0.03;
const GLARE_MAX = 0.02;
const BRIGHTNESS_MIN = 70;
const BRIGHTNESS_MAX = 245;
const PHOTO_WIDTH_MIN = 640;
const BURNT = 250;
// A thumb may hide a third of a side.
const SUPPORT_MIN = 0.6;
const POINTS = 48;
const STEP = 2;
// About five degrees.
const TILT_MAX = 0.09;
// A pale card on a pale table differs by 6 % of what the picture spans; noise of a phone in a room by less than 3.
const CONTRAST_MIN = 0.05;
const CONTRAST_FLOOR = 4;
// Fewer pixels than this, enlarged, look blurred whatever they show.
const JUDGED_WIDTH_MIN = 480;

/**
 * @param {Uint8ClampedArray} rgba
 * @param {number} width
 * @param {number} height
 * @returns {Grey}
 */
function greyOf(rgba, width, height) {
  const grey = new Uint8Array(width * height);
  for (let at = 0, from = 0; at < grey.length; at += 1, from += 4) {
    grey[at] = 0.5 + 0.299 * (rgba[from] || 0) + 0.587 * (rgba[from + 1] || 0) + 0.114 * (rgba[from + 2] || 0);
  }
  return { grey, width, height };
}

/**
 * The grey value below which the given shares of the pixels lie.
 *
 * @param {Grey} picture
 * @param {Rect} area
 * @param {readonly number[]} shares
 */
function quantiles({ grey, width }, area, shares) {
  const counts = new Uint32Array(256);
  let all = 0;
  for (let y = area.y; y < area.y + area.height; y += 1) {
    for (let x = area.x; x < area.x + area.width; x += 1) {
      const value = grey[y * width + x] || 0;
      counts[value] = (counts[value] || 0) + 1;
      all += 1;
    }
  }
  const burnt = counts.subarray(BURNT).reduce((sum, count) => sum + count, 0) / Math.max(1, all);
  const found = shares.map((share) => {
    let below = 0;
    return Math.max(0, counts.findIndex((count) => (below += count) > share * all));
  });
  return { found, burnt };
}

/**
 * How much the picture changes from one side of a line to the other, at one point of it.
 *
 * @param {Grey} picture
 * @param {number} x
 * @param {number} y
 * @param {Side} side
 */
function contrast({ grey, width, height }, x, y, { alongX, alongY, outX, outY }) {
  let difference = 0;
  for (let along = -2; along <= 2; along += 2) {
    const atX = x + along * alongX;
    const atY = y + along * alongY;
    if (atX < 3 || atY < 3 || atX >= width - 3 || atY >= height - 3) return 0;
    const at = atY * width + atX;
    const out = outY * width + outX;
    for (let far = 1; far <= 3; far += 1) difference += (grey[at + far * out] || 0) - (grey[at - far * out] || 0);
  }
  return Math.abs(difference) / 9;
}

/**
 * Where a straight edge runs near one side of the frame: how far outside of it, or null.
 *
 * @param {Grey} picture
 * @param {Side} side
 * @param {number} band  In pixels to either side.
 * @param {number} least
 */
function lineNear(picture, side, band, least) {
  const places = Math.floor(band / STEP) * 2 + 1;
  const seen = Array.from({ length: POINTS }, (_, point) => {
    const along = Math.round(side.length * (0.1 + (0.8 * point) / (POINTS - 1)));
    const row = new Uint8Array(places + 2);
    for (let place = 0; place < places; place += 1) {
      const out = (place - (places - 1) / 2) * STEP;
      const x = side.x + along * side.alongX + out * side.outX;
      const y = side.y + along * side.alongY + out * side.outY;
      if (contrast(picture, x, y, side) < least) continue;
      // A card is not quite straight in a lens.
      row[place] = row[place + 1] = row[place + 2] = 1;
    }
    return row;
  });
  const tilt = Math.ceil((side.length * TILT_MAX) / STEP);
  let best = { count: 0, out: 0 };
  for (let from = 0; from < places; from += 2) {
    for (let to = Math.max(0, from - tilt); to <= Math.min(places - 1, from + tilt); to += 2) {
      let count = 0;
      for (let point = 0; point < POINTS; point += 1) {
        count += (seen[point] || [])[Math.round(from + ((to - from) * point) / (POINTS - 1)) + 1] || 0;
      }
      if (count > best.count) best = { count, out: ((from + to - places + 1) / 2) * STEP };
    }
  }
  return best.count >= SUPPORT_MIN * POINTS ? best.out : null;
}

/** @param {Rect} frame @returns {readonly Side[]} Left, top, right, bottom. */
function sidesOf({ x, y, width, height }) {
  return [
    { x, y, alongX: 0, alongY: 1, outX: -1, outY: 0, length: height },
    { x, y, alongX: 1, alongY: 0, outX: 0, outY: -1, length: width },
    { x: x + width, y, alongX: 0, alongY: 1, outX: 1, outY: 0, length: height },
    { x, y: y + height, alongX: 1, alongY: 0, outX: 0, outY: 1, length: width },
  ];
}

/**
 * @param {Grey} picture
 * @param {Rect} area
 */
function sharpnessOf({ grey, width }, area) {
  const sums = { value: 0, value2: 0, edge: 0, edge2: 0, count: 0 };
  for (let y = area.y + 1; y < area.y + area.height - 1; y += 1) {
    for (let x = area.x + 1; x < area.x + area.width - 1; x += 1) {
      const at = y * width + x;
      const value = grey[at] || 0;
      const around = (grey[at - 1] || 0) + (grey[at + 1] || 0) + (grey[at - width] || 0) + (grey[at + width] || 0);
      const edge = around - 4 * value;
      sums.value += value;
      sums.value2 += value * value;
      sums.edge += edge;
      sums.edge2 += edge * edge;
      sums.count += 1;
    }
  }
  const variance = (/** @type {number} */ sum, /** @type {number} */ sum2) => sum2 / sums.count - (sum / sums.count) ** 2;
  return variance(sums.edge, sums.edge2) / Math.max(1, variance(sums.value, sums.value2));
}

/**
 * @param {Rect} area
 * @param {Grey} picture
 * @returns {Rect} In whole pixels, inside the picture.
 */
function inside(area, { width, height }) {
  const [x, y] = [Math.max(0, Math.round(area.x)), Math.max(0, Math.round(area.y))];
  return {
    x,
    y,
    width: Math.min(width, Math.round(area.x + area.width)) - x,
    height: Math.min(height, Math.round(area.y + area.height)) - y,
  };
}

/**
 * Measure a picture in which the frame lies at `frame`.
 *
 * @param {Uint8ClampedArray} rgba
 * @param {number} width
 * @param {number} height
 * @param {Rect} frame  In whole pixels.
 * @returns {Measures}
 */
export function measureCard(rgba, width, height, frame) {
  const picture = greyOf(rgba, width, height);
  const span = quantiles(picture, { x: 0, y: 0, width, height }, [0.01, 0.99]).found;
  const least = Math.max(CONTRAST_FLOOR, CONTRAST_MIN * ((span[1] || 0) - (span[0] || 0)));
  const outs = sidesOf(frame).map((side) => lineNear(picture, side, MARGIN * frame.width, least));
  const edge = !outs.includes(null);
  const [left, top, right, bottom] = edge ? outs.map(Number) : [0, 0, 0, 0];
  const area = inside(
    {
      x: frame.x - (left || 0),
      y: frame.y - (top || 0),
      width: frame.width + (left || 0) + (right || 0),
      height: frame.height + (top || 0) + (bottom || 0),
    },
    picture,
  );
  const { found, burnt } = quantiles(picture, area, [0.5]);
  const brightness = found[0] || 0;
  const glare = brightness < BURNT ? burnt : 0;
  return { edge, sharpness: sharpnessOf(picture, area), brightness, glare, width: area.width };
}

/**
 * The first thing to put right. `seen` and `taken` say how many pixels the frame's width has in the moving
 * picture, and will have in the photo.
 *
 * @param {Measures} measures
 * @param {{ seen: number, taken: number }} pixels
 * @returns {CardWord}
 */
export function wordOf({ edge, sharpness, brightness, glare, width }, { seen, taken }) {
  if (!edge) return "no_edge";
  if ((taken * width) / CARD_WIDTH < PHOTO_WIDTH_MIN) return "too_small";
  if (brightness < BRIGHTNESS_MIN) return "too_dark";
  if (brightness > BRIGHTNESS_MAX) return "too_bright";
  if (glare > GLARE_MAX) return "glare";
  return sharpness < SHARPNESS_MIN && seen >= JUDGED_WIDTH_MIN ? "blurred" : "good";
}
