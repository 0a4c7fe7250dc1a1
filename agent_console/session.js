/**
 * The console's one hand on the outside: login, socket, camera and call. Turns requests of the page into
 * messages and messages into state; never touches the page.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { ConsoleState, Session } from "./state.js"
 */

import { Call } from "../web_kit/call.js";
import { Connection } from "../web_kit/connection.js";
import { CaptureError, openCapture } from "../web_kit/devices.js";
import { language } from "../web_kit/i18n.js";
import { request, RestError, setCsrf } from "../web_kit/rest.js";
import { received, START } from "./state.js";

// Asking /api/me without a session is answered 401, which browsers print as an error; this remembers
// that there was a login in this browser.
const LOGGED_IN_KEY = "teller-agent-session";
const MESSAGES = /** @type {const} */ (["welcome", "presence_set", "ring", "ring_over", "call_state", "fact", "error", "bye"]);
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
    await Promise.all([this.openCamera(), this.readCases()]);
  }

  async logOut() {
    this.connection?.close("logged_out");
    this.dropCall();
    this.closeCamera();
    try {
      await request("POST", "/api/logout");
    } finally {
      localStorage.removeItem(LOGGED_IN_KEY);
      this.store.update({ ...START, boot: "login" });
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
    if (message.type === "ring") {
      this.prepareCall(message.call);
    } else if (message.type === "welcome" && message.call) {
      this.prepareCall(message.call);
    } else if (message.type === "ring_over" && message.how !== "accepted") {
      this.dropCall();
    } else if (state.call?.phase === "ended" && was.call?.phase !== "ended") {
      this.dropCall();
    }
    if (was.call && !state.call) {
      void this.readCases();
    }
  }

  /** Offer while it rings, so that answering only opens the gate. @param {string} callId */
  prepareCall(callId) {
    if (!this.connection || this.call?.call === callId) {
      return;
    }
    this.dropCall();
    const { local } = this.store.get();
    const [microphone = null] = local?.getAudioTracks() ?? [];
    const [camera = null] = local?.getVideoTracks() ?? [];
    const call = new Call({ connection: this.connection, call: callId, local: { microphone, camera } });
    this.call = call;
    call.onChange(() => this.store.update({ stats: call.quality, media: call.link }));
    call.start();
    this.store.update({ remote: call.remote[0] ?? null, media: call.link });
  }

  dropCall() {
    this.call?.stop();
    this.call = null;
    this.store.update({ remote: null, stats: null, media: "closed" });
  }

  async openCamera() {
    this.closeCamera();
    this.store.update({ camera: "asking" });
    try {
      const local = await openCapture("user");
      this.store.update({ camera: "on", local });
      this.applyMutes();
      await this.sendTracks(local);
    } catch (error) {
      this.store.update({ camera: error instanceof CaptureError ? error.reason : "unknown" });
    }
  }

  /** @param {MediaStream} local */
  async sendTracks(local) {
    await this.call?.replaceTrack("microphone", local.getAudioTracks()[0] ?? null);
    await this.call?.replaceTrack("camera", local.getVideoTracks()[0] ?? null);
  }

  closeCamera() {
    const { local } = this.store.get();
    for (const track of local?.getTracks() ?? []) {
      track.stop();
    }
    this.store.update({ local: null });
  }

  /** @param {{micOn?: boolean, cameraOn?: boolean}} change */
  setMutes(change) {
    this.store.update(change);
    this.applyMutes();
  }

  applyMutes() {
    const { local, micOn, cameraOn } = this.store.get();
    for (const track of local?.getTracks() ?? []) {
      track.enabled = track.kind === "audio" ? micOn : cameraOn;
    }
  }

  /** @param {import("../web_kit/wire").ClientMessage} message */
  send(message) {
    if (!this.connection?.send(message)) {
      this.store.update(received(this.store.get(), { type: "error", code: "offline", text: "", about: message.type }, now()));
    }
  }

  async readCases() {
    try {
      const { session } = this.store.get();
      /** @type {{cases: any[]}} */
      const { cases } = await request("GET", `/api/cases?limit=${LOOKED_THROUGH}`);
      this.store.update({ cases: cases.filter((one) => one.agent === session?.account).slice(0, MY_CASES) });
    } catch {
      // The list is a convenience; the desk works without it and asks again after the next call.
    }
  }
}

/** @param {unknown} error */
function codeOf(error) {
  if (!(error instanceof RestError)) {
    throw error;
  }
  return error.code;
}
