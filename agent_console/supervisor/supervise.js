/**
 * What a supervisor asks for, and his devices: they are open exactly as far as the server says that he takes
 * part. Who monitors has neither microphone nor camera open.
 *
 * @import { Store } from "../../web_kit/store.js"
 * @import { ConsoleState } from "../state.js"
 * @import { ConsoleSession } from "../session.js"
 */

import { CaptureError, openMicrophone } from "../../web_kit/devices.js";
import { EMPTY } from "../../web_kit/record/projection.js";
import { myself } from "../stage/windows.js";

/** @typedef {"none" | "sound" | "both"} Devices */

/** @type {Readonly<Record<string, Devices>>} */
const DEVICES = { monitor: "none", whisper: "sound", private: "both", talking: "both" };

/** Tell whether the supervisor is in a call now. @param {ConsoleState} state */
export function isWatching({ call }) {
  return call !== null && call.phase !== "ended" && !call.left;
}

class Supervision {
  /** @param {Store<ConsoleState>} store @param {ConsoleSession} session */
  constructor(store, session) {
    this.store = store;
    this.session = session;
    /** What is to be open, and what is. @type {Devices} */
    this.wanted = "none";
    /** @type {Devices} */
    this.opened = "none";
    this.opening = false;
  }

  /** Follow the server's word. @param {ConsoleState} state */
  follow(state) {
    if (state.session?.role !== "supervisor") {
      // Logging out closes the devices.
      this.wanted = this.opened = "none";
      return;
    }
    const inside = isWatching(state);
    if (inside && state.call && this.session.call?.call !== state.call.call) {
      this.session.prepareCall(state.call.call);
    }
    this.wanted = inside ? (DEVICES[myself(state)?.mode ?? "monitor"] ?? "none") : "none";
    if (!this.opening && this.wanted !== this.opened) {
      void this.openAsWanted();
    }
  }

  /** One change at a time: the server may change its word while a device is being opened. */
  async openAsWanted() {
    this.opening = true;
    while (this.opened !== this.wanted) {
      const next = this.wanted;
      await this.open(next);
      this.opened = next;
    }
    this.opening = false;
    this.session.own.tell();
  }

  /** @param {Devices} next */
  async open(next) {
    const { own, call } = this.session;
    if (next === "both") {
      this.store.update({ micOn: true, cameraOn: true });
      await own.openCamera();
      return;
    }
    own.closeCamera();
    this.store.update({ camera: "off" });
    await call?.replaceTrack("camera", null);
    await (next === "sound" ? this.openSound() : call?.replaceTrack("microphone", null));
  }

  async openSound() {
    try {
      const microphone = await openMicrophone();
      this.store.update({ local: new MediaStream([microphone]), micOn: true, cameraOn: false });
      await this.session.call?.replaceTrack("microphone", microphone);
    } catch (error) {
      this.store.update({ camera: error instanceof CaptureError ? error.reason : "unknown" });
    }
  }

  /** @param {string} call */
  watch(call) {
    this.store.update({ call: null, view: EMPTY, script: null, notice: null });
    this.session.send({ type: "watch", call });
  }

  leave() {
    const { call, link } = this.store.get();
    this.session.send({ type: "leave" });
    // A watcher may always go, and nobody answers that he went.
    if (call && link === "open") {
      this.session.dropCall();
      this.store.update({ call: { ...call, left: true }, view: EMPTY, script: null });
    }
  }
}

/**
 * Let a supervisor work: returns what the page may ask for, by event name.
 *
 * @param {Store<ConsoleState>} store @param {ConsoleSession} session
 * @returns {Readonly<Record<string, (detail: any) => unknown>>}
 */
export function supervise(store, session) {
  const supervision = new Supervision(store, session);
  store.subscribe((state) => supervision.follow(state));
  return {
    "watch-request": ({ call }) => supervision.watch(call),
    "watch-leave-request": () => supervision.leave(),
    "mode-request": ({ mode }) => session.send({ type: "set_mode", mode }),
    "take-over-request": () => session.send({ type: "take_over" }),
    "force-end-request": ({ call, reason }) => session.send({ type: "force_end", call, reason }),
    "move-up-request": ({ call }) => session.send({ type: "move_up", call }),
    "reassign-request": ({ call, agent }) => session.send({ type: "reassign", call, agent }),
  };
}
