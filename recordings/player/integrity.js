/** Whether a record can be trusted, said before it is played. Pure. */

/**
 * @typedef {import("../web_kit/record/projection.js").Entry} Entry
 * @typedef {import("../web_kit/record/projection.js").CaseView} CaseView
 * @typedef {"sound" | "pending" | "broken"} IntegrityState
 * @typedef {{state: IntegrityState, chain: boolean, manifest: string, archived: boolean, verified: boolean,
 *   objects: number, gapS: number | null, facts: number}} Integrity
 */

const GENESIS = "0".repeat(64);

/**
 * Tell whether every entry names the hash of the one before it. The server has checked each hash against
 * its content before sending; this shows that nothing was left out on the way.
 *
 * @param {readonly Entry[]} entries
 */
export function chainHolds(entries) {
  let before = GENESIS;
  return entries.every((entry) => {
    const fits = /** @type {any} */ (entry).prev === before;
    before = entry.hash ?? "";
    return fits;
  });
}

/** @param {CaseView} view @param {readonly Entry[]} entries @returns {Integrity} */
export function integrityOf(view, entries) {
  const chain = chainHolds(entries);
  const manifest = view.verified?.manifest_sha256 ?? view.archived?.manifest_sha256 ?? "";
  const agree = !view.verified || !view.archived || view.verified.manifest_sha256 === view.archived.manifest_sha256;
  const signedSame = !view.audit || view.audit.manifest_sha256 === manifest;
  const broken = !chain || !agree || !signedSame;
  return {
    state: broken ? "broken" : view.verified ? "sound" : "pending",
    chain,
    manifest,
    archived: view.archived !== null,
    verified: view.verified !== null && agree,
    objects: view.verified?.objects ?? view.archived?.objects ?? 0,
    gapS: view.merge.result?.gap_s ?? null,
    facts: entries.length,
  };
}
