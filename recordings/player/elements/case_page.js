/** One case as the auditor works on it: trust first, then the recording, then what it shows, then the verdict. */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t, tCode } from "../../web_kit/i18n.js";
import { caseBadge } from "../../web_kit/record/case_badge.js";
import "../../web_kit/record/fact_list.js";
import { define, part, PartElement } from "../../web_kit/record/part.js";
import { dateAndTime, timeOfDay, wordFor } from "../../web_kit/record/words.js";
import { axisStart, currentSeq, markers } from "../axis.js";
import { filmsOf } from "../films.js";
import { isMoving, mayLook, seesCards } from "../state.js";
import "./film_layouts.js";
import "./findings_panel.js";
import "./gap_ledger.js";
import "./integrity_badge.js";
import "./merge_progress.js";
import "./record_player.js";
import "./audit_queue.js";
import "./audit_state.js";
import "./unmask_card.js";
import "./verdict_form.js";
import "./viewing_gate.js";

/** @typedef {import("../state.js").PlayerState} PlayerState */

/** @extends {PartElement<PlayerState>} */
export class CasePageElement extends PartElement {
  /** @type {readonly import("../axis.js").Marker[]} */
  markers = [];
  /** The markers that `lines` were made of. @type {readonly import("../axis.js").Marker[] | null} */
  lined = null;
  /** @type {readonly import("../../web_kit/record/fact_list.js").FactLine[]} */
  lines = [];

  /** @override */
  looksAt(/** @type {PlayerState} */ state) {
    return [state.summary, state.entries, state.jobs, state.signing, state.signProblem, state.problem, state.viewing, state.viewProblem, state.renderProblem, mayLook(state), seesCards(state), state.calls, state.beside, state.claims, state.queueNote, state.handing, state.minute];
  }

  /** @override */
  build() {
    this.head = h("header", { class: "case-head" });
    this.integrity = /** @type {import("./integrity_badge.js").IntegrityBadgeElement} */ (part("integrity-badge"));
    this.gaps = /** @type {import("./gap_ledger.js").GapLedgerElement} */ (part("gap-ledger"));
    this.queue = /** @type {import("./audit_queue.js").AuditQueueElement} */ (part("audit-queue"));
    this.merge = /** @type {import("./merge_progress.js").MergeProgressElement} */ (part("merge-progress"));
    this.player = /** @type {import("./record_player.js").RecordPlayerElement} */ (part("record-player"));
    this.layouts = /** @type {import("./film_layouts.js").FilmLayoutsElement} */ (part("film-layouts"));
    this.facts = /** @type {import("../../web_kit/record/fact_list.js").FactListElement} */ (part("fact-list"));
    this.findings = /** @type {import("./findings_panel.js").FindingsPanelElement} */ (part("findings-panel"));
    this.audit = /** @type {import("./audit_state.js").AuditStateElement} */ (part("audit-state"));
    this.verdict = /** @type {import("./verdict_form.js").VerdictFormElement} */ (part("verdict-form"));
    this.gate = /** @type {import("./viewing_gate.js").ViewingGateElement} */ (part("viewing-gate"));
    this.unmask = /** @type {import("./unmask_card.js").UnmaskCardElement} */ (part("unmask-card"));
    this.columns = h("div", { class: "columns" },
        h("div", { class: "column" }, this.merge, this.player, this.layouts, this.gaps, this.findings, this.unmask),
        h("div", { class: "column" }, this.verdict, this.audit, h("section", { class: "card story" }, h("h2", {}, t("page.facts")), this.facts))); // prettier-ignore
    mount(this, this.head, this.queue, this.integrity, this.gate, this.columns);
    this.addEventListener("play-moved", (event) => this.gotPlayMoved(/** @type {CustomEvent} */ (event).detail.second));
    this.addEventListener("moment-jump", (event) => this.player?.jumpTo(/** @type {CustomEvent} */ (event).detail.second));
    this.addEventListener("fact-jump", (event) => this.gotJump(/** @type {CustomEvent} */ (event).detail.seq));
  }

  /** @override */
  draw(/** @type {PlayerState} */ state, /** @type {PlayerState | undefined} */ was) {
    const { view, entries, summary } = state;
    this.hidden = summary === null;
    this.drawHead(state);
    this.queue?.show(state);
    this.integrity?.show(state);
    this.gate?.show(state);
    const open = mayLook(state);
    if (this.gate && this.columns) {
      this.gate.hidden = open;
      this.columns.hidden = !open;
    }
    if (!open) {
      return;
    }
    this.gaps?.show(state);
    this.merge?.show(mergeShown(state));
    this.layouts?.show(state);
    if (entries !== was?.entries || state.viewing?.axis !== was?.viewing?.axis || !this.markers.length) {
      this.markers = markers(view, axisStart(entries), state.viewing?.axis);
    }
    this.unmask?.show(state);
    this.drawPlayer(state);
    if (this.lined !== this.markers) {
      this.drawFacts(null);
    }
    this.findings?.show({ view, start: this.player?.hidden === false ? axisStart(entries) : null });
    this.verdict?.show(state);
    this.audit?.show(state);
  }

  /** @param {PlayerState} state */
  drawHead({ summary, view }) {
    if (!this.head || !summary) {
      return;
    }
    const pair = (/** @type {string} */ key, /** @type {string} */ value) => h("div", { class: "pair" }, h("dt", {}, t(`column.${key}`)), h("dd", {}, value));
    mount(this.head, h("a", { class: "back", href: "#" }, "‹ ", t("page.back")),
      h("div", { class: "row wrap" }, h("h1", {}, summary.pii_customer_name || t("case.unnamed")), caseBadge(summary.phase)),
      h("code", { class: "soft" }, summary.case),
      h("dl", { class: "pairs" }, pair("purpose", wordFor("purpose", summary.purpose)), pair("agent", summary.agent_name || "—"),
        pair("created", dateAndTime(summary.created_at)), pair("length", summary.call_s == null ? "—" : clock(summary.call_s)),
        pair("end", summary.call_end ? tCode("end", summary.call_end) : "—"), pair("outcome", view.decision ? tCode("outcome", view.decision.outcome) : "—"))); // prettier-ignore
  }

  /** @param {PlayerState} state */
  drawPlayer({ summary, view, session, viewing, entries, calls, beside, sight }) {
    const films = summary?.phase === "agent_done" ? [] : filmsOf(view, sight);
    const hasTracks = entries.some((entry) => entry.name === "SegmentSealed");
    const playable = films.length > 0 || hasTracks;
    if (!this.player || !this.merge) {
      return;
    }
    this.player.hidden = !playable;
    this.merge.hidden = films.length > 0 || !(isMoving(summary) || view.merge.state !== "none");
    if (playable && summary) {
      const { waveform, sprite } = beside;
      this.player.show({ caseId: summary.case, films, sight, calls, hasTracks, names: this.names(view), markers: this.markers, viewing, name: session?.name ?? "", waveform, sprite });
    }
  }

  /** @param {number | null} current */
  drawFacts(current) {
    if (this.lined !== this.markers) {
      this.lined = this.markers;
      const playable = this.player?.hidden === false;
      this.lines = this.markers.map(({ seq, at, second, words }) => ({
        seq, ...words, jump: playable && second >= 0, clock: second >= 0 && playable ? clock(second) : timeOfDay(at) })); // prettier-ignore
    }
    this.facts?.show({ lines: this.lines, current, follow: false });
  }

  /** @param {number} second */
  gotPlayMoved(second) {
    this.drawFacts(second > 0 ? currentSeq(this.markers, second) : null);
  }

  /** @param {number} seq */
  gotJump(seq) {
    const marker = this.markers.find((one) => one.seq === seq);
    if (marker) {
      this.player?.jumpTo(marker.second);
    }
  }

  /** Names by seat, the same object while they are the same. @param {import("../state.js").CaseView} view */
  names({ parties }) {
    if (this.partiesNamed !== parties) {
      this.partiesNamed = parties;
      this.named = namesOf({ parties });
    }
    return this.named;
  }

  /** @type {unknown} */
  partiesNamed = null;
  /** @type {Readonly<Record<string, string>>} */
  named = {};

  /** What somebody typed and where playback stands, for a page that is drawn anew in another language. */
  remember() {
    const fields = [...this.querySelectorAll("textarea[id], :is(input, select).input[id]")].map((one) => /** @type {const} */ ([one.id, /** @type {HTMLInputElement} */ (one).value]));
    return { fields, scroll: scrollY, player: this.player?.hidden === false ? this.player.remember() : null };
  }

  /** @param {ReturnType<CasePageElement["remember"]>} memory */
  recall({ fields, scroll, player }) {
    for (const [id, value] of fields) {
      const field = /** @type {HTMLInputElement | null} */ (this.querySelector(`#${id}`));
      field && (field.value = value);
    }
    player && this.player?.recall(player);
    scrollTo(0, scroll);
  }

  /** @param {string} key */
  pressed(key) {
    if (key === "c" || key === "C") {
      this.querySelector(".faces")?.scrollIntoView({ block: "center" });
      return true;
    }
    return this.queue?.pressed(key) === true || (this.player?.hidden === false && this.player.pressed(key));
  }
}

/** @param {PlayerState} state @returns {import("./merge_progress.js").ProgressView} */
function mergeShown({ jobs, view }) {
  const job = jobs.findLast((one) => one.kind === "merge");
  const state = job?.state ?? (view.phase === "agent_done" ? "ready" : "not_due");
  return { title: t("merge.title"), words: t(`merge.${state}`), job };
}

/** @param {Pick<import("../state.js").CaseView, "parties">} view @returns {Readonly<Record<string, string>>} */
function namesOf({ parties }) {
  return Object.fromEntries(Object.values(parties).map(({ seat, name }) => [seat, name]));
}

define("case-page", CasePageElement);
