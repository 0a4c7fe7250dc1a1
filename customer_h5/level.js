/** How loud the microphone is. */

const SAMPLES = 1024;
// Speech at arm's length lies well above; the hiss of a phone's microphone below.
const HEARD = 0.02;

/**
 * Listen to a microphone.
 *
 * @param {MediaStreamTrack} track
 * @param {(level: number, heard: boolean) => void} onLevel  0 to 1, on every frame of the screen while the
 *   browser lets the page listen.
 * @returns {() => void}  Stops it.
 */
export function listen(track, onLevel) {
  if (!globalThis.AudioContext) return () => undefined;
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = SAMPLES;
  const source = context.createMediaStreamSource(new MediaStream([track]));
  source.connect(analyser);
  const samples = new Float32Array(SAMPLES);
  let frame = 0;
  const measure = () => {
    frame = requestAnimationFrame(measure);
    if (context.state !== "running") return;
    analyser.getFloatTimeDomainData(samples);
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    const loud = Math.sqrt(sum / SAMPLES);
    // The ear hears ratios: -50 dB is the left end, -10 dB the right.
    onLevel(Math.min(1, Math.max(0, (20 * Math.log10(loud + 1e-6) + 50) / 40)), loud > HEARD);
  };
  // Without a tap before it a browser may keep the context asleep.
  void context.resume().catch(() => undefined);
  measure();
  return () => {
    cancelAnimationFrame(frame);
    source.disconnect();
    void context.close();
  };
}
