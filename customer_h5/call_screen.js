/**
 * The call: the agent fills the screen, one's own picture stands in a corner, controls lie under the thumb.
 *
 * @import { Session } from "./session.js"
 * @import { State } from "./state.js"
 * @import { Builder } from "./screens.js"
 */

import { h } from "../web_kit/dom.js";
import { t } from "../web_kit/i18n.js";
import { controls } from "./call_controls.js";
import { stage } from "./call_stage.js";
import { topBar } from "./call_top.js";
import { chatDrawer } from "./chat_drawer.js";
import { codeSheet } from "./code_sheet.js";
import { lightScreen } from "./light_screen.js";
import { isUp, liveSheet } from "./live_sheet.js";
import { confirmSheet } from "./screens.js";
import { stillSheet } from "./still_sheet.js";

const TICK_MS = 500;
const TOLD_MS = 3000;

/**
 * A word that goes by itself: that a picture was taken without being asked for.
 *
 * @param {Readonly<State>} state
 */
function told({ stillsTaken: before }) {
  const node = h("p", { class: "told", role: "status", hidden: true });
  let count = before;
  /** @param {Readonly<State>} state */
  function update({ stillsTaken }) {
    if (stillsTaken === count) return;
    count = stillsTaken;
    node.textContent = t("still.taken");
    node.hidden = false;
    setTimeout(() => (node.hidden = true), TOLD_MS);
  }
  return { node, update };
}

/**
 * @param {Session} session
 * @returns {Builder}
 */
export function callScreen(session) {
  return (store, actions) => {
    const top = topBar(session);
    const shown = stage(store);
    const sure = confirmSheet(t("call.hang.ask"), t("call.hang.text"), t("call.hang.up"), t("call.hang.on"), () => session.hangUp());
    const toggleChat = () => store.update({ chatOpen: !store.get().chatOpen, unread: 0 });
    const bottom = controls(session, store, actions, { toggleChat, askHangUp: () => sure.show() });
    const chat = chatDrawer(session, toggleChat);
    const still = stillSheet(session, store);
    const live = liveSheet(session);
    const light = lightScreen(session);
    const code = codeSheet(session);
    const word = told(store.get());
    const under = [...shown.nodes, top.node, ...bottom.nodes, ...chat.nodes, code.node];
    const node = h("main", { class: "call video-surface" }, ...under, word.node, still.node, live.node, light.node, sure.node);
    const parts = [top, shown, bottom, chat, code, still, live, light, word];
    let tilts = false;
    /** Few calls need it: loaded when the first burst is asked for. */
    function loadTilt() {
      tilts = true;
      import("./tilt_sheet.js").then(
        ({ tiltSheet }) => {
          const tilt = tiltSheet(session, store);
          node.append(tilt.node);
          parts.push(tilt);
          tilt.update(store.get());
        },
        () => {
          tilts = false;
          const { tilt } = store.get();
          if (tilt) session.identity.tiltOver(tilt.check, "failed");
        },
      );
    }
    /** @param {Readonly<State>} state */
    function update(state) {
      node.classList.toggle("sharing", Boolean(state.sharing));
      const covered = isUp(state) || state.tilt !== null || (state.still !== null && !state.still.atOnce);
      for (const one of under) one.toggleAttribute("inert", covered);
      for (const part of parts) part.update(state);
      if (state.tilt && !tilts) loadTilt();
    }
    const ticking = setInterval(() => {
      if (!node.isConnected) clearInterval(ticking);
      else for (const part of [top.update, shown.tick, live.tick, code.tick]) part(store.get());
    }, TICK_MS);
    return { node, update };
  };
}
