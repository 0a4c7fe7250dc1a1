/** From the wallboard to what stands on the wall: figures with their tones, and rows with people's names. Pure. */

import { clock, t } from "../../web_kit/i18n.js";
import { wordFor } from "../../web_kit/record/words.js";

/**
 * @typedef {import("../../web_kit/wire").Wallboard} Wallboard
 * @typedef {import("../../web_kit/wire").BoardAgent} BoardAgent
 * @typedef {"plain" | "good" | "warn" | "bad"} Tone
 * @typedef {Readonly<{id: string, value: string, note: string, tone: Tone}>} Figure
 */

// Who is likely to give up soon has waited two minutes; the server raises its alarm then, too.
const LONG_WAIT_S = 120;
// What call centres commonly promise, and half of the failures that make it an alarm.
const LEVEL_GOOD = 0.8;
const LEVEL_FAIR = 0.7;

/** @type {Readonly<Record<string, Tone>>} */
export const PRESENCE_TONES = { ready: "good", ringing: "warn", busy: "plain", wrap_up: "plain", break: "warn", offline: "bad" };
/** @type {Readonly<Record<string, Tone>>} */
export const PHASE_TONES = { active: "good", held: "warn", reconnecting: "bad", connecting: "plain", ringing: "plain" };

/** @param {number | null} level @returns {Tone} */
function levelTone(level) {
  return level === null ? "plain" : level >= LEVEL_GOOD ? "good" : level >= LEVEL_FAIR ? "warn" : "bad";
}

/** @param {number} waited @param {number} target @returns {Tone} */
export function waitTone(waited, target) {
  return waited > LONG_WAIT_S ? "bad" : waited > target ? "warn" : "plain";
}

/** @param {Wallboard} board @returns {readonly Figure[]} */
export function figures(board) {
  const { waiting, longest_wait_s: longest, in_call: talking, handle_s: handle, answered, abandoned, service_level: level, target_s: target } = board;
  const ready = board.agents.filter((one) => one.presence === "ready").length;
  const lost = answered + abandoned > 0 ? abandoned / (answered + abandoned) : null;
  return [
    { id: "waiting", value: String(waiting), note: t("board.ready", { count: ready }), tone: waiting > 0 && ready === 0 ? "bad" : "plain" },
    { id: "longest", value: clock(longest), note: "", tone: waitTone(longest, target) },
    { id: "in_call", value: String(talking), note: t("board.answered", { count: answered }), tone: "plain" },
    { id: "handle", value: handle === null ? "—" : clock(handle), note: "", tone: "plain" },
    { id: "abandoned", value: String(abandoned), note: lost === null ? "" : percent(lost), tone: "plain" },
    { id: "level", value: level === null ? "—" : percent(level), note: t("board.target", { seconds: Math.round(target) }), tone: levelTone(level) },
  ]; // prettier-ignore
}

/** @param {number} share */
const percent = (share) => `${Math.round(share * 100)}%`;

/** @param {Wallboard} board @returns {readonly string[]} */
export function alarmWords({ alarms }) {
  return alarms.map((word) => wordFor("alarm", word));
}

/** The name of an agent on the board. @param {Wallboard} board @param {string | null} account */
export function agentName(board, account) {
  return account ? (board.agents.find((one) => one.account === account)?.name ?? account) : "";
}

/** Those to whom a waiting customer may be given, the free ones first. @param {Wallboard} board @returns {readonly BoardAgent[]} */
export function assignable({ agents }) {
  const there = agents.filter((one) => one.presence !== "offline");
  return [...there.filter((one) => one.presence === "ready"), ...there.filter((one) => one.presence !== "ready")];
}
