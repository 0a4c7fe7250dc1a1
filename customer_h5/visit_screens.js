/** What is loaded once somebody means to call: the visit itself and the screens that show it. */

export { callScreen } from "./call_screen.js";
export { STRINGS } from "./call_strings.js";
export { checkScreen } from "./check_screen.js";
export { IDENTITY_STRINGS } from "./identity_strings.js";
export { queueScreen } from "./queue_screen.js";
export { Session } from "./session.js";
export { thanksScreen } from "./thanks.js";
