/** Whether a record can be trusted, said before it is played. Pure. */

/**
 * @typedef {import("../web_kit/record/projection.js").Entry} Entry
 * @typedef {import("../web_kit/record/projection.js").CaseView} CaseView
 * @typedef {import("../web_kit/wire.js").StepKept} StepKept
 * @typedef {"sound" | "incomplete" | "pending" | "broken"} IntegrityState
 * @typedef {{state: IntegrityState, incomplete: readonly string[], chain: boolean, manifest: string, archived: boolean, verified: boolean,
 *   objects: number, gapS: number | null, clockS: number, facts: number}} Integrity  ``clockS`` is how far the
 *   machine's clock and the record's times were apart at most.
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

/** Tell whether the policy wants this step and its recording has gaps. @param {StepKept} step */
export const isIncomplete = ({ mandatory, kept }) => mandatory && kept === "incomplete";

/** @param {readonly Entry[]} entries */
function clockError(entries) {
  const set = entries.filter(({ name }) => name === "ClockStepped");
  return Math.max(0, ...set.map((entry) => Math.abs(/** @type {any} */ (entry).fact.seconds)));
}

/** @param {CaseView} view @param {readonly Entry[]} entries @returns {Integrity} */
export function integrityOf(view, entries) {
  const chain = chainHolds(entries);
  const manifest = view.verified?.manifest_sha256 ?? view.archived?.manifest_sha256 ?? "";
  const agree = !view.verified || !view.archived || view.verified.manifest_sha256 === view.archived.manifest_sha256;
  const signedSame = !view.audit || view.audit.manifest_sha256 === manifest;
  const broken = !chain || !agree || !signedSame;
  const incomplete = (view.gaps?.steps ?? []).filter(isIncomplete).map((/** @type {StepKept} */ { step }) => step);
  return {
    state: broken ? "broken" : incomplete.length ? "incomplete" : view.verified ? "sound" : "pending",
    incomplete,
    chain,
    manifest,
    archived: view.archived !== null,
    verified: view.verified !== null && agree,
    objects: view.verified?.objects ?? view.archived?.objects ?? 0,
    gapS: view.merge.result?.gap_s ?? null,
    clockS: clockError(entries),
    facts: entries.length,
  };
}
