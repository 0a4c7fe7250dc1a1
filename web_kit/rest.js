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
 * @returns {Promise<T>}
 * @throws {RestError}
 */
export async function request(method, path, body) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (csrfToken && method !== "GET") headers["X-CSRF-Token"] = csrfToken;
  let response;
  try {
    const content = body === undefined ? null : JSON.stringify(body);
    response = await fetch(path, { method, headers, body: content, credentials: "same-origin" });
  } catch {
    throw new RestError("offline", "", 0);
  }
  const text = await response.text();
  if (!response.ok) throw errorOf(text, response.status);
  return text ? JSON.parse(text) : /** @type {T} */ (null);
}

/**
 * Upload a picture with progress; fetch reports none for request bodies.
 *
 * @template T
 * @param {string} path
 * @param {Blob} blob
 * @param {string} token
 * @param {(fraction: number) => void} onProgress
 * @returns {Promise<T>}
 * @throws {RestError}
 */
export function upload(path, blob, token, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.setRequestHeader("Content-Type", blob.type || "image/jpeg");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("error", () => reject(new RestError("offline", "", 0)));
    request.addEventListener("load", () => {
      const good = request.status >= 200 && request.status < 300;
      if (good) resolve(JSON.parse(request.responseText));
      else reject(errorOf(request.responseText, request.status));
    });
    request.send(blob);
  });
}
