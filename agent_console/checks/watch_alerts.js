/** Trouble in the customer's picture, always in sight and read out at once: advice within seconds, never a verdict. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { define, PartElement } from "../../web_kit/record/part.js";
import { troubles, troubleWords } from "./live_checks.js";

/** @extends {PartElement<import("../state.js").ConsoleState>} */
export class WatchAlertsElement extends PartElement {
  /** @override */
  looksAt(/** @type {import("../state.js").ConsoleState} */ { view }) {
    return [view.identity.watched];
  }

  /** @override */
  build() {
    this.setAttribute("role", "alert");
  }

  /** @override */
  draw(/** @type {import("../state.js").ConsoleState} */ { view }) {
    const found = troubles(view);
    this.hidden = !found.length;
    mount(this, found.map((fact) => h("p", { class: "notice bad" }, icon("warning"), h("span", { class: "grow" }, troubleWords(fact)), h("small", {}, t("live.advice_short")))));
  }
}

define("watch-alerts", WatchAlertsElement);
