"""Ports of the identity checks: documents, faces, living people, and sources outside the bank's walls.

Like all ports, see ``contract.ports``: awaited methods may be given a deadline and then leave nothing
half done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from contract.identity_facts import ModelUsed, PairScore, ReadField, Signal, StillQuality
from contract.ids import CallId, CaseId, CheckId, SeatId
from contract.phases import CheckVerdict, CodeChannel, DocumentKind, LivenessKind
from contract.ports import ImageFinding


@dataclass(frozen=True, slots=True)
class DocumentFinding:
    """What one picture of a document says; see ``contract.identity_facts.DocumentRead``.

    ``picture`` is the JPEG of the document seen from straight above, None when it was not found.
    """

    side: str
    kind: DocumentKind
    fields: tuple[ReadField, ...]
    findings: tuple[str, ...]
    advisory: tuple[Signal, ...]
    picture: bytes | None
    models: tuple[ModelUsed, ...]


@dataclass(frozen=True, slots=True)
class DocumentSide:
    """The newest reading of one side; what an agent put right has a confidence of 1.

    ``side`` and ``findings`` (what is wrong with the photo) as in ``contract.identity_facts.DocumentRead``.
    """

    side: str
    fields: tuple[ReadField, ...]
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """What an outside source was asked about, and what it holds of that person; empty: it does not say.

    See ``contract.identity_facts.ExternalAnswered``.
    """

    asked_name: str = ""
    asked_number: str = ""
    name: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class DocumentVerdict:
    """All sides of a document together; ``failures`` are machine words, empty when passed."""

    verdict: CheckVerdict
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TiltChange:
    """A place as in ``contract.worksheet_facts.TiltPlace``; ``picture`` counts the given ones from 0."""

    picture: int
    left: float
    top: float
    width: float
    height: float
    change: float


@dataclass(frozen=True, slots=True)
class TiltFinding:
    """What changes over pictures of a tilted document; see ``contract.worksheet_facts.TiltMeasured``."""

    places: tuple[TiltChange, ...]
    cards: int
    advisory: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class PortraitsFinding:
    """Portrait, stills and reference compared; see ``contract.identity_facts.PortraitsCompared``.

    ``portrait`` is the JPEG that was cut from the card, as small as it may be. ``stills`` is what each still
    is good for, in the order in which they were given.
    """

    pairs: tuple[PairScore, ...]
    frames: int
    quality: tuple[str, ...]
    threshold: float
    review_threshold: float
    operating_point: str
    models: tuple[ModelUsed, ...]
    verdict: CheckVerdict
    reason: str
    portrait: bytes | None
    portrait_image: ImageFinding | None
    stills: tuple[StillQuality, ...] = ()


class DocumentChecks(Protocol):
    """Pictures of documents and people to findings. Work runs off the event loop, behind a bound.

    All raise UserError when something is no picture, Busy when the bound is reached, ModelError when a
    model failed.
    """

    async def read_document(self, data: bytes, on: date) -> DocumentFinding:
        """Read one side of a document as of the day ``on``."""
        ...

    async def judge_document(
        self,
        sides: Sequence[DocumentSide],
        entered: Mapping[str, str],
        on: date,
        claims: Sequence[Claim] = (),
    ) -> DocumentVerdict:
        """Hold the fields of all sides against each other, the rules, what was ``entered`` and ``claims``.

        Fields have the names of ``kyc.card_fields``; ``entered`` may hold ``name`` and ``number``. Never
        PASSED when a field that the side needs was not read or hardly, or its photo has faults.
        """
        ...

    async def compare_portraits(
        self, card: bytes, stills: Sequence[bytes], reference: bytes | None, video: bytes | None = None
    ) -> PortraitsFinding:
        """Compare the card's portrait, the best of ``stills`` and the reference, each with each.

        In a call ``video`` is what :meth:`LiveChecks.seen` knows, and the stills are compared with it.
        """
        ...

    async def measure_tilt(self, pictures: Sequence[bytes]) -> TiltFinding:
        """Tell what changes over pictures of a document that is tilted, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class LivenessRun:
    """A liveness check to be run. ``former`` are the orders of gestures that this customer was ever asked."""

    case: CaseId
    call: CallId
    seat: SeatId
    check: CheckId
    kind: LivenessKind
    former: tuple[tuple[str, ...], ...] = ()
    elder: bool = False


class LiveChecks(Protocol):
    """Runs liveness checks on the pictures that the server receives, and looks on all through a call.

    What it does it journals: ``ChallengeDrawn``, ``ChallengeAsked``, ``ChallengeTried``, ``LightDrawn``,
    ``LightAsked``; each run ends with one of ``LivenessMeasured``, ``ChallengeEnded``, ``LightMeasured``,
    whatever comes, with verdict REVIEW when it could not be brought to its end. ``PersonWatched`` and
    ``SourceJudged`` come of themselves while a call is watched, ``SourceSummed`` when it is closed,
    ``PromptingNoticed`` when a question was judged.
    """

    async def watch(self, case: CaseId, call: CallId, seat: SeatId) -> None:
        """Look at the customer once a second from now on, until ``close``. Idempotent; never after it."""
        ...

    async def start(self, run: LivenessRun) -> None:
        """Begin ``run`` and return at once; gestures and light wait for ``ready``.

        Raises:
            Busy: a run of this call is not over.
            WrongPhase: ``call_ended``, the call was closed.
            ModelError: the pack has no models for it.
        """
        ...

    async def ready(self, call: CallId, check: CheckId, *, sound: bool = False) -> None:
        """The customer is ready; ``sound``: with the microphone on. Ignored for a run that is over."""
        ...

    async def light_shown(self, call: CallId, check: CheckId) -> None:
        """The first colour is on the screen, as the server just heard. Ignored for a run that is over."""
        ...

    async def stop(self, call: CallId, check: CheckId, reason: str) -> None:
        """End the run now; its last fact has this reason. Ignored for a run that is over."""
        ...

    def seen(self, call: CallId) -> bytes:
        """Return the template of whom the first good look at the customer showed, empty without one."""
        ...

    def question_put(self, call: CallId, check: CheckId) -> None:
        """The question ``check`` stands from now on; signs that somebody prompts are looked for.

        A call that is not watched is ignored.
        """
        ...

    def question_judged(self, call: CallId, check: CheckId) -> None:
        """It stands no more: ``PromptingNoticed`` follows if there were any. Ignored for another question."""
        ...

    def claims(self, call: CallId, claim: Mapping[str, str | int | float | bool]) -> None:
        """The page said this of its camera (the fields of ``contract.wire.CameraClaim``)."""
        ...

    async def close(self, call: CallId) -> None:
        """The call is over: end what runs, look no more. Idempotent; returns when its facts are written.

        What the models were asked before is part of the call, and waited for, two seconds at most.
        """
        ...


class FrameSampler(Protocol):
    """Hands on what customers' cameras and microphones send from where the media is.

    Called on the event loop; never waits.

    A call that nobody spoke of is not looked at.
    """

    def look_every(self, call: CallId, seconds: float) -> None:
        """Hand on a keyframe so often until ``calm``, in whichever track of the call."""
        ...

    def challenge(self, call: CallId, seconds: float) -> None:
        """For ``seconds`` hand on every frame, from the next keyframe on, and all sound."""
        ...

    def listen(self, call: CallId, seconds: float) -> None:
        """For ``seconds`` hand on the sound of the customer and of the agent who leads the call."""
        ...

    def calm(self, call: CallId) -> None:
        """Look and listen no more. Idempotent."""
        ...


class Messenger(Protocol):
    """Sends short texts to customers, outside the call."""

    async def send(self, channel: CodeChannel, to: str, text: str) -> None:
        """Hand ``text`` over for delivery.

        Raises:
            UserError: ``no_such_channel``, or the address is none.
            InternalError: the provider refused, or cannot be reached.
        """
        ...


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an outside source is asked about; what is not known is empty."""

    customer_ref: str
    name: str
    number: str
    phone: str = ""


@dataclass(frozen=True, slots=True)
class ExternalAnswer:
    """What it said: ``code`` is one of our words, ``raw`` the answer as it came.

    Codes: ``match``, ``mismatch``, ``not_found``, ``listed``, ``unclear``. ``matched`` are the elements
    that it confirmed; ``reference`` is a portrait of the subject as JPEG, where the source gives one.
    ``name`` and ``number`` are what it holds of the person asked about, where it gives them in full; a list
    that knows names alone gives none.
    """

    verdict: CheckVerdict
    code: str
    raw: bytes
    media_type: str
    matched: tuple[str, ...] = ()
    reference: bytes | None = None
    name: str = ""
    number: str = ""


class ExternalCheck(Protocol):
    """One outside source: a registry of citizens, a bound bank card, a list of sanctions."""

    async def ask(self, subject: Subject) -> ExternalAnswer:
        """Ask about ``subject``.

        Raises:
            UserError: ``subject_incomplete``: something that the source needs is not known.
            InternalError: the source cannot be reached or answers nonsense.
        """
        ...


@dataclass(frozen=True, slots=True)
class Contacts:
    """Where the bank reaches a customer; empty when it cannot."""

    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Transaction:
    """A movement on the customer's account; ``amount`` in fen, negative when money left."""

    day: date
    amount: int
    counterparty: str


class CoreBank(Protocol):
    """What the bank's own books know of a customer."""

    async def contacts(self, customer_ref: str) -> Contacts:
        """Return where to reach the customer; empty for an unknown one."""
        ...

    async def recent_transactions(self, customer_ref: str, limit: int) -> tuple[Transaction, ...]:
        """Return at most ``limit`` movements, the newest first; none for an unknown customer."""
        ...

    async def open_accounts(self, customer_ref: str) -> Mapping[str, int]:
        """Return how many accounts of class ``I``, ``II`` and ``III`` the customer has."""
        ...
