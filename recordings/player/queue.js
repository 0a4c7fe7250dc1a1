/** The auditor's queue: the next case, the claim on it while the page shows it, and giving it back. */

import { request, RestError } from "../web_kit/rest.js";

/** @typedef {import("./state.js").PlayerState} PlayerState */

// The server keeps a claim for ten minutes.
const KEEP_MS = 120_000;

/**
 * Return one's own claim on a case, as far as the page knows.
 *
 * @param {Pick<PlayerState, "claims" | "session">} state @param {string | null} caseId
 */
export function ownClaim({ claims, session }, caseId) {
  return claims.find((one) => one.case === caseId && one.account === session?.account) ?? null;
}

/** Return somebody else's claim. @param {Pick<PlayerState, "claims" | "session">} state @param {string | null} caseId */
export function othersClaim({ claims, session }, caseId) {
  return claims.find((one) => one.case === caseId && one.account !== session?.account) ?? null;
}

/**
 * @param {import("../web_kit/store.js").Store<PlayerState>} store
 * @param {() => Promise<void>} refresh  Reads what the page shows again.
 */
export function makeQueue(store, refresh) {
  /** Cases that were passed over since the last time nothing was left. @type {string[]} */
  let passed = [];

  /** Have the server hand out the next case, and go there. */
  async function next() {
    const { caseId, handing } = store.get();
    if (handing) {
      return;
    }
    store.update({ handing: true, queueNote: "" });
    if (caseId && ownClaim(store.get(), caseId)) {
      passed = [...passed, caseId];
    }
    try {
      /** @type {{case: {case: string} | null}} */
      const { case: found } = await request("POST", "/api/audits/next", { but: passed });
      if (found) {
        location.hash = found.case;
      } else {
        passed = [];
        store.update({ queueNote: "queue.empty" });
      }
    } catch (error) {
      gotError(error);
    }
    store.update({ handing: false });
  }

  /** Take a case, keep it for longer or give it back. @param {string} caseId @param {boolean} on @param {boolean} [leaving] */
  async function claim(caseId, on, leaving = false) {
    try {
      /** @type {{claims: PlayerState["claims"]}} */
      const { claims } = await request("POST", `/api/cases/${encodeURIComponent(caseId)}/claim`, { on }, leaving);
      if (store.get().caseId === caseId) {
        store.update({ claims, queueNote: "" });
      }
    } catch (error) {
      gotError(error);
      // Somebody else has it, or it is signed: show that.
      await (leaving ? undefined : refresh());
    }
  }

  /** @param {unknown} error */
  function gotError(error) {
    if (!(error instanceof RestError)) {
      throw error;
    }
    store.update({ queueNote: `error.${error.code}` });
  }

  /** Give the case back that the page leaves. @returns {Promise<void>} */
  async function leave() {
    const { caseId } = store.get();
    if (caseId && ownClaim(store.get(), caseId)) {
      await claim(caseId, false, true);
    }
  }

  setInterval(() => {
    const { caseId } = store.get();
    if (caseId && ownClaim(store.get(), caseId)) {
      void claim(caseId, true);
    }
  }, KEEP_MS);
  addEventListener("pagehide", () => void leave());
  return { next, claim, leave };
}
