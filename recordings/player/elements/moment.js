/** When something was found: on the recording, a button that plays from there. Asks by `moment-jump` with `{second}`. */

import { h } from "../../web_kit/dom.js";
import { clock, t } from "../../web_kit/i18n.js";
import { ask } from "../../web_kit/record/part.js";
import { timeOfDay } from "../../web_kit/record/words.js";

/**
 * @param {number} at seconds UTC @param {number | null} start wall time of the recording's second 0; null when it
 *   cannot be played
 */
export function moment(at, start) {
  if (start === null || at < start) {
    return h("time", {}, timeOfDay(at));
  }
  const second = at - start;
  const words = t("findings.jump", { time: clock(second) });
  return h("button", { class: "moment", type: "button", "aria-label": words, title: words,
    onclick: (/** @type {Event} */ event) => ask(/** @type {Element} */ (event.currentTarget), "moment-jump", { second }) }, h("time", {}, clock(second))); // prettier-ignore
}
