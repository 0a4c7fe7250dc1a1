/**
 * Where the device says that it is; only asked with consent. It never holds anything up.
 *
 * @import { Location } from "../web_kit/wire"
 */

const ANSWER_MAX_MS = 15000;
const AGE_MAX_MS = 60000;

export class Whereabouts {
  /**
   * @param {() => boolean} agreed
   * @param {(message: Location) => void} send
   */
  constructor(agreed, send) {
    this._agreed = agreed;
    this._send = send;
    this._timer = 0;
    this._back = () => {
      if (!document.hidden) this.tell();
    };
  }

  /** Tell it once, if the customer agreed. */
  tell() {
    if (!this._agreed() || !navigator.geolocation) return;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const { latitude, longitude, accuracy } = coords;
        this._send({ type: "location", latitude, longitude, accuracy_m: Math.round(accuracy) });
      },
      // Refused or unknown: the journal shows that none was told.
      () => undefined,
      { enableHighAccuracy: true, timeout: ANSWER_MAX_MS, maximumAge: AGE_MAX_MS },
    );
  }

  /**
   * The call has begun: tell it now, from time to time, and when the page was behind another one.
   *
   * @param {number} everyS
   */
  follow(everyS) {
    if (this._timer) return;
    this._timer = setInterval(() => this.tell(), everyS * 1000);
    document.addEventListener("visibilitychange", this._back);
    this.tell();
  }

  /** The line was lost in the call and is back: the phone may be elsewhere. */
  returned() {
    if (this._timer) this.tell();
  }

  stop() {
    clearInterval(this._timer);
    this._timer = 0;
    document.removeEventListener("visibilitychange", this._back);
  }
}
