/**
 * What the page finds out about camera, microphone, way and browser before the queue.
 *
 * @import { Connection } from "../web_kit/connection.js"
 * @import { DeviceCheck } from "../web_kit/wire"
 * @import { CaptureTrouble } from "../web_kit/devices.js"
 * @import { OwnCapture } from "./capture.js"
 * @import { Finding, Findings, Item, Mark } from "./state.js"
 */

import { inAppBrowser } from "../web_kit/devices.js";
import { RestError, upload } from "../web_kit/rest.js";
import { browserName } from "./browser.js";

const PROBE_BYTES = 256 * 1024;
// A line that takes longer for the probe is slow, whatever it takes in the end.
const PROBE_MAX_MS = 8000;
// Below this a face of 360 lines no longer moves.
const UPLINK_MIN_KBPS = 300;
// ITU-T G.114: above 400 ms there and back a conversation suffers.
const RTT_MAX_MS = 400;
const PINGS = 3;
const PONG_MAX_MS = 3000;

/**
 * @param {Mark} mark
 * @param {string} [code]
 * @param {string} [value]
 * @returns {Finding}
 */
export function finding(mark, code = "", value = "") {
  return { mark, code, value };
}

/**
 * The reason code of a device that does not open.
 *
 * @param {"camera" | "microphone"} item
 * @param {CaptureTrouble} trouble
 */
export function codeOf(item, trouble) {
  const word = trouble === "webview" ? "denied" : trouble === "unknown" ? "failed" : trouble;
  return `${item}_${word}`;
}

/** @returns {Findings} */
export function nothingFound() {
  const wait = finding("wait");
  return { camera: wait, microphone: wait, uplink: wait, delay: wait, browser: wait };
}

/**
 * @param {"camera" | "microphone"} item
 * @param {CaptureTrouble | null} trouble
 * @returns {Finding}
 */
function deviceFinding(item, trouble) {
  if (!trouble) return finding(item === "camera" ? "good" : "wait");
  return finding("bad", codeOf(item, trouble));
}

/**
 * @param {OwnCapture} capture
 * @returns {Promise<Pick<Findings, "camera" | "microphone" | "browser">>}
 */
export async function checkDevices(capture) {
  const troubles = await capture.open();
  const withheld = inAppBrowser() && (troubles.camera === "webview" || troubles.microphone === "webview");
  const camera = capture.camera || troubles.camera ? deviceFinding("camera", troubles.camera) : finding("good", "", "off");
  return {
    camera,
    microphone: deviceFinding("microphone", troubles.microphone),
    browser: withheld ? finding("bad", "browser_webview", browserName()) : finding("good", "", browserName()),
  };
}

/**
 * How fast the way up is: so many bytes in so much time.
 *
 * @returns {Promise<Finding>}
 */
export async function checkUplink() {
  const blob = new Blob([new Uint8Array(PROBE_BYTES)], { type: "application/octet-stream" });
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PROBE_MAX_MS);
  const began = performance.now();
  let done = 0;
  try {
    await upload("/api/probe", blob, { signal: stop.signal, onProgress: (fraction) => (done = fraction) });
    done = 1;
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    if (error.code !== "cancelled") return finding("warn", "uplink_unknown");
  } finally {
    clearTimeout(timer);
  }
  const kbps = Math.round((done * PROBE_BYTES * 8) / (performance.now() - began));
  return kbps < UPLINK_MIN_KBPS ? finding("warn", "uplink_slow", String(kbps)) : finding("good", "", String(kbps));
}

/**
 * @param {Connection} connection
 * @returns {Promise<number>}  Milliseconds.
 */
function ping(connection) {
  return new Promise((resolve) => {
    const asked = performance.now();
    const done = () => {
      clearTimeout(timer);
      stop();
      resolve(performance.now() - asked);
    };
    const stop = connection.on("pong", ({ sent_at: at }) => void (at === asked && done()));
    const timer = setTimeout(done, PONG_MAX_MS);
    connection.send({ type: "ping", sent_at: asked });
  });
}

/**
 * How long there and back, when nothing else is on the way.
 *
 * @param {Connection} connection
 * @returns {Promise<Finding>}
 */
export async function checkDelay(connection) {
  let best = Infinity;
  for (let round = 0; round < PINGS; round += 1) best = Math.min(best, await ping(connection));
  const ms = String(Math.max(1, Math.round(best)));
  return best > RTT_MAX_MS ? finding("warn", "rtt_high", ms) : finding("good", "", ms);
}

/** @param {Finding} found */
function word({ mark, code, value }) {
  if (value === "off") return "off";
  return code ? code.slice(code.indexOf("_") + 1) : mark === "wait" ? "unknown" : "ok";
}

/**
 * @param {Findings} findings
 * @returns {DeviceCheck}
 */
export function reportOf(findings) {
  const { camera, microphone, uplink, delay, browser } = findings;
  const codes = /** @type {Item[]} */ (Object.keys(findings)).map((item) => findings[item].code);
  return {
    type: "device_check",
    camera: word(camera),
    microphone: word(microphone),
    browser: browser.value,
    uplink_kbps: uplink.value ? Number(uplink.value) : null,
    rtt_ms: delay.value ? Number(delay.value) : null,
    problems: codes.filter(Boolean),
  };
}
