/** Which films of a case there are, and which are on their way. Pure. */

/**
 * @typedef {import("../web_kit/record/projection.js").CaseView} CaseView
 * @typedef {import("./state.js").Job} Job
 * @typedef {Readonly<{file: string, template: string, own: boolean, veiled: boolean}>} Film  `own` is the merge's;
 *   `veiled` waits until a second person has agreed, as a card may be seen on it
 */

const TEMPLATES = ["roles", "side_by_side", "customer_only", "share_first"];
const KIND = "render_";

/**
 * The merge's own film first, then what was made anew of it; the same bytes again are no other film.
 *
 * @param {Pick<CaseView, "merge" | "renders">} view @param {string} sight empty while cards are veiled
 * @returns {readonly Film[]}
 */
export function filmsOf({ merge: { result }, renders }, sight) {
  if (!result) {
    return [];
  }
  const own = { file: result.file, template: result.template ?? "roles", own: true, veiled: false };
  const veiled = sight === "" && (result.files ?? []).some((/** @type {{kind: string}} */ one) => one.kind === "veiled");
  const others = renders.filter(({ file }) => file !== own.file).map(({ file, template }) => ({ file, template, own: false, veiled }));
  return [own, ...others];
}

/**
 * The newest job of each template of which nothing came yet. One that is done belongs to them until its fact
 * is read, which may be an answer later.
 *
 * @param {Pick<CaseView, "renders">} view @param {readonly Job[]} jobs
 * @returns {readonly {template: string, job: Job}[]}
 */
export function unmade({ renders }, jobs) {
  const made = new Set(renders.map(({ template }) => template));
  const newest = new Map(jobs.filter(({ kind }) => kind.startsWith(KIND)).map((job) => [job.kind.slice(KIND.length), job]));
  return [...newest].filter(([template]) => !made.has(template)).map(([template, job]) => ({ template, job }));
}

/** Tell whether a film is being made anew. @param {Pick<CaseView, "renders">} view @param {readonly Job[]} jobs */
export function isRendering(view, jobs) {
  return unmade(view, jobs).some(({ job }) => job.state !== "dead");
}

/** The templates that can be asked for. @param {Pick<CaseView, "merge" | "renders">} view @param {readonly Job[]} jobs */
export function askable(view, jobs) {
  const coming = unmade(view, jobs).filter(({ job }) => job.state !== "dead");
  const taken = new Set([...filmsOf(view, ""), ...coming].map(({ template }) => template));
  return TEMPLATES.filter((one) => !taken.has(one));
}
