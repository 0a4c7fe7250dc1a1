/** Which facts of the identity checks are told how: their groups, tones, and the headings of their machine words. */

/** @type {Readonly<Record<string, string>>} */
export const GROUPS = {
  PersonWatched: "people", SourceJudged: "check", SourceSummed: "check", DocumentRead: "check", FieldCorrected: "check", DocumentJudged: "check",
  PortraitsCompared: "check", LivenessStarted: "check", LivenessMeasured: "check", ChallengeDrawn: "check",
  ChallengeAsked: "check", ChallengeTried: "check", ChallengeEnded: "check", LightDrawn: "check", LightAsked: "check",
  LightMeasured: "check",
  ChallengeDecided: "check", QuestionDrawn: "check", QuestionJudged: "check", PromptingNoticed: "check", CodeSent: "check", CodeTried: "check",
  ExternalAsked: "check", ExternalAnswered: "check", SelfCheckStarted: "check", SelfChecked: "check",
  TiltRequested: "check", TiltEnded: "check", TiltMeasured: "check", FeatureTicked: "check",
  ChecksLocked: "case", AccountsCounted: "case", Decided: "decision",
}; // prettier-ignore

/** @type {Readonly<Record<string, "warn">>} */
export const TONES = { FieldCorrected: "warn", ChecksLocked: "warn", PromptingNoticed: "warn" };

const JUDGED = [
  "DocumentJudged", "PortraitsCompared", "LivenessMeasured", "ChallengeEnded", "LightMeasured", "ChallengeDecided",
  "ExternalAnswered", "SelfChecked", "Decided",
]; // prettier-ignore

/** @type {Readonly<Record<string, string>>} */
export const HEADINGS = {
  ...Object.fromEntries(JUDGED.map((name) => [`${name}.verdict`, "check"])),
  "PersonWatched.event": "watch", "DocumentRead.side": "document_side", "DocumentRead.kind": "document_kind",
  "FieldCorrected.field": "field", "LivenessStarted.kind": "liveness", "ChallengeAsked.step": "gesture",
  "ChallengeTried.step": "gesture", "QuestionJudged.verdict": "answered", "CodeSent.channel": "channel",
  "ExternalAsked.service": "external", "ExternalAnswered.service": "external", "ExternalAnswered.code": "external_code",
  "ChecksLocked.kind": "identity_check", "TiltRequested.document": "evidence", "FeatureTicked.document": "evidence",
  "FeatureTicked.category": "feature_category", "FeatureTicked.seen": "feature_seen",
}; // prettier-ignore

/** @type {Readonly<Record<string, string>>} */
export const REASONS = {
  PortraitsCompared: "face_reason", LivenessMeasured: "live_reason", ChallengeTried: "live_reason",
  ChallengeEnded: "live_reason", LightMeasured: "live_reason", SelfChecked: "self_reason",
  TiltEnded: "tilt_end",
}; // prettier-ignore
