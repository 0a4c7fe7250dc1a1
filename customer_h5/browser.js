/**
 * What this browser can do, found out without asking for anything.
 *
 * @typedef {"insecure" | "webview" | "unsupported"} BrowserTrouble
 */

import { inAppBrowser } from "../web_kit/devices.js";

/**
 * Why no call can be made from here; null when one can be tried. Asked before the ticket is used, so that the
 * link still works in another browser.
 *
 * @returns {BrowserTrouble | null}
 */
export function browserTrouble() {
  if (!globalThis.isSecureContext) return "insecure";
  const capture = navigator.mediaDevices && "getUserMedia" in navigator.mediaDevices;
  const peer = globalThis.RTCPeerConnection;
  if (capture && peer && "addTransceiver" in peer.prototype) return null;
  return inAppBrowser() ? "webview" : "unsupported";
}

/** @type {readonly [RegExp, string][]} */
const NAMES = [
  [/MicroMessenger\/(\d+)/, "WeChat"],
  [/AlipayClient\/(\d+)/, "Alipay"],
  [/DingTalk\/(\d+)/, "DingTalk"],
  [/QQ\/(\d+)/, "QQ"],
  [/EdgA?\/(\d+)/, "Edge"],
  [/HuaweiBrowser\/(\d+)/, "Huawei Browser"],
  [/MiuiBrowser\/(\d+)/, "Mi Browser"],
  [/SamsungBrowser\/(\d+)/, "Samsung Internet"],
  [/(?:Chrome|CriOS)\/(\d+)/, "Chrome"],
  [/(?:Firefox|FxiOS)\/(\d+)/, "Firefox"],
  [/Version\/(\d+).*Safari/, "Safari"],
];

/** The browser's name and main version, as it gives them itself. */
export function browserName() {
  for (const [pattern, name] of NAMES) {
    const found = pattern.exec(navigator.userAgent);
    if (found) return `${name} ${found[1]}`;
  }
  return "";
}
