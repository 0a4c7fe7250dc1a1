/** A customer rings: who, why, how long they have waited, and how long the ring lasts. */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";
import { now } from "../session.js";

/** @typedef {import("../state.js").RingView} RingView */

const SVG = "http://www.w3.org/2000/svg";
const RADIUS = 54;
export const ROUND = 2 * Math.PI * RADIUS;

/** @param {string} className */
function circle(className) {
  const shape = document.createElementNS(SVG, "circle");
  for (const [name, value] of Object.entries({ class: className, cx: "60", cy: "60", r: String(RADIUS) })) {
    shape.setAttribute(name, value);
  }
  return shape;
}

/** @extends {PartElement<{ring: RingView | null, bellOff: boolean}>} */
export class RingCardElement extends PartElement {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  timer = undefined;

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  /** @override */
  looksAt(/** @type {{ring: RingView | null, bellOff: boolean}} */ { ring, bellOff }) {
    return [ring, bellOff];
  }

  /** @override */
  draw(/** @type {{ring: RingView | null, bellOff: boolean}} */ { ring, bellOff }) {
    if (!ring) {
      return;
    }
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 120 120");
    svg.setAttribute("aria-hidden", "true");
    this.arc = circle("arc");
    svg.append(circle("track"), this.arc);
    this.left = h("span", { class: "left" });
    const accept = h("button", { class: "button accept big", type: "button", onclick: () => ask(this, "accept-request", { call: ring.call }) },
      icon("phone"), t("ring.accept"), h("kbd", {}, "A")); // prettier-ignore
    mount(this, h("div", { class: "ring-box", role: "alertdialog", "aria-modal": "true", "aria-labelledby": "ring-who", "aria-describedby": "ring-why" },
      h("p", { class: "ring-eyebrow" }, t("ring.title")),
      h("div", { class: "ring-clock" }, svg, this.left),
      h("h1", { id: "ring-who" }, ring.customer_name || t("case.unnamed")),
      h("p", { id: "ring-why" }, wordFor("purpose", ring.purpose), " · ", t("ring.waited", { time: clock(ring.waited_s) }), " · ", wordFor("tongue", ring.language)),
      h("div", { class: "ring-actions" },
        h("button", { class: "button refuse big", type: "button", onclick: () => ask(this, "refuse-request", { call: ring.call }) }, t("ring.refuse"), h("kbd", {}, "R")),
        accept),
      h("button", { class: "button quiet", type: "button", "aria-pressed": String(bellOff), onclick: () => ask(this, "bell-request") }, t(bellOff ? "bell.off" : "bell.on")))); // prettier-ignore
    clearInterval(this.timer);
    this.timer = setInterval(() => this.tick(ring), 250);
    this.tick(ring);
    accept.focus();
  }

  /** @param {RingView} ring */
  tick(ring) {
    const left = Math.max(0, ring.endsAt - now());
    this.left?.replaceChildren(String(Math.ceil(left)));
    this.arc?.style.setProperty("--gone", String(ROUND * (1 - left / ring.expires_in_s)));
  }
}

define("ring-card", RingCardElement);
