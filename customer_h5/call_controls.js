/**
 * What lies under the thumb during the call; what is needed rarely stands behind one button.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { Session } from "./session.js"
 * @import { Actions } from "./screens.js"
 * @import { State } from "./state.js"
 */

import { append, h, mount } from "../web_kit/dom.js";
import { t } from "../web_kit/i18n.js";
import { icon } from "../web_kit/icons.js";
import { turning } from "./own_picture.js";

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

/**
 * @param {Session} session
 * @param {Store<State>} store
 * @param {Actions} actions
 */
function moreSheet(session, store, actions) {
  const node = h("dialog", { class: "sheet more", "aria-label": t("call.more") });
  /**
   * @param {string} name
   * @param {string} label
   * @param {() => unknown} press
   */
  const choice = (name, label, press) => {
    const onclick = () => {
      node.close();
      press();
    };
    return h("button", { class: "button quiet choice", type: "button", onclick }, icon(name), label);
  };
  function show() {
    const { canFlip, canTorch, torch, cameraOff } = store.get();
    mount(
      node,
      canFlip && !cameraOff ? choice("flip", t("call.flip"), () => void session.devices.flip()) : null,
      canTorch ? choice("torch", t(torch ? "call.torch.off" : "call.torch"), () => void session.devices.setTorch(!torch)) : null,
      choice("text", t("text.larger"), actions.switchSize),
      choice("globe", t("language.other"), actions.switchLanguage),
      choice("close", t("close"), () => undefined),
    );
    node.showModal();
  }
  return { node, show };
}

/**
 * @param {Session} session
 * @param {Store<State>} store
 * @param {Actions} actions
 * @param {{ toggleChat: () => void, askHangUp: () => void }} presses
 */
export function controls(session, store, actions, { toggleChat, askHangUp }) {
  const badge = h("span", { class: "count", hidden: true });
  const sound = turning((muted) =>
    control(muted ? "microphone-off" : "microphone", t(muted ? "call.unmute" : "call.mute"), () => session.devices.setMuted(!muted), muted ? "off" : ""),
  );
  const picture = turning((off) =>
    control(off ? "camera-off" : "camera", t(off ? "call.camera.on" : "call.camera.off"), () => void session.devices.setCamera(off), off ? "off" : ""),
  );
  const chat = control("chat", t("call.chat"), toggleChat);
  append(chat, badge);
  const sheet = moreSheet(session, store, actions);
  const node = h(
    "footer",
    { class: "call-controls" },
    sound.node,
    picture.node,
    chat,
    control("more", t("call.more"), sheet.show),
    control("hang-up", t("call.hang.up"), askHangUp, "danger"),
  );
  /** @param {Readonly<State>} state */
  function update(state) {
    badge.hidden = state.unread === 0;
    badge.textContent = String(state.unread);
    badge.setAttribute("aria-label", t("call.chat.new", { count: state.unread }));
    sound.update(state.muted);
    picture.update(state.cameraOff);
  }
  return { nodes: [node, sheet.node], update };
}
