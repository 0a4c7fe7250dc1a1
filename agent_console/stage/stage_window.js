/**
 * One window of the stage: a picture with its name above it. Its header is what one takes hold of, with the
 * pointer or with the arrow keys; the corner changes its size. Asks by `arrange-request` with `{arrangement}`.
 */

import { h, mount, playStream, videoElement } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { timeOfDay, wordFor } from "../../web_kit/record/words.js";
import { changed, mainToggled, pinToggled, raised } from "./layout.js";

/**
 * @typedef {import("./layout.js").Arrangement} Arrangement
 * @typedef {import("./layout.js").Placed} Placed
 * @typedef {import("./windows.js").WindowView} WindowView
 * @typedef {{view: WindowView, placed: Placed, arrangement: Arrangement, quality: string}} Shown
 */

// A hand on a mouse trembles by less; what moves further is meant.
const DRAG_MIN_PX = 4;
const KEY_STEP = 0.02;
/** @type {Readonly<Record<string, readonly [number, number]>>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** @type {Readonly<Record<string, string>>} */
const MARK_ICONS = { off: "camera-off", interrupted: "warning", stills: "photo", away: "signal", held: "pause" };

/** What a window is called. @param {WindowView} view */
export function windowTitle({ id, name, own }) {
  if (id === "share") {
    return own ? t("window.own_share") : t("window.share", { name });
  }
  return own ? t("window.self") : name || t(id === "customer" ? "call.the_customer" : "window.third");
}

/** @extends {PartElement<Shown>} */
export class StageWindowElement extends PartElement {
  /** @override */
  looksAt(/** @type {Shown} */ { view, placed, quality }) {
    const { x, y, w, h: high } = placed.place;
    return [...Object.values(view), x, y, w, high, placed.main, placed.pinned, placed.z, quality];
  }

  /** @override */
  build() {
    this.video = videoElement({ class: "window-picture", muted: true, label: t("window.picture") });
    this.still = h("canvas", { class: "window-still", hidden: true, "aria-hidden": "true" });
    this.nobody = h("span", { class: "window-nobody", "aria-hidden": "true" });
    this.mark = h("p", { class: "window-mark", role: "status" });
    this.name = h("span", { class: "window-name" });
    this.mic = h("span", { class: "window-mic" });
    this.bars = h("span", { class: "bars", role: "img" }, h("i", {}), h("i", {}), h("i", {}));
    this.mode = h("span", { class: "window-mode" });
    this.main = this.button("main", () => this.arrange(mainToggled));
    this.pin = this.button("pin", () => this.arrange((from, { id }) => pinToggled(from, id)));
    this.full = this.button("fullscreen", () => void this.toggleFullScreen());
    this.head = h("header", { class: "window-head", tabindex: 0, role: "group", onpointerdown: (/** @type {PointerEvent} */ event) => this.grab(event, false),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.gotKey(event), ondblclick: () => this.main?.click() },
      this.mic, this.name, this.mode, this.bars, h("span", { class: "window-buttons" }, this.main, this.pin, this.full)); // prettier-ignore
    this.grip = h("span", { class: "window-grip", "aria-hidden": "true", onpointerdown: (/** @type {PointerEvent} */ event) => this.grab(event, true) });
    mount(this, this.nobody, this.video, this.still, this.mark, this.head, this.grip);
    this.addEventListener("pointerdown", () => this.arrange((from, { id }) => raised(from, id)));
  }

  /** @param {"main" | "pin" | "fullscreen"} name @param {() => void} act */
  button(name, act) {
    return h("button", { class: `window-button ${name}`, type: "button", title: t(`window.${name}`), "aria-label": t(`window.${name}`),
onclick: act }, icon(name)); // prettier-ignore
  }

  /** @override */
  draw(/** @type {Shown} */ { view, placed, quality }, /** @type {Shown | undefined} */ was) {
    this.keepPicture(view, was?.view);
    this.drawPlace(placed);
    this.drawHead(view, placed, quality);
    this.drawMark(view);
    if (!this.video) {
      return;
    }
    this.video.muted = view.own;
    this.video.setAttribute("aria-label", windowTitle(view));
    this.video.classList.toggle("mirrored", view.id === "self");
    this.video.hidden = view.own && view.picture !== "live";
    if (this.video.srcObject !== view.stream && !(view.stream === null && view.picture !== "live")) {
      void this.play();
    }
  }

  /** Play; a browser that wants a click first is told of by `sound-blocked`. */
  async play() {
    if (this.video && this.shown && !(await playStream(this.video, this.shown.view.stream))) {
      ask(this, "sound-blocked");
    }
  }

  /**
   * Keep the last picture when it stands still: a new connection would blank the video behind it.
   *
   * @param {WindowView} view @param {WindowView | undefined} was
   */
  keepPicture(view, was) {
    const { video, still } = this;
    if (!video || !still || view.picture === was?.picture) {
      return;
    }
    const frozen = !view.own && view.picture !== "live" && view.picture !== "stills";
    if (frozen && still.hidden && video.videoWidth > 0) {
      still.width = video.videoWidth;
      still.height = video.videoHeight;
      still.getContext("2d")?.drawImage(video, 0, 0);
      this.frozenAt = Date.now() / 1000;
    }
    still.hidden = !frozen || this.frozenAt === undefined;
    if (!frozen) {
      this.frozenAt = undefined;
    }
  }

  /** @param {Placed} placed */
  drawPlace({ place, main, pinned, z, id }) {
    this.dataset.window = id;
    this.classList.toggle("main", main);
    this.classList.toggle("pinned", pinned);
    for (const [side, share] of Object.entries({ left: place.x, top: place.y, width: place.w, height: place.h })) {
      this.style.setProperty(side, `${(share * 100).toFixed(3)}%`);
    }
    this.style.setProperty("z-index", String(z));
    this.main?.setAttribute("aria-pressed", String(main));
    this.pin?.setAttribute("aria-pressed", String(pinned));
    this.pin?.toggleAttribute("hidden", main);
  }

  /** @param {WindowView} view @param {Placed} placed @param {string} quality */
  drawHead(view, placed, quality) {
    const title = windowTitle(view);
    this.name?.replaceChildren(title);
    this.name?.setAttribute("title", title);
    this.head?.setAttribute("aria-label", t("window.move", { name: title }));
    this.nobody?.replaceChildren(view.id === "share" ? "" : ([...title][0] ?? ""));
    const quiet = view.id !== "share" && view.microphone !== "on";
    this.mic && mount(this.mic, quiet && icon("microphone-off"), quiet && h("span", { class: "sr" }, t("window.muted")));
    this.mode?.replaceChildren(view.mode === "talking" ? "" : wordFor("mode", view.mode));
    this.bars?.toggleAttribute("hidden", quality === "");
    this.bars?.setAttribute("class", `bars ${quality}`);
    this.bars?.setAttribute("aria-label", quality && t(`quality.${quality}`));
    this.bars?.setAttribute("title", quality && t(`quality.${quality}`));
  }

  /** @param {WindowView} view */
  drawMark({ picture, own, role }) {
    if (!this.mark) {
      return;
    }
    this.mark.hidden = picture === "live";
    const key = own ? "own_off" : role === "customer" ? `customer_${picture}` : `colleague_${picture}`;
    const since = this.frozenAt === undefined || own ? "" : t("window.frozen_at", { time: timeOfDay(this.frozenAt) });
    picture !== "live" && mount(this.mark, icon(MARK_ICONS[picture] ?? "frozen"), h("span", {}, t(`picture.${key}`), since && h("small", {}, since)));
  }

  /** @param {(from: Arrangement, placed: Placed) => Arrangement} change */
  arrange(change) {
    if (this.shown) {
      ask(this, "arrange-request", { arrangement: change(this.shown.arrangement, this.shown.placed) });
    }
  }

  /** Follow the pointer until it lets go. @param {PointerEvent} down @param {boolean} size */
  grab(down, size) {
    const from = this.shown;
    const handle = /** @type {HTMLElement} */ (down.currentTarget);
    const stage = this.parentElement?.getBoundingClientRect();
    if (!from || !stage || down.button !== 0 || (down.target instanceof Element && down.target.closest("button"))) {
      return;
    }
    handle.setPointerCapture(down.pointerId);
    let moving = false;
    const follow = (/** @type {PointerEvent} */ event) => {
      const [dx, dy] = [event.clientX - down.clientX, event.clientY - down.clientY];
      moving ||= Math.hypot(dx, dy) > DRAG_MIN_PX;
      if (moving) {
        const by = { x: dx / stage.width, y: dy / stage.height };
        const arrangement = changed(from.arrangement, from.placed, size ? { w: by.x, h: by.y } : by);
        ask(this, "arrange-request", { arrangement });
      }
    };
    handle.addEventListener("pointermove", follow);
    handle.addEventListener("lostpointercapture", () => handle.removeEventListener("pointermove", follow), { once: true });
  }

  /** @param {KeyboardEvent} event */
  gotKey(event) {
    const arrow = event.target === this.head ? ARROWS[event.key] : undefined;
    if (arrow) {
      event.preventDefault();
      const [x, y] = [arrow[0] * KEY_STEP, arrow[1] * KEY_STEP];
      this.arrange((from, placed) => changed(from, placed, event.shiftKey ? { w: x, h: y } : { x, y }));
    }
  }

  async toggleFullScreen() {
    try {
      await (document.fullscreenElement === this ? document.exitFullscreen() : this.requestFullscreen());
    } catch {
      // A browser that has no full screen here leaves the window where it is.
    }
  }
}

define("stage-window", StageWindowElement);
