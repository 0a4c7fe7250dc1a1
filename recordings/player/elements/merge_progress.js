/** How far the recording is on its way into the archive. */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t } from "../../web_kit/i18n.js";
import { define, PartElement } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";

/** @typedef {import("../state.js").PlayerState} PlayerState */

/** @extends {PartElement<PlayerState>} */
export class MergeProgressElement extends PartElement {
  /** @override */
  looksAt(/** @type {PlayerState} */ { jobs, view }) {
    return [jobs, view];
  }

  /** @override */
  build() {
    this.words = h("strong", {});
    this.percent = h("span", { class: "numbers soft" });
    this.bar = h("progress", { max: 1, "aria-label": t("merge.title") });
    this.note = h("p", { class: "soft small", role: "status" });
    mount(this, h("div", { class: "card merge" }, h("div", { class: "row" }, h("span", { class: "spinner", "aria-hidden": "true" }), this.words, h("span", { class: "grow" }), this.percent), this.bar, this.note));
  }

  /** @override */
  draw(/** @type {PlayerState} */ { jobs, view }) {
    const job = jobs.findLast((one) => one.kind === "merge");
    const dead = job?.state === "dead";
    const state = dead ? "dead" : (job?.state ?? (view.phase === "agent_done" ? "ready" : "not_due"));
    this.words?.replaceChildren(t(`merge.${state}`));
    this.percent?.replaceChildren(job ? `${Math.round(job.progress * 100)} %` : "");
    const note = job ? [wordFor("merge_note", job.note), outlookWords(job), job.attempt > 1 && t("merge.attempt", { attempt: job.attempt, most: job.max_attempts })] : [];
    this.note?.replaceChildren(note.filter(Boolean).join(" · "));
    if (this.bar) {
      this.bar.value = job?.progress ?? 0;
    }
    this.toggleAttribute("data-dead", dead);
  }
}

/** How long it will take, or that its worker is lost. @param {Readonly<Record<string, any>>} job */
function outlookWords({ state, eta_s: eta, lease_left_s: left }) {
  if (state === "running" && left === 0) {
    return t("merge.lost");
  }
  return eta == null ? "" : t("merge.eta", { time: clock(eta) });
}

define("merge-progress", MergeProgressElement);
