/**
 * Whose turn it is with a case, until when, and the way to the next one. Asks by `next-request`, and by
 * `claim-request` with whether to take the case or to give it back.
 */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { timeOfDay } from "../../web_kit/record/words.js";
import { dueBadge } from "../due.js";
import { othersClaim, ownClaim } from "../queue.js";

/** @typedef {import("../state.js").PlayerState} PlayerState */

/** @extends {PartElement<PlayerState>} */
export class AuditQueueElement extends PartElement {
  /** @override */
  looksAt(/** @type {PlayerState} */ state) {
    return [state.session, state.summary, state.caseId, state.claims, state.queueNote, state.handing, state.minute];
  }

  /** @override */
  build() {
    this.state = h("div", { class: "queue-state", "aria-live": "polite" });
    this.turn = h("button", { class: "button", type: "button", onclick: (/** @type {Event} */ event) => this.gotTurn(event) });
    this.next = h("button", { class: "button primary", type: "button", "aria-keyshortcuts": "g", onclick: () => ask(this, "next-request") }, t("queue.next"), h("kbd", {}, "G"), icon("right"));
    mount(this, this.state, this.turn, this.next);
  }

  /** @override */
  draw(/** @type {PlayerState} */ state) {
    const { session, summary, caseId, queueNote, handing } = state;
    if (!this.state || !this.turn || !this.next) {
      return;
    }
    this.hidden = session?.role !== "auditor" || (caseId !== null && summary === null);
    const waits = caseId !== null && summary?.phase === "under_audit";
    const [mine, other] = [ownClaim(state, caseId), othersClaim(state, caseId)];
    const note = queueNote && t(queueNote);
    mount(this.state, waits && summary ? dueBadge(summary) : null,
      waits && mine ? h("span", { class: "small" }, t("queue.mine", { time: timeOfDay(mine.until) })) : null,
      waits && other ? h("span", { class: "badge warn" }, t("queue.others", { name: other.name, time: timeOfDay(other.until) })) : null,
      note ? h("span", { class: "small soft" }, note) : null); // prettier-ignore
    this.turn.hidden = !waits || other !== null;
    this.turn.value = mine ? "off" : "on";
    this.turn.replaceChildren(t(mine ? "queue.give_back" : "queue.take"));
    this.next.disabled = handing;
  }

  /** @param {Event} event */
  gotTurn(event) {
    ask(this, "claim-request", /** @type {HTMLButtonElement} */ (event.currentTarget).value === "on");
  }

  /** @param {string} key @returns {boolean} whether the key meant something */
  pressed(key) {
    if (this.hidden || key.toLowerCase() !== "g") {
      return false;
    }
    this.next?.click();
    return true;
  }
}

define("audit-queue", AuditQueueElement);
