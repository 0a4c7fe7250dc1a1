/**
 * A photograph from a running camera track, at the most that the phone can give.
 *
 * @typedef {object} Photo
 * @property {Blob} blob  A JPEG.
 * @property {"phone" | "stream"} source  `stream`: no more than a picture of the conversation.
 */

const JPEG_QUALITY = 0.93;
// Some drivers never answer takePhoto(); a frame of the track is then better than waiting.
const TAKE_PHOTO_MAX_MS = 2500;
// The server refuses more than 12 MB; what is larger is compressed anew.
const ORIGINAL_MAX_BYTES = 10 * 1024 * 1024;
// A track of at least this width was opened for a photograph, not for the conversation.
const SHARP_WIDTH = 1920;

/** Whether a photograph can be sharper than a frame of the track. */
export function hasPhotoCapture() {
  return "ImageCapture" in globalThis;
}

/**
 * @param {CanvasImageSource} picture
 * @param {number} width
 * @param {number} height
 * @returns {Promise<Blob>}
 */
function jpegOf(picture, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context) return Promise.reject(new Error("no 2d canvas"));
  context.drawImage(picture, 0, 0, width, height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no JPEG"))), "image/jpeg", JPEG_QUALITY);
  });
}

/**
 * @param {MediaStreamTrack} track
 * @returns {Promise<Blob>}
 */
async function takePhoto(track) {
  /** @type {any} */
  const { ImageCapture } = globalThis;
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error("takePhoto took too long")), TAKE_PHOTO_MAX_MS));
  /** @type {Blob} */
  const blob = await Promise.race([new ImageCapture(track).takePhoto(), late]);
  if (blob.type === "image/jpeg" && blob.size <= ORIGINAL_MAX_BYTES) return blob;
  const bitmap = await createImageBitmap(blob);
  return jpegOf(bitmap, bitmap.width, bitmap.height);
}

/**
 * Take a photograph.
 *
 * @param {MediaStreamTrack} track
 * @param {HTMLVideoElement} viewfinder  Plays the track; its frame is used where phones have no photo capture.
 * @returns {Promise<Photo>}
 */
export async function photograph(track, viewfinder) {
  if (hasPhotoCapture()) {
    try {
      return { blob: await takePhoto(track), source: "phone" };
    } catch {
      // The track still shows a picture, so the frame below is taken instead.
    }
  }
  return frameOf(viewfinder);
}

/**
 * A photograph from what a viewfinder shows at this moment.
 *
 * @param {HTMLVideoElement} viewfinder
 * @returns {Promise<Photo>}
 */
export async function frameOf(viewfinder) {
  const { videoWidth: width, videoHeight: height } = viewfinder;
  const blob = await jpegOf(viewfinder, width, height);
  return { blob, source: Math.max(width, height) >= SHARP_WIDTH ? "phone" : "stream" };
}
