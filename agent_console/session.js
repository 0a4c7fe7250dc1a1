/**
 * The console's one hand on the outside: login, socket, call and REST. Turns requests of the page into
 * messages and messages into state; never touches the page.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { ConsoleState, Session } from "./state.js"
 */

import { Call } from "../web_kit/call.js";
import { Connection } from "../web_kit/connection.js";
import { language } from "../web_kit/i18n.js";
import { request, RestError, setCsrf } from "../web_kit/rest.js";
import { FileSender } from "./files.js";
import { LocalMedia } from "./local_media.js";
import { received, START } from "./state.js";

// Asking /api/me without a session is answered 401, which browsers print as an error; this remembers
// that there was a login in this browser.
const LOGGED_IN_KEY = "teller-agent-session";
const MESSAGES = /** @type {const} */ (["welcome", "presence_set", "ring", "ring_over", "call_state", "script", "colleagues", "wallboard", "fact", "error", "bye"]);
const MY_CASES = 12;
// The list is the whole bank's, newest first; enough of it to find an agent's last dozen on a busy day.
const LOOKED_THROUGH = 200;

export const now = () => performance.now() / 1000;

export class ConsoleSession {
  /** @param {Store<ConsoleState>} store */
  constructor(store) {
    this.store = store;
    /** @type {Connection | null} */
    this.connection = null;
    /** @type {Call | null} */
    this.call = null;
    this.files = new FileSender(store);
    this.own = new LocalMedia(store, {
      call: () => this.call,
      send: (message) => this.connection?.send(message) ?? false,
      fail: (code) => this.fail(code, null),
    });
  }

  /** Take up a session that a cookie still holds, or show the login. */
  async boot() {
    if (!localStorage.getItem(LOGGED_IN_KEY)) {
      this.store.update({ boot: "login" });
      return;
    }
    try {
      await this.enter(await request("GET", "/api/me"));
    } catch {
      localStorage.removeItem(LOGGED_IN_KEY);
      this.store.update({ boot: "login" });
    }
  }

  /** @param {{login: string, password: string}} credentials */
  async logIn(credentials) {
    this.store.update({ loginBusy: true, loginError: null });
    try {
      await this.enter(await request("POST", "/api/login", credentials));
    } catch (error) {
      this.store.update({ loginBusy: false, loginError: codeOf(error) });
    }
  }

  /** @param {Session} session */
  async enter(session) {
    setCsrf(session.csrf);
    localStorage.setItem(LOGGED_IN_KEY, "1");
    this.store.update({ session, boot: "desk", loginBusy: false, loginError: null });
    this.connect(session.csrf);
    // Who only watches a room is not to be seen in it: a supervisor's camera opens when he asks for it.
    const camera = session.role === "supervisor" ? null : this.own.openCamera();
    await Promise.all([camera, this.readCases(), this.readCallbacks()]);
  }

  async logOut() {
    this.connection?.close("logged_out");
    this.dropCall();
    this.own.closeCamera();
    try {
      await request("POST", "/api/logout");
    } finally {
      localStorage.removeItem(LOGGED_IN_KEY);
      const { bellOff, keysOff, arrangement, wide } = this.store.get();
      this.store.update({ ...START, bellOff, keysOff, arrangement, wide, boot: "login" });
    }
  }

  /** @param {string} csrf */
  connect(csrf) {
    const connection = new Connection({ credentials: () => ({ csrf }), language });
    this.connection = connection;
    for (const tag of MESSAGES) {
      connection.on(tag, (message) => this.got(message));
    }
    connection.onState(({ phase, reason }) => this.store.update({ link: phase, linkReason: reason }));
    connection.open();
  }

  /** Connect again after the server closed the socket for good. */
  reconnect() {
    const { session, link } = this.store.get();
    if (session && link === "closed") {
      this.connect(session.csrf);
    }
  }

  /** @param {any} message */
  got(message) {
    const was = this.store.get();
    this.store.update(received(was, message, now()));
    const state = this.store.get();
    if (message.type === "ring" || (message.type === "welcome" && message.call)) {
      this.prepareCall(message.call);
    } else if (message.type === "ring_over" && message.how !== "accepted" && this.call?.call === message.call) {
      this.dropCall();
    } else if (was.call && !isGone(was.call) && (!state.call || isGone(state.call))) {
      this.dropCall();
    }
    if (message.type === "call_state" || message.type === "welcome") {
      this.own.tell();
    }
    if (was.call && !state.call) {
      void this.readCases();
    }
    if (message.type === "presence_set" && message.presence !== was.doing.presence) {
      void this.readCallbacks();
    }
  }

  /** Offer while it rings, so that answering only opens the gate. @param {string} callId */
  prepareCall(callId) {
    if (!this.connection || this.call?.call === callId) {
      return;
    }
    this.dropCall();
    const call = new Call({ connection: this.connection, call: callId, local: this.own.tracks() });
    this.call = call;
    call.onChange(() => this.store.update({ stats: call.quality, media: call.link }));
    call.start();
    this.store.update({ streams: call.remote, screen: call.screen, media: call.link });
  }

  dropCall() {
    void this.own.stopShare();
    this.call?.stop();
    this.call = null;
    this.store.update({ streams: START.streams, screen: null, stats: null, media: "closed" });
  }

  /** @param {import("../web_kit/wire").ClientMessage} message */
  send(message) {
    if (!this.connection?.send(message)) {
      this.fail("offline", message.type);
    }
  }

  /** Say what went wrong, as the server would. @param {string} code @param {string | null} about */
  fail(code, about) {
    this.store.update(received(this.store.get(), { type: "error", code, text: "", about }, now()));
  }

  async readCases() {
    try {
      const { session } = this.store.get();
      /** @type {{cases: any[]}} */
      const { cases } = await request("POST", "/api/cases/search", { limit: LOOKED_THROUGH });
      this.store.update({ cases: cases.filter((one) => one.agent === session?.account).slice(0, MY_CASES) });
    } catch {
      // The list is a convenience; the desk works without it and asks again after the next call.
    }
  }

  async readCallbacks() {
    try {
      /** @type {{callbacks: any[]}} */
      const { callbacks } = await request("GET", "/api/callbacks");
      this.store.update({ callbacks });
    } catch {
      // As with the cases: asked again whenever the agent's presence changes.
    }
  }

  /** Open a case and show the customer's link. @param {string} path @param {object} [asked] */
  async makeCase(path, asked = {}) {
    this.store.update({ made: null });
    try {
      this.store.update({ made: await request("POST", path, asked) });
    } catch (error) {
      this.fail(codeOf(error), "cases");
    }
    await this.readCallbacks();
  }
}

/** Tell whether a call goes on without this page. @param {import("./state.js").CallNow | null} call */
const isGone = (call) => call?.phase === "ended" || call?.left === true;

/** @param {unknown} error */
function codeOf(error) {
  if (!(error instanceof RestError)) {
    throw error;
  }
  return error.code;
}
