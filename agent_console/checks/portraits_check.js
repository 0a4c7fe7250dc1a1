/** The three pictures beside each other, and the button that compares them. Asks by `portraits-request`. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { verdictBadge } from "../../web_kit/record/face_match.js";
import { portraitsMatch } from "../../web_kit/record/identity/portraits.js";
import { checkName } from "../../web_kit/record/identity/words.js";
import { ask, define } from "../../web_kit/record/part.js";
import { newestEvidence } from "../../web_kit/record/projection.js";
import { wordFor } from "../../web_kit/record/words.js";
import { pictureButton } from "../elements/picture_gallery.js";
import { CheckElement, workButton } from "./check_element.js";

/**
 * @typedef {import("./check_element.js").CheckShown} CheckShown
 * @typedef {import("../../web_kit/record/projection.js").CaseView} CaseView
 */

/** @param {CaseView} view */
const pictures = (view) => ({
  card: newestEvidence(view, "id_card") ?? newestEvidence(view, "passport"),
  still: newestEvidence(view, "face_still"),
  reference: newestEvidence(view, "reference"),
});

export class PortraitsCheckElement extends CheckElement {
  /** @override */
  redraw(/** @type {CheckShown} */ { view, working, live, able }) {
    const fact = view.identity.portraits.at(-1);
    const { card, still, reference } = pictures(view);
    const ready = Boolean(card && still);
    const waiting = Boolean(view.asked["face_still"]);
    const stills = view.evidence.filter((one) => one.kind === "face_still").length;
    this.say(fact ? h("div", { class: "row wrap" }, h("strong", {}, checkName("portraits")), verdictBadge(fact.verdict)) : []);
    mount(this.rest,
      fact ? portraitsMatch(view, fact) : this.unmatched(view),
      live && !ready && h("p", { class: "soft small" }, t("portraits.needs")),
      live && stills > 1 && h("p", { class: "soft small" }, t("portraits.stills", { count: stills })),
      live && still && workButton({ key: "portraits-more", words: t("portraits.one_more"), busy: waiting, able,
        act: () => ask(this, "still-request", { kind: "face_still", atOnce: true }) }),
      live && workButton({ key: "portraits", words: t(fact ? "portraits.again" : "portraits.compare"), busy: working.includes("portraits"), able: able && ready, primary: !fact,
        act: () => ask(this, "portraits-request", { card: card?.evidence, still: still?.evidence, reference: reference?.evidence ?? null }) })); // prettier-ignore
  }

  /** What is there to be compared. @param {CaseView} view */
  unmatched(view) {
    const figures = Object.entries(pictures(view)).map(([name, picture]) => {
      const label = wordFor("portrait", name);
      return h("figure", { class: "face" }, picture ? pictureButton(this, view, picture) : h("div", { class: "thumb empty", role: "img", "aria-label": t("portraits.missing", { name: label }) }, "—"),
        h("figcaption", {}, label)); // prettier-ignore
    });
    return h("div", { class: "faces three" }, figures);
  }
}

define("portraits-check", PortraitsCheckElement);
