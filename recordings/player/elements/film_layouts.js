/**
 * The film made anew with another layout: what is being made, and a form to ask for more. Asks by
 * `render-request` with `{template, reason}`.
 */

import { h, mount } from "../../web_kit/dom.js";
import { t, tCode } from "../../web_kit/i18n.js";
import { ask, define, part, PartElement } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";
import { askable, filmsOf, unmade } from "../films.js";
import "./merge_progress.js";

/** @typedef {import("../state.js").PlayerState} PlayerState */

/** @extends {PartElement<PlayerState>} */
export class FilmLayoutsElement extends PartElement {
  /** What is shown of each template under way. @type {Map<string, import("./merge_progress.js").MergeProgressElement>} */
  progress = new Map();
  /** The templates in the form, as one word. */
  offered = "";
  /** The template that was asked for here last. */
  asked = "";

  /** @override */
  looksAt(/** @type {PlayerState} */ { view, jobs, session, renderProblem }) {
    return [view, jobs, session, renderProblem];
  }

  /** @override */
  build() {
    this.made = h("span", { class: "soft small" });
    this.template = h("select", { class: "input", id: "layout-template" });
    this.reason = h("input", { class: "input", id: "layout-reason", minlength: 3, maxlength: 2000, required: true, placeholder: t("unmask.hint") });
    this.form = h("form", { class: "stack", onsubmit: (/** @type {Event} */ event) => this.gotRequest(event) },
      h("p", { class: "soft small" }, t("layouts.text")),
      h("div", { class: "layout-fields" },
        h("div", {}, h("label", { for: "layout-template" }, t("layouts.template")), this.template),
        h("div", {}, h("label", { for: "layout-reason" }, t("layouts.reason")), this.reason),
        h("button", { class: "button", type: "submit" }, t("layouts.ask")))); // prettier-ignore
    this.work = h("div", { class: "stack" });
    this.problem = h("p", { class: "problem", role: "alert" });
    this.details = h("details", { class: "card layouts" }, h("summary", {}, h("h2", {}, t("layouts.title")), this.made), h("div", { class: "stack" }, this.work, this.form, this.problem));
    mount(this, this.details);
  }

  /** @override */
  draw(/** @type {PlayerState} */ { view, jobs, session, renderProblem }) {
    // The archive is read for it.
    this.hidden = !view.merge.result || !view.verified;
    const films = filmsOf(view, "").map(({ template }) => wordFor("template", template));
    this.made?.replaceChildren(t("layouts.made", { names: films.join(t("list.comma")) }));
    const work = unmade(view, jobs);
    this.drawWork(work);
    const templates = askable(view, jobs);
    this.drawForm(templates, session?.role === "auditor");
    if (this.asked && !templates.includes(this.asked)) {
      this.asked = "";
      this.reason && (this.reason.value = "");
    }
    this.problem?.replaceChildren(renderProblem ? tCode("error", renderProblem) : "");
  }

  /** @param {ReturnType<typeof unmade>} work */
  drawWork(work) {
    const before = [...this.progress.keys()].join();
    this.progress = new Map(work.map(({ template }) => [template, this.progress.get(template) ?? part("merge-progress")]));
    if (this.work && before !== [...this.progress.keys()].join()) {
      mount(this.work, [...this.progress.values()]);
      this.details?.toggleAttribute("open", this.details.open || work.length > 0);
    }
    for (const { template, job } of work) {
      const words = t(`layouts.${job.state}`, { template: wordFor("template", template) });
      this.progress.get(template)?.show({ title: words, words, job });
    }
  }

  /** @param {readonly string[]} templates @param {boolean} may */
  drawForm(templates, may) {
    this.form && (this.form.hidden = !may || !templates.length);
    if (this.template && this.offered !== templates.join()) {
      const chosen = this.template.value;
      this.offered = templates.join();
      mount(this.template, templates.map((one) => h("option", { value: one, selected: one === chosen }, wordFor("template", one)))); // prettier-ignore
    }
  }

  /** @param {Event} event */
  gotRequest(event) {
    event.preventDefault();
    const [template, reason] = [this.template?.value ?? "", this.reason?.value.trim() ?? ""];
    this.asked = template;
    ask(this, "render-request", { template, reason });
  }
}

define("film-layouts", FilmLayoutsElement);
