/** Requests to the JSON interface; every failure becomes a `RestError` with the server's machine word. */

export class RestError extends Error {
  /**
   * @param {string} code  Machine word; `offline` when no answer came.
   * @param {string} text
   * @param {number} status  HTTP status, 0 without an answer.
   */
  constructor(code, text, status) {
    super(text);
    this.code = code;
    this.status = status;
  }
}

let csrfToken = "";

/**
 * Give the token that state-changing requests of a logged-in person carry.
 *
 * @param {string} token
 */
export function setCsrf(token) {
  csrfToken = token;
}

/**
 * @param {string} body
 * @param {number} status
 * @returns {RestError}
 */
function errorOf(body, status) {
  try {
    const { code, text } = JSON.parse(body);
    if (typeof code === "string") return new RestError(code, String(text), status);
  } catch {
    // A proxy's error page is not JSON; the status is all there is.
  }
  return new RestError(`http_${status}`, "", status);
}

/**
 * Ask the server; resolves to the parsed JSON body.
 *
 * @template T
 * @param {"GET" | "POST"} method
 * @param {string} path
 * @param {unknown} [body]  Sent as JSON.
 * @param {boolean} [outlives]  It is sent even when the page goes away meanwhile.
 * @returns {Promise<T>}
 * @throws {RestError}
 */
export async function request(method, path, body, outlives = false) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (csrfToken && method !== "GET") headers["X-CSRF-Token"] = csrfToken;
  let response;
  try {
    const content = body === undefined ? null : JSON.stringify(body);
    response = await fetch(path, { method, headers, body: content, credentials: "same-origin", keepalive: outlives });
  } catch {
    throw new RestError("offline", "", 0);
  }
  const text = await response.text();
  if (!response.ok) throw errorOf(text, response.status);
  return text ? JSON.parse(text) : /** @type {T} */ (null);
}

/**
 * @typedef {object} Transfer
 * @property {string} [token]  Right of a customer; without it the session of a logged-in person is used.
 * @property {AbortSignal} [signal]  Cancels it: the promise rejects with code `cancelled`.
 * @property {(fraction: number) => void} [onProgress]
 */

/**
 * Upload a file with progress; fetch reports none for request bodies.
 *
 * @template T
 * @param {string} path
 * @param {Blob} blob
 * @param {Transfer} [transfer]
 * @returns {Promise<T>}
 * @throws {RestError}
 */
export function upload(path, blob, { token, signal, onProgress } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const cancel = () => request.abort();
    const fail = (/** @type {string} */ code) => () => reject(new RestError(code, "", 0));
    request.open("POST", path);
    if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
    else if (csrfToken) request.setRequestHeader("X-CSRF-Token", csrfToken);
    request.setRequestHeader("Content-Type", blob.type || "application/octet-stream");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable && onProgress) onProgress(event.loaded / event.total);
    });
    request.addEventListener("error", fail("offline"));
    request.addEventListener("abort", fail("cancelled"));
    request.addEventListener("load", () => {
      const good = request.status >= 200 && request.status < 300;
      if (good) resolve(JSON.parse(request.responseText));
      else reject(errorOf(request.responseText, request.status));
    });
    request.addEventListener("loadend", () => signal && signal.removeEventListener("abort", cancel));
    if (signal && signal.aborted) return void fail("cancelled")();
    if (signal) signal.addEventListener("abort", cancel);
    request.send(blob);
  });
}

/**
 * Fetch a file that needs a proof of its own, to be shown or saved from memory.
 *
 * @param {string} path
 * @param {Transfer} [transfer]  Progress is not told.
 * @returns {Promise<Blob>}
 * @throws {RestError}
 */
export async function download(path, { token, signal } = {}) {
  /** @type {Record<string, string>} */
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  let response;
  try {
    response = await fetch(path, { headers, credentials: "same-origin", ...(signal ? { signal } : {}) });
    if (response.ok) return await response.blob();
  } catch {
    throw new RestError(signal && signal.aborted ? "cancelled" : "offline", "", 0);
  }
  throw errorOf(await response.text(), response.status);
}
