/**
 * Files from the agent to the case: bounds first, then the way up with its progress. What was stored comes
 * back as a fact.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { ConsoleState, Upload } from "./state.js"
 */

import { RestError, upload } from "../web_kit/rest.js";

// The server's own bound; asked here so that nobody waits for a refusal.
export const FILE_MAX_BYTES = 20 * 1024 * 1024;
export const FILE_TYPES = Object.freeze(["image/jpeg", "image/png", "image/webp", "application/pdf", "text/plain"]);

/** Why a file cannot be sent, or null. @param {{size: number, type: string}} file */
export function fileProblem({ size, type }) {
  if (size > FILE_MAX_BYTES) {
    return "file_too_large";
  }
  return FILE_TYPES.includes(type) && size > 0 ? null : "file_type";
}

export class FileSender {
  /** @param {Store<ConsoleState>} store */
  constructor(store) {
    this.store = store;
    this.count = 0;
  }

  /** @param {readonly File[]} files */
  async send(files) {
    const { call } = this.store.get();
    // One after the other: a picture the customer waits for is not to crawl beside ten others.
    for (const file of call ? files : []) {
      await this.sendOne(call?.case ?? "", file);
    }
  }

  /** @param {string} caseId @param {File} file */
  async sendOne(caseId, file) {
    const id = ++this.count;
    const error = fileProblem(file);
    this.change((uploads) => [...uploads, { id, name: file.name, size: file.size, share: 0, error }]);
    if (error) {
      return;
    }
    const onProgress = (/** @type {number} */ share) => this.change((all) => all.map((one) => (one.id === id ? { ...one, share } : one)));
    try {
      await upload(`/api/cases/${encodeURIComponent(caseId)}/files?name=${encodeURIComponent(file.name)}`, file, { onProgress });
      this.dismiss(id);
    } catch (problem) {
      const code = problem instanceof RestError ? problem.code : "internal";
      this.change((all) => all.map((one) => (one.id === id ? { ...one, error: code } : one)));
    }
  }

  /** @param {number} id */
  dismiss(id) {
    this.change((all) => all.filter((one) => one.id !== id));
  }

  /** @param {(uploads: readonly Upload[]) => readonly Upload[]} change */
  change(change) {
    this.store.update({ uploads: change(this.store.get().uploads) });
  }
}
