/**
 * Pictures and files of the conversation, both ways, and the stills that are asked for. A file stands in the
 * chat when the journal has it; until then it is a transfer.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { SharedFile, State, Transfer } from "./state.js"
 */

import { RestError, download, upload } from "../web_kit/rest.js";

export const ACCEPT = "image/jpeg,image/png,image/webp,application/pdf,text/plain";
// The server's own bounds: 20 MiB, and these types.
const MAX_BYTES = 20 * 1024 * 1024;
const TYPES = ACCEPT.split(",");

/** @typedef {() => { caseId: string | null, token: string }} Proof */

export class Files {
  /**
   * @param {Store<State>} store
   * @param {Proof} proof
   */
  constructor(store, proof) {
    this._store = store;
    this._proof = proof;
    this._last = 0;
    /** @type {Map<number, { file: File, stop: AbortController }>} */
    this._sending = new Map();
    /** @type {Map<string, Promise<string>>} */
    this._urls = new Map();
  }

  /**
   * Send a file; refusals stand in the list with their reason.
   *
   * @param {File} file
   */
  send(file) {
    this._last += 1;
    const id = this._last;
    const stop = new AbortController();
    this._sending.set(id, { file, stop });
    const failed = file.size > MAX_BYTES ? "file_too_large" : TYPES.includes(file.type) ? "" : "file_type";
    const { transfers } = this._store.get();
    this._store.update({ transfers: [...transfers, { id, name: file.name, fraction: 0, failed }] });
    if (!failed) void this._upload(id);
  }

  /**
   * Give up a transfer, under way or failed.
   *
   * @param {number} id
   */
  cancel(id) {
    const sending = this._sending.get(id);
    if (sending) sending.stop.abort();
    this._forget(id);
  }

  /** @param {number} id */
  retry(id) {
    const sending = this._sending.get(id);
    if (!sending) return;
    sending.stop = new AbortController();
    this._change(id, { failed: "", fraction: 0 });
    void this._upload(id);
  }

  /**
   * Upload the picture that the agent asked for.
   *
   * @param {import("./photo.js").Photo} photo
   * @param {(fraction: number) => void} [onProgress]
   * @throws {RestError}
   */
  async sendStill({ blob, source }, onProgress) {
    const { still } = this._store.get();
    const { caseId, token } = this._proof();
    if (!still || !caseId) return;
    const path = `/api/cases/${caseId}/stills/${still.request}?source=${source}`;
    await upload(path, blob, { token, ...(onProgress ? { onProgress } : {}) });
  }

  /**
   * The address of a file in this page's memory.
   *
   * @param {SharedFile} file
   * @returns {Promise<string>}
   * @throws {RestError}
   */
  open({ evidence }) {
    const known = this._urls.get(evidence);
    if (known) return known;
    const { caseId, token } = this._proof();
    const url = download(`/api/cases/${caseId}/files/${evidence}`, { token }).then((blob) => URL.createObjectURL(blob));
    this._urls.set(evidence, url);
    url.catch(() => this._urls.delete(evidence));
    return url;
  }

  /** The call is over: nothing more is sent, and what was fetched is let go. */
  release() {
    for (const id of [...this._sending.keys()]) this.cancel(id);
    for (const url of this._urls.values()) void url.then((made) => URL.revokeObjectURL(made), () => undefined);
    this._urls.clear();
  }

  /** @param {number} id */
  async _upload(id) {
    const sending = this._sending.get(id);
    if (!sending) return;
    const { file, stop } = sending;
    const { caseId, token } = this._proof();
    const onProgress = (/** @type {number} */ fraction) => this._change(id, { fraction });
    try {
      const path = `/api/cases/${caseId}/files?name=${encodeURIComponent(file.name)}`;
      await upload(path, file, { token, signal: stop.signal, onProgress });
      this._forget(id);
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      if (error.code !== "cancelled") this._change(id, { failed: error.code });
    }
  }

  /** @param {number} id */
  _forget(id) {
    this._sending.delete(id);
    this._store.update({ transfers: this._store.get().transfers.filter((one) => one.id !== id) });
  }

  /**
   * @param {number} id
   * @param {Partial<Transfer>} change
   */
  _change(id, change) {
    const { transfers } = this._store.get();
    this._store.update({ transfers: transfers.map((one) => (one.id === id ? { ...one, ...change } : one)) });
  }
}
