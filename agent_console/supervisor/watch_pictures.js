/** Everybody in a watched call, to be seen and heard. Tells by `sound-blocked` that the browser wants a click first. */

import { h, playStream, videoElement } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";
import { others, pictureOf } from "../stage/windows.js";
import { KeyedRows, say } from "./keyed_rows.js";

/**
 * @typedef {import("../state.js").ConsoleState} ConsoleState
 * @typedef {Readonly<{id: string, title: string, mode: string, muted: boolean, mark: string, stream: MediaStream | null,
 *   screen: boolean}>} Picture
 */

/** @param {ConsoleState} state @returns {readonly Picture[]} */
function picturesOf(state) {
  const { call, view, streams, screen } = state;
  const people = others(state).map((one) => {
    const name = one.name || (one.role === "customer" ? view.customer : "") || t("case.unnamed");
    const picture = pictureOf(one, call?.phase ?? "");
    return {
      id: one.seat,
      title: `${name} · ${wordFor("role", one.role)}`,
      mode: one.mode === "talking" ? "" : wordFor("mode", one.mode),
      muted: one.microphone !== "on",
      mark: picture === "live" ? "" : t(`watch.picture.${picture}`),
      stream: one.slot === null ? null : (streams[one.slot] ?? null),
      screen: false,
    };
  });
  const sharer = call?.sharing && call.sharing !== call.seat ? call.parties.find((one) => one.seat === call.sharing) : null;
  const shared = { id: "screen", title: t("watch.screen", { name: sharer?.name ?? "" }), mode: "", muted: false, mark: "", stream: screen, screen: true };
  return sharer ? [shared, ...people] : people;
}

/** @extends {PartElement<ConsoleState>} */
export class WatchPicturesElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ { call, streams, screen, view }) {
    return [call, streams, screen, view.customer];
  }

  /** @override */
  build() {
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", t("watch.pictures"));
    this.rows = new KeyedRows(this, (/** @type {Picture} */ { id }) => id, (picture) => this.figure(picture));
  }

  /** @override */
  draw(/** @type {ConsoleState} */ state) {
    const pictures = picturesOf(state);
    this.dataset.count = String(pictures.length);
    this.rows?.show(pictures);
  }

  /** @param {Picture} picture */
  figure({ screen }) {
    const video = videoElement({ class: "watch-video", label: "" });
    const mark = h("p", { class: "watch-mark", role: "status" });
    const name = h("span", {});
    const mode = h("span", { class: "badge" });
    const quiet = h("span", { class: "watch-muted" }, icon("microphone-off"), h("span", { class: "sr" }, t("watch.muted")));
    const element = h("figure", { class: `watch-figure ${screen ? "screen" : ""}` }, video, mark, h("figcaption", {}, quiet, name, mode));
    const draw = (/** @type {Picture} */ now) => {
      video.setAttribute("aria-label", now.title);
      say(name, now.title);
      say(mode, now.mode);
      mode.hidden = now.mode === "";
      say(mark, now.mark);
      mark.hidden = now.mark === "";
      quiet.hidden = !now.muted;
      // A stream that is gone for a moment leaves its last picture.
      if (now.stream && video.srcObject !== now.stream) {
        void this.play(video, now.stream);
      }
    };
    return { element, draw };
  }

  /** @param {HTMLVideoElement} video @param {MediaStream} stream */
  async play(video, stream) {
    if (!(await playStream(video, stream))) {
      ask(this, "sound-blocked");
    }
  }

  /** Play all, after a click. */
  playAll() {
    for (const video of this.querySelectorAll("video")) {
      void video.play();
    }
  }
}

define("watch-pictures", WatchPicturesElement);
