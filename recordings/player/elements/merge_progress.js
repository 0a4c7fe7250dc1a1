/** How far a job with the recording is: its merge, on the way into the archive, or a film made anew. */

import { h, mount } from "../../web_kit/dom.js";
import { clock, t } from "../../web_kit/i18n.js";
import { define, PartElement } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";

/** @typedef {{title: string, words: string, job: import("../state.js").Job | undefined}} ProgressView  `job` is missing before there is one */

/** @extends {PartElement<ProgressView>} */
export class MergeProgressElement extends PartElement {
  /** @override */
  looksAt(/** @type {ProgressView} */ { title, words, job }) {
    return [title, words, job];
  }

  /** @override */
  build() {
    this.words = h("strong", {});
    this.percent = h("span", { class: "numbers soft" });
    this.bar = h("progress", { max: 1 });
    this.note = h("p", { class: "soft small", role: "status" });
    mount(this, h("div", { class: "card merge" }, h("div", { class: "row" }, h("span", { class: "spinner", "aria-hidden": "true" }), this.words, h("span", { class: "grow" }), this.percent), this.bar, this.note));
  }

  /** @override */
  draw(/** @type {ProgressView} */ { title, words, job }) {
    this.words?.replaceChildren(words);
    this.bar?.setAttribute("aria-label", title);
    this.percent?.replaceChildren(job ? `${Math.round(job.progress * 100)} %` : "");
    const note = job ? [wordFor("merge_note", job.note), outlookWords(job), job.attempt > 1 && t("merge.attempt", { attempt: job.attempt, most: job.max_attempts })] : [];
    this.note?.replaceChildren(note.filter(Boolean).join(" · "));
    if (this.bar) {
      this.bar.value = job?.progress ?? 0;
    }
    this.toggleAttribute("data-dead", job?.state === "dead");
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
