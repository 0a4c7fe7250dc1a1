/**
 * Words on the screen. zh-CN is the first language, en is complete; the choice is kept in the browser.
 *
 * @typedef {"zh-CN" | "en"} Language
 * @typedef {Readonly<Record<string, string>>} Strings
 * @typedef {Readonly<Record<Language, Strings>>} Dictionary
 */

import { STRINGS } from "./strings.js";

const KEY = "teller-language";

/** @type {Record<Language, Record<string, string>>} */
const words = { "zh-CN": { ...STRINGS["zh-CN"] }, en: { ...STRINGS.en } };

/** @returns {Language} */
function firstLanguage() {
  const asked = new URLSearchParams(location.search).get("lang");
  const wanted = asked || stored() || navigator.language || "";
  return wanted.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

/** @returns {string | null} */
function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    // Storage is refused in some private and embedded windows; the choice then lives for the page.
    return null;
  }
}

/** @type {Language} */
let current = firstLanguage();
/** @type {Set<() => void>} */
const listeners = new Set();
document.documentElement.lang = current;

/** @returns {Language} */
export function language() {
  return current;
}

/**
 * Switch the language; those who asked by `onLanguage` draw themselves anew.
 *
 * @param {Language} next
 */
export function setLanguage(next) {
  current = next;
  document.documentElement.lang = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // As in stored().
  }
  for (const listener of [...listeners]) listener();
}

/**
 * @param {() => void} listener
 * @returns {() => void}
 */
export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Add an app's words.
 *
 * @param {Dictionary} dictionary
 */
export function addStrings(dictionary) {
  Object.assign(words["zh-CN"], dictionary["zh-CN"]);
  Object.assign(words.en, dictionary.en);
}

/**
 * The words for `key`; `{name}` in them is replaced by `params.name`. A key without words shows itself.
 *
 * @param {string} key
 * @param {Readonly<Record<string, string | number>>} [params]
 * @returns {string}
 */
export function t(key, params = {}) {
  const text = words[current][key];
  if (text === undefined) return key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in params ? String(params[name]) : whole));
}

/**
 * The words for a machine word of a family, such as ("error", "ticket_used"); a general sentence when the
 * word is new to this page.
 *
 * @param {string} family
 * @param {string | null | undefined} code
 * @returns {string}
 */
export function tCode(family, code) {
  const key = `${family}.${code}`;
  return words[current][key] === undefined ? t(`${family}.other`, { code: code || "" }) : t(key);
}

/**
 * Seconds as `m:ss` or `h:mm:ss`.
 *
 * @param {number} seconds
 * @returns {string}
 */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const tail = `${String(Math.floor(whole / 60) % 60)}:${String(whole % 60).padStart(2, "0")}`;
  return whole < 3600 ? tail : `${Math.floor(whole / 3600)}:${tail.padStart(5, "0")}`;
}

/**
 * A moment in the reader's own time zone and language.
 *
 * @param {number} at  Seconds UTC.
 * @returns {string}
 */
export function moment(at) {
  return new Date(at * 1000).toLocaleString(current, { dateStyle: "medium", timeStyle: "medium" });
}
