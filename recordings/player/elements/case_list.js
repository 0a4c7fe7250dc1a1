/** All cases of the bank: searched, filtered, kept fresh. Asks by `filter-request` with `{text, phase}`. */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t, tCode } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { caseBadge } from "../../web_kit/record/case_badge.js";
import { verdictBadge } from "../../web_kit/record/face_match.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { dateAndTime, wordFor } from "../../web_kit/record/words.js";

/** @typedef {import("../state.js").PlayerState} PlayerState */

const PHASES = ["under_audit", "agent_done", "approved", "rejected", "in_call", "queued", "aborted", "expired"];
// Typing is sent when the fingers rest, not on every key.
const TYPING_MS = 250;

/** @extends {PartElement<PlayerState>} */
export class CaseListElement extends PartElement {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  typing = undefined;

  disconnectedCallback() {
    clearTimeout(this.typing);
  }

  /** @override */
  looksAt(/** @type {PlayerState} */ { cases, problem }) {
    return [cases, problem];
  }

  /** @override */
  build() {
    this.text = h("input", { class: "input", type: "search", placeholder: t("list.search"), "aria-label": t("list.search"), oninput: () => this.gotTyping() });
    this.phase = h("select", { class: "input", "aria-label": t("list.phase"), onchange: () => this.askFilter() },
      h("option", { value: "" }, t("list.all_phases")), PHASES.map((phase) => h("option", { value: phase }, tCode("case", phase)))); // prettier-ignore
    this.count = h("span", { class: "soft", role: "status" });
    this.rows = h("div", { class: "case-rows" });
    mount(this,
      h("header", { class: "list-head" }, h("div", {}, h("h1", {}, t("list.title")), this.count), h("span", { class: "grow" }),
        h("div", { class: "search" }, icon("search"), this.text), this.phase),
      h("section", { class: "card list-card" }, this.rows)); // prettier-ignore
  }

  gotTyping() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.askFilter(), TYPING_MS);
  }

  askFilter() {
    ask(this, "filter-request", { text: this.text?.value.trim() ?? "", phase: this.phase?.value ?? "" });
  }

  /** @override */
  draw(/** @type {PlayerState} */ { cases, problem, text, phase }) {
    if (!this.rows || !this.count) {
      return;
    }
    this.count.replaceChildren(problem ? tCode("error", problem) : cases ? t("list.count", { count: cases.length }) : t("loading"));
    if (cases?.length) {
      const focused = this.rows.contains(document.activeElement) ? document.activeElement?.getAttribute("href") : null;
      mount(this.rows, table(cases));
      if (focused) {
        /** @type {HTMLElement | null} */ (this.rows.querySelector(`a[href="${focused}"]`))?.focus();
      }
    } else if (cases) {
      mount(this.rows, h("p", { class: "soft empty" }, t(text || phase ? "list.none_found" : "list.none")));
    }
  }
}

/** @param {readonly import("../state.js").CaseSummary[]} cases */
function table(cases) {
  const heads = ["customer", "purpose", "agent", "created", "length", "face", "outcome", "phase"];
  return h("table", {}, h("thead", {}, h("tr", {}, heads.map((key) => h("th", { scope: "col", class: `col-${key}` }, t(`column.${key}`))))), h("tbody", {}, cases.map(row)));
}

/** @param {import("../state.js").CaseSummary} one */
function row(one) {
  const cell = (/** @type {string} */ key, /** @type {import("../../web_kit/dom.js").Child[]} */ ...inside) =>
    h("td", { class: `col-${key}`, "data-label": t(`column.${key}`) }, ...inside);
  return h("tr", {},
    cell("customer", h("a", { class: "case-link", href: `#${one.case}` }, one.pii_customer_name || t("case.unnamed")), h("code", { class: "soft" }, one.case)),
    cell("purpose", wordFor("purpose", one.purpose)),
    cell("agent", one.agent_name || "—"),
    cell("created", h("span", { class: "soft" }, dateAndTime(one.created_at))),
    cell("length", one.call_s == null ? "—" : clock(one.call_s)),
    cell("face", one.face_verdict ? verdictBadge(one.face_verdict) : "—"),
    cell("outcome", one.outcome ? tCode("outcome", one.outcome) : "—"),
    cell("phase", caseBadge(one.phase))); // prettier-ignore
}

define("case-list", CaseListElement);
