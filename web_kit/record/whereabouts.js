/** Where the customer is, as network and device tell: advice for whoever reads it, never a verdict. */

import { h, mount } from "../dom.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { define, PartElement } from "./part.js";
import { networkWords, placeWords, timeOfDay, wordFor } from "./words.js";

/** @typedef {import("./projection.js").CaseView} CaseView */
/** @typedef {import("./projection.js").FactBody} FactBody */

/** @param {FactBody} fact */
function known(fact) {
  return fact.kind === "unknown" && !fact.source.length ? t("whereabouts.no_source") : networkWords(fact);
}

/** @extends {PartElement<{view: CaseView}>} */
export class CustomerWhereaboutsElement extends PartElement {
  /** @override */
  looksAt(/** @type {{view: CaseView}} */ { view: { network, place, consent } }) {
    return [network, place, consent];
  }

  /** @override */
  build() {
    this.facts = h("dl", { class: "whereabouts-facts" });
    // Apart from the rest, so that only a new doubt is read out and not every new place.
    this.doubts = h("p", { class: "whereabouts-doubts", role: "status" });
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", t("whereabouts.title"));
    mount(this, this.facts, this.doubts);
  }

  /** @override */
  draw(/** @type {{view: CaseView}} */ { view: { network, place, consent } }, /** @type {{view: CaseView} | undefined} */ was) {
    const refused = consent?.refused?.includes("location");
    const where = place ? `${placeWords(place)} · ${timeOfDay(place.at)}` : t(refused ? "whereabouts.refused" : "whereabouts.no_place");
    const source = network?.source.length ? t("whereabouts.source", { source: network.source.join(t("list.comma")) }) : "";
    this.facts && mount(this.facts,
      h("dt", {}, t("whereabouts.network")),
      h("dd", {}, network ? known(network) : t("whereabouts.no_network"), source && h("small", {}, source)),
      h("dt", {}, t("whereabouts.place")),
      h("dd", {}, where)); // prettier-ignore
    if (!was || was.view.network !== network) {
      const doubts = /** @type {string[]} */ (network?.doubts ?? []);
      this.doubts && mount(this.doubts, doubts.map((word) => h("span", { class: "badge warn" }, icon("warning"), wordFor("network_doubt", word))));
    }
  }
}

define("customer-whereabouts", CustomerWhereaboutsElement);
