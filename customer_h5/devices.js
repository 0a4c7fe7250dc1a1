/**
 * What the customer does with camera and microphone, and what is said when the device refuses.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { Facing } from "../web_kit/devices.js"
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

  /** @param {Facing} facing */
  async useCamera(facing) {
    await this._try(this._capture.useCamera(facing));
  }

  /** @param {boolean} muted */
  setMuted(muted) {
    this._capture.setMuted(muted);
  }

  /** @param {boolean} on */
  async setTorch(on) {
    // A torch that does not light says so by itself.
    await this._capture.setTorch(on).catch(() => undefined);
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
    this._store.update({ deviceTrouble });
    clearTimeout(this._hiding);
    this._hiding = setTimeout(() => this._store.update({ deviceTrouble: "" }), TOLD_MS);
    return deviceTrouble;
  }

  /** @param {Finding} camera */
  _found(camera) {
    const { findings } = this._store.get();
    if (findings) this._store.update({ findings: { ...findings, camera } });
  }
}
