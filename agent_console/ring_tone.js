/** The bell: two short tones every three seconds, made on the spot so that no sound file is needed. */

const EVERY_MS = 3000;
const TONE_S = 0.38;
// A minor third in the speech band: heard over talk in an open office, not sharp.
const TONES_HZ = [660, 784];
const LOUDNESS = 0.16;

export class RingTone {
  constructor() {
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {ReturnType<typeof setInterval> | null} */
    this.timer = null;
  }

  /**
   * Browsers let a page sound only after the person has touched it; call this from such a touch.
   * Before that the bell stays silent and the title still flashes.
   */
  unlock() {
    this.context ??= new AudioContext();
    if (this.context.state === "suspended") {
      this.context.resume().catch(() => undefined);
    }
  }

  start() {
    if (this.timer === null) {
      this.ringOnce();
      this.timer = setInterval(() => this.ringOnce(), EVERY_MS);
    }
  }

  stop() {
    if (this.timer !== null) {
      clearInterval(this.timer);
      this.timer = null;
    }
  }

  ringOnce() {
    const { context } = this;
    if (context?.state !== "running") {
      return;
    }
    TONES_HZ.forEach((hertz, index) => beep(context, hertz, context.currentTime + index * TONE_S));
  }
}

/** @param {AudioContext} context @param {number} hertz @param {number} at */
function beep(context, hertz, at) {
  const tone = new OscillatorNode(context, { type: "sine", frequency: hertz });
  const volume = new GainNode(context, { gain: 0 });
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(LOUDNESS, at + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.001, at + TONE_S);
  tone.connect(volume).connect(context.destination);
  tone.start(at);
  tone.stop(at + TONE_S);
}
