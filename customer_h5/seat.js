/**
 * The right to return to one's seat after the page was reloaded; it lives as long as the tab.
 *
 * @import { Entrance } from "./session.js"
 */

const KEY = "teller-seat";

/** @param {Entrance} entrance */
function linkOf(entrance) {
  return entrance.ticket || entrance.seat || `b=${entrance.code}`;
}

/**
 * The resume token that belongs to this link, if there is one.
 *
 * @param {Entrance} entrance
 * @returns {string | null}
 */
export function savedSeat(entrance) {
  try {
    const { link, resume } = JSON.parse(sessionStorage.getItem(KEY) || "{}");
    if (link === linkOf(entrance) && typeof resume === "string") return resume;
  } catch {
    // No storage in this window, or not our text: then only the link itself leads back.
  }
  return entrance.seat;
}

/**
 * @param {Entrance} entrance
 * @param {string} resume
 */
export function saveSeat(entrance, resume) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ link: linkOf(entrance), resume }));
  } catch {
    // As above.
  }
}

export function forgetSeat() {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // As above.
  }
}
