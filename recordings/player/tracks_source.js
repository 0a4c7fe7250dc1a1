/**
 * Any set of tracks, played together as they were recorded: one clock, and every element held to it.
 *
 * The clock is the page's own; it stands while a shown track has nothing to show yet. A track that is off by
 * more than a blink is run a little faster or slower, one that is far off is sought.
 */

import { h, mount } from "../web_kit/dom.js";
import { t } from "../web_kit/i18n.js";
import { sightQuery } from "../web_kit/record/evidence_zoom.js";
import { wordFor } from "../web_kit/record/words.js";
import { gapsOf, lanesOf, lengthOf, placeAt } from "./track_axis.js";

/** @typedef {import("./merged_source.js").Source} Source */
/** @typedef {{track: import("./track_axis.js").Track, media: HTMLMediaElement}} Reel */
/** @typedef {{lane: import("./track_axis.js").Lane, reels: readonly Reel[], figure: HTMLElement | null, shown: boolean}} Strand */

const TICK_MS = 100;
// Ears notice sound that is 45 ms ahead of its picture (ITU-R BT.1359-1); half of that is left alone.
const CLOSE_S = 0.02;
const FAR_S = 0.3;
// At most so much faster or slower, by so much of its lag in a second.
const PULL = 0.8;
const PULL_MAX = 0.15;
// For so long the clock waits for a track that does not come.
const PATIENCE_MS = 4000;

/**
 * @param {string} caseId @param {readonly import("./track_axis.js").Call[]} calls
 * @param {(seat: string) => string} nameOf @param {(what: string) => void} moved
 * @returns {Source & {strands: readonly Strand[], choose: (key: string, shown: boolean) => void, drift: () => number}}
 */
export function tracksSource(caseId, calls, nameOf, moved) {
  const duration = lengthOf(calls);
  const strands = lanesOf(calls).map((lane) => strandOf(caseId, lane, nameOf));
  const element = h("div", { class: "tracks-grid" });
  let at = 0;
  let since = performance.now();
  let playing = false;
  let rate = 1;
  let muted = false;
  let waitedMs = 0;

  mount(element, strands.map(({ figure }) => figure), strands.filter(({ figure }) => !figure).flatMap(({ reels }) => reels.map(({ media }) => media))); // prettier-ignore

  function second() {
    return playing && !waitedMs ? Math.min(duration, at + ((performance.now() - since) / 1000) * rate) : at;
  }

  /** @param {number} wanted */
  function stand(wanted) {
    at = Math.min(Math.max(0, wanted), duration);
    since = performance.now();
  }

  function tick() {
    const now = second();
    const late = playing && strands.some((strand) => isLate(strand, now));
    if (late && waitedMs < PATIENCE_MS) {
      stand(now);
      waitedMs += TICK_MS;
    } else if (waitedMs) {
      stand(at);
      waitedMs = 0;
    }
    for (const strand of strands) {
      hold(strand, second(), playing && !waitedMs);
    }
    if (playing) {
      moved("timeupdate");
      if (second() >= duration) {
        pause();
      }
    }
  }

  /** @param {Strand} strand @param {number} now @param {boolean} running */
  function hold({ reels, figure, shown }, now, running) {
    let here = false;
    for (const { track, media } of reels) {
      const place = shown ? placeAt(track.runs, now) : null;
      here ||= place !== null;
      media.hidden = place === null;
      media.muted = muted || !shown;
      pull(media, place, running, rate);
    }
    figure?.classList.toggle("gap", !here);
    figure?.toggleAttribute("hidden", !shown);
  }

  function pause() {
    stand(second());
    playing = false;
    waitedMs = 0;
    tick();
    moved("pause");
  }

  const timer = setInterval(tick, TICK_MS);
  return {
    element,
    strands,
    duration,
    get second() {
      return second();
    },
    get paused() {
      return !playing;
    },
    play: () => {
      stand(at >= duration ? 0 : at);
      playing = true;
      tick();
      moved("play");
    },
    pause,
    seek: (wanted) => {
      moved("seeking");
      stand(wanted);
      tick();
      moved("seeked");
    },
    setRate: (wanted) => {
      stand(second());
      rate = wanted;
      moved("ratechange");
    },
    setMuted: (wanted) => {
      muted = wanted;
    },
    choose: (key, shown) => {
      const strand = strands.find(({ lane }) => lane.key === key);
      if (strand) {
        strand.shown = shown;
      }
      tick();
    },
    drift: () => Math.max(0, ...strands.map((strand) => lagOf(strand, second()))),
    close: () => {
      clearInterval(timer);
      for (const { media } of strands.flatMap(({ reels }) => reels)) {
        media.pause();
        media.removeAttribute("src");
        media.load();
      }
    },
  };
}

/**
 * @param {string} caseId @param {import("./track_axis.js").Lane} lane @param {(seat: string) => string} nameOf
 * @returns {Strand}
 */
function strandOf(caseId, lane, nameOf) {
  const heard = lane.source === "microphone";
  const label = `${nameOf(lane.seat) || wordFor("role", lane.role)} · ${wordFor("source", lane.source)}`;
  const reels = lane.tracks.map((track) => {
    const source = `/api/cases/${encodeURIComponent(caseId)}/tracks/${encodeURIComponent(track.track)}${sightQuery()}`;
    const media = h(heard ? "audio" : "video", { src: source, preload: "metadata", playsinline: true, disablepictureinpicture: true, "aria-label": label,
      oncontextmenu: (/** @type {Event} */ event) => event.preventDefault() }); // prettier-ignore
    media.preservesPitch = true;
    return { track, media: /** @type {HTMLMediaElement} */ (media) };
  });
  const figure = heard ? null : h("figure", { class: `track ${lane.source}` }, reels.map(({ media }) => media), h("p", { class: "no-media" }, t("tracks.gap")), h("figcaption", {}, label));
  return { lane, reels, figure, shown: true };
}

/** Tell whether a shown track has nothing to show yet though it should. @param {Strand} strand @param {number} now */
function isLate({ reels, shown }, now) {
  return shown && reels.some(({ track, media }) => placeAt(track.runs, now) !== null && !media.error && (media.seeking || media.readyState < media.HAVE_FUTURE_DATA) && !media.ended);
}

/** @param {Strand} strand @param {number} now */
function lagOf({ reels, shown }, now) {
  const lags = reels.map(({ track, media }) => {
    const place = placeAt(track.runs, now);
    return place === null || media.error ? 0 : Math.abs(media.currentTime - place);
  });
  return shown ? Math.max(0, ...lags) : 0;
}

/** @param {HTMLMediaElement} media @param {number | null} place @param {boolean} running @param {number} rate */
function pull(media, place, running, rate) {
  if (place === null || media.readyState < media.HAVE_METADATA) {
    media.pause();
    return;
  }
  const ahead = media.currentTime - place;
  if (!media.seeking && Math.abs(ahead) > (running ? FAR_S * Math.max(1, rate) : CLOSE_S)) {
    media.currentTime = place;
  }
  const pulled = Math.abs(ahead) > CLOSE_S ? Math.min(PULL_MAX, Math.max(-PULL_MAX, -ahead * PULL)) : 0;
  media.playbackRate = rate * (1 + pulled);
  if (running && media.paused && !media.ended) {
    media.play().catch(() => undefined);
  } else if (!running) {
    media.pause();
  }
}

/** @param {readonly Strand[]} strands @param {number} duration */
export function gapsOfStrands(strands, duration) {
  return strands.filter(({ shown }) => shown).flatMap(({ lane }) => gapsOf(lane, duration));
}
