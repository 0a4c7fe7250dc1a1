/**
 * The merged recording with its facts on the bar below.
 *
 * Emits `play-moved` with `{second}` as playback goes on. `jumpTo(second)` is for the list of facts beside it.
 */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { fileUrl } from "../../web_kit/record/evidence_zoom.js";
import { ask, define, part, PartElement } from "../../web_kit/record/part.js";
import { onBar } from "../axis.js";
import { createCoverage } from "../coverage.js";
import "./view_watermark.js";

/**
 * @typedef {{caseId: string, file: string, markers: readonly import("../axis.js").Marker[],
 *   viewing: import("../state.js").Viewing | null, name: string}} RecordView
 */

const RATES = [0.5, 1, 1.5, 2, 4];
const STEP_S = 5;
const REPORT_MS = 8000;
const LONG_STEP_S = 10;

/** @param {Event} event */
const valueOf = (event) => Number(/** @type {HTMLInputElement | HTMLSelectElement} */ (event.target).value);

/** @extends {PartElement<RecordView>} */
export class RecordPlayerElement extends PartElement {
  /** @override */
  looksAt(/** @type {RecordView} */ { caseId, file, markers, viewing, name }) {
    return [caseId, file, markers, viewing, name];
  }

  coverage = createCoverage();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  reporting = undefined;

  connectedCallback() {
    this.reporting = setInterval(() => this.report(), REPORT_MS);
  }

  disconnectedCallback() {
    clearInterval(this.reporting);
  }

  /** Tell the server what was played since it was told last. */
  report() {
    const spans = this.coverage.take();
    if (spans.length) {
      ask(this, "watched-report", { spans });
    }
  }

  /** @override */
  build() {
    this.video = h("video", { preload: "metadata", playsinline: true, "aria-label": t("play.recording"), onclick: () => this.toggle() });
    this.watermark = /** @type {import("./view_watermark.js").ViewWatermarkElement} */ (part("view-watermark"));
    for (const name of ["loadedmetadata", "durationchange", "timeupdate", "seeking", "seeked", "play", "pause", "ratechange"]) {
      this.video.addEventListener(name, () => this.moved(name));
    }
    this.video.addEventListener("error", () => this.problem && (this.problem.hidden = false));
    this.problem = h("p", { class: "play-problem", role: "alert", hidden: true }, t("play.problem"));
    this.playButton = h("button", { class: "control", type: "button", "aria-keyshortcuts": "Space", onclick: () => this.toggle() });
    this.time = h("span", { class: "play-time numbers" });
    this.seek = h("input", { class: "seek", type: "range", min: 0, max: 0, step: 0.1, value: 0, "aria-label": t("play.seek"), oninput: (/** @type {Event} */ event) => this.jumpTo(valueOf(event)) });
    this.marks = h("div", { class: "marks" });
    this.stretches = h("div", { class: "stretches", "aria-hidden": "true" });
    this.rate = h("select", { class: "rate", "aria-label": t("play.rate"), onchange: (/** @type {Event} */ event) => this.setRate(valueOf(event)) },
      RATES.map((rate) => h("option", { value: rate, selected: rate === 1 }, `${rate}×`))); // prettier-ignore
    mount(this, h("div", { class: "screen" }, this.video, this.watermark, this.problem),
      h("div", { class: "bar" }, this.seek, this.stretches, this.marks),
      h("div", { class: "play-row" }, this.playButton, this.time, h("span", { class: "grow" }),
        h("span", { class: "keys" }, h("kbd", {}, t("play.space")), h("kbd", {}, "← →"), h("kbd", {}, "J K L")), this.rate)); // prettier-ignore
  }

  /** @override */
  draw(/** @type {RecordView} */ { caseId, file, name }, /** @type {RecordView | undefined} */ was) {
    this.watermark?.show({ name, caseId });
    if (this.video && (caseId !== was?.caseId || file !== was?.file)) {
      this.video.src = fileUrl(caseId, file);
    }
    this.moved("");
    this.drawMarks();
  }

  /** What was watched, and what must be and was not. @param {number} duration */
  drawStretches(duration) {
    const { seen = [], left = [] } = this.shown?.viewing ?? {};
    const stretch = (/** @type {string} */ kind) => (/** @type {import("../state.js").Stretch} */ one) => {
      const element = h("i", { class: kind });
      element.style.setProperty("--at", String(one.since_s / duration));
      element.style.setProperty("--length", String((one.until_s - one.since_s) / duration));
      return element;
    };
    this.stretches && mount(this.stretches, duration > 0 && [...seen.map(stretch("seen")), ...left.map(stretch("left"))]);
  }

  drawMarks() {
    const duration = this.video?.duration ?? 0;
    this.drawStretches(duration);
    const marks = onBar(this.shown?.markers ?? [], duration).map((marker) => {
      const words = `${clock(marker.second)} ${marker.words.text}`;
      const mark = h("button", { class: `mark ${marker.words.group} ${marker.words.tone}`, type: "button", title: words, "aria-label": words, onclick: () => this.jumpTo(marker.second) });
      mark.style.setProperty("--at", String(marker.share));
      return mark;
    });
    this.marks && mount(this.marks, marks);
  }

  /** @param {string} what */
  moved(what) {
    const { video, seek } = this;
    if (!video || !seek) {
      return;
    }
    const duration = Number.isFinite(video.duration) ? video.duration : 0;
    if (what === "seeking") {
      this.coverage.stop();
    } else {
      this.coverage.at(video.currentTime, video.playbackRate, !video.paused && !video.seeking);
    }
    if (what === "pause") {
      this.report();
    }
    if (what === "loadedmetadata" || what === "durationchange") {
      seek.max = String(duration);
      this.drawMarks();
    }
    seek.value = String(video.currentTime);
    seek.setAttribute("aria-valuetext", clock(video.currentTime));
    seek.style.setProperty("--done", String(duration ? video.currentTime / duration : 0));
    this.time?.replaceChildren(`${clock(video.currentTime)} / ${clock(duration)}`);
    this.drawPlay(video.paused);
    ask(this, "play-moved", { second: video.currentTime });
  }

  /** @param {boolean} paused */
  drawPlay(paused) {
    const words = t(paused ? "play.play" : "play.pause");
    if (this.playButton && this.playButton.getAttribute("aria-label") !== words) {
      this.playButton.setAttribute("aria-label", words);
      mount(this.playButton, icon(paused ? "play" : "pause"));
    }
  }

  toggle() {
    if (this.video?.paused) {
      // A play() cut short by another seek or pause is not a failure.
      this.video.play().catch(() => undefined);
    } else {
      this.video?.pause();
    }
  }

  /** @param {number} second */
  jumpTo(second) {
    if (this.video) {
      this.video.currentTime = Math.min(Math.max(0, second), this.video.duration || 0);
    }
  }

  /** @param {number} rate */
  setRate(rate) {
    if (this.video) {
      this.video.playbackRate = rate;
    }
  }

  /** @param {number} by */
  jumpBy(by) {
    this.jumpTo((this.video?.currentTime ?? 0) + by);
  }

  /** Act on a key of the page; tells whether it was one of ours. @param {string} key */
  pressed(key) {
    /** @type {Readonly<Record<string, () => void>>} */
    const actions = {
      " ": () => this.toggle(), k: () => this.toggle(), j: () => this.jumpBy(-LONG_STEP_S), l: () => this.jumpBy(LONG_STEP_S),
      ArrowLeft: () => this.jumpBy(-STEP_S), ArrowRight: () => this.jumpBy(STEP_S),
    }; // prettier-ignore
    const action = actions[key.length === 1 ? key.toLowerCase() : key];
    action?.();
    return action !== undefined;
  }
}

define("record-player", RecordPlayerElement);
