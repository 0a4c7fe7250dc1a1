/** Files that people send each other: their size in words, and keeping one. */

import { h } from "./dom.js";

// A browser reads the blob after the click; a minute is more than it takes to open its dialogue.
const READ_WITHIN_MS = 60000;

/**
 * @param {number} bytes
 * @returns {string}  As `340 KB` or `1.2 MB`, the same in all languages.
 */
export function sizeInWords(bytes) {
  if (bytes < 1024 * 1024) return `${Math.max(1, Math.round(bytes / 1024))} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

/**
 * Let the person keep a file.
 *
 * @param {Blob} blob
 * @param {string} name
 */
export function saveFile(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = /** @type {HTMLAnchorElement} */ (h("a", { href: url, download: name }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), READ_WITHIN_MS);
}
