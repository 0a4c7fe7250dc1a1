/** An outside source: asking it, and what it answered. Asks by `external-request`. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { sourceAnswer } from "../../web_kit/record/identity/outside.js";
import { ask, define } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";
import { CheckElement, workButton } from "./check_element.js";

/** @typedef {import("./check_element.js").CheckShown} CheckShown */

export class ExternalCheckElement extends CheckElement {
  /** @override */
  redraw(/** @type {CheckShown} */ { view, working, live, able, word }) {
    const newest = view.identity.outside.findLast((one) => one.service === word);
    const name = wordFor("external", word);
    const busy = working.includes(`external:${word}`);
    this.say(newest?.answer ? sourceAnswer(view, newest.answer) : newest && !busy ? h("p", { class: "soft small" }, t("external.no_answer")) : []);
    mount(this.rest, live && workButton({ key: `external:${word}`, words: t(newest ? "external.again" : "external.ask", { name }), busy, able, primary: !newest,
        act: () => ask(this, "external-request", { service: word }) })); // prettier-ignore
  }
}

define("external-check", ExternalCheckElement);
