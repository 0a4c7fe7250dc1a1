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
      this._store.update({ still, tilt: null, chatOpen: false });
    });
  }

  /**
   * Upload the picture that the agent asked for.
   *
   * @param {Photo} photo
   * @param {(fraction: number) => void} [onProgress]
   * @throws {import("../web_kit/rest.js").RestError}
   */
  async send(photo, onProgress) {
    const { still } = this._store.get();
    if (still) await this.sendAs(still.request, photo, onProgress);
  }

  /**
   * @param {string} request  The id under which it was asked for.
   * @param {Photo} photo
   * @param {(fraction: number) => void} [onProgress]
   * @throws {import("../web_kit/rest.js").RestError}
   */
  async sendAs(request, { blob, source }, onProgress) {
    const path = `/api/cases/${this._store.get().caseId}/stills/${request}?source=${source}`;
    await upload(path, blob, { token: this._token(), ...(onProgress ? { onProgress } : {}) });
  }
}
