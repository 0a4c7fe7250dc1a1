/** The wall: figures that can be read from across the room, alarms in words, who waits, who works, who talks. */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t, tCode } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { timeOfDay, wordFor } from "../../web_kit/record/words.js";
import { BoardTable, NOTHING } from "./board_table.js";
import { agentName, alarmWords, figures, PHASE_TONES, PRESENCE_TONES, waitTone } from "./figures.js";
import { KeyedRows, say } from "./keyed_rows.js";
import { assignment } from "./assignment.js";

/**
 * @typedef {import("../state.js").ConsoleState} ConsoleState
 * @typedef {import("../../web_kit/wire").Wallboard} Wallboard
 * @typedef {import("../../web_kit/wire").BoardWaiting} BoardWaiting
 * @typedef {import("../../web_kit/wire").BoardAgent} BoardAgent
 * @typedef {import("../../web_kit/wire").BoardCall} BoardCall
 */

// What has more symbols than 59:59 does not fit its tile at full size.
const SHORT_MAX = 5;

/** @param {BoardWaiting | BoardCall} one */
const customerName = (one) => ("name" in one ? one.name : one.customer) || t("case.unnamed");

/** @extends {PartElement<ConsoleState>} */
export class WallBoardElement extends PartElement {
  /** @override */
  looksAt(/** @type {ConsoleState} */ { board, link }) {
    return [board, link];
  }

  /** @override */
  build() {
    this.figures = h("ul", { class: "board-figures", "aria-label": t("board.figures") });
    this.figureRows = new KeyedRows(this.figures, ({ id }) => id, figureTile);
    this.alarms = h("div", { class: "board-alarms", role: "alert" });
    this.age = h("p", { class: "notice warn", role: "status", hidden: true });
    this.wait = h("div", { class: "loading" }, h("span", { class: "spinner" }), t("board.waiting_for"));
    this.queue = this.queueTable();
    this.calls = this.callsTable();
    this.agents = this.agentsTable();
    this.tables = h("div", { class: "board-tables" }, this.queue.element, this.calls.element, this.agents.element);
    mount(this, h("h1", { class: "sr" }, t("board.title")), this.age, this.figures, this.alarms, this.wait, this.tables);
  }

  /** The board that stands now; tables ask it for names. @returns {Wallboard} */
  get board() {
    return /** @type {Wallboard} */ (this.shown?.board);
  }

  queueTable() {
    return new BoardTable("queue", /** @type {import("./board_table.js").Column<BoardWaiting>[]} */ ([
      { name: "customer", strong: true, value: (one) => (one.vip ? `★ ${customerName(one)}` : customerName(one)), tone: (one) => (one.vip ? "vip" : "") },
      { name: "waited", value: (one) => clock(one.waited_s), tone: (one) => waitTone(one.waited_s, this.board.target_s) },
      { name: "skill", value: (one) => wordFor("skill", one.skill) || NOTHING },
      { name: "language", value: (one) => wordFor("language", one.language) },
      { name: "ringing", value: (one) => this.ringingWords(one) },
      { name: "", make: (one) => assignment(this, one.call, () => this.board) },
    ]), (one) => one.call); // prettier-ignore
  }

  /** @param {BoardWaiting} one */
  ringingWords({ ringing, only }) {
    const at = ringing ? t("board.rings_at", { name: agentName(this.board, ringing) }) : "";
    const kept = only ? t("board.only_for", { name: agentName(this.board, only) }) : "";
    return [at, kept].filter(Boolean).join(t("list.comma")) || NOTHING;
  }

  agentsTable() {
    return new BoardTable("agents", /** @type {import("./board_table.js").Column<BoardAgent>[]} */ ([
      { name: "agent", strong: true, value: (one) => one.name },
      { name: "presence", badge: true, value: (one) => tCode("presence", one.presence), tone: (one) => PRESENCE_TONES[one.presence] ?? "plain" },
      { name: "reason", value: (one) => wordFor("board_reason", one.reason) || NOTHING },
      { name: "since", value: (one) => clock(one.since_s) },
      { name: "rings", value: (one) => `${one.answered} / ${one.refused}` },
    ]), (one) => one.account); // prettier-ignore
  }

  callsTable() {
    return new BoardTable("calls", /** @type {import("./board_table.js").Column<BoardCall>[]} */ ([
      { name: "customer", strong: true, value: customerName },
      { name: "host", value: (one) => agentName(this.board, one.host) || t("board.nobody") },
      { name: "phase", badge: true, value: (one) => wordFor("call_phase", one.phase), tone: (one) => PHASE_TONES[one.phase] ?? "plain" },
      { name: "length", value: (one) => clock(one.active_s) },
      { name: "parties", value: (one) => String(one.parties) },
      { name: "trouble", value: (one) => wordFor("call_trouble", one.trouble) || NOTHING, tone: (one) => (one.trouble ? "bad" : "") },
      { name: "", make: (one) => this.callActions(one) },
    ]), (one) => one.call); // prettier-ignore
  }

  /** @param {BoardCall} one */
  callActions(one) {
    const name = customerName(one);
    const watch = h("button", { class: "button", type: "button", "aria-label": t("board.watch_call", { name }), onclick: () => ask(this, "watch-request", { call: one.call }) }, icon("headset"), t("board.watch"));
    const end = h("button", { class: "button quiet bad", type: "button", "aria-label": t("board.end_call", { name }), onclick: () => ask(this, "force-end-open", { call: one.call, name }) }, t("board.end"));
    return { element: h("div", { class: "row-actions" }, watch, end), draw: () => {} };
  }

  /** @override */
  draw(/** @type {ConsoleState} */ { board, link }, /** @type {ConsoleState | undefined} */ was) {
    if (board && board !== was?.board) {
      this.readAt = Date.now() / 1000;
    }
    this.wait?.toggleAttribute("hidden", board !== null);
    this.tables?.toggleAttribute("hidden", board === null);
    this.drawAge(link);
    if (board) {
      this.figureRows?.show(figures(board));
      this.drawAlarms(alarmWords(board));
      this.queue?.show(board.queue);
      this.calls?.show(board.calls);
      this.agents?.show(board.agents);
    }
  }

  /** Figures that stand still must not be taken for present ones. @param {string} link */
  drawAge(link) {
    const old = link !== "open" && this.readAt !== undefined;
    if (this.age) {
      this.age.hidden = !old;
      say(this.age, old ? t("board.old", { time: timeOfDay(this.readAt ?? 0) }) : "");
    }
  }

  /** @param {readonly string[]} words */
  drawAlarms(words) {
    const key = words.join("|");
    if (this.alarms && this.alarms.dataset.key !== key) {
      this.alarms.dataset.key = key;
      mount(this.alarms, words.map((word) => h("p", { class: "board-alarm" }, icon("warning"), word)));
    }
  }
}

/** @param {import("./figures.js").Figure} figure */
function figureTile({ id }) {
  const value = h("strong", { class: "figure-value numbers" });
  const note = h("span", { class: "figure-note" });
  const element = h("li", { class: "figure" }, h("span", { class: "figure-name" }, t(`board.figure.${id}`)), value, note);
  const draw = (/** @type {import("./figures.js").Figure} */ now) => {
    say(value, now.value);
    say(note, now.note);
    element.className = `figure ${now.tone} ${now.value.length > SHORT_MAX ? "long" : ""}`;
  };
  return { element, draw };
}

define("wall-board", WallBoardElement);
