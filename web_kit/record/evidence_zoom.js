/** Evidence pictures: thumbnails that open large, with what binds the picture to the case. */

import { h, mount } from "../dom.js";
import { t } from "../i18n.js";
import { dateAndTime, shortHash, wordFor } from "./words.js";

/** @typedef {import("./projection.js").FactBody} FactBody */

let sight = "";

/**
 * Tell that files are shown otherwise from now on, as cards are that may be seen: a browser keeps what it has
 * under an address for as long as the page stands.
 *
 * @param {string} now
 */
export function setSight(now) {
  sight = now ? `?sight=${encodeURIComponent(now)}` : "";
}

/** @type {(caseId: string) => Element | null} */
let markOf = () => null;

/**
 * Put a mark over every picture that is opened large from now on; without this there is none.
 *
 * @param {(caseId: string) => Element} make
 */
export function setMark(make) {
  markOf = make;
}

/** What is put behind the address of a file or track, so that it is shown as it may be seen now. */
export function sightQuery() {
  return sight;
}

/** @param {string} caseId @param {string} file */
export function fileUrl(caseId, file) {
  return `/api/cases/${encodeURIComponent(caseId)}/files/${file.split("/").map(encodeURIComponent).join("/")}${sight}`;
}

/**
 * A button with the picture; pressing it opens the picture large.
 *
 * @param {string} caseId @param {FactBody} evidence @returns {HTMLButtonElement}
 */
export function thumbnail(caseId, evidence) {
  const name = wordFor("evidence", evidence.kind);
  return h("button", { class: `thumb ${evidence.kind}`, type: "button", "aria-label": t("evidence.open", { name }), onclick: () => openZoom(caseId, evidence) },
    h("img", { src: fileUrl(caseId, evidence.file), alt: name })); // prettier-ignore
}

/** @param {string} label @param {string} value @param {string} [title] */
function row(label, value, title) {
  return h("div", { class: "pair" }, h("dt", {}, label), h("dd", { title }, value));
}

/** @param {string} caseId @param {FactBody} evidence */
export function openZoom(caseId, evidence) {
  const name = wordFor("evidence", evidence.kind);
  const dialog = h("dialog", { class: "zoom", "aria-label": name });
  mount(dialog,
    h("header", {}, h("h2", {}, name), h("button", { class: "button quiet", type: "button", autofocus: true, onclick: () => dialog.close() }, t("close"))),
    h("div", { class: "zoom-picture" }, h("img", { src: fileUrl(caseId, evidence.file), alt: name }), markOf(caseId)),
    h("dl", { class: "pairs" },
      row(t("evidence.size"), `${evidence.width} × ${evidence.height}`),
      row(t("evidence.source"), wordFor("source", evidence.source)),
      row(t("evidence.sharpness"), Math.round(evidence.sharpness).toString()),
      row(t("evidence.time"), dateAndTime(evidence.at)),
      row("SHA-256", evidence.sha256)),
  ); // prettier-ignore
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** Size, sharpness and hash in one line. @param {FactBody} evidence */
export function pictureLine(evidence) {
  const values = { width: evidence.width, height: evidence.height, sharpness: Math.round(evidence.sharpness) };
  return h("p", { class: "soft small" }, t("evidence.line", values), " ", h("code", { title: evidence.sha256 }, shortHash(evidence.sha256)));
}
