/** The front page: one door for each kind of visitor. */

import { h, mount } from "./dom.js";
import { addStrings, language, onLanguage, setLanguage, t } from "./i18n.js";
import { icon } from "./icons.js";

/** @type {import("./i18n.js").Dictionary} */
export const CHOOSER_STRINGS = {
  "zh-CN": {
    "chooser.title": "您要进入哪里？",
    "chooser.intro": "面对面的视频银行服务：身份核验、全程录音录像、审核归档。",
    "chooser.customer": "客户",
    "chooser.customer.text": "与柜员视频通话，办理业务。无需安装应用。",
    "chooser.agent": "柜员",
    "chooser.agent.text": "接听客户、核验身份、办结业务。",
    "chooser.auditor": "审核员",
    "chooser.auditor.text": "回放录音录像，核对记录并签署意见。",
  },
  en: {
    "chooser.title": "Where would you like to go?",
    "chooser.intro": "Banking face to face over video: identity checked, fully recorded, audited and archived.",
    "chooser.customer": "Customer",
    "chooser.customer.text": "Talk to a bank agent over video. Nothing to install.",
    "chooser.agent": "Agent",
    "chooser.agent.text": "Answer customers, check identity, complete the application.",
    "chooser.auditor": "Auditor",
    "chooser.auditor.text": "Replay the record, compare it with the journal and sign off.",
  },
};

/**
 * @param {string} href
 * @param {string} key
 * @param {string} picture
 */
function door(href, key, picture) {
  return h("a", { class: "card door", href }, icon(picture), h("h2", null, t(key)), h("p", { class: "soft" }, t(`${key}.text`)));
}

function draw() {
  const other = () => setLanguage(language() === "en" ? "zh-CN" : "en");
  document.title = t("product");
  mount(
    document.body,
    h(
      "header",
      { class: "masthead" },
      h("span", { class: "brand grow" }, icon("bank"), t("product")),
      h("button", { class: "button quiet", type: "button", onclick: other }, icon("globe"), t("language.other")),
    ),
    h(
      "main",
      { class: "doors" },
      h("header", { class: "stack" }, h("h1", null, t("chooser.title")), h("p", { class: "soft" }, t("chooser.intro"))),
      door("/c/", "chooser.customer", "person"),
      door("/agent/", "chooser.agent", "headset"),
      door("/audit/", "chooser.auditor", "shield"),
    ),
  );
}

addStrings(CHOOSER_STRINGS);
onLanguage(draw);
draw();
