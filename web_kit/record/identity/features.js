/** The worksheet of a document's features as it stands: which tick counts, which categories were seen, on which pictures. Pure. */

import { t } from "../../i18n.js";

/**
 * @typedef {import("../projection.js").FactBody} FactBody
 * @typedef {import("../projection.js").CaseView} CaseView
 */

/** The tick that counts of each feature of a document. @param {readonly FactBody[]} ticks @param {string} document */
export function latestTicks(ticks, document) {
  return [...new Map(ticks.filter((one) => one.document === document).map((one) => [one.feature, one])).values()];
}

/** The different categories of which something was seen. @param {readonly FactBody[]} ticks @param {string} document @returns {Set<string>} */
export function categoriesSeen(ticks, document) {
  return new Set(latestTicks(ticks, document).flatMap((one) => (one.seen === "seen" ? [one.category] : [])));
}

/** The pictures of all bursts of a document, in the order in which they were asked for; those that came. @param {CaseView} view @param {string} document */
export function tiltPictures({ identity, evidence }, document) {
  const stored = new Map(evidence.map((one) => [one.evidence, one]));
  const asked = identity.tilts.filter((one) => one.document === document).flatMap(({ pictures }) => pictures);
  return asked.flatMap((/** @type {string} */ id) => stored.get(id) ?? []);
}

/** What the ticks on all documents say: in doubt as soon as one of them was not seen; empty without any. @param {readonly FactBody[]} ticks @param {number} wanted */
export function featuresVerdict(ticks, wanted) {
  const documents = [...new Set(ticks.map(({ document }) => document))];
  if (documents.some((document) => latestTicks(ticks, document).some(({ seen }) => seen !== "seen"))) {
    return "review";
  }
  return documents.some((document) => categoriesSeen(ticks, document).size >= wanted) ? "passed" : "";
}

/** How many different categories are wanted, as the last request says. @param {import("./projection.js").IdentityView} identity */
export const categoriesWanted = ({ tilts }) => tilts.at(-1)?.categories ?? 0;

/** Where on the document a place lies, in words. @param {FactBody} place */
export function placeWords({ left, top, width, height }) {
  const third = (/** @type {number} */ at) => Math.min(2, Math.floor(3 * at));
  const [across, down] = [["left", "middle", "right"][third(left + width / 2)], ["top", "centre", "bottom"][third(top + height / 2)]];
  return t("place.both", { across: t(`place.${across}`), down: t(`place.${down}`) });
}
