/** Words said aloud, where the browser can: for whoever looks at the camera and not at the words. */

import { language } from "../web_kit/i18n.js";

// Slow enough for whoever hears badly, and still one sentence.
const SLOW = 0.8;

export function canSpeak() {
  return "speechSynthesis" in globalThis && "SpeechSynthesisUtterance" in globalThis;
}

/**
 * Say it now, instead of whatever is being said.
 *
 * @param {string} words
 * @param {boolean} slowly
 */
export function speak(words, slowly) {
  if (!canSpeak()) return;
  const said = new SpeechSynthesisUtterance(words);
  said.lang = language() === "en" ? "en-US" : "zh-CN";
  said.rate = slowly ? SLOW : 1;
  speechSynthesis.cancel();
  speechSynthesis.speak(said);
}

/** Say no more. */
export function hush() {
  if (canSpeak()) speechSynthesis.cancel();
}
