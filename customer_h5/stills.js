/**
 * Pictures that the agent asks for, and their way to the bank.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { Connection } from "../web_kit/connection.js"
 * @import { OwnCapture } from "./capture.js"
 * @import { Photo } from "./photo.js"
 * @import { State } from "./state.js"
 */

import { upload } from "../web_kit/rest.js";

export class Stills {
  /**
   * @param {Store<State>} store
   * @param {OwnCapture} capture
   * @param {() => string} token
   */
  constructor(store, capture, token) {
    this._store = store;
    this._capture = capture;
    this._token = token;
  }

  /** @param {Connection} connection */
  listen(connection) {
    connection.on("still_wanted", ({ request, kind, at_once: atOnce }) => {
      const still = { request, kind, atOnce: atOnce && this._capture.camera !== null };
      this._store.update({ still, chatOpen: false });
    });
  }

  /**
   * Upload the picture that the agent asked for.
   *
   * @param {Photo} photo
   * @param {(fraction: number) => void} [onProgress]
   * @throws {import("../web_kit/rest.js").RestError}
   */
  async send({ blob, source }, onProgress) {
    const { still, caseId } = this._store.get();
    if (!still || !caseId) return;
    const path = `/api/cases/${caseId}/stills/${still.request}?source=${source}`;
    await upload(path, blob, { token: this._token(), ...(onProgress ? { onProgress } : {}) });
  }
}
