/**
 * The screen as a lamp: neutral, one full colour after another, neutral again. Nothing else is on it but the
 * way out.
 *
 * @import { Session } from "./session.js"
 * @import { Light } from "./identity_state.js"
 * @import { State } from "./state.js"
 */

import { h } from "../web_kit/dom.js";
import { t } from "../web_kit/i18n.js";

// The light before and after is looked at for a second as well.
const AFTER_MS = 1200;

/** @param {Session} session */
export function lightScreen(session) {
  const stop = h("button", { class: "button light-stop", type: "button", onclick: () => session.identity.decline() }, t("live.light.stop"));
  const node = h("section", { class: "light", hidden: true, "aria-label": t("live.light.now") }, h("p", { class: "sr", role: "status" }, t("live.light.now")), stop);
  /** @type {Light | null} */
  let shown = null;

  /** @param {Light} light */
  function play({ startsAt, count, eachMs }) {
    // From the first colour that was painted, not from when it was due: the bank counts from there as well.
    let beganAt = 0;
    let told = false;
    let at = -1;
    /** @param {number} now */
    function paint(now) {
      if (shown?.startsAt !== startsAt || !node.isConnected) return;
      if (beganAt && !told) {
        // This frame comes after the one with the colour.
        told = true;
        session.identity.lightShown();
      }
      if (!beganAt && now >= startsAt) beganAt = now;
      const next = beganAt ? Math.floor((now - beganAt) / eachMs) : -1;
      if (next !== at) {
        at = next;
        // Empty: neutral again, as the style sheet says.
        node.style.backgroundColor = shown.colours[at] || "";
        node.dataset.colour = String(at);
      }
      if (beganAt && now >= beganAt + count * eachMs + AFTER_MS) session.identity.lightDone();
      else requestAnimationFrame(paint);
    }
    node.style.backgroundColor = "";
    requestAnimationFrame(paint);
  }

  /** @param {Readonly<State>} state */
  function update({ live }) {
    const light = live && !live.away ? live.light : null;
    // Neutral already while the colours are being drawn.
    node.hidden = !light;
    if (light === shown) return;
    const known = light?.startsAt === shown?.startsAt;
    shown = light;
    // Further colours of what is played already.
    if (light && !known) {
      play(light);
      stop.focus();
    }
  }
  return { node, update };
}
