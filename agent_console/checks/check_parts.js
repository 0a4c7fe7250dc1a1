/** Which element does which check of the script. */

import { part } from "../../web_kit/record/part.js";
import "./code_check.js";
import "./document_check.js";
import "./external_check.js";
import "./features_check.js";
import "./liveness_check.js";
import "./portraits_check.js";
import "./question_check.js";

const OUTSIDE = "external_";
/** @type {Readonly<Record<string, string>>} */
const TAGS = {
  document: "document-check", features: "features-check", portraits: "portraits-check", passive: "liveness-check", gestures: "liveness-check",
  light: "liveness-check", questions: "question-check", code: "code-check",
}; // prettier-ignore

/** Every check that does not need a policy to name it, in the order of a conversation. */
export const CHECKS = Object.freeze(Object.keys(TAGS));

/** @typedef {import("./check_element.js").CheckElement} CheckElement */

/** Make the part for a check's word, or return null for one that is done elsewhere. @param {string} check @returns {CheckElement | null} */
export function checkPart(check) {
  const tag = check.startsWith(OUTSIDE) ? "external-check" : TAGS[check];
  return tag ? /** @type {CheckElement} */ (part(tag, "check-part")) : null;
}

/** What `CheckShown.word` is for a check's word. @param {string} check */
export const wordOf = (check) => (check.startsWith(OUTSIDE) ? check.slice(OUTSIDE.length) : check);
