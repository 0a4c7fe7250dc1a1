/**
 * Camera and microphone, with the refusals told apart.
 *
 * @typedef {"denied" | "missing" | "busy" | "insecure" | "unsupported" | "webview" | "unknown"} CaptureTrouble
 * @typedef {"user" | "environment"} Facing
 */

export class CaptureError extends Error {
  /**
   * @param {CaptureTrouble} reason
   * @param {string} detail  The browser's own words, for support.
   */
  constructor(reason, detail) {
    super(detail);
    this.reason = reason;
  }
}

// 640×480 is the least that shows a face well; 720p is what a phone's uplink usually carries.
const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 25, max: 30 } };
// What is shown is mostly text: ten pictures a second leave the rate to its sharpness.
const SCREEN = { width: { max: 1920 }, height: { max: 1080 }, frameRate: { ideal: 8, max: 10 } };
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** Whether the page runs inside a chat app's browser, where capture is often withheld. */
export function inAppBrowser() {
  return /MicroMessenger|QQ\/|AlipayClient|DingTalk|Weibo|FBAN|FBAV|Instagram|Line\//i.test(navigator.userAgent);
}

/**
 * @param {unknown} error
 * @returns {CaptureTrouble}
 */
function troubleOf(error) {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "missing";
  if (name === "NotReadableError" || name === "AbortError") return "busy";
  if (name === "NotAllowedError" || name === "SecurityError") return inAppBrowser() ? "webview" : "denied";
  return "unknown";
}

/**
 * @param {MediaStreamConstraints} constraints
 * @returns {Promise<MediaStream>}
 * @throws {CaptureError}
 */
async function capture(constraints) {
  if (!globalThis.isSecureContext) throw new CaptureError("insecure", "not a secure context");
  if (!navigator.mediaDevices || !globalThis.RTCPeerConnection) {
    throw new CaptureError(inAppBrowser() ? "webview" : "unsupported", "no mediaDevices");
  }
  try {
    return await navigator.mediaDevices.getUserMedia(constraints);
  } catch (error) {
    throw new CaptureError(troubleOf(error), String(error));
  }
}

/**
 * Open microphone and camera together, so that the person is asked once.
 *
 * @param {Facing} facing
 * @returns {Promise<MediaStream>}
 * @throws {CaptureError}
 */
export function openCapture(facing) {
  return capture({ audio: SOUND, video: { ...PICTURE, facingMode: facing } });
}

/**
 * Open the microphone alone.
 *
 * @returns {Promise<MediaStreamTrack>}
 * @throws {CaptureError}
 */
export async function openMicrophone() {
  const stream = await capture({ audio: SOUND });
  const track = stream.getAudioTracks()[0];
  if (!track) throw new CaptureError("missing", "no audio track");
  return track;
}

/**
 * Open a camera alone. Phones hold one camera at a time: stop the other track first.
 *
 * @param {Facing} facing
 * @param {boolean} [sharp]  Ask for the most the camera can give, for a still.
 * @param {string} [id]  This one, wherever it looks, if it is still there.
 * @returns {Promise<MediaStreamTrack>}
 * @throws {CaptureError}
 */
export async function openCamera(facing, sharp = false, id = "") {
  const picture = sharp ? { width: { ideal: 3840 }, height: { ideal: 2160 } } : PICTURE;
  // Among wishes the size would weigh more than which camera it is.
  const which = id ? { deviceId: { exact: id } } : { facingMode: { ideal: facing } };
  const opening = capture({ video: { ...picture, ...which } });
  const stream = await (id ? opening.catch((error) => openAnother(error, facing, picture)) : opening);
  const track = stream.getVideoTracks()[0];
  if (!track) throw new CaptureError("missing", "no video track");
  return track;
}

/**
 * @param {CaptureError} error  Of the camera that was to be opened.
 * @param {Facing} facing
 * @param {MediaTrackConstraints} picture
 */
function openAnother(error, facing, picture) {
  if (error.reason !== "missing") throw error;
  return capture({ video: { ...picture, facingMode: { ideal: facing } } });
}

/**
 * Let the person choose a desktop, a window or a tab to show. To be called from a click.
 *
 * @param {"monitor" | "window" | "browser"} [surface]  What the browser is to offer first.
 * @returns {Promise<MediaStreamTrack>}
 * @throws {CaptureError}  `denied` also when the person chose nothing.
 */
export async function openScreen(surface) {
  if (!navigator.mediaDevices || !navigator.mediaDevices.getDisplayMedia) {
    throw new CaptureError("unsupported", "no getDisplayMedia");
  }
  let stream;
  try {
    const video = surface ? { ...SCREEN, displaySurface: surface } : SCREEN;
    /** @type {DisplayMediaStreamOptions & Record<string, unknown>} */
    const wanted = { video, audio: false, selfBrowserSurface: "exclude", surfaceSwitching: "include" };
    stream = await navigator.mediaDevices.getDisplayMedia(wanted);
  } catch (error) {
    throw new CaptureError(troubleOf(error), String(error));
  }
  const track = stream.getVideoTracks()[0];
  if (!track) throw new CaptureError("missing", "no screen track");
  return track;
}

/** The ids of all cameras; they and their true number are known only after permission. */
export async function cameraIds() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter((device) => device.kind === "videoinput").map((device) => device.deviceId);
}

/**
 * @param {MediaStreamTrack | null} track
 * @returns {string}
 */
export function idOf(track) {
  return (track && track.getSettings().deviceId) || "";
}
