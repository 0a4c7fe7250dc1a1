/**
 * Trouble with the recording, which locks the checks, and in the customer's picture, which is advice and never
 * a verdict: always in sight, and read out at once.
 */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { define, PartElement } from "../../web_kit/record/part.js";
import { timeOfDay, wordFor } from "../../web_kit/record/words.js";
import { troubles, troubleWords } from "./live_checks.js";

/** @extends {PartElement<import("../state.js").ConsoleState>} */
export class WatchAlertsElement extends PartElement {
  /** @override */
  looksAt(/** @type {import("../state.js").ConsoleState} */ { view }) {
    return [view.identity.watched, view.troubles];
  }

  /** @override */
  build() {
    this.setAttribute("role", "alert");
  }

  /** @override */
  draw(/** @type {import("../state.js").ConsoleState} */ { view }) {
    const lines = [
      ...Object.values(view.troubles).map((fact) => [recorderWords(view, fact), t("live.checks_wait")]),
      ...troubles(view).map((fact) => [troubleWords(fact), t("live.advice_short")]),
    ];
    this.hidden = !lines.length;
    mount(this, lines.map(([words, small]) => h("p", { class: "notice bad" }, icon("warning"), h("span", { class: "grow" }, words), h("small", {}, small))));
  }
}

/** @param {import("../../web_kit/record/projection.js").CaseView} view @param {import("../../web_kit/record/projection.js").FactBody} fact */
function recorderWords(view, fact) {
  const role = view.parties[fact.seat]?.role ?? view.recordings[fact.track]?.role;
  const whose = [wordFor("role", role), wordFor("source", fact.source)].filter(Boolean).join(" · ");
  return t("live.recorder", { whose, what: wordFor("trouble", fact.what), time: timeOfDay(fact.at) });
}

define("watch-alerts", WatchAlertsElement);
