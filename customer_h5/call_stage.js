/**
 * The pictures of the call: whoever talks to the customer, the screen that is shown, the own picture, and what
 * stands there when no picture moves.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { PartySeen } from "../web_kit/wire"
 * @import { State } from "./state.js"
 */

import { h, playStream, videoElement } from "../web_kit/dom.js";
import { clock, t } from "../web_kit/i18n.js";
import { icon } from "../web_kit/icons.js";
import { peopleOf } from "./call_state.js";
import { ownPicture } from "./own_picture.js";
import { Zoom } from "./zoom.js";

const SLOTS = 3;

/**
 * Why a picture does not move; empty while it does.
 *
 * @param {PartySeen | null} party
 * @param {Readonly<State>} state
 */
function standing(party, { phase, serviceLost }) {
  if (party && !party.present) return "gone";
  if (party && party.camera !== "on") return party.camera;
  return phase === "reconnecting" || serviceLost ? "gone" : "";
}

/**
 * One person's picture. What stands is a copy of the last one shown: the line it came on may be replaced.
 *
 * @param {Store<State>} store
 */
function person(store) {
  const video = videoElement({ label: t("call.agent") });
  const last = h("canvas", { class: "last", hidden: true, role: "img" });
  const none = h("div", { class: "no-picture", hidden: true }, icon("person"));
  const name = h("span", { class: "small" });
  const why = h("span", { class: "frozen small", role: "status", hidden: true });
  const node = h("figure", { class: "person", hidden: true }, video, last, none, h("figcaption", null, name), why);
  let reason = "";
  let everShown = false;

  function freeze() {
    const { videoWidth: width, videoHeight: height } = video;
    const context = last.getContext("2d");
    if (!width || !context || reason) return;
    Object.assign(last, { width, height });
    context.drawImage(video, 0, 0, width, height);
    everShown = true;
  }

  /** @param {string} next */
  function stand(next) {
    if (next === reason) return;
    // A still that comes every few seconds is the picture; everything else stands.
    const copied = next !== "" && next !== "stills";
    if (copied) freeze();
    reason = next;
    last.hidden = !copied || !everShown;
    none.hidden = !copied || everShown;
    why.hidden = next === "";
    why.textContent = next && t(`frozen.${next}`);
    last.setAttribute("aria-label", why.textContent);
    node.dataset.frozen = next;
  }

  /**
   * @param {Readonly<State>} state
   * @param {PartySeen | null} party
   * @param {MediaStream | null} stream
   * @param {"main" | "side" | ""} place
   */
  function update(state, party, stream, place) {
    stand(place ? standing(party, state) : "");
    node.hidden = place === "";
    node.classList.toggle("main", place === "main");
    node.classList.toggle("side", place === "side");
    video.classList.toggle("agent-picture", place === "main");
    name.textContent = party ? party.name : "";
    if (video.srcObject === stream) return;
    void playStream(video, stream).then((plays) => {
      if (!plays) store.update({ soundBlocked: true });
    });
  }
  return { node, video, update };
}

function shareView() {
  const video = videoElement({ class: "share-picture", muted: true, label: t("share.label") });
  const node = h("div", { class: "share", hidden: true, tabindex: 0, role: "group", "aria-label": t("share.help") }, video);
  const zoom = new Zoom(node, video);
  const hint = h("p", { class: "share-hint small", hidden: true }, t("share.help"));
  /** @param {Readonly<State>} state */
  function update({ sharing, screenStream }) {
    if (node.hidden === Boolean(sharing)) zoom.reset();
    node.hidden = !sharing;
    hint.hidden = !sharing;
    if (video.srcObject !== screenStream) void playStream(video, screenStream);
  }
  return { nodes: [node, hint], update };
}

function holdNotice() {
  const time = h("span", { class: "numbers" });
  const node = h(
    "div",
    { class: "hold", hidden: true },
    h("span", { class: "medal" }, icon("pause")),
    h("div", { class: "stack-small", role: "status" }, h("h2", null, t("call.held")), h("p", null, t("call.held.text"))),
    time,
  );
  /** @param {Readonly<State>} state */
  function update({ heldAt }) {
    node.hidden = heldAt === null;
    time.textContent = heldAt === null ? "" : clock((performance.now() - heldAt) / 1000);
  }
  return { node, update };
}

/** @param {Store<State>} store */
export function stage(store) {
  const people = Array.from({ length: SLOTS }, () => person(store));
  const share = shareView();
  const held = holdNotice();
  const own = ownPicture(t("call.self"));
  own.node.classList.add("own-picture");
  const wait = h("div", { class: "call-wait", role: "status" }, h("div", { class: "spinner", role: "presentation" }), h("p", null, t("call.connecting")));
  const unlock = () =>
    void Promise.all(people.map(({ video }) => (video.srcObject ? video.play() : null))).then(
      () => store.update({ soundBlocked: false }),
      () => undefined,
    );
  const sound = h("button", { class: "button primary sound", type: "button", hidden: true, onclick: unlock }, icon("play"), t("call.sound"));

  /** @param {Readonly<State>} state */
  function update(state) {
    const seated = peopleOf(state);
    const main = seated[0] ? seated[0].slot : state.parties.length ? null : 0;
    people.forEach((one, slot) => {
      const party = seated.find((each) => each.slot === slot) || null;
      const place = slot === main && !state.sharing ? "main" : party || slot === main ? "side" : "";
      one.update(state, party, state.remote[slot] || null, state.phase === "held" ? "" : place);
    });
    share.update(state);
    held.update(state);
    own.update(state);
    wait.hidden = state.phase !== "connecting";
    sound.hidden = !state.soundBlocked;
  }
  const pictures = h("div", { class: "pictures" }, ...share.nodes, ...people.map(({ node }) => node), held.node, own.node);
  return { nodes: [pictures, wait, sound], update, tick: held.update };
}
