/** What a supervisor can do with who waits: put first, give to one agent, or back to all. */

import { h, mount } from "../../web_kit/dom.js";
import { t, tCode } from "../../web_kit/i18n.js";
import { ask } from "../../web_kit/record/part.js";
import { assignable } from "./figures.js";

/**
 * @typedef {import("../../web_kit/wire").Wallboard} Wallboard
 * @typedef {import("../../web_kit/wire").BoardWaiting} BoardWaiting
 */

/**
 * @param {HTMLElement} from @param {string} call @param {() => Wallboard} boardOf
 * @returns {{element: Element, draw: (item: BoardWaiting) => void}}
 */
export function assignment(from, call, boardOf) {
  const choice = h("select", { class: "input" });
  const up = h("button", { class: "button", type: "button", onclick: () => ask(from, "move-up-request", { call }) }, t("board.move_up"));
  // A select alone would give the customer away at every step of the arrow keys.
  const give = h("button", { class: "button", type: "button", onclick: () => ask(from, "reassign-request", { call, agent: choice.value || null }) }, t("board.assign"));
  const element = h("div", { class: "row-actions" }, up, choice, give);
  const draw = (/** @type {BoardWaiting} */ item) => {
    const name = item.name || t("case.unnamed");
    choice.setAttribute("aria-label", t("board.assign_to", { name }));
    up.setAttribute("aria-label", t("board.move_up_name", { name }));
    give.setAttribute("aria-label", t("board.assign_name", { name }));
    drawChoices(choice, boardOf());
  };
  return { element, draw };
}

/** @param {HTMLSelectElement} choice @param {Wallboard} board */
function drawChoices(choice, board) {
  const agents = assignable(board).map(({ account, name, presence }) => [account, `${name} · ${tCode("presence", presence)}`]);
  const options = [["", t("board.everybody")], ...agents];
  const key = JSON.stringify(options);
  if (choice.dataset.key !== key) {
    const chosen = choice.value;
    choice.dataset.key = key;
    mount(choice, options.map(([value, words]) => h("option", { value }, words)));
    choice.value = options.some(([value]) => value === chosen) ? chosen : "";
  }
}
