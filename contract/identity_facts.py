"""Facts about who the customer is: documents, faces, liveness, questions, codes, outside sources.

Read them from here; ``contract.facts`` lists their tags. The facts of one ``check`` belong together.
``call`` is None where the customer was alone, in self-service. None of them is shown to customers: what
failed stays with the bank (NIST SP 800-63A, 3.2.1), and pages are led by messages of the wire.
"""

from dataclasses import dataclass, field

from contract.fact import LATER, Fact
from contract.ids import AccountId, CallId, CheckId, EvidenceId, SeatId
from contract.phases import (
    AccountClass,
    CheckVerdict,
    CodeChannel,
    DocumentKind,
    LivenessKind,
    PromptingWord,
    VoiceWord,
    WatchEvent,
)


@dataclass(frozen=True, slots=True)
class Signal:
    """An advisory sign: ``score`` 0 to 1, uncalibrated; ``reason`` is a machine word, empty at 0."""

    name: str
    score: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ModelUsed:
    """A model or program that a finding rests on."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ReadField:
    """A field of a document as it was read; ``confidence`` 0 to 1, uncalibrated."""

    name: str
    pii_value: str
    confidence: float


@dataclass(frozen=True, slots=True)
class PairScore:
    """Two of ``card``, ``still``, ``reference`` and ``video`` compared; see :class:`PortraitsCompared`.

    ``score`` is None when no comparison was possible; ``reason`` then says why.
    """

    first: str
    second: str
    score: float | None
    verdict: CheckVerdict
    reason: str


@dataclass(frozen=True, slots=True)
class StillQuality:
    """How good a still is to compare by, as ``kyc.quality.FrameQuality`` has it, and how it was used.

    ``rank`` counts those that were compared from 1, the best; 0 was not. ``eye_distance`` in pixels, ``yaw``
    and ``pitch`` in degrees, None where they are not known. ``score`` is its own likeness to the card.
    """

    rank: int
    faults: tuple[str, ...]
    eye_distance: float
    yaw: float | None
    pitch: float | None
    sharpness: float
    brightness: float
    score: float | None


@dataclass(frozen=True, slots=True)
class StillJudged:
    """A live picture that was looked at for a comparison."""

    evidence: EvidenceId
    quality: StillQuality


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound of an account: ``amount`` in yuan, or a count where ``name`` says so."""

    name: str
    amount: int


@dataclass(frozen=True, slots=True)
class PersonWatched(Fact):
    """What continuous looking at a party found, ``at`` seconds UTC; ``score`` is the likeness, if any.

    The ``ended_`` events tell that it is over. Advice to the agent, within three seconds. ``models`` as in
    :class:`ChallengeEnded`.
    """

    call: CallId
    seat: SeatId
    event: WatchEvent
    at: float
    score: float | None
    models: tuple[ModelUsed, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceJudged(Fact):
    """Signs that a party's pictures come from no camera; ``score`` is the highest. Advisory, always."""

    call: CallId
    seat: SeatId
    signals: tuple[Signal, ...]
    score: float


@dataclass(frozen=True, slots=True)
class SourceSummed(Fact):
    """The signs about a party's source over the whole call, at its end: of each the highest that it had.

    ``score`` is their total as in :class:`SourceJudged`, ``pictures`` how many were looked at for signs. Not
    written for a call in which nothing was. Advisory, and no input of the decision.
    """

    call: CallId
    seat: SeatId
    signals: tuple[Signal, ...]
    score: float
    pictures: int


@dataclass(frozen=True, slots=True)
class DocumentRead(Fact):
    """One side of a document was read. ``picture`` is the card seen from straight above, if it was found.

    ``side`` is ``front``, ``back``, ``zone`` or ``unknown``; ``findings`` what is wrong with the photo.
    """

    call: CallId | None
    check: CheckId
    evidence: EvidenceId
    picture: EvidenceId | None
    side: str
    kind: DocumentKind
    fields: tuple[ReadField, ...]
    findings: tuple[str, ...]
    models: tuple[ModelUsed, ...]


@dataclass(frozen=True, slots=True)
class FieldCorrected(Fact):
    """An agent overruled what was read. ``seat`` is the agent's."""

    call: CallId
    check: CheckId
    seat: SeatId
    field: str
    pii_before: str
    pii_after: str


@dataclass(frozen=True, slots=True)
class DocumentJudged(Fact):
    """All sides that were read, as corrected, against each other and the rules of such documents.

    ``failures`` are machine words, empty when passed; ``advisory`` are signs of a copy or a screen.
    """

    call: CallId | None
    check: CheckId
    verdict: CheckVerdict
    failures: tuple[str, ...]
    advisory: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class PortraitsCompared(Fact):
    """The card's portrait, ``frames`` live pictures and the reference, each with each.

    ``stills`` are all live pictures that were looked at, with those that were not good enough; ``still`` is
    the best of them. Empty in journals of before, which looked at that one alone.
    In a call the pair ``still`` and ``video`` tells whether the still shows whom the received video showed.
    ``quality`` are words about the pictures; ``operating_point`` says what ``threshold`` stands for: the
    rates of error, on how many comparisons they were measured, and their bounds.
    """

    call: CallId | None
    check: CheckId
    card: EvidenceId
    still: EvidenceId
    reference: EvidenceId | None
    portrait: EvidenceId | None
    pairs: tuple[PairScore, ...]
    frames: int
    quality: tuple[str, ...]
    threshold: float
    review_threshold: float
    operating_point: str
    models: tuple[ModelUsed, ...]
    verdict: CheckVerdict
    reason: str
    agent: AccountId | None
    stills: tuple[StillJudged, ...] = field(default=(), metadata=LATER)


@dataclass(frozen=True, slots=True)
class LivenessStarted(Fact):
    """A liveness check begins; ``attempt`` counts those of its kind in this case, from 1."""

    call: CallId
    check: CheckId
    kind: LivenessKind
    attempt: int
    elder: bool
    agent: AccountId


@dataclass(frozen=True, slots=True)
class LivenessMeasured(Fact):
    """Passive liveness over ``frames``: the scores' ``median`` (0 to 1) and ``spread``; ends its check."""

    call: CallId
    check: CheckId
    frames: int
    median: float
    spread: float
    threshold: float
    review_threshold: float
    verdict: CheckVerdict
    reason: str
    models: tuple[ModelUsed, ...]


@dataclass(frozen=True, slots=True)
class ChallengeDrawn(Fact):
    """What a try of a challenge will ask, drawn from ``random_hex`` as ``kyc.challenge.draw`` does.

    ``digits`` is empty unless they are to be read aloud. ``sound``: the customer's microphone was on, so
    that reading digits was among what could be drawn.
    """

    call: CallId
    check: CheckId
    attempt: int
    steps: tuple[str, ...]
    digits: str
    random_hex: str
    seconds_each: float
    tries: int
    sound: bool = False


@dataclass(frozen=True, slots=True)
class ChallengeAsked(Fact):
    """The customer is asked for the gesture ``step``, the ``index``-th (from 1) of ``of``."""

    call: CallId
    check: CheckId
    attempt: int
    step: str
    index: int
    of: int
    seconds: float
    digits: str


@dataclass(frozen=True, slots=True)
class SpokenScores:
    """What a reading aloud was judged by: a voice, a mouth, and how well one follows the other.

    ``voice_s`` seconds of voice in ``bursts`` (syllables, about); ``moved`` is how far the mouth went, as
    its height over its usual width; ``r`` the correlation (-1 to 1) at ``lag_s`` (above 0: the mouth is
    late).
    """

    voice_s: float
    bursts: int
    moved: float
    r: float
    lag_s: float


@dataclass(frozen=True, slots=True)
class ChallengeTried(Fact):
    """A step is over: ``seen``, or the ``reason`` why not, which ends the try.

    ``spoken`` is there when digits were to be read aloud and something could be heard.
    """

    call: CallId
    check: CheckId
    attempt: int
    step: str
    seen: bool
    reason: str
    spoken: SpokenScores | None = None


@dataclass(frozen=True, slots=True)
class ChallengeEnded(Fact):
    """A challenge is over; REVIEW means that the agent is to decide. Ends its check.

    ``models`` are those that judged; none when no model had a part in the end, and in journals of before.
    """

    call: CallId
    check: CheckId
    verdict: CheckVerdict
    reason: str
    models: tuple[ModelUsed, ...] = ()


@dataclass(frozen=True, slots=True)
class LightDrawn(Fact):
    """What the screen will show: ``symbols`` of R, G, B, C, M, Y, drawn from ``nonce_hex``."""

    call: CallId
    check: CheckId
    nonce_hex: str
    symbols: str
    seconds_each: float


@dataclass(frozen=True, slots=True)
class LightAsked(Fact):
    """The customer's page is told the next colours: ``symbols``, the first of them the ``index``-th (from 1).

    Each piece is told shortly before it is due, so that nobody knows the whole sequence ahead.
    """

    call: CallId
    check: CheckId
    index: int
    symbols: str


@dataclass(frozen=True, slots=True)
class LightMeasured(Fact):
    """What the face sent back, as in ``kyc.light_sequence.LightFinding``; ends its check.

    ``started_at``: seconds UTC when the server heard that the first colour is shown, None if it never did.
    ``models`` as in :class:`ChallengeEnded`.
    """

    call: CallId
    check: CheckId
    started_at: float | None
    r: float
    gain: float
    lag_s: float
    background_share: float
    frames: int
    verdict: CheckVerdict
    reason: str
    models: tuple[ModelUsed, ...] = ()


@dataclass(frozen=True, slots=True)
class ChallengeDecided(Fact):
    """An agent ended or overruled a liveness check; ``check`` is that check. A reason is demanded."""

    call: CallId
    check: CheckId
    verdict: CheckVerdict
    pii_reason: str
    agent: AccountId


@dataclass(frozen=True, slots=True)
class QuestionDrawn(Fact):
    """A question was drawn: ``candidates[int(random_hex, 16) % len(candidates)]`` is ``question``.

    ``candidates`` are those that this customer was not asked in this place of the order before.
    ``pii_expected`` is what the bank knows of the answer, for the agent's eyes; empty when nothing.
    """

    call: CallId
    check: CheckId
    question: str
    candidates: tuple[str, ...]
    random_hex: str
    pii_zh: str
    pii_en: str
    pii_expected: str


@dataclass(frozen=True, slots=True)
class QuestionJudged(Fact):
    """An agent judged the customer's answer."""

    call: CallId
    check: CheckId
    verdict: CheckVerdict
    pii_note: str
    agent: AccountId


@dataclass(frozen=True, slots=True)
class PromptingSign:
    """A sign that was over its ``limit``: ``value`` in seconds (slow answer, second face), as a share of
    looks (gaze) or a distance (voice).

    ``count`` is over what it was found: looks, or seconds of the second voice; 0 where it says nothing.
    """

    sign: PromptingWord
    value: float
    limit: float
    count: float = 0.0


@dataclass(frozen=True, slots=True)
class PromptingNoticed(Fact):
    """While the question ``check`` stood, from ``began_at`` to ``ended_at`` (seconds UTC), there were signs
    that somebody prompts.

    Advice to the agent, told once, after the verdict. ``models`` as in :class:`ChallengeEnded`.
    """

    call: CallId
    check: CheckId
    seat: SeatId
    began_at: float
    ended_at: float
    signs: tuple[PromptingSign, ...]
    voice: VoiceWord
    models: tuple[ModelUsed, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeSent(Fact):
    """A one-time code is on its way. ``expires_at`` in seconds UTC.

    ``code_hmac`` is HMAC-SHA-256 of the code under a key that no file holds: it binds the server to the
    code, and nobody finds the code from it, however few codes there are.
    """

    call: CallId | None
    check: CheckId
    channel: CodeChannel
    pii_to_masked: str
    expires_at: float
    attempts: int
    code_hmac: str


@dataclass(frozen=True, slots=True)
class CodeTried(Fact):
    """The customer entered a code; ``left`` attempts remain. What was entered is not kept."""

    call: CallId | None
    check: CheckId
    right: bool
    left: int


@dataclass(frozen=True, slots=True)
class ExternalAsked(Fact):
    """An outside source is asked about the customer: ``service`` as the configuration names it."""

    call: CallId | None
    check: CheckId
    service: str


@dataclass(frozen=True, slots=True)
class ExternalAnswered(Fact):
    """It answered: ``code`` is its word, made ours; ``evidence`` is the raw answer as it came.

    ``matched`` are the elements that it confirmed, of ``name``, ``number``, ``phone``, ``account``,
    ``account_class``. ``pii_asked_`` is what it was asked about; ``pii_name`` and ``pii_number`` are what it
    holds of that person, where it says so. Empty: not known, and so in journals of before.
    """

    call: CallId | None
    check: CheckId
    service: str
    verdict: CheckVerdict
    code: str
    raw_sha256: str
    evidence: EvidenceId | None
    matched: tuple[str, ...] = ()
    pii_asked_name: str = field(default="", metadata=LATER)
    pii_asked_number: str = field(default="", metadata=LATER)
    pii_name: str = field(default="", metadata=LATER)
    pii_number: str = field(default="", metadata=LATER)


@dataclass(frozen=True, slots=True)
class SelfCheckStarted(Fact):
    """The bank's own app began a face check without an agent; ``attempt`` counts from 1."""

    check: CheckId
    attempt: int
    return_to: str


@dataclass(frozen=True, slots=True)
class SelfChecked(Fact):
    """It is over; ``left`` attempts remain, and with none left an agent goes on.

    ``reason`` says what was in the way, empty when passed: ``portraits``, ``document``, ``timeout`` (models
    took too long), ``screening`` (a list speaks against the customer, or gave no answer), ``decision``.
    """

    check: CheckId
    verdict: CheckVerdict
    left: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ChecksLocked(Fact):
    """The customer has tried a kind of check as often as the policy allows, until ``until`` (seconds UTC).

    Told with the last try that is allowed, and in another case of the customer when it is refused there.
    """

    kind: str
    until: float


@dataclass(frozen=True, slots=True)
class AccountsCounted(Fact):
    """How many accounts of each class (``name``) the customer has at this bank, by its own books."""

    counts: tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class Decided(Fact):
    """What the evidence of the case comes to under its policy; see ``kyc.decision``.

    ``account_class`` is None unless an account may be opened. ``inputs_sha256`` is the hash of all that
    was looked at, so that the same inputs give the same decision again.
    """

    verdict: CheckVerdict
    account_class: AccountClass | None
    limits: tuple[Limit, ...]
    reasons: tuple[str, ...]
    policy: str
    policy_version: int
    inputs_sha256: str
