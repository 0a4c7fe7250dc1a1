/** A camera's picture as one still every few seconds, for a line that carries no moving picture. */

const EVERY_MS = 5000;
// At this width a face is known again, and a still costs about 20 kB.
const WIDTH = 640;

/**
 * Draw `camera` on a track of stills until `stop` is called; the camera's own track stays open.
 *
 * @param {MediaStreamTrack} camera
 * @returns {{ track: MediaStreamTrack, stop: () => void }}
 */
export function stillsTrack(camera) {
  const canvas = document.createElement("canvas");
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([camera]);
  const context = canvas.getContext("2d");
  const stream = canvas.captureStream(0);
  const track = /** @type {CanvasCaptureMediaStreamTrack} */ (stream.getVideoTracks()[0]);
  const draw = () => {
    if (!context || !video.videoWidth) return;
    const height = Math.round((WIDTH * video.videoHeight) / video.videoWidth);
    if (canvas.width !== WIDTH || canvas.height !== height) Object.assign(canvas, { width: WIDTH, height });
    context.drawImage(video, 0, 0, WIDTH, height);
    track.requestFrame();
  };
  const timer = setInterval(draw, EVERY_MS);
  void video.play().then(draw, () => undefined);
  return {
    track,
    stop: () => {
      clearInterval(timer);
      track.stop();
      video.srcObject = null;
    },
  };
}
