/**
 * Who watches, what and when, moving over the picture, so that a film of the screen tells whose it was.
 * Drawn by the page: it marks what honest people see, and does not change the recording.
 */

import { h, mount } from "../../web_kit/dom.js";
import { define, PartElement } from "../../web_kit/record/part.js";

/** @typedef {{name: string, caseId: string}} WatermarkView */

const MOVES_MS = 6000;
// Left and top in hundredths of the picture: never twice the same place, never on one line for long.
const PLACES = [[4, 8], [52, 70], [30, 38], [58, 12], [6, 78], [44, 54], [10, 46], [56, 30]]; // prettier-ignore

/** @extends {PartElement<WatermarkView>} */
export class ViewWatermarkElement extends PartElement {
  place = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  timer = undefined;

  connectedCallback() {
    this.timer = setInterval(() => this.move(), MOVES_MS);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  /** @override */
  build() {
    this.words = h("span", {});
    this.setAttribute("aria-hidden", "true");
    mount(this, this.words);
    this.move();
  }

  /** @override */
  draw() {
    this.tell();
  }

  move() {
    this.place = (this.place + 1) % PLACES.length;
    const [left, top] = PLACES[this.place] ?? [0, 0];
    this.style.setProperty("--left", `${left}%`);
    this.style.setProperty("--top", `${top}%`);
    this.tell();
  }

  tell() {
    const { name = "", caseId = "" } = this.shown ?? {};
    const time = new Date().toISOString().slice(0, 19).replace("T", " ");
    this.words?.replaceChildren(`${name} · ${time}Z · ${caseId}`);
  }
}

define("view-watermark", ViewWatermarkElement);
