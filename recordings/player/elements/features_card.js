/** The worksheet of document features as the auditor looks at it: each tick with the picture that it stands on. */

import { h } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { thumbnail } from "../../web_kit/record/evidence_zoom.js";
import { categoriesSeen, categoriesWanted, latestTicks, tiltPictures } from "../../web_kit/record/identity/features.js";
import { featureName, raised, signalWords } from "../../web_kit/record/identity/words.js";
import { evidenceById } from "../../web_kit/record/projection.js";
import { personName, wordFor } from "../../web_kit/record/words.js";
import { card } from "./identity_cards.js";
import { moment } from "./moment.js";

/**
 * @typedef {import("../../web_kit/record/projection.js").CaseView} CaseView
 * @typedef {import("../../web_kit/record/projection.js").FactBody} FactBody
 */

/** @type {Readonly<Record<string, string>>} */
const TONES = { seen: "good", doubtful: "warn", not_seen: "bad" };

/** @param {CaseView} view @param {number | null} start see `moment` */
export function featuresCard(view, start) {
  const documents = [...new Set(view.identity.tilts.map((one) => one.document))];
  return documents.length > 0 && card(t("identity_check.features"), documents.map((document) => sheet(view, document, start)));
}

/** @param {CaseView} view @param {string} document @param {number | null} start */
function sheet(view, document, start) {
  const { identity } = view;
  const ticks = latestTicks(identity.ticks, document);
  const name = wordFor("evidence", document);
  const tilts = identity.tilts.filter((one) => one.document === document);
  return h("section", { class: "stack tight", "aria-label": name },
    h("h3", {}, name),
    h("p", {}, t("features.count", { seen: categoriesSeen(identity.ticks, document).size, wanted: categoriesWanted(identity) })),
    tilts.map((one) => h("p", { class: "soft small row wrap" }, moment(one.at, start), t("findings.tilt", { name: personName(view, one.agent), count: one.pictures.length }),
      one.ended && wordFor("tilt_end", one.ended.reason), raised(one.measured?.advisory).map((sign) => h("span", { class: "warn-text" }, t("check.advice", { words: signalWords(sign) }))))),
    ticks.length > 0
      ? h("ul", { class: "plain-list feature-ticks" }, ticks.map((one) => tick(view, one, start)))
      : h("p", { class: "soft" }, t("findings.no_ticks"))); // prettier-ignore
}

/** @param {CaseView} view @param {FactBody} one @param {number | null} start */
function tick(view, one, start) {
  const picture = evidenceById(view, one.evidence);
  const number = tiltPictures(view, one.document).findIndex(({ evidence }) => evidence === one.evidence) + 1;
  const times = view.identity.ticks.filter(({ document, feature }) => document === one.document && feature === one.feature).length;
  return h("li", { class: "row", "data-feature": one.feature },
    picture && thumbnail(view.case, picture),
    h("div", { class: "stack tight grow" },
      h("strong", {}, featureName(one)), h("span", { class: "soft small" }, wordFor("feature_category", one.category)),
      h("div", { class: "row wrap" }, h("span", { class: `badge ${TONES[one.seen] ?? "plain"}` }, wordFor("feature_seen", one.seen)), moment(one.at, start),
        h("span", { class: "soft small" }, personName(view, one.agent), " · ", t("features.on_picture", { number })),
        times > 1 && h("span", { class: "small warn-text" }, t("findings.ticked_again", { count: times }))))); // prettier-ignore
}
