/**
 * Drawings: how to move the head, and where things lie on a document. All of them are decoration beside words.
 *
 * @import { EvidenceKind } from "../web_kit/wire"
 */

import { append } from "../web_kit/dom.js";

const NAMESPACE = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {Readonly<Record<string, string | number>>} props
 * @param {...Element} children
 */
function shape(tag, props, ...children) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(props)) element.setAttribute(name, String(value));
  append(element, ...children);
  return element;
}

/**
 * @param {string} d
 * @param {string} [name]
 */
function line(d, name = "") {
  return shape("path", name ? { d, class: name } : { d });
}

/** @param {number} x @param {number} [height] Of an eye on a grid of 100. */
function eye(x, height = 4) {
  return shape("ellipse", { cx: x, cy: 44, rx: 4, ry: height, class: "filled" });
}

const HEAD = "M50 14c18 0 29 13 29 32 0 22-13 40-29 40S21 68 21 46c0-19 11-32 29-32Z";
const HAIR = "M22 40c2-16 12-26 28-26s26 10 28 26c-8-2-14-6-18-12-6 8-22 12-38 12Z";
const NOSE = "M50 46c0 6-4 10-4 12s3 3 5 3";
const SMILE = "M40 71c6 4 14 4 20 0";
const TO_THE_LEFT = "M16 94h-12m6-6l-6 6 6 6M16 94h22";
const TO_THE_RIGHT = "M84 94h12m-6-6l6 6-6 6M84 94H62";
const UP_AND_DOWN = "M92 30v36m-6-6l6 6 6-6M92 30m-6 6l6-6 6 6";
const SOUND = "M86 60c4 6 4 14 0 20M92 54c7 10 7 22 0 32";

/**
 * What moves in the face, as one sees oneself in a mirror: one's own left is on the left.
 *
 * @type {Readonly<Record<string, () => Element[]>>}
 */
const GESTURES = {
  turn_left: () => [face("to-left", eye(38), eye(62), line(NOSE), line(SMILE)), line(TO_THE_LEFT, "arrow")],
  turn_right: () => [face("to-right", eye(38), eye(62), line(NOSE), line(SMILE)), line(TO_THE_RIGHT, "arrow")],
  nod: () => [face("nods", eye(38), eye(62), line(NOSE), line(SMILE)), line(UP_AND_DOWN, "arrow")],
  blink: () => [
    face("", shape("g", { class: "open" }, eye(38), eye(62)), line("M33 45c3 3 7 3 10 0M57 45c3 3 7 3 10 0", "shut"), line(NOSE), line(SMILE)),
  ],
  open_mouth: () => [face("", eye(38), eye(62), line(NOSE), shape("ellipse", { cx: 50, cy: 72, rx: 9, ry: 8, class: "filled mouth" }))],
  say_digits: () => [
    face("", eye(38), eye(62), line(NOSE), shape("ellipse", { cx: 50, cy: 72, rx: 8, ry: 4, class: "filled talks" })),
    line(SOUND, "arrow"),
  ],
};

/**
 * @param {string} name
 * @param {...Element} parts
 */
function face(name, ...parts) {
  return shape("g", {}, line(HEAD, "skin"), line(HAIR, "hair"), shape("g", { class: name }, ...parts));
}

/**
 * How a gesture looks. One that is new to this page shows a face that looks ahead.
 *
 * @param {string} gesture
 */
export function gestureGuide(gesture) {
  const known = GESTURES[gesture];
  const parts = known ? known() : [face("", eye(38), eye(62), line(NOSE), line(SMILE))];
  return shape("svg", { viewBox: "0 0 100 102", class: `guide ${gesture}`, "aria-hidden": "true" }, ...parts);
}

/** A face before a phone that shines, at the length of a lower arm. */
export function lightGuide() {
  return shape(
    "svg",
    { viewBox: "0 0 150 102", class: "guide light-guide", "aria-hidden": "true" },
    face("", eye(38), eye(62), line(NOSE), line(SMILE)),
    shape("rect", { x: 118, y: 22, width: 22, height: 48, rx: 4, class: "phone" }),
    line("M110 34l-14-5M110 46H94M110 58l-14 5", "rays"),
    line("M84 92h50m-44-5l-6 5 6 5m38-10l6 5-6 5", "arrow"),
  );
}

/** A ring that empties; `pathLength` makes the whole way round 100. */
export function ring() {
  const left = shape("circle", { cx: 24, cy: 24, r: 21, pathLength: 100, class: "left" });
  const node = shape("svg", { viewBox: "0 0 48 48", class: "ring", "aria-hidden": "true" }, shape("circle", { cx: 24, cy: 24, r: 21, class: "whole" }), left);
  /** @param {number} share 0 to 1. */
  const show = (share) => left.setAttribute("stroke-dasharray", `${Math.round(share * 100)} 100`);
  return { node, show };
}

/**
 * Portrait, emblem and lines, on the grid of each document's own size in millimetres.
 *
 * @type {Readonly<Partial<Record<EvidenceKind, () => Element>>>}
 */
const DOCUMENTS = {
  id_card: () =>
    outline("0 0 85.6 54", line("M58 12h20v27H58Z"), line("M68 17a5 5 0 0 1 0 11 5 5 0 0 1 0-11ZM60 39c0-5 3-8 8-8s8 3 8 8"), line("M7 13h16M7 20h30M7 27h24M7 34h40M20 46h46")),
  id_card_back: () =>
    outline("0 0 85.6 54", line("M15 8a8 8 0 0 1 0 16 8 8 0 0 1 0-16ZM11 21l4-9 4 9"), line("M34 13h36M30 20h44M22 40h16M44 40h30M22 46h12M44 46h30")),
  passport: () =>
    outline("0 0 125 88", line("M8 16h30v40H8Z"), line("M23 24a7 7 0 0 1 0 15 7 7 0 0 1 0-15ZM11 56c0-7 5-12 12-12s12 5 12 12"), line("M48 18h40M48 27h62M48 36h50M48 45h58M48 54h34"), line("M6 70h113M6 79h113", "zone")),
};

/**
 * @param {string} viewBox
 * @param {...Element} lines
 */
function outline(viewBox, ...lines) {
  return shape("svg", { viewBox, class: "outline", "aria-hidden": "true" }, ...lines);
}

/**
 * Where things lie on such a document; null for what is none.
 *
 * @param {EvidenceKind} kind
 * @returns {Element | null}
 */
export function documentGuide(kind) {
  const known = DOCUMENTS[kind];
  return known ? known() : null;
}
