/** Which tracks are played. Asks by `track-choice` with `{key, shown}`. */

import { h, mount } from "../../web_kit/dom.js";
import { t } from "../../web_kit/i18n.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";

/** @typedef {{choices: readonly {key: string, name: string, source: string, shown: boolean}[]}} ChooserView */

/** @extends {PartElement<ChooserView>} */
export class TrackChooserElement extends PartElement {
  /** @override */
  looksAt(/** @type {ChooserView} */ { choices }) {
    return [choices];
  }

  /** @override */
  draw(/** @type {ChooserView} */ { choices }) {
    this.hidden = choices.length === 0;
    mount(this, h("fieldset", {}, h("legend", { class: "hide" }, t("tracks.choose")), choices.map(({ key, name, source, shown }) =>
      h("label", {}, h("input", { type: "checkbox", checked: shown, onchange: (/** @type {Event} */ event) => ask(this, "track-choice", { key, shown: /** @type {HTMLInputElement} */ (event.target).checked }) }),
        h("span", {}, `${name} · ${wordFor("source", source)}`))))); // prettier-ignore
  }
}

define("track-chooser", TrackChooserElement);
