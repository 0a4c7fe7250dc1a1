/**
 * What the customer does with camera and microphone, and what is said when the device refuses.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { OwnCapture } from "./capture.js"
 * @import { Finding, State } from "./state.js"
 */

import { CaptureError } from "../web_kit/devices.js";
import { codeOf, finding } from "./device_check.js";

// Long enough to read what to do.
const TOLD_MS = 10000;

export class Devices {
  /**
   * @param {Store<State>} store
   * @param {OwnCapture} capture
   */
  constructor(store, capture) {
    this._store = store;
    this._capture = capture;
    /** @type {number | undefined} */
    this._hiding = undefined;
  }

  /** @param {boolean} on */
  async setCamera(on) {
    const good = on ? finding("good") : finding("good", "", "off");
    const trouble = await this._try(this._capture.setCamera(on));
    this._found(trouble ? finding("bad", trouble) : good);
  }

  async flip() {
    await this._try(this._capture.flip());
  }

  /**
   * Have the camera look at the customer.
   *
   * @returns {Promise<string>}  The reason code, empty when it does.
   */
  faceMe() {
    return this._try(this._capture.useCamera("user"));
  }

  /** @param {boolean} muted */
  setMuted(muted) {
    this._capture.setMuted(muted);
  }

  /** @param {boolean} on */
  async setTorch(on) {
    const lit = this._capture.setTorch(on);
    this._tell(await lit.then(() => "", () => "torch_failed")); // prettier-ignore
  }

  /** Take again what the phone took away. */
  async resume() {
    await this._try(this._capture.resume());
  }

  /**
   * @param {Promise<void>} doing
   * @returns {Promise<string>} The reason code, empty when it was done.
   */
  async _try(doing) {
    let deviceTrouble = "";
    try {
      await doing;
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      deviceTrouble = codeOf("camera", error.reason);
    }
    this._tell(deviceTrouble);
    return deviceTrouble;
  }

  /** @param {string} deviceTrouble */
  _tell(deviceTrouble) {
    this._store.update({ deviceTrouble });
    clearTimeout(this._hiding);
    this._hiding = setTimeout(() => this._store.update({ deviceTrouble: "" }), TOLD_MS);
  }

  /** @param {Finding} camera */
  _found(camera) {
    const { findings } = this._store.get();
    if (findings) this._store.update({ findings: { ...findings, camera } });
  }
}
