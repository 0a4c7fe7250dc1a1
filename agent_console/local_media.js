/**
 * The agent's own camera, microphone and screen: opened here, given to the call, and told to the server when
 * they are switched off or taken away.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { Call } from "../web_kit/call.js"
 * @import { ConsoleState } from "./state.js"
 */

import { CaptureError, openCapture, openScreen } from "../web_kit/devices.js";
import { myself } from "./stage/windows.js";

/** @typedef {"monitor" | "window" | "browser"} Surface */
/** @typedef {{microphone: "on" | "off" | "interrupted", camera: "on" | "off" | "interrupted"}} Captured */

export class LocalMedia {
  /**
   * @param {Store<ConsoleState>} store
   * @param {{call: () => Call | null, send: (message: any) => boolean, fail: (code: string) => void}} outside
   */
  constructor(store, { call, send, fail }) {
    this.store = store;
    this.call = call;
    this.send = send;
    this.fail = fail;
    /** What the server was told last, and of which call. @type {(Captured & {call: string}) | null} */
    this.told = null;
  }

  async openCamera() {
    this.closeCamera();
    this.store.update({ camera: "asking" });
    try {
      const local = await openCapture("user");
      this.store.update({ camera: "on", local });
      for (const track of local.getTracks()) {
        for (const change of ["ended", "mute", "unmute"]) {
          track.addEventListener(change, () => this.tell());
        }
      }
      this.applyMutes();
      await this.call()?.replaceTrack("microphone", local.getAudioTracks()[0] ?? null);
      await this.call()?.replaceTrack("camera", this.cameraTrack());
      this.tell();
    } catch (error) {
      this.store.update({ camera: error instanceof CaptureError ? error.reason : "unknown" });
      this.tell();
    }
  }

  closeCamera() {
    const { local } = this.store.get();
    for (const track of local?.getTracks() ?? []) {
      track.stop();
    }
    this.store.update({ local: null });
  }

  /** What the call is to begin with. */
  tracks() {
    const { local, ownScreen } = this.store.get();
    return { microphone: local?.getAudioTracks()[0] ?? null, camera: this.cameraTrack(), screen: ownScreen?.getVideoTracks()[0] ?? null };
  }

  /** Nothing is sent while the camera is off, so that the others keep the last picture. */
  cameraTrack() {
    const { local, cameraOn } = this.store.get();
    return cameraOn ? (local?.getVideoTracks()[0] ?? null) : null;
  }

  /** @param {{micOn?: boolean, cameraOn?: boolean}} change */
  async setMutes(change) {
    this.store.update(change);
    this.applyMutes();
    // Told first: the others freeze the last picture rather than wonder about it.
    this.tell();
    if (change.cameraOn !== undefined) {
      await this.call()?.replaceTrack("camera", this.cameraTrack());
    }
  }

  applyMutes() {
    const { local, micOn, cameraOn } = this.store.get();
    for (const track of local?.getTracks() ?? []) {
      track.enabled = track.kind === "audio" ? micOn : cameraOn;
    }
  }

  /** @returns {Captured} */
  captured() {
    const { local, micOn, cameraOn } = this.store.get();
    const state = (/** @type {MediaStreamTrack | undefined} */ track, /** @type {boolean} */ on) =>
      !on || !track ? "off" : track.readyState === "ended" || track.muted ? "interrupted" : "on";
    return { microphone: state(local?.getAudioTracks()[0], micOn), camera: state(local?.getVideoTracks()[0], cameraOn) };
  }

  /** Tell the server what microphone and camera do, if it believes otherwise. */
  tell() {
    const state = this.store.get();
    const { call, link, camera } = state;
    // While the browser asks for the devices nobody knows yet.
    if (camera === "asking" || !call || call.phase === "ringing" || call.phase === "ended" || link !== "open") {
      return;
    }
    const known = this.told?.call === call.call ? this.told : myself(state);
    const now = this.captured();
    if (known && known.microphone === now.microphone && known.camera === now.camera) {
      return;
    }
    if (this.send({ type: "capture_state", call: call.call, ...now })) {
      this.told = { call: call.call, ...now };
    }
  }

  /** Show a screen, a window or a tab, in place of what is shown already. @param {Surface} surface */
  async share(surface) {
    const track = await this.pickScreen(surface);
    const call = this.call();
    if (!track || !call) {
      track?.stop();
      return;
    }
    const stream = new MediaStream([track]);
    // The browser's own bar ends it too.
    track.addEventListener("ended", () => this.store.get().ownScreen === stream && void this.stopShare());
    await call.replaceTrack("screen", track);
    const before = this.store.get().ownScreen;
    this.store.update({ ownScreen: stream });
    before?.getTracks().forEach((one) => one.stop());
  }

  /** @param {Surface} surface @returns {Promise<MediaStreamTrack | null>} */
  async pickScreen(surface) {
    try {
      return await openScreen(surface);
    } catch (error) {
      // Closing the browser's dialogue is a choice, not a fault.
      if (!(error instanceof CaptureError && error.reason === "denied")) {
        this.fail("share_failed");
      }
      return null;
    }
  }

  async stopShare() {
    const { ownScreen } = this.store.get();
    this.store.update({ ownScreen: null });
    ownScreen?.getTracks().forEach((one) => one.stop());
    await this.call()?.replaceTrack("screen", null);
  }
}
