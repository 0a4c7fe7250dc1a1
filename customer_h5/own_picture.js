/**
 * One's own picture, and the switch of its camera.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { Session } from "./session.js"
 * @import { State } from "./state.js"
 */

import { h, mount, playStream, videoElement } from "../web_kit/dom.js";
import { t } from "../web_kit/i18n.js";
import { icon } from "../web_kit/icons.js";

/** @param {string} label */
export function ownPicture(label) {
  const video = videoElement({ muted: true, label });
  const off = h("div", { class: "no-picture" }, icon("camera-off"), h("span", { class: "small" }, t("own.off")));
  const node = h("div", { class: "self video-surface" }, video, off);
  /** @param {Readonly<State>} state */
  function update({ ownStream, facing, cameraOff }) {
    video.classList.toggle("mirrored", facing === "user");
    video.hidden = cameraOff || !ownStream;
    off.hidden = !cameraOff;
    if (video.srcObject !== ownStream) void playStream(video, ownStream);
  }
  return { node, update };
}

/**
 * A button that redraws itself when what it does turns round, without losing the focus.
 *
 * @param {(on: boolean) => HTMLElement} make
 */
export function turning(make) {
  const node = h("div", { class: "slot" });
  /** @type {boolean | null} */
  let shown = null;
  /** @param {boolean} on */
  function update(on) {
    if (on === shown) return;
    shown = on;
    const had = node.contains(document.activeElement);
    mount(node, make(on));
    const button = node.querySelector("button");
    if (had && button) button.focus();
  }
  return { node, update };
}

/**
 * @param {Session} session
 * @param {Store<State>} store
 */
export function cameraToggle(session, store) {
  const press = (/** @type {boolean} */ on) => void session.devices.setCamera(on);
  const toggle = turning((off) =>
    h("button", { class: "button compact", type: "button", onclick: () => press(off) }, icon(off ? "camera" : "camera-off"), t(off ? "own.turn.on" : "own.turn.off")),
  );
  return { node: toggle.node, update: (/** @type {Readonly<State>} */ { cameraOff }) => toggle.update(cameraOff) };
}
