/**
 * Looks through the viewfinder about five times a second and says what to put right. Nothing leaves the phone.
 *
 * @import { CardWord, Rect } from "./card_measures.js"
 */

import { CARD_WIDTH, MARGIN, measureCard, wordOf } from "./card_measures.js";
import { hasPhotoCapture } from "./photo.js";

const EVERY_MS = 200;
// A word that comes and goes cannot be followed: 0.6 s.
const STEADY = 3;

/** Says a word only when it was found several times in a row. */
export class Steady {
  constructor() {
    /** @type {CardWord | ""} */
    this._last = "";
    this._times = 0;
    /** @type {CardWord | ""} */
    this._said = "";
  }

  /**
   * @param {CardWord} word
   * @returns {CardWord | ""}  Empty before the first one held.
   */
  read(word) {
    this._times = word === this._last ? this._times + 1 : 1;
    this._last = word;
    if (this._times >= STEADY) this._said = word;
    return this._said;
  }
}

/**
 * Where the frame on the screen lies in the video's own pixels; the video is shown whole.
 *
 * @param {HTMLVideoElement} video
 * @param {Element} frame
 * @returns {Rect}
 */
function frameIn(video, frame) {
  const box = video.getBoundingClientRect();
  const hole = frame.getBoundingClientRect();
  const scale = Math.min(box.width / video.videoWidth, box.height / video.videoHeight);
  const left = box.left + (box.width - video.videoWidth * scale) / 2;
  const top = box.top + (box.height - video.videoHeight * scale) / 2;
  return { x: (hole.left - left) / scale, y: (hole.top - top) / scale, width: hole.width / scale, height: hole.height / scale };
}

/**
 * How many times wider than the moving picture the photo will be.
 *
 * @param {MediaStreamTrack | null} track
 * @param {HTMLVideoElement} video
 */
function growth(track, video) {
  if (!track || !track.getCapabilities || !hasPhotoCapture()) return 1;
  const { width, height } = track.getCapabilities();
  const most = Math.max((width && width.max) || 0, (height && height.max) || 0);
  return Math.max(1, most / Math.max(video.videoWidth, video.videoHeight));
}

export class Aim {
  /**
   * @param {HTMLVideoElement} video
   * @param {() => MediaStreamTrack | null} track
   * @param {(word: CardWord) => void} say  Called when the word changes.
   */
  constructor(video, track, say) {
    this._video = video;
    this._track = track;
    this._say = say;
    this._canvas = document.createElement("canvas");
    this._context = this._canvas.getContext("2d", { willReadFrequently: true });
    this._timer = 0;
  }

  /** @param {Element} frame */
  start(frame) {
    this.stop();
    const steady = new Steady();
    /** @type {CardWord | ""} */
    let said = "";
    this._timer = setInterval(() => {
      if (!frame.isConnected) this.stop();
      const found = document.hidden ? null : this.look(frame);
      const word = found ? steady.read(found) : said;
      if (!word || word === said) return;
      said = word;
      this._say(word);
    }, EVERY_MS);
  }

  stop() {
    clearInterval(this._timer);
    this._timer = 0;
  }

  /**
   * One look; null while there is no picture.
   *
   * @param {Element} frame
   * @returns {CardWord | null}
   */
  look(frame) {
    const { _video: video, _canvas: canvas, _context: context } = this;
    if (!context || !video.videoWidth) return null;
    const seen = frameIn(video, frame);
    if (!(seen.width > 0)) return null;
    const scale = CARD_WIDTH / seen.width;
    const margin = Math.round(MARGIN * CARD_WIDTH);
    const height = Math.round(seen.height * scale);
    Object.assign(canvas, { width: CARD_WIDTH + 2 * margin, height: height + 2 * margin });
    context.drawImage(
      video,
      seen.x - margin / scale, seen.y - margin / scale, canvas.width / scale, canvas.height / scale, // prettier-ignore
      0, 0, canvas.width, canvas.height, // prettier-ignore
    );
    // Beyond the video's border there is nothing, and no side of a card.
    const { x, y } = { x: Math.max(0, Math.ceil(margin - seen.x * scale)), y: Math.max(0, Math.ceil(margin - seen.y * scale)) };
    const width = Math.min(canvas.width, Math.floor(margin + (video.videoWidth - seen.x) * scale)) - x;
    const tall = Math.min(canvas.height, Math.floor(margin + (video.videoHeight - seen.y) * scale)) - y;
    if (width < CARD_WIDTH / 2 || tall < height / 2) return null;
    const { data } = context.getImageData(x, y, width, tall);
    const measures = measureCard(data, width, tall, { x: margin - x, y: margin - y, width: CARD_WIDTH, height });
    return wordOf(measures, { seen: seen.width, taken: seen.width * growth(this._track(), video) });
  }
}
