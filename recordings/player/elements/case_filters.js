/** What the list is narrowed to. Asks by `filter-request` with the whole filter. */

import { h, mount } from "../../web_kit/dom.js";
import { t, tCode } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";
import { isFiltered, NO_FILTER } from "../search.js";

/** @typedef {import("../state.js").PlayerState} PlayerState */
/** @typedef {import("../search.js").Filter} Filter */

const PHASES = ["under_audit", "agent_done", "approved", "rejected", "in_call", "queued", "aborted", "expired"];
const OUTCOMES = ["passed", "failed", "incomplete"];
const REASONS = ["prompting", "suspected_fraud", "face_mismatch", "poor_light", "poor_picture", "no_speech", "network", "other"];
const CASE_ENDS = ["customer_left", "ticket_expired", "call_failed", "server_lost", "consent_refused", "callback_requested", "not_drawn"];
const DUES = ["overdue", "today"];
const PERIODS = ["today", "week", "month"];
export const FLAGS = ["gaps", "unverified"];
// Typing is sent when the fingers rest, not on every key.
const TYPING_MS = 250;

/** @extends {PartElement<PlayerState>} */
export class CaseFiltersElement extends PartElement {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  typing = undefined;

  disconnectedCallback() {
    clearTimeout(this.typing);
  }

  /** @override */
  looksAt(/** @type {PlayerState} */ { filter, staff }) {
    return [filter, staff];
  }

  /** @override */
  build() {
    const change = () => this.askFilter();
    const choice = (/** @type {string} */ key) => h("select", { class: "input", "aria-label": t(`filter.${key}`), onchange: change });
    const day = (/** @type {string} */ key) => h("input", { class: "input", type: "date", "aria-label": t(`filter.${key}`), onchange: change });
    this.text = h("input", { class: "input", type: "search", placeholder: t("list.search"), "aria-label": t("list.search"), maxlength: 200, oninput: () => this.gotTyping() });
    this.selects = { phase: choice("phase"), outcome: choice("outcome"), reason: choice("reason"), agent: choice("agent"), due: choice("due"), period: choice("period") };
    this.from = day("from");
    this.to = day("to");
    this.days = h("span", { class: "days" }, this.from, "–", this.to);
    this.flags = FLAGS.map((flag) => h("button", { class: "chip", type: "button", value: flag, onclick: (/** @type {Event} */ event) => this.gotFlag(event) }, t(`flag.${flag}`)));
    this.clear = h("button", { class: "button quiet", type: "button", onclick: () => ask(this, "filter-request", NO_FILTER) }, t("filter.clear"));
    const fill = (/** @type {keyof NonNullable<typeof this.selects>} */ key, /** @type {readonly (readonly [string, string])[]} */ options) =>
      mount(/** @type {Record<string, HTMLSelectElement>} */ (this.selects)[key] ?? h("select", {}),
        h("option", { value: "" }, t(`filter.any_${key}`)), options.map(([value, text]) => h("option", { value }, text))); // prettier-ignore
    fill("phase", PHASES.map((phase) => [phase, tCode("case", phase)]));
    fill("outcome", OUTCOMES.map((outcome) => [outcome, tCode("outcome", outcome)]));
    fill("reason", [...REASONS.map((reason) => /** @type {const} */ ([reason, wordFor("reason", reason)])), ...CASE_ENDS.map((end) => /** @type {const} */ ([end, tCode("case_end", end)]))]);
    fill("due", DUES.map((due) => [due, t(`due.filter_${due}`)]));
    fill("period", [...PERIODS.map((period) => /** @type {const} */ ([period, t(`period.${period}`)])), ["/", t("period.days")]]);
    mount(this, h("div", { class: "search" }, icon("search"), this.text),
      h("div", { class: "narrow", role: "group", "aria-label": t("filter.title") }, Object.values(this.selects), this.days, this.flags, this.clear)); // prettier-ignore
  }

  /** @override */
  draw(/** @type {PlayerState} */ { filter, staff }, /** @type {PlayerState | undefined} */ was) {
    if (!this.selects || !this.text || !this.from || !this.to || !this.days || !this.clear) {
      return;
    }
    if (staff !== was?.staff) {
      mount(this.selects.agent, h("option", { value: "" }, t("filter.any_agent")), staff.map((one) => h("option", { value: one.account }, one.name)));
    }
    if (document.activeElement !== this.text) {
      this.text.value = filter.text;
    }
    const days = filter.period.includes("/");
    const shown = { ...filter, period: days ? "/" : filter.period };
    for (const [key, select] of Object.entries(this.selects)) {
      select.value = String(/** @type {Record<string, unknown>} */ (shown)[key]);
      select.classList.toggle("set", select.value !== "");
    }
    this.days.hidden = !days;
    [this.from.value = "", this.to.value = ""] = days ? filter.period.split("/") : [];
    for (const flag of this.flags ?? []) {
      flag.setAttribute("aria-pressed", String(filter.flags.includes(flag.value)));
    }
    this.clear.hidden = !isFiltered(filter);
  }

  gotTyping() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.askFilter(), TYPING_MS);
  }

  /** @param {Event} event */
  gotFlag(event) {
    const flag = /** @type {HTMLButtonElement} */ (event.currentTarget);
    flag.setAttribute("aria-pressed", String(flag.getAttribute("aria-pressed") !== "true"));
    this.askFilter();
  }

  askFilter() {
    clearTimeout(this.typing);
    const { phase, outcome, reason, agent, due, period } = this.selects ?? {};
    ask(this, "filter-request", {
      text: this.text?.value.trim() ?? "", phase: phase?.value ?? "", outcome: outcome?.value ?? "", reason: reason?.value ?? "",
      agent: agent?.value ?? "", due: due?.value ?? "", period: period?.value === "/" ? `${this.from?.value}/${this.to?.value}` : (period?.value ?? ""),
      flags: (this.flags ?? []).filter((flag) => flag.getAttribute("aria-pressed") === "true").map((flag) => flag.value),
    }); // prettier-ignore
  }

  focusText() {
    this.text?.focus();
    this.text?.select();
  }
}

define("case-filters", CaseFiltersElement);
