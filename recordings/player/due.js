/** Until when a case is to be signed, in words and colour. Pure but for the reader's language. */

import { h } from "../web_kit/dom.js";
import { language, t } from "../web_kit/i18n.js";

/** @typedef {import("./state.js").CaseSummary} CaseSummary */

/** Tell whether a case should have been signed before `now`, seconds UTC. @param {CaseSummary} one @param {number} now */
export function isOverdue({ phase, due_at: due }, now) {
  return phase === "under_audit" && typeof due === "number" && due < now;
}

/**
 * The words beside a case's state; null where nobody is waited for.
 *
 * @param {CaseSummary} one
 */
export function dueBadge(one) {
  if (one.phase !== "under_audit" || typeof one.due_at !== "number") {
    return null;
  }
  const time = new Date(one.due_at * 1000).toLocaleString(language(), { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });
  return isOverdue(one, Date.now() / 1000) ? h("span", { class: "badge bad due" }, t("due.overdue", { time })) : h("span", { class: "small soft due" }, t("due.by", { time }));
}
