/** Everybody in a watched call, to be seen and heard. Tells by `sound-blocked` that the browser wants a click first. */

import { h, playStream, videoElement } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";
import { myself, others, pictureOf } from "../stage/windows.js";
import { KeyedRows, say } from "./keyed_rows.js";

/**
 * @typedef {import("../state.js").ConsoleState} ConsoleState
 * @typedef {Readonly<{id: string, title: string, mode: string, muted: boolean, mark: string, stream: MediaStream | null,
 *   screen: boolean, own: boolean}>} Picture
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
      own: false,
    };
  });
  const sharer = call?.sharing && call.sharing !== call.seat ? call.parties.find((one) => one.seat === call.sharing) : null;
  const shared = { id: "screen", title: t("watch.screen", { name: sharer?.name ?? "" }), mode: "", muted: false, mark: "", stream: screen, screen: true, own: false };
  return [...(sharer ? [shared] : []), ...people, ...ownPicture(state)];
}

/** Who is seen by others sees it. @param {ConsoleState} state @returns {readonly Picture[]} */
function ownPicture(state) {
  const { local, micOn, cameraOn } = state;
  if (myself(state)?.mode !== "talking" || !local?.getVideoTracks().length) {
    return [];
  }
  return [{ id: "self", title: t("watch.self"), mode: "", muted: !micOn, mark: cameraOn ? "" : t("watch.picture.off"), stream: local, screen: false, own: true }];
}

/** @extends {PartElement<ConsoleState>} */
export class WatchPicturesElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ { call, streams, screen, view, local, micOn, cameraOn }) {
    return [call, streams, screen, view.customer, local, micOn, cameraOn];
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
    this.style.setProperty("--columns", String(Math.max(1, pictures.filter((one) => !one.screen).length)));
    this.rows?.show(pictures);
  }

  /** @param {Picture} picture */
  figure({ screen, own }) {
    const video = videoElement({ class: `watch-video ${own ? "mirrored" : ""}`, muted: own, label: "" });
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
