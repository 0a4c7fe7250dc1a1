/**
 * The socket of protocol version 1: hello, heartbeat, and the way back after a drop.
 *
 * Never touches the page. A customer comes back with the resume token until the grace period is over;
 * a logged-in person (hello with `csrf`) tries for as long as the page is open.
 *
 * @import { ClientMessage, ServerMessage, Hello, Welcome } from "./wire"
 */

const PROTOCOL = 1;
const BACKOFF_MIN_MS = 300;
const BACKOFF_MAX_MS = 3000;
// A first connection that cannot be made in this many tries is reported instead of retried for ever.
const FIRST_TRIES = 4;
// Silence of this many heartbeats means that the socket is dead although nobody closed it.
const SILENT_BEATS = 2.5;
// When something else says that the network is gone or new, a live socket answers within this.
const CHECK_MAX_MS = 2000;
// Goodbyes that concern this one socket: the way back is open.
const RETURN_AFTER = ["slow_consumer", "busy", "internal", "gone"];

/** @typedef {ServerMessage["type"]} Tag */
/**
 * @template {Tag} T
 * @typedef {Extract<ServerMessage, { type: T }>} Of
 */
/** @typedef {Pick<Hello, "ticket" | "csrf" | "resume">} Credentials */
/**
 * @typedef {object} ConnectionState
 * @property {"idle" | "connecting" | "open" | "dropped" | "closed"} phase
 * @property {string | null} reason  Why it is closed: a `bye` or error code, `unreachable`, `grace_over`, or
 *   what was given to `close()`.
 * @property {number | null} graceEndsAt  On the `performance.now()` axis, while dropped.
 */

export class Connection {
  /**
   * @param {object} options
   * @param {() => Credentials} options.credentials
   * @param {() => string} options.language
   * @param {(welcome: Welcome) => number} [options.graceS]  How long to try after a drop, when it differs
   *   from what the welcome said.
   * @param {string} [options.url]
   */
  constructor({ credentials, language, graceS, url }) {
    this._credentials = credentials;
    this._graceS = graceS || ((welcome) => welcome.grace_s);
    this._language = language;
    this._url = url || `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
    /** @type {Map<string, Set<(message: any) => void>>} */
    this._listeners = new Map();
    /** @type {Set<(state: ConnectionState) => void>} */
    this._watchers = new Set();
    /** @type {ConnectionState} */
    this.state = { phase: "idle", reason: null, graceEndsAt: null };
    /** @type {Welcome | null} */
    this.welcome = null;
    /** Round trip of the last heartbeat in milliseconds. @type {number | null} */
    this.rttMs = null;
    /** @type {WebSocket | null} */
    this._socket = null;
    this._tries = 0;
    this._heardAt = 0;
    /** @type {number | undefined} */
    this._retry = undefined;
    /** @type {number | undefined} */
    this._beat = undefined;
    /** @type {number | undefined} */
    this._check = undefined;
    /** The error that came before any welcome. @type {string | null} */
    this._refusal = null;
    this._wake = () => this._retryNow();
  }

  /**
   * Listen for messages of one tag; returns the way to stop.
   *
   * @template {Tag} T
   * @param {T} tag
   * @param {(message: Of<T>) => void} listener
   * @returns {() => void}
   */
  on(tag, listener) {
    const set = this._listeners.get(tag) || new Set();
    this._listeners.set(tag, set.add(listener));
    return () => set.delete(listener);
  }

  /**
   * Listen for changes of `state`; returns the way to stop.
   *
   * @param {(state: ConnectionState) => void} listener
   * @returns {() => void}
   */
  onState(listener) {
    this._watchers.add(listener);
    return () => this._watchers.delete(listener);
  }

  /** Connect. */
  open() {
    globalThis.addEventListener("online", this._wake);
    this._setState({ phase: "connecting", reason: null, graceEndsAt: null });
    this._connect();
  }

  /**
   * Send, if the socket is open; says whether it was.
   *
   * @param {ClientMessage} message
   * @returns {boolean}
   */
  send(message) {
    // A socket that the server is closing is still here until its close event; it takes nothing more.
    if (this.state.phase !== "open" || !this._socket) return false;
    if (this._socket.readyState !== WebSocket.OPEN) return false;
    this._socket.send(JSON.stringify(message));
    return true;
  }

  /** Find out soon whether the socket still lives; a dead one is replaced. */
  check() {
    const socket = this._socket;
    const asked = performance.now();
    if (!socket || !this.send({ type: "ping", sent_at: asked })) return;
    clearTimeout(this._check);
    this._check = setTimeout(() => {
      if (socket === this._socket && this._heardAt < asked) this._giveUp(socket);
    }, CHECK_MAX_MS);
  }

  /**
   * Close for good.
   *
   * @param {string} reason
   */
  close(reason) {
    if (this.state.phase === "closed") return;
    clearTimeout(this._retry);
    clearTimeout(this._check);
    clearInterval(this._beat);
    globalThis.removeEventListener("online", this._wake);
    const socket = this._socket;
    this._socket = null;
    if (socket) socket.close(1000);
    this._setState({ phase: "closed", reason, graceEndsAt: null });
  }

  /** @param {ConnectionState} state */
  _setState(state) {
    this.state = Object.freeze(state);
    for (const watcher of [...this._watchers]) watcher(this.state);
  }

  _connect() {
    const socket = new WebSocket(this._url);
    this._socket = socket;
    socket.addEventListener("open", () => socket.send(JSON.stringify(this._hello())));
    socket.addEventListener("message", (event) => this._gotText(socket, event.data));
    socket.addEventListener("close", () => this._gotClose(socket));
  }

  /** @returns {Hello} */
  _hello() {
    const credentials = this._credentials();
    const token = this.welcome && !credentials.csrf ? this.welcome.resume : null;
    const proof = token ? { resume: token } : credentials;
    return { type: "hello", version: PROTOCOL, ...proof, language: this._language() };
  }

  /**
   * @param {WebSocket} socket
   * @param {string} text
   */
  _gotText(socket, text) {
    if (socket !== this._socket) return;
    this._heardAt = performance.now();
    /** @type {ServerMessage} */
    const message = JSON.parse(text);
    if (message.type === "welcome") this._gotWelcome(message);
    if (message.type === "pong") this.rttMs = performance.now() - message.sent_at;
    if (message.type === "error" && this.state.phase !== "open") this._refusal = message.code;
    for (const listener of [...(this._listeners.get(message.type) || [])]) listener(message);
    if (message.type === "bye") this._gotBye(message.code);
  }

  /** @param {string} code */
  _gotBye(code) {
    if (this.state.phase !== "open" || !RETURN_AFTER.includes(code)) this.close(code);
  }

  /** @param {Welcome} welcome */
  _gotWelcome(welcome) {
    this.welcome = welcome;
    this._tries = 0;
    this._refusal = null;
    clearInterval(this._beat);
    this._beat = setInterval(() => this._heartbeat(), welcome.heartbeat_s * 1000);
    this._setState({ phase: "open", reason: null, graceEndsAt: null });
  }

  _heartbeat() {
    const beat = this.welcome ? this.welcome.heartbeat_s : 5;
    if (performance.now() - this._heardAt > beat * SILENT_BEATS * 1000) {
      if (this._socket) this._giveUp(this._socket);
    } else {
      this.send({ type: "ping", sent_at: performance.now() });
    }
  }

  /** @param {WebSocket} socket */
  _giveUp(socket) {
    // close() on a dead path waits for the other side; the drop is handled now.
    this._gotClose(socket);
    socket.close();
  }

  /** @param {WebSocket} socket */
  _gotClose(socket) {
    if (socket !== this._socket) return;
    this._socket = null;
    clearInterval(this._beat);
    if (this._refusal) this.close(this._refusal);
    else if (this.welcome) this._dropped(this.welcome);
    else if (++this._tries >= FIRST_TRIES) this.close("unreachable");
    else this._later();
  }

  /** @param {Welcome} welcome */
  _dropped(welcome) {
    if (this.state.phase === "open") {
      const graceEndsAt = performance.now() + this._graceS(welcome) * 1000;
      this._setState({ phase: "dropped", reason: null, graceEndsAt });
    }
    const forever = Boolean(this._credentials().csrf);
    const { graceEndsAt } = this.state;
    if (!forever && graceEndsAt !== null && performance.now() > graceEndsAt) {
      this.close("grace_over");
    } else {
      this._tries += 1;
      this._later();
    }
  }

  _later() {
    const wait = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.max(0, this._tries - 1));
    // Jitter keeps a hall full of phones from returning in the same instant.
    this._retry = setTimeout(() => this._connect(), wait * (0.75 + Math.random() / 2));
  }

  _retryNow() {
    this.check();
    if (this._socket || (this.state.phase !== "dropped" && this.state.phase !== "connecting")) return;
    clearTimeout(this._retry);
    this._connect();
  }
}
