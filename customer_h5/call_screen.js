/**
 * The call: the agent fills the screen, one's own picture stands in a corner, controls lie under the thumb.
 *
 * @import { Session } from "./session.js"
 * @import { State } from "./state.js"
 * @import { Builder } from "./screens.js"
 */

import { append, h, mount, playStream, videoElement } from "../web_kit/dom.js";
import { clock, t } from "../web_kit/i18n.js";
import { icon } from "../web_kit/icons.js";
import { chatDrawer } from "./chat_drawer.js";
import { confirmSheet } from "./screens.js";
import { stillSheet } from "./still_sheet.js";

const TICK_MS = 500;

/**
 * @param {string} name
 * @param {string} label
 * @param {() => unknown} onclick
 * @param {string} [extra]
 */
function control(name, label, onclick, extra = "") {
  const button = h("button", { class: `button round ${extra}`, type: "button", onclick, "aria-label": label }, icon(name));
  return h("div", { class: "control" }, button, h("span", { "aria-hidden": "true" }, label));
}

/** @param {number} endsAt */
function secondsUntil(endsAt) {
  return Math.max(0, Math.ceil((endsAt - performance.now()) / 1000));
}

/**
 * What the banner says, the gravest first; empty when all is well.
 *
 * @param {Readonly<State>} state
 * @returns {string}
 */
function bannerWords(state) {
  if (state.dropped && state.dropEndsAt !== null) {
    return t("call.dropped", { seconds: secondsUntil(state.dropEndsAt) });
  }
  if (state.interrupted) return t("call.interrupted");
  if (state.serviceLost) return t("call.service.lost");
  if (state.peerEndsAt !== null) return t("call.peer.dropped", { seconds: secondsUntil(state.peerEndsAt) });
  if (state.phase === "held") return t("call.held");
  if (state.mediaTroubled) return t("call.media.trouble");
  return state.strain && t(`call.${state.strain}`);
}

/** @param {Session} session */
function topBar(session) {
  const name = h("strong", { class: "peer-name" });
  const bank = h("span", { class: "peer-bank" });
  const time = h("span", { class: "numbers", "aria-label": t("call.time") });
  const recording = h("span", { class: "recording" }, h("i", { class: "recording-dot" }), t("call.recording"));
  const words = h("span", { class: "grow" });
  const resume = () => void session.resumeCapture().catch(() => undefined);
  const tap = h("button", { class: "button compact", type: "button", onclick: resume }, t("call.interrupted.resume"));
  const banner = h("div", { class: "banner", role: "alert", hidden: true }, words, tap);
  const node = h(
    "header",
    { class: "call-top" },
    h("div", { class: "call-bar" }, h("div", { class: "peer grow" }, name, bank), h("div", { class: "call-signs" }, recording, time)),
    banner,
  );
  /** @param {Readonly<State>} state */
  function update(state) {
    name.textContent = state.peer || t("call.agent.role");
    bank.textContent = state.bank;
    recording.hidden = !state.recording || state.serviceLost;
    time.textContent = state.activeAt === null ? "" : clock((performance.now() - state.activeAt) / 1000);
    const text = bannerWords(state);
    // Rewriting the same words would make a screen reader say them again.
    if (words.textContent !== text) words.textContent = text;
    banner.hidden = text === "";
    tap.hidden = !state.interrupted;
  }
  return { node, update };
}

/**
 * @param {Session} session
 * @param {() => void} toggleChat
 * @param {() => void} askHangUp
 */
function controls(session, toggleChat, askHangUp) {
  const badge = h("span", { class: "count", hidden: true });
  const mute = h("div", { class: "slot" });
  const flip = control("flip", t("call.flip"), () => {
    void session.useCamera(other()).catch(() => undefined);
  });
  const chat = control("chat", t("call.chat"), toggleChat);
  append(chat, badge);
  /** @type {"user" | "environment"} */
  let facing = "user";
  const other = () => (facing === "user" ? "environment" : "user");
  /** @type {boolean | null} */
  let muted = null;
  const node = h("footer", { class: "call-controls" }, mute, flip, chat, control("hang-up", t("call.hang.up"), askHangUp, "danger"));
  /** @param {Readonly<State>} state */
  function update(state) {
    facing = state.facing;
    flip.hidden = !state.canFlip;
    badge.hidden = state.unread === 0;
    badge.textContent = String(state.unread);
    badge.setAttribute("aria-label", t("call.chat.new", { count: state.unread }));
    if (muted === state.muted) return;
    muted = state.muted;
    const had = mute.contains(document.activeElement);
    mount(mute, control(muted ? "microphone-off" : "microphone", t(muted ? "call.unmute" : "call.mute"), () => session.toggleMute(), muted ? "off" : ""));
    const button = mute.querySelector("button");
    if (had && button) button.focus();
  }
  return { node, update };
}

/** @param {import("../web_kit/store.js").Store<State>} store */
function pictures(store) {
  const agent = videoElement({ class: "agent-picture", label: t("call.agent") });
  const own = videoElement({ muted: true, label: t("call.self") });
  const wait = h("div", { class: "call-wait", role: "status" }, h("div", { class: "spinner", role: "presentation" }), h("p", null, t("call.connecting")));
  const unlock = () => void agent.play().then(() => store.update({ soundBlocked: false }), () => undefined);
  const sound = h("button", { class: "button primary sound", type: "button", hidden: true, onclick: unlock }, icon("play"), t("call.sound"));
  /** @param {Readonly<State>} state */
  function update(state) {
    wait.hidden = state.phase !== "connecting";
    sound.hidden = !state.soundBlocked;
    own.classList.toggle("mirrored", state.facing === "user");
    if (own.srcObject !== state.ownStream) void playStream(own, state.ownStream);
    if (agent.srcObject === state.agentStream) return;
    void playStream(agent, state.agentStream).then((plays) => store.update({ soundBlocked: !plays }));
  }
  return { nodes: [agent, h("div", { class: "own-picture" }, own), wait, sound], update };
}

/**
 * @param {Session} session
 * @returns {Builder}
 */
export function callScreen(session) {
  return (store) => {
    const top = topBar(session);
    const shown = pictures(store);
    const sure = confirmSheet(t("call.hang.ask"), t("call.hang.text"), t("call.hang.up"), t("call.hang.on"), () => session.hangUp());
    const toggleChat = () => store.update({ chatOpen: !store.get().chatOpen, unread: 0 });
    const bottom = controls(session, toggleChat, () => sure.show());
    const chat = chatDrawer(session, toggleChat);
    const still = stillSheet(session, store);
    const node = h("main", { class: "call video-surface" }, ...shown.nodes, top.node, bottom.node, chat.node, still.node, sure.node);
    /** @param {Readonly<State>} state */
    function update(state) {
      for (const part of [top, shown, bottom, chat, still]) part.update(state);
    }
    const ticking = setInterval(() => {
      if (node.isConnected) top.update(store.get());
      else clearInterval(ticking);
    }, TICK_MS);
    return { node, update };
  };
}
