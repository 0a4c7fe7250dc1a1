/** Refusals and failures of the server in words. */

import { t, tCode } from "../web_kit/i18n.js";

/** @param {{code: string, about: string | null}} notice */
export function problemWords({ code, about }) {
  const words = tCode("error", code);
  const key = `about.${about}`;
  const what = about ? t(key) : key;
  return what === key ? words : t("error.about", { what, words });
}
