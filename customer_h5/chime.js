/** What brings back somebody who waits and looks elsewhere: two notes and a buzz. */

const NOTES_HZ = [660, 880];
const NOTE_S = 0.18;

/** Say that the agent is there. Phones that forbid either stay silent. */
export function chime() {
  if ("vibrate" in navigator) navigator.vibrate([200, 100, 200]);
  if (!globalThis.AudioContext) return;
  const context = new AudioContext();
  const volume = context.createGain();
  volume.gain.value = 0.15;
  volume.connect(context.destination);
  NOTES_HZ.forEach((hertz, at) => {
    const note = context.createOscillator();
    note.frequency.value = hertz;
    note.connect(volume);
    note.start(context.currentTime + at * NOTE_S);
    note.stop(context.currentTime + (at + 1) * NOTE_S);
    if (at === NOTES_HZ.length - 1) note.addEventListener("ended", () => void context.close());
  });
}
