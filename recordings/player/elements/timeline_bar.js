/**
 * The recording as a line: sound of each party, what was and must be watched, gaps, and facts to jump to.
 * A pointer over it, or a finger that drags, sees the picture of that second. Asks by `seek-request` with `{second}`.
 */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t } from "../../web_kit/i18n.js";
import { fileUrl } from "../../web_kit/record/evidence_zoom.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";
import { onBar } from "../axis.js";

/**
 * @typedef {{rate: number, seconds: number, lanes: readonly {seat: string, role: string, peaks: string}[]}} Waveform
 * @typedef {{file: string, width: number, height: number, columns: number, step_s: number, count: number}} Sprite
 * @typedef {{since_s: number, until_s: number}} Span
 * @typedef {{caseId: string, duration: number, markers: readonly import("../axis.js").Marker[], seen: readonly Span[],
 *   left: readonly Span[], gaps: readonly Span[], waveform: Waveform | null, sprite: Sprite | null}} TimelineView
 */

/** @extends {PartElement<TimelineView>} */
export class TimelineBarElement extends PartElement {
  /** @override */
  looksAt(/** @type {TimelineView} */ { caseId, duration, markers, seen, left, gaps, waveform, sprite }) {
    return [caseId, duration, markers, seen, left, gaps, waveform, sprite];
  }

  /** @override */
  build() {
    this.waves = h("div", { class: "waves", "aria-hidden": "true" });
    this.seek = h("input", { class: "seek", type: "range", min: 0, max: 0, step: 0.1, value: 0, "aria-label": t("play.seek"),
      oninput: (/** @type {Event} */ event) => this.gotDrag(Number(/** @type {HTMLInputElement} */ (event.target).value)) }); // prettier-ignore
    this.stretches = h("div", { class: "stretches", "aria-hidden": "true" });
    this.marks = h("div", { class: "marks" });
    this.preview = h("div", { class: "preview", "aria-hidden": "true", hidden: true });
    mount(this, this.waves, this.seek, this.stretches, this.marks, this.preview);
    this.addEventListener("pointermove", (event) => this.gotPointer(event));
    this.addEventListener("pointerleave", () => this.hidePreview());
    this.addEventListener("pointerup", (event) => event.pointerType === "touch" && this.hidePreview());
    this.waves.addEventListener("click", (event) => ask(this, "seek-request", { second: this.secondAt(event.clientX) }));
  }

  /** @override */
  draw(/** @type {TimelineView} */ view, /** @type {TimelineView | undefined} */ was) {
    if (this.seek) {
      this.seek.max = String(view.duration);
    }
    this.drawStretches(view);
    this.drawMarks(view);
    if (view.waveform !== was?.waveform || view.duration !== was?.duration) {
      this.drawWaves(view);
    }
  }

  /** @param {TimelineView} view */
  drawStretches({ duration, seen, left, gaps }) {
    const stretch = (/** @type {string} */ kind) => (/** @type {Span} */ one) => {
      const element = h("i", { class: kind });
      element.style.setProperty("--at", String(one.since_s / duration));
      element.style.setProperty("--length", String(Math.max(0, one.until_s - one.since_s) / duration));
      return element;
    };
    const all = [...seen.map(stretch("seen")), ...left.map(stretch("left")), ...gaps.map(stretch("gap"))];
    this.stretches && mount(this.stretches, duration > 0 && all);
  }

  /** @param {TimelineView} view */
  drawMarks({ markers, duration }) {
    const marks = onBar(markers, duration).map((marker) => {
      const words = `${clock(marker.second)} ${marker.words.text}`;
      const mark = h("button", { class: `mark ${marker.words.group} ${marker.words.tone}`, type: "button", title: words, "aria-label": words, onclick: () => ask(this, "seek-request", { second: marker.second }) });
      mark.style.setProperty("--at", String(marker.share));
      return mark;
    });
    this.marks && mount(this.marks, marks);
  }

  /** @param {TimelineView} view */
  drawWaves({ waveform, duration }) {
    const lanes = waveform && duration > 0 ? waveform.lanes : [];
    this.waves && mount(this.waves, lanes.map((lane) => waveOf(lane, /** @type {Waveform} */ (waveform), duration)));
  }

  /** Playback stands here. @param {number} second @param {number} duration */
  stand(second, duration) {
    if (this.seek) {
      this.seek.value = String(second);
      this.seek.setAttribute("aria-valuetext", clock(second));
      this.style.setProperty("--done", String(duration ? second / duration : 0));
    }
  }

  /** @param {number} second */
  gotDrag(second) {
    this.showPreview(second);
    ask(this, "seek-request", { second });
  }

  /** @param {number} x of the window */
  secondAt(x) {
    const box = this.seek?.getBoundingClientRect();
    const share = box && box.width ? (x - box.left) / box.width : 0;
    return Math.min(1, Math.max(0, share)) * (this.shown?.duration ?? 0);
  }

  /** @param {PointerEvent} event */
  gotPointer(event) {
    if (event.pointerType === "mouse" || event.pressure > 0) {
      this.showPreview(this.secondAt(event.clientX));
    }
  }

  /** @param {number} second */
  showPreview(second) {
    const { sprite, caseId = "", duration = 0 } = this.shown ?? {};
    if (!this.preview || !duration) {
      return;
    }
    this.preview.hidden = false;
    this.preview.style.setProperty("--at", String(second / duration));
    mount(this.preview, sprite && tileOf(caseId, sprite, second), h("span", { class: "numbers" }, clock(second)));
  }

  hidePreview() {
    if (this.preview) {
      this.preview.hidden = true;
    }
  }
}

/** @param {string} caseId @param {Sprite} sprite @param {number} second */
function tileOf(caseId, { file, width, height, columns, step_s: step, count }, second) {
  const index = Math.min(count - 1, Math.max(0, Math.floor(second / step)));
  const tile = h("div", { class: "tile" });
  tile.style.width = `${width}px`;
  tile.style.height = `${height}px`;
  tile.style.backgroundImage = `url("${fileUrl(caseId, file)}")`;
  tile.style.backgroundPosition = `${-(index % columns) * width}px ${-Math.floor(index / columns) * height}px`;
  return tile;
}

const WAVE_PX = 1000;
const WAVE_HIGH = 22;

/** @param {Waveform["lanes"][number]} lane @param {Waveform} waveform @param {number} duration */
function waveOf({ role, peaks }, { rate }, duration) {
  const canvas = h("canvas", { class: `wave ${role}`, width: WAVE_PX, height: WAVE_HIGH, title: wordFor("role", role) });
  const values = Uint8Array.from(atob(peaks), (sign) => sign.charCodeAt(0));
  const pen = canvas.getContext("2d");
  if (pen) {
    pen.fillStyle = role === "customer" ? "#7fd6c8" : role === "agent" ? "#9fc1ff" : "#e0c58a";
    for (let x = 0; x < WAVE_PX; x += 2) {
      const first = Math.floor((x / WAVE_PX) * duration * rate);
      const last = Math.max(first + 1, Math.floor(((x + 2) / WAVE_PX) * duration * rate));
      const peak = values.subarray(first, last).reduce((most, one) => Math.max(most, one), 0);
      const high = Math.max(1, (peak / 255) * WAVE_HIGH);
      pen.fillRect(x, (WAVE_HIGH - high) / 2, 1.4, high);
    }
  }
  return canvas;
}

define("timeline-bar", TimelineBarElement);
