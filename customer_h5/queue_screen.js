/**
 * The wait: place, time, one's own picture, and the ways out.
 *
 * @import { Session } from "./session.js"
 * @import { Builder } from "./screens.js"
 * @import { State } from "./state.js"
 */

import { h } from "../web_kit/dom.js";
import { t } from "../web_kit/i18n.js";
import { icon } from "../web_kit/icons.js";
import { cameraToggle, ownPicture } from "./own_picture.js";
import { confirmSheet, waitWords } from "./screens.js";

/**
 * @param {Session} session
 * @returns {Builder}
 */
export function queueScreen(session) {
  return (store, actions) => {
    const { cutOff } = store.get();
    const own = ownPicture(t("queue.self"));
    const camera = cameraToggle(session, store);
    const place = h("p", { class: "place" });
    const wait = h("p", { class: "soft" });
    const banner = h("p", { class: "notice warn", role: "alert", hidden: true }, t("call.dropped.open"));
    const sure = confirmSheet(t("queue.leave.ask"), t("queue.leave.text"), t("queue.leave"), t("queue.wait.on"), actions.leave);
    const node = h(
      "main",
      { class: "page centre queue" },
      banner,
      cutOff ? h("p", { class: "notice", role: "status" }, t(`cut.queue.${cutOff}`)) : null,
      h("div", { class: "preview" }, own.node, camera.node),
      h("div", { class: "stack-small", role: "status", "aria-live": "polite" }, h("h1", null, t("queue.title")), place, wait),
      h("p", { class: "soft small" }, t("queue.stay")),
      h(
        "div",
        { class: "row ways" },
        h("button", { class: "button grow", type: "button", onclick: () => actions.show("callback") }, icon("phone"), t("other.callback.go")),
        h("button", { class: "button grow", type: "button", onclick: () => sure.show() }, icon("close"), t("queue.leave")),
      ),
      sure.node,
    );
    /** @param {Readonly<State>} state */
    function update(state) {
      const position = state.position || 1;
      place.textContent = position === 1 ? t("queue.first") : t("queue.position", { count: position - 1 });
      wait.textContent = state.agentsReady === 0 ? t("queue.none") : waitWords(state.waitS);
      banner.hidden = !state.dropped;
      own.update(state);
      camera.update(state);
    }
    return { node, update };
  };
}
