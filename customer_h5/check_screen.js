/**
 * The check before the queue, as the customer sees it: the own picture, how loud it is, and for what does not
 * work what to do.
 *
 * @import { Session } from "./session.js"
 * @import { Builder } from "./screens.js"
 * @import { Finding, Findings, Item, State } from "./state.js"
 */

import { inAppBrowser } from "../web_kit/devices.js";
import { h, mount } from "../web_kit/dom.js";
import { t, tCode } from "../web_kit/i18n.js";
import { icon } from "../web_kit/icons.js";
import { cameraToggle, ownPicture } from "./own_picture.js";
import { linkOut } from "./screens.js";

/** @type {readonly Item[]} */
const ITEMS = ["camera", "microphone", "uplink", "delay", "browser"];
// As slowly as the needles of level meters fall: from full to empty in little more than a second.
const FALL_PER_S = 0.8;
const SIGNS = { good: "check", warn: "warning", bad: "close" };

/**
 * @param {Item} item
 * @param {Finding} found
 */
function valueWords(item, { mark, value }) {
  if (mark === "wait") return t(item === "microphone" ? "check.say" : "check.wait");
  if (item === "camera" && value === "off") return t("own.off");
  if (item === "uplink" && value) return t("check.kbps", { mbit: (Number(value) / 1000).toFixed(1) });
  if (item === "delay" && value) return t("check.ms", { ms: value });
  if (item === "browser" && value) return value;
  return t(`check.${mark}`);
}

/**
 * @param {Item} item
 * @param {Finding} found
 */
function row(item, found) {
  const { mark, code } = found;
  const sign = mark === "wait" ? h("span", { class: "spinner tiny", role: "presentation" }) : icon(SIGNS[mark]);
  return h(
    "li",
    { class: `checked ${mark}` },
    h("span", { class: "sign" }, sign),
    h(
      "div",
      { class: "grow" },
      h("div", { class: "row" }, h("span", { class: "grow" }, t(`check.${item}`)), h("span", { class: "small numbers value" }, valueWords(item, found))),
      code ? h("p", { class: "small" }, h("strong", null, tCode("found", code)), " ", tCode("found.help", code)) : null,
    ),
  );
}

/** @param {Findings} findings */
function summary(findings) {
  const marks = ITEMS.map((item) => findings[item].mark);
  if (marks.includes("bad")) return "check.sum.bad";
  if (marks.includes("wait")) return "check.sum.wait";
  return marks.includes("warn") ? "check.sum.warn" : "check.sum.good";
}

/**
 * Without a microphone nobody hears; without a camera one can be served in part.
 *
 * @param {Findings} findings
 */
function canGoOn({ camera, microphone, browser }) {
  return microphone.mark !== "bad" && camera.mark !== "wait" && microphone.mark !== "wait" && browser.mark !== "wait";
}

function levelMeter() {
  const bar = h("i", null);
  const node = h("div", { class: "level", role: "meter", "aria-label": t("check.level"), "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0 }, icon("microphone"), h("span", null, bar));
  let shown = 0;
  let at = performance.now();
  /** @param {number} level  Rises at once and falls slowly, so that one short word is seen. */
  function show(level) {
    const now = performance.now();
    shown = Math.max(level, shown - (FALL_PER_S * (now - at)) / 1000);
    at = now;
    bar.style.transform = `scaleX(${shown.toFixed(2)})`;
    node.setAttribute("aria-valuenow", String(Math.round(shown * 10) * 10));
  }
  return { node, show };
}

/**
 * @param {Session} session
 * @returns {Builder}
 */
export function checkScreen(session) {
  return (store, actions) => {
    const { cutOff } = store.get();
    const own = ownPicture(t("queue.self"));
    const camera = cameraToggle(session, store);
    const level = levelMeter();
    const list = h("ul", { class: "card checks" });
    const sum = h("p", { class: "centred", role: "status" });
    const again = h("button", { class: "button big", type: "button", onclick: () => void session.check() }, t("check.again"));
    const go = h("button", { class: "button primary big", type: "button", onclick: () => session.join() });
    const out = h("div", { class: "wide", hidden: true });
    const callback = h("button", { class: "button quiet big", type: "button", onclick: () => actions.show("callback") }, icon("phone"), t("other.callback.go"));
    const node = h(
      "main",
      { class: "page check" },
      cutOff ? h("p", { class: "notice warn", role: "alert" }, t(`cut.${cutOff}`)) : null,
      h("h1", null, t("check.title")),
      h("div", { class: "preview" }, own.node, h("div", { class: "stack" }, level.node, camera.node)),
      list,
      out,
      callback,
      h("div", { class: "start-bar" }, sum, h("div", { class: "row" }, again, go)),
    );
    session.onLevel(level.show);
    /** @type {Findings | null} */
    let shown = null;
    /** @param {Readonly<State>} state */
    function update(state) {
      own.update(state);
      camera.update(state);
      const { findings } = state;
      if (!findings) return;
      go.disabled = state.joining || !canGoOn(findings);
      go.textContent = t(findings.camera.mark === "bad" || state.cameraOff ? "check.go.off" : "check.go");
      if (findings === shown) return;
      if (shown === null || shown.camera !== findings.camera) session.onLevel(level.show);
      shown = findings;
      const asked = ITEMS.some((item) => findings[item].mark === "bad" || findings[item].mark === "warn");
      mount(list, ...ITEMS.map((item) => row(item, findings[item])));
      const words = t(summary(findings));
      if (sum.textContent !== words) sum.textContent = words;
      again.hidden = !asked;
      callback.hidden = findings.microphone.mark !== "bad";
      out.hidden = findings.browser.mark !== "bad" && !(inAppBrowser() && findings.camera.mark === "bad");
      if (!out.hidden && !out.firstChild) mount(out, linkOut(session.linkElsewhere()));
    }
    return { node, update };
  };
}
