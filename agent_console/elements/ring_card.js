/** Somebody rings: who, why, how long they have waited, who asks for help, and how long the ring lasts. */

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

/** What the customer is known for, each with its tone. @param {RingView} ring @returns {[string, string][]} */
export function ringMarks({ vip, skill, language, earlier, rejected }) {
  /** @type {[string, string][]} */
  const marks = [[wordFor("tongue", language), "plain"]];
  vip && marks.unshift([t("ring.vip"), "warn"]);
  skill && marks.push([t("ring.skill", { skill: wordFor("skill", skill) }), "busy"]);
  earlier && marks.push([t("ring.earlier", { count: earlier }), "plain"]);
  rejected && marks.push([t("ring.rejected", { count: rejected }), "bad"]);
  return marks;
}

/** @param {RingView} ring */
function eyebrow({ invited_by: by, transferred, private: apart }) {
  if (!by) {
    return t("ring.title");
  }
  return t(transferred ? "ring.transferred" : apart ? "ring.asked_private" : "ring.asked", { name: by });
}

/** @typedef {{ring: RingView | null, cutOff: import("../state.js").CutOff | null, bellOff: boolean, keysOff: boolean}} Ringing */

/** @extends {PartElement<Ringing>} */
export class RingCardElement extends PartElement {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  timer = undefined;

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  /** @override */
  looksAt(/** @type {Ringing} */ { ring, cutOff, bellOff, keysOff }) {
    return [ring, cutOff, bellOff, keysOff];
  }

  /** @override */
  draw(/** @type {Ringing} */ { ring, cutOff, bellOff, keysOff }) {
    if (!ring) {
      return;
    }
    const key = (/** @type {string} */ letter) => !keysOff && h("kbd", {}, letter);
    const accept = h("button", { class: "button accept big", type: "button", onclick: () => ask(this, "accept-request") }, icon("phone"), t("ring.accept"), key("A"));
    mount(this, h("div", { class: `ring-box ${ring.invited_by ? "asked" : ""}`, role: "alertdialog", "aria-modal": "true", "aria-labelledby": "ring-who", "aria-describedby": "ring-why" },
      h("p", { class: "ring-eyebrow" }, eyebrow(ring)),
      this.dial(),
      h("h1", { id: "ring-who" }, ring.customer_name || t("case.unnamed")),
      h("p", { id: "ring-why" }, wordFor("purpose", ring.purpose), " · ", t("ring.waited", { time: clock(ring.waited_s) })),
      h("p", { class: "ring-marks" }, ringMarks(ring).map(([words, tone]) => h("span", { class: `badge ${tone}` }, words))),
      cutOff && h("p", { class: "notice warn" }, t("ring.cut_off")),
      ring.note && h("blockquote", { class: "ring-note" }, ring.note),
      ring.private && h("p", { class: "soft small" }, t("ring.private_hint")),
      h("div", { class: "ring-actions" },
        h("button", { class: "button refuse big", type: "button", onclick: () => ask(this, "refuse-request") }, t(ring.invited_by ? "ring.decline" : "ring.refuse"), key("R")),
        accept),
      h("button", { class: "button quiet", type: "button", "aria-pressed": String(bellOff), onclick: () => ask(this, "bell-request") }, t(bellOff ? "bell.off" : "bell.on")))); // prettier-ignore
    clearInterval(this.timer);
    this.timer = setInterval(() => this.tick(ring), 250);
    this.tick(ring);
    accept.focus();
  }

  dial() {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 120 120");
    svg.setAttribute("aria-hidden", "true");
    this.arc = circle("arc");
    svg.append(circle("track"), this.arc);
    this.left = h("span", { class: "left" });
    return h("div", { class: "ring-clock" }, svg, this.left);
  }

  /** @param {RingView} ring */
  tick(ring) {
    const left = Math.max(0, ring.endsAt - now());
    this.left?.replaceChildren(String(Math.ceil(left)));
    this.arc?.style.setProperty("--gone", String(ROUND * (1 - left / ring.expires_in_s)));
  }
}

define("ring-card", RingCardElement);
