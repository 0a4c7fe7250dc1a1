/** All cases of the bank: searched, filtered, page by page, kept fresh. Asks by `page-request` with `1` or `-1`. */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t, tCode } from "../../web_kit/i18n.js";
import { caseBadge } from "../../web_kit/record/case_badge.js";
import { verdictBadge } from "../../web_kit/record/face_match.js";
import { ask, define, part, PartElement } from "../../web_kit/record/part.js";
import { dateAndTime, wordFor } from "../../web_kit/record/words.js";
import { isFiltered, PAGE_SIZE } from "../search.js";
import { dueBadge } from "../due.js";
import "./audit_queue.js";
import "./case_filters.js";
import "./saved_views.js";

/** @typedef {import("../state.js").PlayerState} PlayerState */

// As the server's GAP_MIN_S.
const GAP_MIN_S = 1;

/** @extends {PartElement<PlayerState>} */
export class CaseListElement extends PartElement {
  /** @override */
  build() {
    this.filters = /** @type {import("./case_filters.js").CaseFiltersElement} */ (part("case-filters"));
    this.views = /** @type {import("./saved_views.js").SavedViewsElement} */ (part("saved-views"));
    this.queue = /** @type {import("./audit_queue.js").AuditQueueElement} */ (part("audit-queue"));
    this.count = h("span", { class: "soft", role: "status" });
    this.rows = h("div", { class: "case-rows" });
    const turn = (/** @type {number} */ by, /** @type {string} */ word) => h("button", { class: "button", type: "button", onclick: () => ask(this, "page-request", by) }, t(word));
    this.newer = turn(-1, "list.newer");
    this.older = turn(1, "list.older");
    this.place = h("span", { class: "soft" });
    this.pages = h("nav", { class: "pages", "aria-label": t("list.pages") }, this.newer, this.place, this.older);
    mount(this,
      h("header", { class: "list-head" }, h("div", {}, h("h1", {}, t("list.title")), this.count), h("span", { class: "grow" }), this.queue,
        h("span", { class: "keys" }, ["/", "J K", "N P"].map((key) => h("kbd", {}, key)))),
      this.filters, this.views, h("section", { class: "card list-card" }, this.rows), this.pages); // prettier-ignore
  }

  /** @override */
  draw(/** @type {PlayerState} */ state, /** @type {PlayerState | undefined} */ was) {
    this.filters?.show(state);
    this.views?.show(state);
    this.queue?.show(state);
    if (was && state.claims === was.claims && state.minute === was.minute && state.cases === was.cases && state.problem === was.problem && state.count === was.count && state.marks === was.marks) {
      return;
    }
    this.drawRows(state);
    this.drawPlace(state);
  }

  /** @param {PlayerState} state */
  drawRows({ cases, claims, problem, filter, count, more }) {
    if (!this.rows || !this.count) {
      return;
    }
    const found = t(more ? "list.count_more" : "list.count", { count: count ?? 0 });
    this.count.replaceChildren(problem ? tCode("error", problem) : cases ? found : t("loading"));
    if (cases?.length) {
      const focused = this.rows.contains(document.activeElement) ? document.activeElement?.getAttribute("href") : null;
      mount(this.rows, table(cases, claims));
      if (focused) {
        /** @type {HTMLElement | null} */ (this.rows.querySelector(`a[href="${focused}"]`))?.focus();
      }
    } else if (cases) {
      mount(this.rows, h("p", { class: "soft empty" }, t(isFiltered(filter) ? "list.none_found" : "list.none")));
    }
  }

  /** @param {PlayerState} state */
  drawPlace({ cases, marks, next }) {
    if (!this.pages || !this.newer || !this.older || !this.place) {
      return;
    }
    const before = marks.length * PAGE_SIZE;
    this.pages.hidden = marks.length === 0 && !next;
    this.newer.disabled = marks.length === 0;
    this.older.disabled = !next;
    this.place.replaceChildren(t("list.place", { from: before + 1, to: before + (cases?.length ?? 0) }));
  }

  /** @param {string} key @returns {boolean} whether the key meant something */
  pressed(key) {
    const steps = /** @type {Record<string, () => void>} */ ({
      "/": () => this.filters?.focusText(),
      j: () => this.step(1),
      k: () => this.step(-1),
      n: () => this.older?.click(),
      p: () => this.newer?.click(),
    });
    const step = steps[key.toLowerCase()];
    step?.();
    return step !== undefined || this.queue?.pressed(key) === true;
  }

  /** Go to the row before or behind the one that has the focus. @param {number} by */
  step(by) {
    const links = /** @type {HTMLElement[]} */ ([...this.querySelectorAll(".case-link")]);
    const at = links.findIndex((link) => link === document.activeElement);
    links[Math.min(Math.max(at + by, 0), links.length - 1)]?.focus();
  }
}

/** @param {readonly import("../state.js").CaseSummary[]} cases @param {readonly import("../state.js").Claim[]} claims */
function table(cases, claims) {
  const heads = ["customer", "purpose", "agent", "created", "length", "face", "outcome", "due", "phase"];
  return h("table", {}, h("thead", {}, h("tr", {}, heads.map((key) => h("th", { scope: "col", class: `col-${key}` }, t(`column.${key}`))))), h("tbody", {}, cases.map((one) => row(one, claims.find((claim) => claim.case === one.case)))));
}

/** Why a case did not pass: the agent's word, or how the case ended. @param {import("../state.js").CaseSummary} one */
function reasonOf(one) {
  const word = wordFor("reason", one.reason);
  return one.reason && word === one.reason ? tCode("case_end", one.reason) : word;
}

/** @param {import("../state.js").CaseSummary} one @param {import("../state.js").Claim} [claim] */
function row(one, claim) {
  const cell = (/** @type {string} */ key, /** @type {import("../../web_kit/dom.js").Child[]} */ ...inside) =>
    h("td", { class: `col-${key}`, "data-label": t(`column.${key}`) }, ...inside);
  const gaps = one.gap_s >= GAP_MIN_S && h("span", { class: "badge warn" }, t("flag.gaps"));
  return h("tr", {},
    cell("customer", h("a", { class: "case-link", href: `#${one.case}` }, one.pii_customer_name || t("case.unnamed")), h("code", { class: "soft" }, one.case)),
    cell("purpose", wordFor("purpose", one.purpose)),
    cell("agent", one.agent_name || "—"),
    cell("created", h("span", { class: "soft" }, dateAndTime(one.created_at))),
    cell("length", one.call_s == null ? "—" : clock(one.call_s)),
    cell("face", one.face_verdict ? verdictBadge(one.face_verdict) : "—"),
    cell("outcome", one.outcome ? tCode("outcome", one.outcome) : "—", one.reason && h("span", { class: "small soft reason" }, reasonOf(one))),
    cell("due", dueBadge(one), claim && h("span", { class: "small soft due" }, t("queue.with", { name: claim.name }))),
    cell("phase", caseBadge(one.phase), gaps || null)); // prettier-ignore
}

define("case-list", CaseListElement);
