/** What the list is narrowed to, and the request that asks for it. Pure. */

/**
 * @typedef {Readonly<{text: string, phase: string, outcome: string, agent: string, reason: string,
 *   period: string, due: string, flags: readonly string[]}>} Filter
 * `due` is `overdue`, or `today` for what is to be signed before the day is over.
 * `period` is `today`, `week`, `month`, or two days as `2026-11-01/2026-11-30`, either of which may be missing.
 * @typedef {Readonly<{name: string, filters: Readonly<Record<string, any>>}>} View
 */

/** @type {Filter} */
export const NO_FILTER = Object.freeze({ text: "", phase: "", outcome: "", agent: "", reason: "", period: "", due: "", flags: Object.freeze([]) });

export const PAGE_SIZE = 50;
/** @type {Readonly<Record<string, number>>} */
const DAYS = { today: 0, week: 6, month: 29 };

/** @param {Filter} filter */
export function isFiltered(filter) {
  return Object.values(filter).some((value) => value.length > 0);
}

/** @param {readonly string[]} words */
const given = (...words) => words.filter(Boolean);

/** What a search and a view say alike. @param {Filter} filter */
function fields({ phase, outcome, agent, reason, flags }) {
  return { phases: given(phase), outcomes: given(outcome), agent, reasons: given(reason), flags };
}

/**
 * The body of a search.
 *
 * @param {Filter} filter @param {string} after  The `next` of the page before; empty for the first.
 * @param {Date} now
 */
export function bodyOf(filter, after, now) {
  return { ...fields(filter), text: filter.text, ...rangeOf(filter.period, now), due_before: dueOf(filter.due, now), after, limit: PAGE_SIZE };
}

/** Seconds UTC of a period in local days. @param {string} period @param {Date} now */
export function rangeOf(period, now) {
  const days = DAYS[period];
  if (days !== undefined) {
    return { since: midnight(now.getFullYear(), now.getMonth(), now.getDate() - days), until: null };
  }
  const [from = "", to = ""] = period.split("/");
  return { since: from ? dayOf(from, 0) : null, until: to ? dayOf(to, 1) : null };
}

/** @param {string} due @param {Date} now */
function dueOf(due, now) {
  return due === "overdue" ? now.getTime() / 1000 : due === "today" ? midnight(now.getFullYear(), now.getMonth(), now.getDate() + 1) : null;
}

/** @param {string} day @param {number} later */
function dayOf(day, later) {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return midnight(year, month - 1, date + later);
}

/** @param {number} year @param {number} month @param {number} date */
function midnight(year, month, date) {
  return new Date(year, month, date).getTime() / 1000;
}

/** A view keeps no words: they would be somebody's name. @param {Filter} filter */
export function filtersOf(filter) {
  return { ...fields(filter), period: filter.period, due: filter.due };
}

/** @param {View} view @returns {Filter} */
export function filterOf({ filters }) {
  const first = (/** @type {string} */ key) => String(filters[key]?.[0] ?? "");
  return {
    text: "", phase: first("phases"), outcome: first("outcomes"), agent: String(filters.agent ?? ""), reason: first("reasons"),
    period: String(filters.period ?? ""), due: String(filters.due ?? ""), flags: filters.flags ?? [],
  }; // prettier-ignore
}

/** Whether the list shows this view. @param {View} view @param {Filter} filter */
export function isShown(view, filter) {
  return filter.text === "" && JSON.stringify(filtersOf(filterOf(view))) === JSON.stringify(filtersOf(filter));
}
