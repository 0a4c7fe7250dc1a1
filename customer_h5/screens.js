/**
 * The quiet screens: before the call and after it. Each is a builder that returns its node and, where
 * something changes while it stands, how to bring it up to date.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { State } from "./state.js"
 */

import { h, playStream, videoElement } from "../web_kit/dom.js";
import { clock, moment, t, tCode } from "../web_kit/i18n.js";
import { icon } from "../web_kit/icons.js";
import { CONSENT_VERSION } from "./strings.js";

/**
 * @typedef {object} Actions  What the person may ask for.
 * @property {() => void} start
 * @property {() => void} restart
 * @property {() => void} leave
 * @property {(code: string) => void} enter
 *
 * @typedef {{ node: HTMLElement, update?: (state: Readonly<State>) => void }} View
 * @typedef {(store: Store<State>, actions: Actions) => View} Builder
 */

/**
 * @param {string} name
 * @param {string} words
 */
function point(name, words) {
  return h("li", { class: "point" }, icon(name), h("span", null, words));
}

/**
 * @param {Store<State>} store
 * @param {"recordingConsent" | "biometricsConsent"} key
 * @param {"recording" | "biometrics"} subject
 */
function consent(store, key, subject) {
  /** @param {Event} event */
  const set = (event) => store.update({ [key]: /** @type {HTMLInputElement} */ (event.target).checked });
  const box = h("input", { type: "checkbox", class: "tick", onchange: set });
  box.checked = store.get()[key];
  return h(
    "div",
    { class: "consent" },
    h("label", { class: "consent-label" }, box, h("span", null, t(`consent.${subject}`))),
    h(
      "details",
      null,
      h("summary", null, t("consent.read", { version: CONSENT_VERSION })),
      h("p", { class: "soft" }, t(`consent.${subject}.text`)),
    ),
  );
}

/** @type {Builder} */
export function landing(store, actions) {
  const hint = h("p", { class: "soft small centred", id: "start-hint" }, t("landing.both"));
  const start = h(
    "button",
    { class: "button primary big", type: "button", onclick: actions.start, "aria-describedby": "start-hint" },
    icon("camera"),
    t("landing.start"),
  );
  const node = h(
    "main",
    { class: "page landing" },
    h(
      "header",
      { class: "hero" },
      h("h1", null, t("landing.title")),
      h("p", null, t("landing.intro")),
      h("span", { class: "badge" }, icon("clock"), t("landing.minutes")),
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
      { class: "card stack consents" },
      h("h2", null, t("landing.consents")),
      consent(store, "recordingConsent", "recording"),
      consent(store, "biometricsConsent", "biometrics"),
    ),
    h(
      "details",
      { class: "branch" },
      h("summary", null, t("landing.branch")),
      h("p", { class: "soft" }, t("landing.branch.text")),
    ),
    h("div", { class: "start-bar" }, hint, start),
  );
  /** @param {Readonly<State>} state */
  function update(state) {
    const ready = state.recordingConsent && state.biometricsConsent;
    start.disabled = !ready;
    hint.hidden = ready;
  }
  return { node, update };
}

/** @type {Builder} */
export function starting() {
  const title = h("h1", null);
  const text = h("p", { class: "soft" });
  const node = h(
    "main",
    { class: "page centre", "aria-live": "polite" },
    h("div", { class: "spinner", role: "presentation" }),
    title,
    text,
  );
  /** @param {Readonly<State>} state */
  function update(state) {
    const words = { capture: "starting", connect: "connecting", resume: "call.resuming" };
    title.textContent = t(words[state.startingStep]);
    text.textContent = state.startingStep === "capture" ? t("starting.text") : "";
  }
  return { node, update };
}

function copyLink() {
  const field = h("input", { class: "input", readonly: true, value: location.href, "aria-label": t("trouble.link") });
  const told = h("p", { class: "small soft", role: "status" });
  async function copy() {
    field.select();
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      // In-app browsers often withhold the clipboard; the selected text can be copied by hand.
      document.execCommand("copy");
    }
    told.textContent = t("trouble.copied");
  }
  const button = h("button", { class: "button", type: "button", onclick: copy }, icon("copy"), t("trouble.copy"));
  return h("div", { class: "stack wide" }, field, button, told);
}

/** @type {Builder} */
export function trouble(store, actions) {
  const reason = store.get().trouble || "unknown";
  const elsewhere = reason === "webview" || reason === "unsupported" || reason === "missing";
  const node = h(
    "main",
    { class: "page centre" },
    h("span", { class: "medal warn" }, icon(reason === "webview" ? "globe" : "camera-off")),
    h("h1", null, t(`trouble.${reason}`)),
    h("p", { role: "alert" }, t(`trouble.${reason}.help`)),
    elsewhere ? copyLink() : null,
    h("button", { class: "button primary big", type: "button", onclick: actions.start }, t("retry")),
  );
  return { node };
}

/** @param {Readonly<State>} state */
function waitWords(state) {
  if (state.agentsReady === 0) return t("queue.none");
  if (state.waitS === null) return t("queue.unknown");
  return state.waitS < 60 ? t("queue.soon") : t("queue.wait", { minutes: Math.round(state.waitS / 60) });
}

/** @type {Builder} */
export function queue(store, actions) {
  const preview = videoElement({ class: "mirrored", muted: true, label: t("queue.self") });
  const place = h("p", { class: "place" });
  const wait = h("p", { class: "soft" });
  const banner = h("p", { class: "notice warn", role: "alert", hidden: true }, t("call.dropped.open"));
  const sure = confirmSheet(t("queue.leave.ask"), t("queue.leave.text"), t("queue.leave"), t("queue.wait.on"), actions.leave);
  const ask = () => sure.show();
  const node = h(
    "main",
    { class: "page centre queue" },
    banner,
    h("div", { class: "video-surface preview" }, preview),
    h("div", { class: "stack-small", role: "status", "aria-live": "polite" }, h("h1", null, t("queue.title")), place, wait),
    h("div", { class: "dots", "aria-hidden": "true" }, h("i", null), h("i", null), h("i", null)),
    h("p", { class: "soft small" }, t("queue.stay")),
    h("button", { class: "button", type: "button", onclick: ask }, t("queue.leave")),
    sure.node,
  );
  /** @param {Readonly<State>} state */
  function update(state) {
    const position = state.position || 1;
    place.textContent = position === 1 ? t("queue.first") : t("queue.position", { count: position - 1 });
    wait.textContent = waitWords(state);
    banner.hidden = !state.dropped;
    if (preview.srcObject !== state.ownStream) void playStream(preview, state.ownStream);
  }
  return { node, update };
}

/**
 * A question that must be answered before something is lost.
 *
 * @param {string} title
 * @param {string} text
 * @param {string} yes
 * @param {string} no
 * @param {() => void} onYes
 * @returns {{ node: HTMLElement, show: () => void }}
 */
export function confirmSheet(title, text, yes, no, onYes) {
  const dialog = h("dialog", { class: "sheet", "aria-label": title });
  const close = () => dialog.close();
  const agree = () => {
    dialog.close();
    onYes();
  };
  dialog.append(
    h("h2", null, title),
    h("p", { class: "soft" }, text),
    h("button", { class: "button danger big", type: "button", onclick: agree }, yes),
    h("button", { class: "button big", type: "button", onclick: close }, no),
  );
  return { node: dialog, show: () => dialog.showModal() };
}

/**
 * @param {string} name
 * @param {string} value
 * @param {string} [style]
 */
function row(name, value, style = "") {
  return value ? h("div", { class: "fact" }, h("dt", null, name), h("dd", { class: style }, value)) : null;
}

/** @type {Builder} */
export function thanks(store, actions) {
  const { ending, caseId, peer, canRestart } = store.get();
  const reason = ending ? ending.reason : "other";
  const whole = ["customer_hung_up", "agent_hung_up", "other"].includes(reason);
  const node = h(
    "main",
    { class: "page centre" },
    h("span", { class: whole ? "medal good" : "medal warn" }, icon(whole ? "check" : "warning")),
    h("h1", { role: "status" }, t(whole ? "thanks.done" : "thanks.cut")),
    h("p", { class: "soft" }, t(whole ? "thanks.next" : "thanks.cut.next")),
    h(
      "dl",
      { class: "card facts" },
      row(t("thanks.reference"), caseId || "", "mono"),
      row(t("thanks.when"), ending ? moment(ending.at) : ""),
      row(t("thanks.agent"), peer),
      row(t("thanks.length"), ending && ending.seconds ? clock(ending.seconds) : ""),
      row(t("thanks.reason"), tCode("ended", reason)),
    ),
    !whole && canRestart
      ? h("button", { class: "button primary big", type: "button", onclick: actions.restart }, t("thanks.again"))
      : h("p", { class: "soft small" }, t("thanks.close")),
  );
  return { node };
}

/** @param {Actions} actions */
function codeForm(actions) {
  const field = h("input", { class: "input", name: "code", required: true, maxlength: 64, autocomplete: "off", autocapitalize: "off" });
  /** @param {Event} event */
  function go(event) {
    event.preventDefault();
    if (field.value.trim()) actions.enter(field.value.trim());
  }
  return h(
    "form",
    { class: "stack wide", onsubmit: go },
    h("label", { class: "field left" }, t("problem.code"), field),
    h("button", { class: "button primary big", type: "submit" }, t("problem.go")),
  );
}

/** @type {Builder} */
export function problem(store, actions) {
  const { problem: code, canRestart } = store.get();
  if (code === "waiting") {
    const waiting = h("h1", null, t("problem.waiting"));
    return { node: h("main", { class: "page centre" }, h("div", { class: "spinner", role: "presentation" }), waiting) };
  }
  const lost = code === "no_link";
  const node = h(
    "main",
    { class: "page centre" },
    h("span", { class: "medal" }, icon(lost ? "bank" : "warning")),
    h("h1", null, t(lost ? "problem.no_link" : "problem.title")),
    h("p", { role: "alert" }, lost ? t("problem.no_link.text") : tCode("error", code)),
    lost ? codeForm(actions) : null,
    !lost && canRestart
      ? h("button", { class: "button primary big", type: "button", onclick: actions.start }, t("retry"))
      : null,
  );
  return { node };
}

/** @type {Builder} */
export function left(store, actions) {
  const node = h(
    "main",
    { class: "page centre" },
    h("span", { class: "medal" }, icon("bank")),
    h("h1", { role: "status" }, t("left.title")),
    h("p", { class: "soft" }, t("left.text")),
    store.get().canRestart
      ? h("button", { class: "button primary big", type: "button", onclick: actions.restart }, t("thanks.again"))
      : h("p", { class: "soft small" }, t("thanks.close")),
  );
  return { node };
}
