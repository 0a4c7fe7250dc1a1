/** What a machine noticed in the recording, with the moments to jump to: the record's own `findings.json`. */

import { h, mount } from "../../web_kit/dom.js";
import { clock, language, t } from "../../web_kit/i18n.js";
import { fileUrl } from "../../web_kit/record/evidence_zoom.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";
import { wordFor } from "../../web_kit/record/words.js";

/**
 * @typedef {import("../../web_kit/record/projection.js").CaseView} CaseView
 * @typedef {readonly (readonly [number, number])[]} Stretches
 * @typedef {{seat: string, role: string, silent: Stretches, silent_s: number, black: Stretches, black_s: number,
 *   frozen: Stretches, frozen_s: number}} LaneFindings
 * @typedef {{seconds: number, faces: {source: string, looked: number, in_frame: number | null, more_than_one: Stretches},
 *   lanes: readonly LaneFindings[], steps: readonly {step: string, zh: string, en: string}[]}} Findings
 */

const KINDS = /** @type {const} */ (["silent", "black", "frozen"]);
// More moments than anybody looks at one by one; the sum stands beside them.
const MOMENTS_MAX = 8;
// Below this share the customer was away for long enough to be asked about.
const IN_FRAME_MIN = 0.9;

/** @extends {PartElement<CaseView>} */
export class MachineFindingsElement extends PartElement {
  /** The file whose content is drawn, by its hash. */
  drawn = "";

  /** @override */
  looksAt(/** @type {CaseView} */ view) {
    return [view.case, view.merge.result, view.parties];
  }

  /** @override */
  draw(/** @type {CaseView} */ view) {
    const made = view.merge.result?.files?.find((/** @type {{kind: string}} */ one) => one.kind === "findings");
    this.hidden = !made;
    if (made && made.sha256 !== this.drawn) {
      this.drawn = made.sha256;
      this.fetchFindings(view, made.file).catch(() => this.say(t("machine.unread")));
    }
  }

  /** @param {CaseView} view @param {string} file */
  async fetchFindings(view, file) {
    const answer = await fetch(fileUrl(view.case, file));
    if (!answer.ok) {
      throw new Error(`findings: ${answer.status}`);
    }
    this.say(lines(view, await answer.json()));
  }

  /** @param {string | readonly HTMLElement[]} found */
  say(found) {
    const content = typeof found === "string" || found.length === 0
      ? h("p", { class: "soft" }, typeof found === "string" ? found : t("machine.nothing")) : h("ul", { class: "noticed" }, found); // prettier-ignore
    mount(this, h("section", { class: "card machine" }, h("h2", {}, t("machine.title")), content, h("p", { class: "soft small" }, t("machine.advice"))));
  }
}

/** @param {CaseView} view @param {Findings} findings */
function lines(view, { faces, lanes, steps }) {
  const found = steps.length > 0 ? [line("bad", t("machine.steps"), steps.map((step) => (language() === "en" ? step.en : step.zh)).join(t("list.comma")))] : [];
  if (faces.in_frame !== null) {
    const words = t(`machine.faces.${faces.source}`, { percent: Math.round(faces.in_frame * 100), looked: faces.looked });
    found.push(line(faces.in_frame < IN_FRAME_MIN ? "warn" : "plain", t("machine.in_frame"), words));
  }
  if (faces.more_than_one.length > 0) {
    found.push(line("warn", t("machine.more_than_one"), moments(faces.more_than_one)));
  }
  for (const lane of lanes) {
    const name = view.parties[lane.seat]?.name || wordFor("role", lane.role);
    for (const kind of KINDS.filter((one) => lane[one].length > 0)) {
      const seconds = t("integrity.seconds", { seconds: lane[`${kind}_s`].toFixed(0) });
      found.push(line(kind === "silent" ? "plain" : "warn", t(`machine.${kind}`, { name }), seconds, moments(lane[kind])));
    }
  }
  return found;
}

/** @param {string} tone @param {string} title @param {...(string | readonly Node[])} words */
function line(tone, title, ...words) {
  return h("li", { class: tone }, h("strong", {}, title), " ", ...words.flatMap((one) => [one, " "]));
}

/** @param {Stretches} stretches */
function moments(stretches) {
  const buttons = stretches.slice(0, MOMENTS_MAX).map(([since, until]) => {
    const words = t("findings.jump", { time: clock(since) });
    return h("button", { class: "moment", type: "button", title: words, "aria-label": words,
      onclick: (/** @type {Event} */ event) => ask(/** @type {Element} */ (event.currentTarget), "moment-jump", { second: since }) }, h("time", {}, `${clock(since)}–${clock(until)}`)); // prettier-ignore
  });
  const more = stretches.length - buttons.length;
  return more > 0 ? [...buttons, h("span", { class: "soft small" }, t("machine.more", { more }))] : buttons;
}

define("machine-findings", MachineFindingsElement);
