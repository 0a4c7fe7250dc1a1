/**
 * Pictures of a document that is tilted: the phone takes them by itself, and sends them. Loaded when it is first
 * asked for, with its words.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { TiltEnd, TiltWanted } from "../web_kit/wire"
 * @import { Session } from "./session.js"
 * @import { Photo } from "./photo.js"
 * @import { State } from "./state.js"
 */

import { h, mount, playStream, videoElement } from "../web_kit/dom.js";
import { addStrings, t, tCode } from "../web_kit/i18n.js";
import { icon } from "../web_kit/icons.js";
import { RestError } from "../web_kit/rest.js";
import { documentGuide } from "./guides.js";
import { frameOf } from "./photo.js";
import { hush, speak } from "./speaking.js";
import { TILT_STRINGS } from "./tilt_strings.js";

addStrings(TILT_STRINGS);

const WAYS = /** @type {const} */ (["left", "right", "up", "down"]);
const SENT_SHOWN_MS = 900;
// What the frame does while the card is to do the same; 4 s for the whole round.
const ROUND = ["rotateY(-28deg)", "rotateY(28deg)", "rotateX(28deg)", "rotateX(-28deg)", "rotateY(0deg)"];

/** @param {number} ms @returns {Promise<void>} */
const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @param {Session} session
 * @param {Store<State>} store
 */
export function tiltSheet(session, store) {
  const sheet = new TiltSheet(session, store);
  return { node: sheet.node, update: (/** @type {Readonly<State>} */ state) => sheet.update(state) };
}

class TiltSheet {
  /**
   * @param {Session} session
   * @param {Store<State>} store
   */
  constructor(session, store) {
    this._session = session;
    this._store = store;
    this.node = h("section", { class: "still tilt", hidden: true });
    this._finder = videoElement({ class: "finder", muted: true, label: t("still.view") });
    this._frame = h("div", { class: "frame", "aria-hidden": "true" });
    this._words = h("p", { role: "status" });
    this._bar = h("progress", { "aria-label": t("tilt.progress") });
    /** @type {TiltWanted | null} */
    this._wanted = null;
    this._before = { facing: /** @type {State["facing"]} */ ("user"), off: false };
  }

  /** @param {Readonly<State>} state */
  update({ tilt, ownStream, facing, cameraOff }) {
    this._finder.classList.toggle("mirrored", facing === "user");
    if (tilt && this._finder.srcObject !== ownStream) void playStream(this._finder, ownStream);
    if (tilt === this._wanted) return;
    const was = this._wanted;
    if (tilt && !was) this._before = { facing, off: cameraOff };
    this._wanted = tilt;
    this.node.hidden = tilt === null;
    if (tilt) void this._open(tilt);
    else if (was) this._left(was);
  }

  /** Something else took its place, or it is over. @param {TiltWanted} was */
  _left(was) {
    hush();
    mount(this.node);
    const { still, screen } = this._store.get();
    if (still) this._session.identity.tiltOver(was.check, "cancelled");
    // After the call nobody needs a camera.
    else if (screen === "call") void this._cameraBack();
  }

  async _cameraBack() {
    const { capture } = this._session;
    const { facing, off } = this._before;
    if (off) await capture.setCamera(false);
    else await capture.useCamera(facing).catch(() => undefined);
  }

  /** @param {TiltWanted} wanted */
  async _open(wanted) {
    mount(this.node, h("div", { class: "centre-box" }, h("div", { class: "spinner", role: "presentation" }), h("p", null, t("still.opening"))));
    // Frames of the track are taken, which a photograph's camera would give too slowly.
    await this._session.capture.useCamera("environment", true).catch(() => undefined);
    if (this._wanted !== wanted) return;
    if (!this._session.capture.camera) this._over(wanted, "failed");
    else this._explain(wanted);
  }

  /**
   * @param {TiltWanted} wanted
   * @param {TiltEnd} reason
   */
  _over(wanted, reason) {
    if (this._wanted === wanted) this._session.identity.tiltOver(wanted.check, reason);
  }

  /**
   * @param {TiltWanted} wanted
   * @param {string} title
   * @param {...Element} buttons
   */
  _draw(wanted, title, ...buttons) {
    this._frame.className = wanted.document === "passport" ? "frame spread" : "frame";
    mount(this._frame, documentGuide(wanted.document));
    const cancel = h("button", { class: "button big", type: "button", onclick: () => this._over(wanted, "cancelled") }, t("tilt.cancel"));
    mount(
      this.node,
      h("header", { class: "still-words" }, h("h2", null, title), this._words),
      h("div", { class: "stage" }, this._finder, this._frame),
      h("footer", { class: "still-buttons" }, ...buttons, cancel),
    );
    void playStream(this._finder, this._store.get().ownStream);
    const first = this.node.querySelector("button");
    if (first) first.focus();
  }

  /** @param {TiltWanted} wanted */
  _explain(wanted) {
    const { pictures, seconds } = wanted;
    this._words.textContent = t("tilt.help", { count: pictures.length, seconds });
    const start = h("button", { class: "button primary big", type: "button", onclick: () => void this._take(wanted) }, t("tilt.start"));
    this._draw(wanted, t("tilt.title"), start);
  }

  /** @param {TiltWanted} wanted */
  async _take(wanted) {
    const { pictures, seconds } = wanted;
    const count = pictures.length;
    const ms = seconds * 1000;
    this._words.textContent = t("tilt.taken", { taken: 0, count });
    this._bar.max = count;
    this._bar.value = 0;
    this._draw(wanted, t("tilt.now"), this._bar);
    const title = this.node.querySelector("h2");
    speak(t("tilt.now"), false);
    this._show(ms);
    /** @type {Photo[]} */
    const taken = [];
    const began = performance.now();
    for (let index = 0; index < count; index += 1) {
      await after(began + (ms * index) / Math.max(1, count - 1) - performance.now());
      if (this._wanted !== wanted) return;
      if (title) title.textContent = t(`tilt.${WAYS[Math.min(3, Math.floor((index * 4) / count))]}`);
      try {
        taken.push(await frameOf(this._finder));
      } catch {
        this._over(wanted, "failed");
        return;
      }
      this._bar.value = index + 1;
      this._words.textContent = t("tilt.taken", { taken: index + 1, count });
    }
    await this._send(wanted, taken, 0);
  }

  /** Let the frame do what the card is to do. @param {number} ms */
  _show(ms) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches || !this._frame.animate) return;
    const base = "translate(-50%, -50%) perspective(40rem)";
    this._frame.animate(ROUND.map((turn) => ({ transform: `${base} ${turn}` })), { duration: ms, easing: "ease-in-out" });
  }

  /**
   * Send what was taken, from the picture `index` on.
   *
   * @param {TiltWanted} wanted
   * @param {readonly Photo[]} taken
   * @param {number} index
   */
  async _send(wanted, taken, index) {
    const count = taken.length;
    this._bar.max = count;
    this._draw(wanted, t("tilt.title"), this._bar);
    for (let at = index; at < count; at += 1) {
      this._words.textContent = t("tilt.sending", { index: at + 1, count });
      const failed = await this._sendOne(wanted, taken, at);
      if (this._wanted !== wanted) return;
      if (failed) {
        this._failed(wanted, taken, at, failed);
        return;
      }
    }
    mount(this.node, h("div", { class: "centre-box", role: "status" }, h("span", { class: "medal good" }, icon("check")), h("p", null, t("still.sent"))));
    setTimeout(() => this._over(wanted, "done"), SENT_SHOWN_MS);
  }

  /**
   * @param {TiltWanted} wanted
   * @param {readonly Photo[]} taken
   * @param {number} at
   * @returns {Promise<string>}  Why it could not be sent, empty when it is there.
   */
  async _sendOne({ pictures }, taken, at) {
    const [request, photo] = [pictures[at], taken[at]];
    if (!request || !photo) return "";
    try {
      await this._session.stills.sendAs(request, photo, (fraction) => (this._bar.value = at + fraction));
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      // The answer to an earlier try was lost: the picture is there.
      return error.code === "still_stored" ? "" : error.code;
    }
    return "";
  }

  /**
   * @param {TiltWanted} wanted
   * @param {readonly Photo[]} taken
   * @param {number} at
   * @param {string} code
   */
  _failed(wanted, taken, at, code) {
    this._words.textContent = t("still.failed", { reason: tCode("error", code) });
    const again = h("button", { class: "button primary big", type: "button", onclick: () => void this._send(wanted, taken, at) }, t("still.again"));
    this._draw(wanted, t("tilt.title"), again);
  }
}
