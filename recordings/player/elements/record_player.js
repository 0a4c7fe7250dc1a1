/**
 * The recording with its facts on the line below: a film with everybody in it, or any set of tracks as they were recorded.
 *
 * Emits `play-moved` with `{second}` as playback goes on, asks by `watched-report` with `{spans}` and by
 * `tracks-request` when tracks are to be played. `jumpTo(second)` is for the list of facts beside it.
 */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { wordFor } from "../../web_kit/record/words.js";
import { ask, define, part, PartElement } from "../../web_kit/record/part.js";
import { createCoverage, RATE_MAX } from "../coverage.js";
import { mergedSource } from "../merged_source.js";
import { gapsOfStrands, tracksSource } from "../tracks_source.js";
import { openKeyHelp } from "./key_help.js";
import "./timeline_bar.js";
import "./track_chooser.js";
import "./view_watermark.js";

/**
 * @typedef {import("../track_axis.js").Call} Call
 * @typedef {{caseId: string, films: readonly import("../films.js").Film[], sight: string, calls: readonly Call[] | null, hasTracks: boolean, names: Readonly<Record<string, string>>,
 *   markers: readonly import("../axis.js").Marker[], viewing: import("../state.js").Viewing | null, name: string,
 *   waveform: import("./timeline_bar.js").Waveform | null, sprite: import("./timeline_bar.js").Sprite | null}} RecordView
 * @typedef {{second: number, rate: number, mode: string, chosen: string}} Memory
 */

export const RATES = [0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3];
const STEP_S = 5;
const LONG_STEP_S = 10;
// The merged film shows so many pictures a second.
const FRAME_S = 1 / 15;
const REPORT_MS = 8000;
/** @type {readonly import("../state.js").Stretch[]} */
const NONE = [];

/** @extends {PartElement<RecordView>} */
export class RecordPlayerElement extends PartElement {
  coverage = createCoverage();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  reporting = undefined;
  /** @type {import("../merged_source.js").Source | null} */
  source = null;
  /** @type {ReturnType<typeof tracksSource> | null} */
  tracks = null;
  /** "film" or "tracks"; empty before anything is played. */
  mode = "";
  /** The file of the film that was chosen; empty for the merge's own. */
  chosen = "";
  /** The file of the film that was opened last. */
  file = "";
  rate = 1;
  muted = false;
  /** Where to go when the film is there. @type {number | null} */
  wanted = null;

  connectedCallback() {
    this.reporting = setInterval(() => this.report(), REPORT_MS);
  }

  disconnectedCallback() {
    clearInterval(this.reporting);
    this.source?.close();
  }

  /** Tell the server what was played since it was told last. */
  report() {
    const spans = this.coverage.take();
    if (spans.length) {
      ask(this, "watched-report", { spans });
    }
  }

  /** @override */
  looksAt(/** @type {RecordView} */ view) {
    return Object.values(view);
  }

  /** @override */
  build() {
    this.watermark = /** @type {import("./view_watermark.js").ViewWatermarkElement} */ (part("view-watermark"));
    this.problem = h("p", { class: "play-problem", role: "alert", hidden: true }, t("play.problem"));
    this.stage = h("div", { class: "stage" });
    this.screen = h("div", { class: "screen" }, this.stage, this.watermark, this.problem);
    this.screen.addEventListener("click", (event) => event.target instanceof HTMLMediaElement && this.toggle());
    this.line = /** @type {import("./timeline_bar.js").TimelineBarElement} */ (part("timeline-bar"));
    this.chooser = /** @type {import("./track_chooser.js").TrackChooserElement} */ (part("track-chooser"));
    this.playButton = h("button", { class: "control", type: "button", "aria-keyshortcuts": "Space", onclick: () => this.toggle() });
    this.time = h("span", { class: "play-time numbers" });
    this.note = h("span", { class: "play-note", role: "status" });
    const small = (/** @type {string} */ key, /** @type {string} */ shape, /** @type {() => void} */ act) =>
      h("button", { class: "control small", type: "button", "aria-label": t(key), title: t(key), onclick: act }, icon(shape));
    this.modeButton = h("button", { class: "mode", type: "button", onclick: () => this.turn() });
    this.layouts = h("select", { class: "rate", "aria-label": t("play.layout"), onchange: (/** @type {Event} */ event) => this.chooseFilm(/** @type {HTMLSelectElement} */ (event.target).value) });
    this.rates = h("select", { class: "rate", "aria-label": t("play.rate"), onchange: (/** @type {Event} */ event) => this.setRate(Number(/** @type {HTMLSelectElement} */ (event.target).value)) },
      RATES.map((rate) => h("option", { value: rate, selected: rate === 1 }, `${rate}×`))); // prettier-ignore
    mount(this, this.screen, this.line,
      h("div", { class: "play-row" }, this.playButton, small("play.frame_back", "left", () => this.stepFrame(-1)), small("play.frame", "right", () => this.stepFrame(1)),
        this.time, this.note, h("span", { class: "grow" }), this.layouts, this.modeButton, this.rates, small("play.full", "fullscreen", () => this.toggleFull()), small("keys.title", "keyboard", openKeyHelp)),
      this.chooser); // prettier-ignore
    this.addEventListener("seek-request", (event) => this.jumpTo(/** @type {CustomEvent} */ (event).detail.second));
    this.addEventListener("track-choice", (event) => this.choose(/** @type {CustomEvent} */ (event).detail));
  }

  /** @override */
  draw(/** @type {RecordView} */ view, /** @type {RecordView | undefined} */ was) {
    this.watermark?.show({ name: view.name, caseId: view.caseId });
    const other = view.caseId !== was?.caseId;
    if (other) {
      this.chosen = "";
    }
    const film = this.filmOf(view);
    if (other || (this.mode === "film" && (film?.file !== this.file || view.sight !== was?.sight)) || (this.mode === "" && (film || view.calls))) {
      this.mode = "";
      this.open(film ? "film" : view.hasTracks ? "tracks" : "");
    } else if (this.mode === "tracks" && view.calls !== was?.calls) {
      this.open("tracks");
    }
    if (this.modeButton) {
      this.modeButton.hidden = !(film && view.hasTracks);
    }
    this.drawLayouts(view);
    this.drawLine();
    this.moved("");
  }

  /** The film that is played: what was chosen, while it may be seen. @param {RecordView} view */
  filmOf({ films }) {
    return films.find(({ file, veiled }) => file === this.chosen && !veiled) ?? films[0] ?? null;
  }

  /** @param {RecordView} view */
  drawLayouts({ films }) {
    if (!this.layouts) {
      return;
    }
    const words = films.map(filmWords);
    if (this.layoutWords !== words.join()) {
      this.layoutWords = words.join();
      mount(this.layouts, films.map(({ file, veiled }, index) => h("option", { value: file, disabled: veiled }, words[index]))); // prettier-ignore
    }
    this.layouts.hidden = films.length < 2 || this.mode !== "film";
    this.layouts.value = this.file;
  }

  /** What the layouts are called that can be chosen now. */
  layoutWords = "";

  /** @param {string} file */
  chooseFilm(file) {
    this.chosen = file;
    this.source?.pause();
    this.open("film");
  }

  /** The film with the next layout that may be seen. */
  nextFilm() {
    const films = (this.shown?.films ?? []).filter(({ veiled }) => !veiled);
    const next = films[(films.findIndex(({ file }) => file === this.file) + 1) % films.length];
    if (next && this.layouts?.hidden === false) {
      this.chooseFilm(next.file);
    }
  }

  /** Play the film, or the tracks, from where playback stands. @param {string} mode */
  open(mode) {
    const view = this.shown;
    if (!view || !this.stage || !mode) {
      return;
    }
    const at = this.wanted ?? this.source?.second ?? 0;
    this.mode = mode;
    if (mode === "tracks" && !view.calls) {
      ask(this, "tracks-request");
      return;
    }
    this.source?.close();
    this.coverage.stop();
    this.tracks = mode === "tracks" && view.calls ? tracksSource(view.caseId, view.calls, (seat) => view.names[seat] ?? "", (what) => this.moved(what)) : null;
    this.file = this.filmOf(view)?.file ?? "";
    this.source = this.tracks ?? mergedSource(view.caseId, this.file, (what) => this.moved(what));
    this.wanted = at > 0 ? at : null;
    this.problem && (this.problem.hidden = true);
    mount(this.stage, this.source.element);
    this.source.setRate(this.rate);
    this.source.setMuted(this.muted);
    this.modeButton?.replaceChildren(t(mode === "tracks" ? "tracks.to_film" : "tracks.to_tracks"));
    this.drawChoices();
    this.drawLayouts(view);
    if (this.tracks) {
      this.moved("loadedmetadata");
    }
  }

  turn() {
    this.source?.pause();
    this.open(this.mode === "tracks" ? "film" : "tracks");
  }

  drawChoices() {
    const choices = (this.tracks?.strands ?? []).map(({ lane, shown }) => ({ key: lane.key, name: this.shown?.names[lane.seat] || wordFor("role", lane.role), source: lane.source, shown }));
    this.chooser?.show({ choices });
  }

  /** @param {{key: string, shown: boolean}} choice */
  choose({ key, shown }) {
    this.tracks?.choose(key, shown);
    this.drawLine();
  }

  drawLine() {
    const { caseId = "", markers = [], viewing, waveform = null, sprite = null } = this.shown ?? {};
    const duration = this.source?.duration ?? 0;
    const gaps = this.tracks ? gapsOfStrands(this.tracks.strands, duration) : NONE;
    this.line?.show({ caseId, duration, markers, seen: viewing?.seen ?? NONE, left: viewing?.left ?? NONE, gaps, waveform, sprite });
  }

  /** @param {string} what */
  moved(what) {
    const { source } = this;
    if (!source) {
      return;
    }
    if (what === "error" && this.problem) {
      this.problem.hidden = false;
    }
    if (what === "loadedmetadata" || what === "durationchange") {
      this.drawLine();
      this.arrive();
    }
    if (what === "seeking") {
      this.coverage.stop();
    } else {
      this.coverage.at(source.second, this.rate, !source.paused);
    }
    if (what === "pause") {
      this.report();
    }
    this.line?.stand(source.second, source.duration);
    this.time?.replaceChildren(`${clock(source.second)} / ${clock(source.duration)}`);
    this.drawPlay(source.paused);
    ask(this, "play-moved", { second: source.second });
  }

  /** Go where playback stood before the film was opened anew. */
  arrive() {
    if (this.wanted !== null && this.source?.duration) {
      const second = this.wanted;
      this.wanted = null;
      this.jumpTo(second);
    }
  }

  /** @param {boolean} paused */
  drawPlay(paused) {
    const words = t(paused ? "play.play" : "play.pause");
    if (this.playButton && this.playButton.getAttribute("aria-label") !== words) {
      this.playButton.setAttribute("aria-label", words);
      mount(this.playButton, icon(paused ? "play" : "pause"));
    }
    const left = this.shown?.viewing?.left ?? NONE;
    const note = this.rate > RATE_MAX ? t("play.too_fast") : left.length ? t("play.left", { count: left.length }) : "";
    if (this.note && this.note.textContent !== note) {
      this.note.replaceChildren(note);
    }
  }

  toggle() {
    this.source?.paused ? this.source.play() : this.source?.pause();
  }

  toggleFull() {
    void (document.fullscreenElement ? document.exitFullscreen() : this.requestFullscreen());
  }

  /** @param {number} second */
  jumpTo(second) {
    const { source } = this;
    if (source) {
      source.seek(Math.min(Math.max(0, second), source.duration || 0));
    }
  }

  /** @param {number} rate */
  setRate(rate) {
    this.rate = rate;
    this.source?.setRate(rate);
    if (this.rates) {
      this.rates.value = String(rate);
    }
    this.moved("ratechange");
  }

  /** @param {number} by one faster or slower */
  shiftRate(by) {
    this.setRate(RATES[Math.min(RATES.length - 1, Math.max(0, RATES.indexOf(this.rate) + by))] ?? 1);
  }

  /** @param {number} by */
  jumpBy(by) {
    this.jumpTo((this.source?.second ?? 0) + by);
  }

  /** One picture on or back. @param {number} by */
  stepFrame(by) {
    this.source?.pause();
    // The middle of a picture's time: its edges are not exact.
    const frame = Math.floor((this.source?.second ?? 0) / FRAME_S + 1e-3) + by;
    this.jumpTo((frame + 0.5) * FRAME_S);
  }

  /** To the next or the last fact on the line. @param {number} by */
  jumpMarker(by) {
    const second = this.source?.second ?? 0;
    const places = (this.shown?.markers ?? []).filter(({ jump }) => jump).map((marker) => marker.second);
    const next = by > 0 ? places.find((one) => one > second + 0.3) : places.findLast((one) => one < second - 0.3);
    if (next !== undefined) {
      this.jumpTo(next);
    }
  }

  /** To what must still be watched. */
  jumpUnseen() {
    const left = this.shown?.viewing?.left ?? NONE;
    const next = left.find((one) => one.since_s > (this.source?.second ?? 0)) ?? left[0];
    if (next) {
      this.jumpTo(next.since_s);
    }
  }

  toggleMute() {
    this.muted = !this.muted;
    this.source?.setMuted(this.muted);
  }

  /** What to go on with after the page was drawn anew, in another language. @returns {Memory} */
  remember() {
    return { second: this.wanted ?? this.source?.second ?? 0, rate: this.rate, mode: this.mode, chosen: this.chosen };
  }

  /** @param {Memory} memory */
  recall({ second, rate, mode, chosen }) {
    this.wanted = second;
    this.chosen = chosen;
    if (mode !== this.mode || chosen) {
      this.open(mode);
    }
    this.arrive();
    this.setRate(rate);
  }

  /** Act on a key of the page; tells whether it was one of ours. @param {string} key */
  pressed(key) {
    /** @type {Readonly<Record<string, () => void>>} */
    const actions = {
      " ": () => this.toggle(), k: () => this.toggle(), j: () => this.jumpBy(-LONG_STEP_S), l: () => this.jumpBy(LONG_STEP_S),
      ArrowLeft: () => this.jumpBy(-STEP_S), ArrowRight: () => this.jumpBy(STEP_S), ",": () => this.stepFrame(-1), ".": () => this.stepFrame(1),
      "<": () => this.shiftRate(-1), ">": () => this.shiftRate(1), Home: () => this.jumpTo(0), End: () => this.jumpTo(this.source?.duration ?? 0),
      n: () => this.jumpMarker(1), p: () => this.jumpMarker(-1), u: () => this.jumpUnseen(), m: () => this.toggleMute(),
      f: () => this.toggleFull(), t: () => this.modeButton?.hidden === false && this.turn(), v: () => this.nextFilm(), "?": openKeyHelp,
    }; // prettier-ignore
    const share = /^\d$/.test(key) ? () => this.jumpTo(((this.source?.duration ?? 0) * Number(key)) / 10) : undefined;
    const action = share ?? actions[key.length === 1 ? key.toLowerCase() : key];
    action?.();
    return action !== undefined;
  }
}

/** @param {import("../films.js").Film} film */
function filmWords({ template, own, veiled }) {
  const name = wordFor("template", template);
  return own ? t("play.own", { name }) : veiled ? t("play.veiled", { name }) : name;
}

define("record-player", RecordPlayerElement);
