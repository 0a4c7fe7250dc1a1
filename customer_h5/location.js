/**
 * Where the device says that it is; only asked with consent. It never holds anything up.
 *
 * @import { Location } from "../web_kit/wire"
 */

const ANSWER_MAX_MS = 15000;
const AGE_MAX_MS = 60000;

/** @param {(message: Location) => void} send */
export function tellLocation(send) {
  if (!navigator.geolocation) return;
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      const { latitude, longitude, accuracy } = coords;
      send({ type: "location", latitude, longitude, accuracy_m: Math.round(accuracy) });
    },
    // Refused or unknown: the journal shows that none was told.
    () => undefined,
    { enableHighAccuracy: true, timeout: ANSWER_MAX_MS, maximumAge: AGE_MAX_MS },
  );
}
