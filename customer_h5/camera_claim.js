/**
 * What a camera says of itself.
 *
 * @import { CameraClaim } from "../web_kit/wire"
 */

/**
 * @param {MediaStreamTrack} camera
 * @returns {Omit<CameraClaim, "type">}
 */
export function claimOf(camera) {
  const settings = camera.getSettings();
  const can = camera.getCapabilities ? camera.getCapabilities() : {};
  const most = (/** @type {{ max?: number } | undefined} */ range) => (range && range.max) || 0;
  return {
    label: camera.label.slice(0, 200),
    facing: (settings.facingMode || "").slice(0, 16),
    width: settings.width || 0,
    height: settings.height || 0,
    frame_rate: settings.frameRate || 0,
    width_max: most(can.width),
    height_max: most(can.height),
    frame_rate_max: most(can.frameRate),
    phone: navigator.maxTouchPoints > 0,
  };
}
