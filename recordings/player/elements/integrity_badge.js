/** Whether the record can be trusted, in one line that opens to its grounds. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { icon } from "../../web_kit/icons.js";
import { define, PartElement } from "../../web_kit/record/part.js";
import { shortHash, wordFor } from "../../web_kit/record/words.js";
import { integrityOf } from "../integrity.js";

/** @typedef {import("../state.js").PlayerState} PlayerState */

const TONES = { sound: "good", incomplete: "bad", pending: "warn", broken: "bad" };
const SHAPES = { sound: "shield", incomplete: "warning", pending: "clock", broken: "warning" };

/** @extends {PartElement<PlayerState>} */
export class IntegrityBadgeElement extends PartElement {
  /** @override */
  looksAt(/** @type {PlayerState} */ { view, entries }) {
    return [view, entries];
  }

  /** @override */
  draw(/** @type {PlayerState} */ { view, entries }) {
    const found = integrityOf(view, entries);
    const pair = (/** @type {string} */ key, /** @type {string} */ value, title = "") =>
      h("div", { class: "pair" }, h("dt", {}, t(`integrity.${key}`)), h("dd", { title: title || null }, value)); // prettier-ignore
    const steps = found.incomplete.map((step) => wordFor("step", step)).join(t("list.comma"));
    const yes = (/** @type {boolean} */ held) => t(held ? "integrity.yes" : "integrity.not_yet");
    mount(this, h("div", { class: `integrity ${TONES[found.state]}` },
      h("div", { class: "integrity-word", role: "status" }, icon(SHAPES[found.state]), h("div", {}, h("strong", {}, t(`integrity.${found.state}`)), h("p", {}, t(`integrity.${found.state}_text`, { steps })))),
      h("dl", { class: "pairs" },
        pair("chain", found.chain ? t("integrity.chain_holds", { facts: found.facts }) : t("integrity.chain_broken")),
        pair("manifest", found.manifest ? shortHash(found.manifest) : "—", found.manifest),
        pair("verified", found.verified ? t("integrity.objects", { objects: found.objects }) : yes(false)),
        pair("gap", found.gapS === null ? "—" : t("integrity.seconds", { seconds: found.gapS.toFixed(2) })),
        pair("clock", found.clockS ? t("integrity.seconds", { seconds: found.clockS.toFixed(2) }) : t("integrity.clock_kept"), t("integrity.clock_about"))))); // prettier-ignore
  }
}

define("integrity-badge", IntegrityBadgeElement);
