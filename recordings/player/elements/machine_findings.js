/** What a machine noticed in the recording: `findings.json`, with the moments to jump to. */

import { h, mount } from "../../web_kit/dom.js";
import { clock, getLanguage, t, tCode } from "../../web_kit/i18n.js";
import { fileUrl } from "../../web_kit/record/evidence_zoom.js";
import { ask, define, PartElement } from "../../web_kit/record/part.js";

/** @typedef {import("../../web_kit/record/projection.js").CaseView} CaseView */
