/**
 * The customer's visit, from the tap to the goodbye: it talks to server, camera and peer connection, and
 * writes what happened into the state. It never touches the page.
 *
 * @import { Store } from "../web_kit/store.js"
 * @import { CallState, ClientMessage, Entry, QueuePosition, Welcome } from "../web_kit/wire"
 * @import { State, Ending } from "./state.js"
 */

import { Connection } from "../web_kit/connection.js";
import { language } from "../web_kit/i18n.js";
import { RestError } from "../web_kit/rest.js";
import { CLOSED_AS_ENDING, GOES_ON, OVER, callAfter, chatAfter } from "./call_state.js";
import { OwnCapture } from "./capture.js";
import { Check } from "./check.js";
import { chime } from "./chime.js";
import { Conversation } from "./conversation.js";
import { Devices } from "./devices.js";
import { Files } from "./files.js";
import { Identity } from "./identity.js";
import { Whereabouts } from "./location.js";
import { forgetSeat, linkTo, savedSeat, saveSeat, ticketOf } from "./seat.js";
import { Stills } from "./stills.js";
import { CONSENT_VERSION } from "./strings.js";

/** @typedef {{ code: string | null, ticket: string | null, seat: string | null }} Entrance */

// While waiting the server keeps the seat longer than during a call, and says itself when it is gone.
const WAITING_GRACE_S = 600;
// The customer reads that all is well before the screen changes.
const ALL_WELL_MS = 1200;

export class Session {
  /**
   * @param {Store<State>} store
   * @param {Entrance} entrance
   */
  constructor(store, entrance) {
    this._store = store;
    this._entrance = entrance;
    /** @type {Connection | null} */
    this._connection = null;
    /** @type {Check | null} */
    this._check = null;
    /** What the connection is wanted for: a call, a call-back, or the seat left behind. */
    this._purpose = /** @type {"call" | "callback" | "resume"} */ ("call");
    this._consented = false;
    this._upload = "";
    this._wish = { phone: "", wish: "" };
    this.capture = new OwnCapture(store, () => {
      this._conversation.gotCapture();
      this.identity.claim();
    });
    this.devices = new Devices(store, this.capture);
    this._conversation = new Conversation(store, this.capture);
    this.files = new Files(store, () => ({ caseId: store.get().caseId, token: this._upload }));
    this.stills = new Stills(store, this.capture, () => this._upload);
    this.identity = new Identity(store, this.capture, this.devices, (message) => this._send(message));
    this._whereabouts = new Whereabouts(() => store.get().locationConsent, (message) => void this._send(message));
  }

  // --- the door ---

  /** Open the door and give the consents; the devices come after them. Also the way to try again. */
  async start() {
    const resume = savedSeat(this._entrance);
    this._purpose = resume ? "resume" : "call";
    await this._enter(resume);
  }

  /** Return to the seat that this link had before the page was reloaded, if it is still there. */
  async resume() {
    if (savedSeat(this._entrance)) await this.start();
  }

  /**
   * Leave a number instead of waiting. Needs no camera and so no consent.
   *
   * @param {string} phone
   * @param {string} wish
   */
  async requestCallback(phone, wish) {
    this._wish = { phone, wish };
    this._store.update({ callbackPhone: phone, callbackSending: true });
    if (this._connection && this._connection.state.phase === "open") {
      this._sendCallback();
      return;
    }
    this._purpose = "callback";
    await this._enter(savedSeat(this._entrance));
  }

  /** @param {string | null} resume */
  async _enter(resume) {
    this._store.update({ screen: "starting", startingStep: resume ? "resume" : "connect", problem: null });
    if (this._connection) this._connection.close("done");
    try {
      this._connect(resume ? { resume } : { ticket: await ticketOf(this._entrance) });
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      this._fail(error.code, true);
    }
  }

  /** @param {import("../web_kit/connection.js").Credentials} credentials */
  _connect(credentials) {
    const graceS = (/** @type {Welcome} */ welcome) =>
      this._store.get().screen === "call" ? welcome.grace_s : WAITING_GRACE_S;
    const connection = new Connection({ credentials: () => credentials, language, graceS });
    this._connection = connection;
    connection.on("welcome", (welcome) => void this._gotWelcome(welcome));
    connection.on("queue_position", (place) => void this._gotPosition(place));
    connection.on("call_state", (state) => void this._gotCallState(state));
    connection.on("reoffer", () => this._store.update({ serviceLost: true }));
    this.stills.listen(connection);
    this.identity.listen(connection);
    connection.on("fact", ({ entry }) => this._gotFact(entry));
    connection.on("error", ({ code, about }) => this._gotError(code, about));
    connection.onState((state) => {
      this._store.update({ dropped: state.phase === "dropped", dropEndsAt: state.graceEndsAt });
      if (state.phase === "closed" && state.reason !== "done") this._gotClosed(state.reason || "internal");
    });
    connection.open();
  }

  /** @param {Welcome} welcome */
  async _gotWelcome(welcome) {
    const { bank, case: caseId, phase, opens_at: opensAt } = welcome;
    this._store.update({ bank, caseId, opensAt });
    this._upload = welcome.upload || "";
    if (welcome.resume) saveSeat(this._entrance, welcome.resume);
    if (OVER.includes(phase)) {
      // Whoever comes back too late: the call's own end, if there was a call, comes before the story,
      // and the story ends with what closes the visit.
    } else if (this._purpose === "callback") {
      this._sendCallback();
    } else if (welcome.call) {
      this._conversation.repeat();
      await this._conversation.ensure(this._connection, welcome.call);
    } else if (this._store.get().joining) {
      // The socket was lost over the wish to queue.
      this._send({ type: "join_queue" });
    } else if (phase !== "queued" && opensAt !== null) {
      this._store.update({ screen: "closed" });
    } else if (phase !== "queued" && this._purpose === "call" && !this._consented) {
      this._consent(welcome);
    } else if (phase !== "queued" && this._store.get().screen === "starting") {
      // The history tells whether the consents were given; without them they are asked for again.
      this._purpose = "call";
      this._store.update({ screen: "landing" });
    }
  }

  /** Give the consents once the door is open; the way on from a landing screen that came back. */
  consent() {
    const welcome = this._connection && this._connection.state.phase === "open" ? this._connection.welcome : null;
    if (welcome) this._consent(welcome);
    return welcome !== null;
  }

  /** @param {Welcome} welcome */
  _consent(welcome) {
    if (welcome.consent_version !== CONSENT_VERSION) {
      // What was shown is not what the server asks consent to.
      this._fail("protocol", false);
      return;
    }
    const { recordingConsent: recording, biometricsConsent: biometrics, locationConsent } = this._store.get();
    this._store.update({ screen: "starting", startingStep: "connect" });
    this._send({
      type: "consent", recording, biometrics, location: locationConsent, text_version: CONSENT_VERSION, language: language(),
    });
  }

  /**
   * @param {ClientMessage} message
   * @returns {boolean}
   */
  _send(message) {
    return Boolean(this._connection && this._connection.send(message));
  }

  _sendCallback() {
    this._send({ type: "request_callback", ...this._wish });
  }

  // --- the check and the queue ---

  /** Try camera, microphone and way; again when the customer says so. */
  async check() {
    if (!this._connection) return;
    if (this._check) this._check.stop();
    const check = new Check(this._store, this._connection, this.capture);
    this._check = check;
    this._store.update({ screen: "check", joining: false });
    this._whereabouts.tell();
    await check.run();
    // Who was cut off was good enough for a call a moment ago, and is not to find out that a tap is wanted.
    const { cutOff } = this._store.get();
    if (check !== this._check || !(cutOff ? check.isFit : check.isGood)) return;
    setTimeout(() => {
      if (check === this._check && (cutOff || !this._store.get().cameraOff)) this.join();
    }, ALL_WELL_MS);
  }

  /** @param {(level: number) => void} onLevel */
  onLevel(onLevel) {
    if (this._check) this._check.onLevel = onLevel;
  }

  /** Stand in the queue, with what was found. */
  join() {
    const check = this._check;
    if (!check || this._store.get().screen !== "check") return;
    check.report();
    check.stop();
    this._check = null;
    this._store.update({ joining: true });
    this._send({ type: "join_queue" });
  }

  /** @param {QueuePosition} place */
  async _gotPosition(place) {
    const { position, estimated_wait_s: waitS, agents_ready: agentsReady } = place;
    const { screen } = this._store.get();
    this._store.update({ position, waitS, agentsReady, joining: false });
    if (screen !== "callback") this._store.update({ screen: "queue" });
    await this._conversation.ensure(this._connection, place.call);
  }

  /** Stop waiting. */
  leave() {
    this._send({ type: "leave_queue" });
    forgetSeat();
    this._store.update({ screen: "left", canRestart: Boolean(this._entrance.code) });
    this._release();
  }

  // --- the call ---

  /** @param {CallState} state */
  async _gotCallState(state) {
    if (state.phase === "ended" && GOES_ON.includes(state.reason)) {
      // The case goes on: back to the check, and by itself into the queue.
      this._conversation.release();
      this.identity.release();
      this._whereabouts.stop();
      const cutOff = /** @type {State["cutOff"]} */ (state.reason);
      this._store.update({ cutOff, still: null, activeAt: null, peerEndsAt: null, heldAt: null });
      await this.check();
      return;
    }
    if (state.phase === "ended") {
      // The page's own clock, where the server no longer counts.
      this._end(state.reason || "other", state.active_s || this._talked());
      return;
    }
    if (state.phase === "connecting" && this._store.get().screen === "queue") chime();
    if (state.phase !== "ringing") this._store.update(callAfter(this._store.get(), state, performance.now()));
    this.identity.claim();
    await this._conversation.ensure(this._connection, state.call);
    const everyS = this._connection && this._connection.welcome ? this._connection.welcome.location_s : null;
    if (state.phase === "active" && everyS) this._whereabouts.follow(everyS);
  }

  /** @param {Entry} entry */
  _gotFact(entry) {
    const { name, fact } = entry;
    this._store.update(chatAfter(this._store.get(), entry));
    if (name === "ConsentGiven") {
      this._consented = true;
      this._store.update({
        recordingConsent: true,
        biometricsConsent: fact.subjects.includes("biometrics"),
        locationConsent: fact.subjects.includes("location"),
      });
      // The history begins anew with every connection.
      this._whereabouts.returned();
      const { screen } = this._store.get();
      if ((screen === "starting" || screen === "landing") && !this._isWaitingOrTalking()) void this.check();
    } else if (name === "CaseAdvanced" && fact.reason === "callback_requested") {
      this._gotCallback();
    } else if (name === "CaseAdvanced" && OVER.includes(fact.now) && this._connection) {
      // Whatever else was missed: nothing more will happen here. A service that was lost tells no other end.
      this._end(fact.reason === "server_lost" ? "server_lost" : "other", this._talked());
    }
  }

  _isWaitingOrTalking() {
    const welcome = this._connection && this._connection.welcome;
    return Boolean(welcome && (welcome.call || welcome.phase === "queued"));
  }

  _gotCallback() {
    forgetSeat();
    this._store.update({ screen: "called_back", callbackSending: false, canRestart: false });
    this._release();
  }

  /**
   * @param {string} code
   * @param {string | null} about
   */
  _gotError(code, about) {
    // Later refusals concern one request and leave the visit as it is; so does a second consent.
    const { screen } = this._store.get();
    if (about === "hang_up") {
      // Not yet a call for the server; leaving is the customer's right at any moment.
      this._end("customer_hung_up", 0);
    } else if (code === "desk_closed") {
      this._store.update({ screen: "closed", joining: false });
    } else if (about === "request_callback") {
      this._store.update({ callbackSending: false, problem: code });
    } else if (about === "join_queue" || (screen === "starting" && about !== "consent")) {
      this._fail(code, Boolean(this._entrance.code));
    }
  }

  /** @param {string} reason */
  _gotClosed(reason) {
    const { screen, startingStep } = this._store.get();
    forgetSeat();
    if (reason === "callback_noted") {
      this._gotCallback();
    } else if (startingStep === "resume" && screen === "starting") {
      // The old seat is gone; the link may still open a new one.
      this._release();
      this._store.update({ screen: "landing" });
    } else if (screen === "call") {
      this._end(CLOSED_AS_ENDING[reason] || "server_lost", this._talked());
    } else if (!["thanks", "left", "problem", "called_back"].includes(screen)) {
      this._fail(reason, Boolean(this._entrance.code) || reason === "unreachable");
    }
  }

  /**
   * @param {string} code
   * @param {boolean} canRestart
   */
  _fail(code, canRestart) {
    this._store.update({ screen: "problem", problem: code, canRestart, callbackSending: false });
    this._release();
  }

  _talked() {
    const { activeAt } = this._store.get();
    return activeAt === null ? 0 : (performance.now() - activeAt) / 1000;
  }

  /**
   * @param {string} reason
   * @param {number} seconds
   */
  _end(reason, seconds) {
    /** @type {Ending} */
    const ending = { reason, seconds, at: Date.now() / 1000 };
    forgetSeat();
    this._store.update({ screen: "thanks", ending, still: null, canRestart: Boolean(this._entrance.code) });
    this._release();
  }

  /** Let go of call, socket and devices. */
  _release() {
    if (this._check) this._check.stop();
    this._check = null;
    this._conversation.release();
    this.identity.release();
    this._whereabouts.stop();
    if (this._connection) this._connection.close("done");
    this._connection = null;
    this._consented = false;
    this.files.release();
    this.capture.release();
    this._store.update({ position: null, findings: null, cutOff: "", dropped: false, dropEndsAt: null });
  }

  /** End the call; the server's `call_state` closes the screen. */
  hangUp() {
    if (!this._send({ type: "hang_up" })) this._end("customer_hung_up", 0);
  }

  /**
   * @param {string} text
   * @returns {boolean} Whether it was sent; the line appears when the journal has it.
   */
  say(text) {
    return this._send({ type: "chat", text });
  }

  /** The right of this seat to send pictures, files and a rating; outlives the call. */
  get uploadToken() {
    return this._upload;
  }

  /** The link of this page that still works elsewhere: with the seat, once the ticket is used. */
  linkElsewhere() {
    return linkTo(this._connection && this._connection.welcome ? this._connection.welcome.resume : null);
  }
}
