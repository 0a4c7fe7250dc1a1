/**
 * The customer's side of identity checks: hears what is wanted, says what was done. It never learns more of
 * the outcome than one neutral word.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { Connection } from "../web_kit/connection.js"
 * @import { CheckOver, ClientMessage, TiltEnd, TiltWanted } from "../web_kit/wire"
 * @import { OwnCapture } from "./capture.js"
 * @import { Devices } from "./devices.js"
 * @import { State } from "./state.js"
 */

import { t, tCode } from "../web_kit/i18n.js";
import { claimOf } from "./camera_claim.js";
import { codeAfter, coloursAfter, lightAfter, overAfter, stepAfter, wantedAfter } from "./identity_state.js";
import { hush, speak } from "./speaking.js";

// Long enough to be read; the agent says the rest.
const THANKS_MS = 2500;
const HELPS_MS = 8000;
/** @type {readonly (string | null)[]} */
const TALKING = ["active", "held", "reconnecting"];

export class Identity {
  /**
   * @param {Store<State>} store
   * @param {OwnCapture} capture
   * @param {Devices} devices
   * @param {(message: ClientMessage) => boolean} send
   */
  constructor(store, capture, devices, send) {
    this._store = store;
    this._capture = capture;
    this._devices = devices;
    this._send = send;
    /** @type {MediaStreamTrack | null} */
    this._claimed = null;
    /** The check whose first colour was told. */
    this._shown = "";
    /** How the bursts that are over ended, by check. @type {Map<string, TiltEnd>} */
    this._tilted = new Map();
  }

  /** @param {Connection} connection */
  listen(connection) {
    const { _store: store } = this;
    connection.on("challenge_wanted", (wanted) => {
      // Wanted again after a return: the word was lost with the line.
      if (wanted.check === store.get().declined) this._sendDeclined(wanted.check);
      store.update(wantedAfter(store.get(), wanted));
    });
    connection.on("challenge_step", (step) => {
      store.update(stepAfter(store.get(), step, performance.now()));
      if (step.check !== store.get().declined) this.sayStep();
    });
    connection.on("light_sequence", (light) => store.update(lightAfter(store.get(), light, performance.now())));
    connection.on("light_colours", (more) => store.update(coloursAfter(store.get(), more)));
    connection.on("code_wanted", (wanted) => store.update(codeAfter(store.get(), wanted, performance.now())));
    connection.on("check_over", (over) => this._gotOver(over));
    connection.on("tilt_wanted", (wanted) => this._gotTilt(wanted));
  }

  /** @param {TiltWanted} wanted */
  _gotTilt(wanted) {
    const { check, pictures } = wanted;
    const over = this._tilted.get(check) || (pictures.length ? null : "done");
    const { tilt } = this._store.get();
    if (over) this.tiltOver(check, over);
    else if (!tilt || tilt.check !== check) this._store.update({ tilt: wanted, still: null, chatOpen: false });
  }

  /**
   * No picture of this burst comes any more. Told again after a return: the word may be lost with the line.
   *
   * @param {string} check
   * @param {TiltEnd} reason
   */
  tiltOver(check, reason) {
    this._tilted.set(check, reason);
    this._send({ type: "tilt_over", check, reason });
    const { tilt } = this._store.get();
    if (tilt && tilt.check === check) this._store.update({ tilt: null });
  }

  /** @param {CheckOver} over */
  _gotOver(over) {
    const { _store: store } = this;
    const { check, word } = over;
    if (check === store.get().declined) return;
    hush();
    store.update(overAfter(store.get(), over));
    const { live } = store.get();
    if (live && live.check === check && live.kind === "gestures") speak(t(`live.over.${word}`), live.elder);
    if (word !== "again") this._closeLater(check, word === "thanks" ? THANKS_MS : HELPS_MS);
  }

  /**
   * @param {string} check
   * @param {number} ms
   */
  _closeLater(check, ms) {
    const { _store: store } = this;
    setTimeout(() => {
      const { live, code } = store.get();
      if (live && live.check === check) store.update({ live: null });
      if (code && code.check === check) store.update({ code: null });
    }, ms);
  }

  /** Tell which camera it is, once per camera and call. */
  claim() {
    const { camera } = this._capture;
    if (!camera || camera === this._claimed || !TALKING.includes(this._store.get().phase)) return;
    if (this._send({ type: "camera_claim", ...claimOf(camera) })) this._claimed = camera;
  }

  /**
   * The customer has read what comes. The front camera must look at him; resolves to why it does not.
   *
   * @returns {Promise<string>}  A reason code, empty when all is well.
   */
  async ready() {
    const { live, facing, cameraOff } = this._store.get();
    if (!live) return "";
    if (cameraOff || facing !== "user" || !this._capture.camera) {
      const trouble = await this._devices.faceMe();
      if (trouble) return trouble;
    }
    // Phones speak only after a tap, so the first words come with it.
    if (live.kind === "gestures") speak(t("live.begin"), live.elder);
    if (this._send({ type: "challenge_ready", check: live.check })) this._change({ phase: "wait" });
    return "";
  }

  /** Say what is to be done, again when asked. */
  sayStep() {
    const { live } = this._store.get();
    // Digits are read by the customer alone: another voice would be heard beside his.
    if (live && live.step) speak(tCode("live.step", live.step.gesture), live.elder);
  }

  /** The first colour is painted. */
  lightShown() {
    const { live } = this._store.get();
    if (!live || live.check === this._shown) return;
    if (this._send({ type: "light_shown", check: live.check, started_at: Date.now() / 1000 })) this._shown = live.check;
  }

  /** All colours were shown. */
  lightDone() {
    this._change({ phase: "wait", light: null });
  }

  /** Back to the call, until something is asked. */
  away() {
    hush();
    this._change({ away: true });
  }

  /** This one no more: what is under way stops at once, and the agent goes on. */
  decline() {
    hush();
    const { live } = this._store.get();
    if (!live) return;
    const { check } = live;
    this._store.update({ declined: check, live: { ...live, phase: "agent_helps", step: null, light: null } });
    this._sendDeclined(check);
    this._closeLater(check, HELPS_MS);
  }

  /** @param {string} check */
  _sendDeclined(check) {
    this._send({ type: "challenge_declined", check });
  }

  /** @param {Partial<import("./identity_state.js").Live>} changes */
  _change(changes) {
    const { live } = this._store.get();
    if (live) this._store.update({ live: { ...live, ...changes } });
  }

  /** The notice of a check or a code that is over has been read. */
  close() {
    const { live, code } = this._store.get();
    const over = ["thanks", "agent_helps"];
    if (live && over.includes(live.phase)) this._store.update({ live: null });
    if (code && over.includes(code.phase)) this._store.update({ code: null });
  }

  /**
   * @param {string} entered
   * @returns {boolean}  Whether it was sent.
   */
  enterCode(entered) {
    const { code } = this._store.get();
    if (!code || !this._send({ type: "enter_code", check: code.check, code: entered })) return false;
    this._store.update({ code: { ...code, phase: "checking" } });
    return true;
  }

  /** Wish for another code. */
  askCode() {
    return this._send({ type: "chat", text: t("live.asks.code") });
  }

  /** The call is over, or goes on as another one. */
  release() {
    hush();
    this._claimed = null;
    this._store.update({ live: null, code: null, declined: "", tilt: null });
  }
}
