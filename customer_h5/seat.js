/**
 * The ways to one's seat: the link's own right, and after a reload the one that lives as long as the tab.
 *
 * @import { Entrance } from "./session.js"
 */

import { language } from "../web_kit/i18n.js";
import { request } from "../web_kit/rest.js";

const KEY = "teller-seat";

/**
 * The ticket of the link, or a new one at the bank's front door.
 *
 * @param {Entrance} entrance
 * @returns {Promise<string>}
 * @throws {import("../web_kit/rest.js").RestError}
 */
export async function ticketOf({ code, ticket }) {
  if (ticket) return ticket;
  /** @type {{ ticket: string }} */
  const door = await request("POST", "/api/walk-in", { tenant: code, language: language() });
  return door.ticket;
}

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

/**
 * The address at which this page goes on elsewhere.
 *
 * @param {string | null} resume
 */
export function linkTo(resume) {
  return resume ? `${location.origin}${location.pathname}#seat=${encodeURIComponent(resume)}` : location.href;
}
