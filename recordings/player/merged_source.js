/** The merged recording as something that can be played: one film with everybody in it. */

import { h } from "../web_kit/dom.js";
import { t } from "../web_kit/i18n.js";
import { fileUrl } from "../web_kit/record/evidence_zoom.js";

/**
 * What a player plays: the merged film, or tracks side by side. `second` counts on the recording's axis.
 *
 * @typedef {object} Source
 * @property {HTMLElement} element
 * @property {number} duration  seconds, 0 while unknown
 * @property {number} second
 * @property {boolean} paused
 * @property {() => void} play
 * @property {() => void} pause
 * @property {(second: number) => void} seek
 * @property {(rate: number) => void} setRate
 * @property {(muted: boolean) => void} setMuted
 * @property {() => void} close
 */

const EVENTS = ["loadedmetadata", "durationchange", "timeupdate", "seeking", "seeked", "play", "pause", "ratechange", "error"];

/**
 * @param {string} caseId @param {string} file @param {(what: string) => void} moved told at every event of the film
 * @returns {Source}
 */
export function mergedSource(caseId, file, moved) {
  // Nothing that takes a film away or out of the page: no download, no window of its own.
  const video = h("video", { preload: "metadata", playsinline: true, controlslist: "nodownload noremoteplayback", disablepictureinpicture: true,
    "aria-label": t("play.recording"), src: fileUrl(caseId, file), oncontextmenu: (/** @type {Event} */ event) => event.preventDefault() }); // prettier-ignore
  let rate = 1;
  for (const name of EVENTS) {
    video.addEventListener(name, () => moved(name));
  }
  return {
    element: video,
    get duration() {
      return Number.isFinite(video.duration) ? video.duration : 0;
    },
    get second() {
      return video.currentTime;
    },
    get paused() {
      return video.paused;
    },
    // A play() cut short by another seek or pause is not a failure.
    play: () => void video.play().catch(() => undefined),
    pause: () => video.pause(),
    seek: (second) => {
      video.currentTime = second;
    },
    setRate: (wanted) => {
      rate = wanted;
      video.preservesPitch = true;
      video.playbackRate = rate;
    },
    setMuted: (muted) => {
      video.muted = muted;
    },
    close: () => {
      video.pause();
      video.removeAttribute("src");
      video.load();
    },
  };
}
