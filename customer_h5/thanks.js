/**
 * The goodbye: what to keep of this visit, and how it was.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { Session } from "./session.js"
 * @import { Builder } from "./screens.js"
 * @import { State } from "./state.js"
 */

import { h, mount } from "../web_kit/dom.js";
import { clock, moment, t, tCode } from "../web_kit/i18n.js";
import { icon } from "../web_kit/icons.js";
import { RestError, upload } from "../web_kit/rest.js";
import { titleOf } from "./call_state.js";
import { kept } from "./callback.js";
import { drafts } from "./state.js";

const STARS = [1, 2, 3, 4, 5];

/**
 * Say how it was.
 *
 * @param {Session} session
 * @param {Store<State>} store
 * @param {number} stars
 * @param {string} comment
 */
async function rate(session, store, stars, comment) {
  store.update({ rating: "sending", problem: null });
  const body = new Blob([JSON.stringify({ stars, comment })], { type: "application/json" });
  try {
    await upload(`/api/cases/${store.get().caseId}/rating`, body, { token: session.uploadToken });
    store.update({ rating: "sent" });
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    // Rated before, from another window perhaps: that is as good.
    store.update(error.code === "rated" ? { rating: "sent" } : { rating: "", problem: error.code });
  }
}

/**
 * @param {Session} session
 * @param {Store<State>} store
 */
function ratingForm(session, store) {
  let chosen = Number(drafts.get("stars")) || 0;
  const send = h("button", { class: "button primary big", type: "submit" }, t("rating.send"));
  const comment = kept("comment", h("textarea", { class: "input", rows: 2, maxlength: 1000, placeholder: t("rating.comment"), "aria-label": t("rating.comment") }));
  const more = h("div", { class: "stack", hidden: chosen === 0 }, comment, send);
  const stars = STARS.map((count) => {
    /** @param {Event} event */
    const onchange = (event) => choose(Number(/** @type {HTMLInputElement} */ (event.target).value));
    const radio = h("input", { type: "radio", name: "stars", value: count, class: "unseen", "aria-label": t("rating.stars", { count }), onchange });
    radio.checked = count === chosen;
    return h("label", { class: "star" }, radio, icon("star"));
  });
  /** @param {number} count */
  function choose(count) {
    chosen = count;
    drafts.set("stars", String(count));
    more.hidden = chosen === 0;
    stars.forEach((star, at) => star.classList.toggle("lit", at < chosen));
  }
  /** @param {Event} event */
  function go(event) {
    event.preventDefault();
    void rate(session, store, chosen, comment.value.trim());
  }
  choose(chosen);
  const trouble = h("p", { class: "notice bad", role: "alert", hidden: true });
  const title = h("h2", null, t("rating.title"));
  const node = h("form", { class: "card stack rating", onsubmit: go }, title, h("div", { class: "stars", role: "radiogroup", "aria-label": t("rating.title") }, ...stars), more, trouble);
  /** @param {Readonly<State>} state */
  function update({ rating, problem }) {
    send.disabled = rating === "sending";
    trouble.hidden = !problem;
    trouble.textContent = problem ? tCode("error", problem) : "";
    if (rating === "sent") mount(node, h("p", { class: "notice good", role: "status" }, icon("check"), t("rating.sent")));
  }
  return { node, update };
}

/**
 * @param {string} name
 * @param {string} value
 * @param {string} [style]
 */
function row(name, value, style = "") {
  return value ? h("div", { class: "fact" }, h("dt", null, name), h("dd", { class: style }, value)) : null;
}

/**
 * @param {Session} session
 * @returns {Builder}
 */
export function thanksScreen(session) {
  return (store, actions) => {
    const { ending, caseId, peer, peerNumber, peerRole, canRestart } = store.get();
    const reason = ending ? ending.reason : "other";
    const whole = ["customer_hung_up", "agent_hung_up", "other"].includes(reason);
    // Somebody was there to be rated.
    const rating = ending && ending.seconds && session.uploadToken ? ratingForm(session, store) : null;
    const node = h(
      "main",
      { class: "page centre" },
      h("span", { class: whole ? "medal good" : "medal warn" }, icon(whole ? "check" : "warning")),
      h("h1", { role: "status" }, t(whole ? "thanks.done" : "thanks.cut")),
      h("p", { class: "soft" }, t(whole ? "thanks.next" : canRestart ? "thanks.cut.next" : "thanks.cut.ask")),
      rating && rating.node,
      h(
        "dl",
        { class: "card facts" },
        row(t("thanks.reference"), caseId || "", "mono"),
        row(t("thanks.when"), ending ? moment(ending.at) : ""),
        row(t("thanks.agent"), peer && titleOf(peer, peerNumber, peerRole)),
        row(t("thanks.length"), ending && ending.seconds ? clock(ending.seconds) : ""),
        row(t("thanks.reason"), tCode("ended", reason)),
      ),
      !whole && canRestart
        ? [
            h("button", { class: "button primary big", type: "button", onclick: actions.restart }, t("thanks.again")),
            h("button", { class: "button quiet big", type: "button", onclick: () => actions.show("callback") }, icon("phone"), t("other.callback.go")),
          ]
        : h("p", { class: "soft small" }, t("thanks.close")),
    );
    return rating ? { node, update: rating.update } : { node };
  };
}
