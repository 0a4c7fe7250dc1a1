/**
 * The check before the queue: all questions at once, answers as they come, again when the customer asks.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { Connection } from "../web_kit/connection.js"
 * @import { OwnCapture } from "./capture.js"
 * @import { Finding, Item, State } from "./state.js"
 */

import { checkDelay, checkDevices, checkUplink, finding, nothingFound, reportOf } from "./device_check.js";
import { listen } from "./level.js";

// Long enough to say a word, and for the phone's own processing to let it through.
const SILENT_AFTER_MS = 5000;

export class Check {
  /**
   * @param {Store<State>} store
   * @param {Connection} connection
   * @param {OwnCapture} capture
   */
  constructor(store, connection, capture) {
    this._store = store;
    this._connection = connection;
    this._capture = capture;
    /** @type {(level: number) => void} */
    this.onLevel = () => undefined;
    /** @type {() => void} */
    this._stopListening = () => undefined;
    this._stopped = false;
    this._sent = "";
  }

  /** Find out everything; resolves when each item has an answer. */
  async run() {
    this._store.update({ findings: nothingFound() });
    this._stopListening();
    const devices = await checkDevices(this._capture);
    if (this._stopped) return;
    for (const item of /** @type {const} */ (["camera", "microphone", "browser"])) this._set(item, devices[item]);
    const heard = this._capture.microphone ? this._hear(this._capture.microphone) : Promise.resolve();
    // One after the other: the probe would make the way look long.
    this._set("delay", await checkDelay(this._connection));
    this._set("uplink", await checkUplink());
    await heard;
    this.report();
  }

  /** Whether everything is well. */
  get isGood() {
    const { findings } = this._store.get();
    return findings !== null && Object.values(findings).every(({ mark }) => mark === "good");
  }

  /** Whether one can be heard; all else is of less weight. */
  get isFit() {
    const { findings } = this._store.get();
    return findings !== null && findings.microphone.mark !== "bad";
  }

  /** Tell the server what was found, unless it was told the same. */
  report() {
    const { findings, screen } = this._store.get();
    if (!findings || this._stopped || screen !== "check") return;
    const report = reportOf(findings);
    const text = JSON.stringify(report);
    if (text === this._sent) return;
    this._sent = text;
    this._connection.send(report);
  }

  stop() {
    this._stopped = true;
    this._stopListening();
  }

  /**
   * @param {Item} item
   * @param {Finding} found
   */
  _set(item, found) {
    const { findings } = this._store.get();
    if (findings && !this._stopped) this._store.update({ findings: { ...findings, [item]: found } });
  }

  /**
   * @param {MediaStreamTrack} track
   * @returns {Promise<void>}  Resolves when something was heard, or nothing for too long.
   */
  _hear(track) {
    return new Promise((resolve) => {
      let listening = false;
      this._stopListening = listen(track, (level, heard) => {
        listening = true;
        this.onLevel(level);
        if (!heard || this._isHeard()) return;
        this._set("microphone", finding("good"));
        resolve();
      });
      setTimeout(() => {
        // A browser that does not let the page listen has not shown that the microphone is dead.
        if (!this._isHeard()) this._set("microphone", listening ? finding("warn", "microphone_silent") : finding("good"));
        resolve();
      }, SILENT_AFTER_MS);
    });
  }

  _isHeard() {
    const { findings } = this._store.get();
    return findings !== null && findings.microphone.mark === "good";
  }
}
