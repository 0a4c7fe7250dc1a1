/** Where a case stands, as a coloured word. */

import { h } from "../dom.js";
import { tCode } from "../i18n.js";

/** @type {Readonly<Record<string, string>>} */
const TONES = {
  approved: "good", rejected: "bad", aborted: "bad", expired: "plain", under_audit: "warn", in_call: "live", agent_done: "busy",
}; // prettier-ignore

/** @param {string} phase */
export function caseBadge(phase) {
  return h("span", { class: `badge ${TONES[phase] ?? "plain"}` }, tCode("case", phase));
}
