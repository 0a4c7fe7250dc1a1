/** Filters under a name, each auditor's own. Asks by `view-keep`, `view-drop`, `view-undo` and `filter-request`. */

import { h, mount } from "../../web_kit/dom.js";
import { t, tCode } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { filterOf, filtersOf, isFiltered, isShown } from "../search.js";

/** @typedef {import("../state.js").PlayerState} PlayerState */

/** @extends {PartElement<PlayerState>} */
export class SavedViewsElement extends PartElement {
  /** @override */
  looksAt(/** @type {PlayerState} */ { filter, views, dropped, deskProblem }) {
    return [filter, views, dropped, deskProblem];
  }

  /** @override */
  build() {
    this.chips = h("div", { class: "views", role: "group", "aria-label": t("views.title") });
    this.name = h("input", { class: "input", maxlength: 60, required: true, placeholder: t("views.name"), "aria-label": t("views.name") });
    this.form = h("form", { class: "view-form", hidden: true, onsubmit: (/** @type {Event} */ event) => this.gotName(event) }, this.name,
      h("button", { class: "button primary", type: "submit" }, t("views.keep")),
      h("button", { class: "button quiet", type: "button", onclick: () => this.openForm(false) }, t("views.cancel"))); // prettier-ignore
    this.gone = h("div", { class: "view-gone", role: "status" });
    mount(this, this.chips, this.form, this.gone);
    this.addEventListener("keydown", (event) => event.key === "Escape" && !this.form?.hidden && this.openForm(false));
  }

  /** @override */
  draw(/** @type {PlayerState} */ { filter, views, dropped, deskProblem }) {
    if (!this.chips || !this.gone) {
      return;
    }
    const keepable = isFiltered({ ...filter, text: "" }) && !views.some((view) => isShown(view, filter));
    this.save = h("button", { class: "button quiet save-view", type: "button", onclick: () => this.openForm(true) }, icon("pin"), t("views.save"));
    mount(this.chips, views.map((view) => this.chip(view, isShown(view, filter))), keepable && this.save);
    mount(this.gone,
      deskProblem && h("span", { class: "problem" }, tCode("error", deskProblem)),
      dropped && h("span", {}, t("views.dropped", { name: dropped.name })),
      dropped && h("button", { class: "button quiet", type: "button", onclick: () => ask(this, "view-undo") }, t("views.undo"))); // prettier-ignore
  }

  /** @param {import("../search.js").View} view @param {boolean} shown */
  chip(view, shown) {
    return h("span", { class: `chip view ${shown ? "shown" : ""}` },
      h("button", { class: "view-name", type: "button", "aria-pressed": String(shown), onclick: () => ask(this, "filter-request", filterOf(view)) }, view.name),
      h("button", { class: "view-drop", type: "button", "aria-label": t("views.drop", { name: view.name }), onclick: () => ask(this, "view-drop", view) }, icon("close"))); // prettier-ignore
  }

  /** @param {boolean} open */
  openForm(open) {
    if (this.form && this.name) {
      this.form.hidden = !open;
      this.name.value = "";
      (open ? this.name : this.save)?.focus();
    }
  }

  /** @param {Event} event */
  gotName(event) {
    event.preventDefault();
    const name = this.name?.value.trim();
    const filter = this.shown?.filter;
    if (name && filter) {
      this.openForm(false);
      ask(this, "view-keep", { name, filters: filtersOf(filter) });
    }
  }
}

define("saved-views", SavedViewsElement);
