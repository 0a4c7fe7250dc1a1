/** How much of the uplink a picture may take. */

/**
 * @typedef {object} Ladder  A rung of the weak-network ladder; what is left out stays at its best.
 * @property {number} [maxFramerate]  Pictures a second.
 * @property {number} [maxBitrate]  Bits a second.
 * @property {number} [scale]  By how much width and height shrink further, at least 1.
 */
/**
 * @typedef {object} Limits
 * @property {number} bitrate
 * @property {number} scale
 * @property {number | null} framerate
 * @property {RTCDegradationPreference} keep  What stays when the uplink is narrower still.
 */

const CAMERA_MAX_BPS = 1800000;
const CAMERA_MAX_WIDTH = 1280;
// Text must stay sharp and moves little: 1080p at 10 pictures a second is readable below 1.5 Mbit/s.
const SCREEN_MAX_BPS = 1500000;
const SCREEN_MAX_FPS = 10;
const SCREEN_MAX_WIDTH = 1920;

/** @param {MediaStreamTrack | null} track @param {number} most */
function shrink(track, most) {
  const width = track ? track.getSettings().width || 0 : 0;
  return Math.max(1, width / most);
}

/**
 * A camera opened at still resolution must not be encoded at it.
 *
 * @param {MediaStreamTrack | null} track
 * @param {Ladder} ladder
 * @returns {Limits}
 */
export function cameraLimits(track, { maxFramerate, maxBitrate = CAMERA_MAX_BPS, scale = 1 }) {
  return {
    bitrate: Math.min(maxBitrate, CAMERA_MAX_BPS),
    scale: shrink(track, CAMERA_MAX_WIDTH) * Math.max(1, scale),
    framerate: maxFramerate || null,
    keep: "balanced",
  };
}

/**
 * @param {MediaStreamTrack | null} track
 * @returns {Limits}
 */
export function screenLimits(track) {
  const scale = shrink(track, SCREEN_MAX_WIDTH);
  return { bitrate: SCREEN_MAX_BPS, scale, framerate: SCREEN_MAX_FPS, keep: "maintain-resolution" };
}

/**
 * Tell a sender; a sender of a connection that was closed meanwhile is left alone.
 *
 * @param {RTCRtpSender} sender
 * @param {Limits} limits
 */
export async function applyLimits(sender, { bitrate, scale, framerate, keep }) {
  const parameters = sender.getParameters();
  parameters.degradationPreference = keep;
  for (const encoding of parameters.encodings) {
    encoding.maxBitrate = bitrate;
    encoding.scaleResolutionDownBy = scale;
    if (framerate) encoding.maxFramerate = framerate;
    else delete encoding.maxFramerate;
  }
  try {
    await sender.setParameters(parameters);
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== "InvalidStateError") throw error;
  }
}
