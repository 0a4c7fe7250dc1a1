/**
 * The peer connection of the visit: what it sends of the own devices, how much on a weak network, and what it
 * tells of both.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { Connection } from "../web_kit/connection.js"
 * @import { OwnCapture } from "./capture.js"
 * @import { State } from "./state.js"
 */

import { Call } from "../web_kit/call.js";
import { strainOf } from "./call_state.js";
import { Ladder } from "./ladder.js";

/** @type {Readonly<Record<State["rung"], import("../web_kit/limits.js").Ladder>>} */
const LIMITS = { "": {}, rate: { maxFramerate: 12 }, size: { maxFramerate: 12, scale: 2 }, stills: {} };

export class Conversation {
  /**
   * @param {Store<State>} store
   * @param {OwnCapture} capture
   */
  constructor(store, capture) {
    this._store = store;
    this._capture = capture;
    /** @type {Connection | null} */
    this._connection = null;
    /** @type {Call | null} */
    this._call = null;
    this._ladder = new Ladder();
    this._told = "";
    this._again = false;
    /** @type {Promise<unknown> | null} */
    this._opening = null;
  }

  /**
   * Have the peer connection of this call up.
   *
   * @param {Connection | null} connection
   * @param {string} id
   */
  async ensure(connection, id) {
    this._connection = connection;
    if (!this._capture.isOpen) {
      // Back after a reload: the consents were given, and what the phone withholds stays off.
      this._opening = this._opening || this._capture.open();
      await this._opening;
      this._opening = null;
    }
    if (!connection || connection !== this._connection || connection.state.phase === "closed") return;
    if (!this._call || this._call.call !== id) {
      if (this._call) this._call.stop();
      const call = new Call({ connection, call: id, local: this._capture.tracks });
      this._call = call;
      this._told = "";
      call.onChange(() => this._gotChange(call));
      call.start();
      this._store.update({ remote: call.remote, screenStream: call.screen });
    }
    this._tell();
  }

  /** Back in a call: what the server was told last is not known, by this page at least. */
  repeat() {
    this._again = true;
  }

  /** What is to be sent, or what is to be said of it, changed. */
  gotCapture() {
    const { _call: call } = this;
    const { microphone, camera } = this._capture.tracks;
    if (call) {
      void call.replaceTrack("microphone", microphone);
      void call.replaceTrack("camera", camera);
    }
    this._tell();
  }

  /** End it. */
  release() {
    if (this._call) this._call.stop();
    this._call = null;
    this._connection = null;
    this._ladder = new Ladder();
    this._store.update({ remote: [], screenStream: null, rung: "" });
  }

  /** Say what microphone and camera do, unless the server knows. A call begins with both on. */
  _tell() {
    const { _call: call, _connection: connection } = this;
    if (!call || !connection) return;
    const { microphone, camera } = this._capture.words;
    const words = `${microphone} ${camera}`;
    if (words === (this._told || "on on") && !this._again) return;
    if (!connection.send({ type: "capture_state", call: call.call, microphone, camera })) return;
    this._told = words;
    this._again = false;
  }

  /** @param {Call} call */
  _gotChange(call) {
    if (call !== this._call) return;
    const { quality, link } = call;
    this._store.update({ mediaTroubled: link === "troubled", strain: strainOf(quality) });
    const { camera } = this._capture.words;
    if (!quality || (camera !== "on" && camera !== "stills")) return;
    const rung = this._ladder.read(quality.uplinkKbps, quality.kbpsUp, performance.now());
    if (rung === this._store.get().rung) return;
    this._store.update({ rung });
    this._capture.setStills(rung === "stills");
    void call.setCameraLimits(LIMITS[rung]);
  }
}
