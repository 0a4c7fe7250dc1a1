/**
 * The first screens: what will happen, the consents, and the ways that need no face.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { Builder } from "./screens.js"
 * @import { Desk, State } from "./state.js"
 */

import { h } from "../web_kit/dom.js";
import { language, t } from "../web_kit/i18n.js";
import { icon } from "../web_kit/icons.js";
import { waitWords } from "./screens.js";
import { CONSENT_VERSION } from "./strings.js";

/**
 * @param {string} name
 * @param {string} words
 */
function point(name, words) {
  return h("li", { class: "point" }, icon(name), h("span", null, words));
}

/**
 * @param {Store<State>} store
 * @param {"recording" | "biometrics" | "location"} subject
 */
function consent(store, subject) {
  const key = /** @type {const} */ (`${subject}Consent`);
  /** @param {Event} event */
  const set = (event) => store.update({ [key]: /** @type {HTMLInputElement} */ (event.target).checked });
  const hint = `consent-${subject}`;
  const box = h("input", { type: "checkbox", class: "tick", onchange: set, "aria-describedby": hint });
  box.checked = store.get()[key];
  return h(
    "div",
    { class: "consent" },
    h("label", { class: "consent-label" }, box, h("span", null, t(`consent.${subject}`))),
    h("p", { class: "small soft consent-hint", id: hint }, t(`consent.${subject}.hint`)),
    h(
      "details",
      null,
      h("summary", { "aria-label": `${t(`consent.${subject}`)}: ${t("consent.read", { version: CONSENT_VERSION })}` }, t("consent.read", { version: CONSENT_VERSION })),
      h("p", { class: "soft" }, t(`consent.${subject}.text`)),
    ),
  );
}

/**
 * What the desk said of itself.
 *
 * @param {Desk | null} desk
 */
function deskWords(desk) {
  if (!desk || !desk.open) return "";
  return desk.waiting ? t("landing.waiting", { count: desk.waiting, wait: waitWords(desk.waitS) }) : t("landing.open");
}

/** @type {Builder} */
export function landing(store, actions) {
  const hint = h("p", { class: "soft small centred", id: "start-hint" }, t("landing.needed"));
  const start = h(
    "button",
    { class: "button primary big", type: "button", onclick: actions.start, "aria-describedby": "start-hint" },
    icon("camera"),
    t("landing.start"),
  );
  const desk = h("p", { class: "small soft", role: "status" });
  const node = h(
    "main",
    { class: "page landing" },
    h(
      "header",
      { class: "hero" },
      h("h1", null, t("landing.title")),
      h("p", null, t("landing.intro")),
      h("div", { class: "row" }, h("span", { class: "badge" }, icon("clock"), t("landing.minutes")), desk),
    ),
    h(
      "section",
      { class: "columns" },
      h(
        "div",
        { class: "stack-small" },
        h("h2", null, t("landing.steps")),
        h("ol", { class: "points" }, ...["headset", "card", "shield"].map((name, at) => point(name, t(`landing.step${at + 1}`)))),
      ),
      h(
        "div",
        { class: "stack-small" },
        h("h2", null, t("landing.ready")),
        h("ul", { class: "points" }, point("card", t("landing.ready1")), point("face", t("landing.ready2"))),
      ),
    ),
    h(
      "section",
      { class: "card consents", id: "consents" },
      h("h2", null, t("landing.consents")),
      consent(store, "recording"),
      consent(store, "biometrics"),
      consent(store, "location"),
    ),
    h("button", { class: "button quiet big other-way", type: "button", onclick: () => actions.show("other_way") }, icon("person"), t("landing.other")),
    h("div", { class: "start-bar" }, hint, start),
  );
  /** @param {Readonly<State>} state */
  function update(state) {
    start.disabled = !state.recordingConsent;
    hint.hidden = state.recordingConsent;
    desk.textContent = deskWords(state.desk);
  }
  return { node, update };
}

/**
 * @param {string} name
 * @param {string} key
 * @param {HTMLElement | null} button
 */
function way(name, key, button) {
  return h(
    "section",
    { class: "card way" },
    h("h2", { class: "point" }, icon(name), h("span", null, t(`${key}.title`))),
    h("p", { class: "soft" }, t(`${key}.text`)),
    button,
  );
}

/** Ways to be served that need no face recognition. @type {Builder} */
export function otherWay(store, actions) {
  const withoutFace = () => {
    store.update({ biometricsConsent: false });
    actions.show("landing");
  };
  const node = h(
    "main",
    { class: "page stack" },
    h("h1", null, t("other.title")),
    h("p", { class: "soft" }, t("other.text")),
    way("headset", "other.video", h("button", { class: "button primary", type: "button", onclick: withoutFace }, t("other.video.go"))),
    way("phone", "other.callback", h("button", { class: "button", type: "button", onclick: () => actions.show("callback") }, t("other.callback.go"))),
    way("bank", "other.counter", null),
    h("button", { class: "button quiet", type: "button", onclick: () => actions.show("landing") }, t("back")),
  );
  return { node };
}

/** @param {number} at  Seconds UTC. */
function shortMoment(at) {
  return new Date(at * 1000).toLocaleString(language(), { month: "long", day: "numeric", weekday: "long", hour: "2-digit", minute: "2-digit" });
}

/** Nobody is there now. @type {Builder} */
export function closed(store, actions) {
  const { opensAt, desk } = store.get();
  const when = opensAt || (desk && desk.opensAt);
  const hours = desk ? desk.hours : "";
  const node = h(
    "main",
    { class: "page centre" },
    h("span", { class: "medal" }, icon("clock")),
    h("h1", { role: "status" }, t("closed.title")),
    when ? h("p", { class: "place" }, t("closed.opens", { when: shortMoment(when) })) : null,
    hours ? h("p", { class: "soft" }, t("closed.hours", { hours })) : null,
    h("p", { class: "soft" }, t("closed.text")),
    h("button", { class: "button primary big", type: "button", onclick: () => actions.show("callback") }, icon("phone"), t("other.callback.go")),
    h("button", { class: "button quiet big", type: "button", onclick: actions.restart }, t("closed.again")),
  );
  return { node };
}
