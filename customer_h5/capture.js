/**
 * The customer's own camera and microphone: opened, turned, taken away by the phone, and brought back.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { CaptureTrouble, Facing } from "../web_kit/devices.js"
 * @import { Capture as CaptureWord } from "../web_kit/wire"
 * @import { State } from "./state.js"
 */

import { CaptureError, cameraIds, idOf, openCamera, openCapture, openMicrophone } from "../web_kit/devices.js";
import { stillsTrack } from "./stills_track.js";

// A phone silences tracks for a moment when it changes its sound route; what lasts longer was taken away.
const MUTED_MAX_MS = 500;
const CAMERA_KEY = "teller-camera";

/** @typedef {{ microphone: MediaStreamTrack | null, camera: MediaStreamTrack | null }} Tracks */
/** @typedef {{ microphone: CaptureWord, camera: CaptureWord }} Words */
/** @typedef {{ microphone: CaptureTrouble | null, camera: CaptureTrouble | null }} Troubles */

/**
 * @template T
 * @param {Promise<T>} opening
 * @returns {Promise<{ got: T | null, trouble: CaptureTrouble | null }>}
 */
async function attempt(opening) {
  try {
    return { got: await opening, trouble: null };
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    return { got: null, trouble: error.reason };
  }
}

function savedCameraOff() {
  try {
    return sessionStorage.getItem(CAMERA_KEY) === "off";
  } catch {
    // Without storage the camera starts on.
    return false;
  }
}

export class OwnCapture {
  /**
   * @param {Store<State>} store
   * @param {() => void} onChange  Called when what is to be sent, or what is to be said of it, changed.
   */
  constructor(store, onChange) {
    this._store = store;
    this._onChange = onChange;
    /** @type {MediaStreamTrack | null} */
    this._microphone = null;
    /** @type {MediaStreamTrack | null} */
    this._camera = null;
    /** @type {{ track: MediaStreamTrack, stop: () => void } | null} */
    this._stills = null;
    this._open = false;
    /** The cameras that were used last. @type {Record<Facing, string>} */
    this._ids = { user: "", environment: "" };
    this._hidden = () => this._gotVisibility();
  }

  get isOpen() {
    return this._open;
  }

  /**
   * Open both, so that the person is asked once; when that fails each by itself, to know which one it is.
   *
   * @returns {Promise<Troubles>}
   */
  async open() {
    this._stopTracks();
    const { facing } = this._store.get();
    const off = savedCameraOff();
    const both = off ? { got: null } : await attempt(openCapture(facing));
    /** @type {Troubles} */
    const troubles = { microphone: null, camera: null };
    if (both.got) {
      this._microphone = both.got.getAudioTracks()[0] || null;
      this._camera = both.got.getVideoTracks()[0] || null;
    } else {
      const microphone = await attempt(openMicrophone());
      const camera = off ? { got: null, trouble: null } : await attempt(openCamera(facing));
      this._microphone = microphone.got;
      this._camera = camera.got;
      Object.assign(troubles, { microphone: microphone.trouble, camera: camera.trouble });
    }
    // Turned off while it was being opened.
    if (!off && savedCameraOff()) this._dropCamera();
    if (!this._open) document.addEventListener("visibilitychange", this._hidden);
    this._open = true;
    this._store.update({ cameraOff: !this._camera });
    this._gotTracks();
    await this._countCameras();
    return troubles;
  }

  /** @returns {Tracks} What is to be sent. */
  get tracks() {
    return { microphone: this._microphone, camera: this._stills ? this._stills.track : this._camera };
  }

  /** The camera itself, for photographs. */
  get camera() {
    return this._camera;
  }

  get microphone() {
    return this._microphone;
  }

  /** @returns {Words} */
  get words() {
    const { muted, cameraOff } = this._store.get();
    const hidden = isAway();
    const gone = (/** @type {MediaStreamTrack | null} */ track) => !track || track.muted || track.readyState === "ended";
    const camera = hidden || gone(this._camera) ? "interrupted" : this._stills ? "stills" : "on";
    return {
      microphone: gone(this._microphone) ? "interrupted" : muted ? "off" : "on",
      camera: cameraOff ? "off" : camera,
    };
  }

  /** @param {boolean} muted */
  setMuted(muted) {
    if (this._microphone) this._microphone.enabled = !muted;
    this._store.update({ muted });
    this._onChange();
  }

  /**
   * Let go of the camera, so that its light goes out, or take it again.
   *
   * @param {boolean} on
   * @throws {CaptureError}
   */
  async setCamera(on) {
    try {
      sessionStorage.setItem(CAMERA_KEY, on ? "on" : "off");
    } catch {
      // Without storage the choice lives as long as the page.
    }
    if (on) {
      await this.useCamera(this._store.get().facing);
    } else {
      this._dropCamera();
      this._store.update({ cameraOff: true });
      this._gotTracks();
    }
  }

  /**
   * Use the camera that looks there, if one tells that it does.
   *
   * @param {Facing} facing
   * @param {boolean} [sharp]
   * @throws {CaptureError}
   */
  useCamera(facing, sharp = false) {
    return this._use(facing, sharp, "");
  }

  /**
   * Use another camera than the present one.
   *
   * @param {boolean} [sharp]
   * @throws {CaptureError}
   */
  flip(sharp = false) {
    return this._use(this._store.get().facing === "user" ? "environment" : "user", sharp, idOf(this._camera));
  }

  /**
   * Phones hold one camera at a time, so the present one is stopped first, and taken again when the other fails.
   *
   * @param {Facing} facing
   * @param {boolean} sharp
   * @param {string} unwanted  The id of a camera, or nothing.
   * @throws {CaptureError}
   */
  async _use(facing, sharp, unwanted) {
    const before = this._store.get().facing;
    this._dropCamera();
    try {
      this._gotCamera(await this._openCamera(facing, sharp, unwanted), facing);
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      this._gotCamera(await openCamera(before, false, this._ids[before]), before);
      if (facing !== before) throw error;
    }
    await this._countCameras();
  }

  /**
   * @param {MediaStreamTrack} camera
   * @param {Facing} facing
   */
  _gotCamera(camera, facing) {
    if (!this._open) {
      camera.stop();
      return;
    }
    this._camera = camera;
    this._ids[facing] = idOf(camera);
    this._store.update({ facing, cameraOff: false });
    this._gotTracks();
  }

  /**
   * @param {Facing} facing
   * @param {boolean} sharp
   * @param {string} unwanted
   * @throws {CaptureError}
   */
  async _openCamera(facing, sharp, unwanted) {
    const camera = await openCamera(facing, sharp, this._ids[facing]);
    if (!unwanted || idOf(camera) !== unwanted) return camera;
    // Cameras of a desk do not tell where they look: then it is the next one.
    const ids = await cameraIds();
    const other = ids[(ids.indexOf(unwanted) + 1) % ids.length];
    if (!other || other === unwanted) return camera;
    camera.stop();
    return openCamera(facing, sharp, other);
  }

  async _countCameras() {
    const canFlip = (await cameraIds()).length > 1;
    this._store.update({ canFlip });
  }

  /**
   * @param {boolean} on
   * @throws {DOMException}  The torch does not answer.
   */
  async setTorch(on) {
    if (!this._camera) return;
    // Typed for no browser yet, though phones have had it for years.
    await this._camera.applyConstraints({ advanced: [/** @type {any} */ ({ torch: on })] });
    this._store.update({ torch: on });
  }

  /**
   * Send stills instead of a moving picture, or the moving picture again.
   *
   * @param {boolean} on
   */
  setStills(on) {
    if (on === Boolean(this._stills) || (on && !this._camera)) return;
    if (this._stills) this._stills.stop();
    this._stills = on && this._camera ? stillsTrack(this._camera) : null;
    this._onChange();
  }

  /**
   * Take again what the phone took away.
   *
   * @throws {CaptureError}
   */
  async resume() {
    const { facing, muted, cameraOff } = this._store.get();
    const { microphone, camera } = this.words;
    if (microphone === "interrupted") {
      if (this._microphone) this._microphone.stop();
      this._microphone = await openMicrophone();
      this._microphone.enabled = !muted;
    }
    if (camera === "interrupted" && !cameraOff) {
      this._dropCamera();
      this._camera = await openCamera(facing, false, this._ids[facing]);
    }
    this._gotTracks();
  }

  /** Let go of everything. */
  release() {
    document.removeEventListener("visibilitychange", this._hidden);
    this._open = false;
    this._stopTracks();
    this._store.update({ ownStream: null, interrupted: false, torch: false, canTorch: false });
  }

  _stopTracks() {
    this._dropCamera();
    if (this._microphone) this._microphone.stop();
    this._microphone = null;
  }

  _dropCamera() {
    if (this._stills) this._stills.stop();
    this._stills = null;
    if (this._camera) this._camera.stop();
    this._camera = null;
    this._store.update({ torch: false, canTorch: false });
  }

  _gotTracks() {
    const tracks = [this._microphone, this._camera].filter((track) => track !== null);
    for (const track of tracks) this._watch(track);
    /** @type {Record<string, unknown>} */
    const capabilities = this._camera && this._camera.getCapabilities ? { ...this._camera.getCapabilities() } : {};
    // Browsers that know the word say `false` of a camera that has none.
    this._store.update({ ownStream: new MediaStream(tracks), canTorch: capabilities.torch === true });
    this._check();
    this._onChange();
  }

  /** @param {MediaStreamTrack} track */
  _watch(track) {
    const isCurrent = () => track === this._microphone || track === this._camera;
    const check = () => void (isCurrent() && this._check());
    track.addEventListener("mute", () => setTimeout(check, MUTED_MAX_MS));
    track.addEventListener("unmute", check);
    track.addEventListener("ended", check);
  }

  _check() {
    const { microphone, camera } = this.words;
    const interrupted = microphone === "interrupted" || camera === "interrupted";
    if (interrupted === this._store.get().interrupted) return;
    this._store.update({ interrupted });
    this._onChange();
  }

  _gotVisibility() {
    this._check();
    // Said at once: a page in the background may not run again for a while.
    this._onChange();
    if (!isAway() && this._store.get().interrupted) void this.resume().catch(() => undefined);
  }
}

/** Whether the phone has put the page into the background, where its camera shows nothing. */
function isAway() {
  return document.hidden && navigator.maxTouchPoints > 0;
}
