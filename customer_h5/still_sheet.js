/**
 * The picture that the agent asked for: aim, look at it, send it; or, when asked so, taken at once. Nobody is
 * told which check it serves.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { Session } from "./session.js"
 * @import { Photo } from "./photo.js"
 * @import { State, StillRequest } from "./state.js"
 */

import { h, mount, playStream, videoElement } from "../web_kit/dom.js";
import { t, tCode } from "../web_kit/i18n.js";
import { icon } from "../web_kit/icons.js";
import { RestError } from "../web_kit/rest.js";
import { Aim } from "./card_aim.js";
import { documentGuide } from "./guides.js";
import { turning } from "./own_picture.js";
import { hasPhotoCapture, photograph } from "./photo.js";

const SENT_SHOWN_MS = 900;
// What lies on the table, and how the frame is shaped: ID-1, or a passport's page.
/** @type {Readonly<Partial<Record<StillRequest["kind"], string>>>} */
const SHAPES = { face_still: "frame face", id_card: "frame", id_card_back: "frame", id_portrait: "frame", document: "frame", passport: "frame spread" };

/**
 * @param {Session} session
 * @param {Store<State>} store
 */
export function stillSheet(session, store) {
  const sheet = new StillSheet(session, store);
  return { node: sheet.node, update: (/** @type {Readonly<State>} */ state) => sheet.update(state) };
}

/** @param {StillRequest} still */
function isDocument({ kind }) {
  return kind !== "face_still" && kind in SHAPES;
}

/**
 * A frame of the stream that `video` plays has come.
 *
 * @param {HTMLVideoElement} video
 * @returns {Promise<void>}
 */
function firstFrame(video) {
  if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) return Promise.resolve();
  return new Promise((resolve) => video.addEventListener("loadeddata", () => resolve(), { once: true }));
}

class StillSheet {
  /**
   * @param {Session} session
   * @param {Store<State>} store
   */
  constructor(session, store) {
    this._session = session;
    this._store = store;
    this.node = h("section", { class: "still", hidden: true, "aria-live": "polite" });
    this._finder = videoElement({ class: "finder", muted: true, label: t("still.view") });
    /** @type {StillRequest | null} */
    this._request = null;
    this._url = "";
    this._torch = turning(() => h("span", null));
    this._help = h("p", null);
    this._hint = h("p", { class: "hint", role: "status", hidden: true });
    this._frame = h("div", { class: "frame", "aria-hidden": "true" });
    this._aiming = new Aim(this._finder, () => session.capture.camera, (word) => this._advise(word));
    /** How the camera was before, to be so again. */
    this._before = { facing: /** @type {State["facing"]} */ ("user"), off: false };
  }

  /** @param {Readonly<State>} state */
  update(state) {
    const { still, ownStream, facing, cameraOff } = state;
    this._showTorch(state);
    this._finder.classList.toggle("mirrored", facing === "user");
    if (still && this._finder.srcObject !== ownStream) void playStream(this._finder, ownStream);
    if (still === this._request) return;
    if (still && !this._request) this._before = { facing, off: cameraOff };
    this._request = still;
    this._aiming.stop();
    this.node.hidden = still === null || still.atOnce;
    if (!still) mount(this.node);
    else if (still.atOnce) void this._takeAtOnce(still);
    else void this._open(still);
  }

  /**
   * From the camera as it is. What cannot be sent is dropped: whoever wanted it sees that none came.
   *
   * @param {StillRequest} still
   */
  async _takeAtOnce(still) {
    const { facing, stillsTaken } = this._store.get();
    try {
      if (!hasPhotoCapture()) await this._session.capture.useCamera(facing, true);
      await playStream(this._finder, this._store.get().ownStream);
      await firstFrame(this._finder);
      const track = this._session.capture.camera;
      if (!track) return;
      await this._session.stills.send(await photograph(track, this._finder));
      this._store.update({ stillsTaken: stillsTaken + 1 });
    } catch {
      // The next request may fare better.
    } finally {
      if (this._store.get().still === still) this._store.update({ still: null });
      if (!hasPhotoCapture()) await this._session.capture.useCamera(facing).catch(() => undefined);
    }
  }

  /** @param {StillRequest} still */
  async _open(still) {
    const facing = isDocument(still) ? "environment" : still.kind === "scene" ? this._store.get().facing : "user";
    mount(this.node, h("div", { class: "centre-box" }, h("div", { class: "spinner", role: "presentation" }), h("p", null, t("still.opening"))));
    const sharp = !hasPhotoCapture();
    if (sharp || this._store.get().facing !== facing || !this._session.capture.camera) {
      // On refusal the camera in use stays: a picture from it is better than none.
      await this._session.capture.useCamera(facing, sharp).catch(() => undefined);
    }
    if (this._request === still) this._aim(still);
  }

  /**
   * @param {string} title
   * @param {string} help
   * @param {Element} stage
   * @param {(Element | null)[]} buttons
   */
  _draw(title, help, stage, ...buttons) {
    this._help.textContent = help;
    this._help.hidden = false;
    this._hint.hidden = true;
    mount(
      this.node,
      h("header", { class: "still-words" }, h("h2", null, title), this._help, this._hint),
      stage,
      h("footer", { class: "still-buttons" }, ...buttons),
    );
    const first = this.node.querySelector("button");
    if (first) first.focus();
  }

  /** @param {StillRequest} still */
  _aim(still) {
    const shape = SHAPES[still.kind] || "";
    this._frame.className = shape;
    mount(this._frame, documentGuide(still.kind));
    const stage = h("div", { class: "stage" }, this._finder, shape ? this._frame : null);
    const shutter = h("button", { class: "shutter", type: "button", "aria-label": t("still.shutter"), onclick: () => void this._shoot(still, shutter) });
    const flip = h("button", { class: "button round flip-still", type: "button", "aria-label": t("call.flip"), onclick: () => void this._flip() }, icon("flip"));
    this._torch = turning((on) => h("button", { class: "button round", type: "button", "aria-label": t(on ? "call.torch.off" : "call.torch"), onclick: () => void this._light(!on) }, icon("torch")));
    this._torch.node.classList.add("torch-still");
    this._draw(tCode("still", still.kind), tCode("still.help", still.kind), stage, shutter, this._torch.node, this._store.get().canFlip ? flip : null);
    this._showTorch(this._store.get());
    void playStream(this._finder, this._store.get().ownStream);
    if (isDocument(still)) this._aiming.start(this._frame);
  }

  /**
   * What to put right, or that all is well: the customer takes the photo himself, whatever is said.
   *
   * @param {import("./card_measures.js").CardWord} word
   */
  _advise(word) {
    const good = word === "good";
    // In the help's place: nothing lies over the card.
    this._help.hidden = true;
    this._hint.hidden = false;
    this._hint.dataset.word = word;
    this._hint.classList.toggle("good", good);
    this._frame.classList.toggle("good", good);
    mount(this._hint, icon(good ? "check" : "warning"), t(`aim.${word}`));
    const { canTorch, torch } = this._store.get();
    if (word === "too_dark" && canTorch && !torch) mount(this._hint, icon("torch"), t("aim.too_dark.torch"));
  }

  /** @param {Readonly<State>} state */
  _showTorch({ canTorch, torch }) {
    this._torch.node.hidden = !canTorch;
    this._torch.update(torch);
  }

  /** @param {boolean} on */
  async _light(on) {
    try {
      await this._session.capture.setTorch(on);
    } catch {
      // What the call tells of it lies behind this sheet.
      this._help.textContent = `${t("found.torch_failed")} ${t("found.help.torch_failed")}`;
      this._help.hidden = false;
      this._hint.hidden = true;
    }
  }

  async _flip() {
    await this._session.capture.flip(!hasPhotoCapture()).catch(() => undefined);
  }

  /**
   * @param {StillRequest} still
   * @param {HTMLButtonElement} shutter
   */
  async _shoot(still, shutter) {
    const track = this._session.capture.camera;
    if (!track) return;
    this._aiming.stop();
    shutter.disabled = true;
    const photo = await photograph(track, this._finder);
    if (this._request === still) this._preview(still, photo);
  }

  /**
   * @param {StillRequest} still
   * @param {Photo} photo
   */
  _preview(still, photo) {
    URL.revokeObjectURL(this._url);
    this._url = URL.createObjectURL(photo.blob);
    this._draw(
      t("still.preview"),
      t("still.preview.help"),
      this._stageWithPhoto(),
      h("button", { class: "button big", type: "button", onclick: () => this._aim(still) }, t("still.retake")),
      h("button", { class: "button primary big", type: "button", onclick: () => void this._send(still, photo) }, icon("check"), t("still.use")),
    );
  }

  _stageWithPhoto() {
    return h("div", { class: "stage" }, h("img", { class: "finder", src: this._url, alt: t("still.preview") }));
  }

  /**
   * @param {StillRequest} still
   * @param {Photo} photo
   */
  async _send(still, photo) {
    const bar = h("progress", { max: 100, value: 0, "aria-label": t("still.sending", { percent: "" }) });
    const words = h("p", { role: "status" }, t("still.sending", { percent: 0 }));
    this._draw(tCode("still", still.kind), "", this._stageWithPhoto(), h("div", { class: "sending" }, words, bar));
    try {
      await this._session.stills.send(photo, (fraction) => {
        const percent = Math.round(fraction * 100);
        bar.value = percent;
        words.textContent = t("still.sending", { percent });
      });
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      if (this._request === still) this._failed(still, photo, error.code);
      return;
    }
    mount(this.node, h("div", { class: "centre-box", role: "status" }, h("span", { class: "medal good" }, icon("check")), h("p", null, t("still.sent"))));
    setTimeout(() => void this._close(still), SENT_SHOWN_MS);
  }

  /**
   * @param {StillRequest} still
   * @param {Photo} photo
   * @param {string} code
   */
  _failed(still, photo, code) {
    this._draw(
      t("still.failed", { reason: tCode("error", code) }),
      "",
      this._stageWithPhoto(),
      h("button", { class: "button big", type: "button", onclick: () => this._aim(still) }, t("still.retake")),
      h("button", { class: "button primary big", type: "button", onclick: () => void this._send(still, photo) }, t("still.again")),
    );
  }

  /** @param {StillRequest} still */
  async _close(still) {
    URL.revokeObjectURL(this._url);
    // Another picture may have been asked for meanwhile; that one keeps the sheet.
    if (this._store.get().still !== still) return;
    this._store.update({ still: null });
    const { facing, off } = this._before;
    if (off) {
      await this._session.capture.setCamera(false);
    } else if (this._store.get().facing !== facing || !hasPhotoCapture()) {
      await this._session.capture.useCamera(facing).catch(() => undefined);
    }
  }
}
