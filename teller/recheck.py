"""Would a case pass today? Its evidence scored anew, its decision taken again. Nothing is written.

What is no longer anywhere, or was never kept, is said so and counted with its result of then.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final

from contract.errors import TellerError
from contract.fact import Fact
from contract.facts import Entry, FacesCompared, IdNumberChecked
from contract.identity_facts import (
    ChallengeEnded,
    Decided,
    DocumentJudged,
    DocumentRead,
    LightMeasured,
    LivenessMeasured,
    ModelUsed,
    PairScore,
    PortraitsCompared,
    SelfCheckStarted,
    Signal,
    SpokenScores,
)
from contract.identity_ports import DocumentChecks, DocumentSide
from contract.ids import CheckId, EvidenceId
from contract.phases import CheckVerdict, severity
from contract.ports import IdentityChecks
from kyc.card_fields import Side
from kyc.decision import DecisionRules, decide
from kyc.voice import IN_STEP_R
from signaling.identity_journal import known
from teller.documents import CONFIDENT, NEEDED
from teller.regesture import FRAMES_MAY_DIFFER, Regestured
from teller.relight import Relit
from teller.relook import Relooked

Read = Callable[[EvidenceId], Awaitable[bytes]]
Relight = Callable[[Sequence[Fact], LightMeasured], Awaitable[Relit]]
Relook = Callable[[Sequence[Entry], LivenessMeasured], Awaitable[Relooked]]
Regesture = Callable[[Sequence[Entry], ChallengeEnded], Awaitable[Regestured]]

# What says that somebody altered the record, as opposed to what is gone or could not be done.
ALTERED: Final = frozenset({"altered", "evidence_altered", "archive_altered", "no_nonce", "other_colours"})
# Another processor adds in another order; one model differs from itself by less than this.
_SCORE_OFF_MAX = 1e-3
# Scored from the very same pixels as then; of a track other frames are looked at.
_EXACT = frozenset({"faces", "portraits"})


class Outlook(StrEnum):
    """What a check would come to today."""

    STILL_PASSES = "would_still_pass"
    NOW_PASSES = "would_now_pass"
    STILL_IN_DOUBT = "would_still_be_in_doubt"
    NOW_IN_DOUBT = "would_now_be_in_doubt"
    STILL_FAILS = "would_still_fail"
    NOW_FAILS = "would_now_fail"
    OTHER_SCORE = "another_score_of_the_same_model"
    ADVICE = "advice"
    CANNOT = "cannot_be_rescored"
    ALTERED = "evidence_altered"


_OUTLOOKS: Final[Mapping[CheckVerdict, tuple[Outlook, Outlook]]] = {
    CheckVerdict.PASSED: (Outlook.STILL_PASSES, Outlook.NOW_PASSES),
    CheckVerdict.REVIEW: (Outlook.STILL_IN_DOUBT, Outlook.NOW_IN_DOUBT),
    CheckVerdict.FAILED: (Outlook.STILL_FAILS, Outlook.NOW_FAILS),
}


@dataclass(frozen=True, slots=True)
class Score:
    """What a check came to. ``model`` holds the SHA-256 of each model, spaces between; None: there is none.

    ``verdict`` is None for what only advises. ``words`` say what was wrong, or what was seen of a gesture.
    """

    verdict: CheckVerdict | None
    score: float | None = None
    threshold: float | None = None
    model: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rescored:
    """One check, then and now. ``why`` says what kept it from being made again, else empty.

    ``kind`` is ``id_number``, ``faces``, ``portraits``, ``document``, a sign of a copy, ``passive``,
    ``light``, ``gestures``, or one gesture of those. The score of a document is the least confidence of its
    fields, that of digits read aloud how well the mouth follows the voice.
    """

    check: CheckId
    kind: str
    then: Score
    now: Score
    why: str = ""

    @property
    def same(self) -> bool:
        """True unless the verdict is another, the evidence was altered, or one model scores otherwise."""
        return self.outlook is not Outlook.OTHER_SCORE and (
            self.then.verdict is self.now.verdict and self.why not in ALTERED
        )

    @property
    def outlook(self) -> Outlook:
        """What the check would come to today."""
        if self.why:
            return Outlook.ALTERED if self.why in ALTERED else Outlook.CANNOT
        if self.now.verdict is None:
            return Outlook.ADVICE
        if self.then.verdict is not self.now.verdict:
            return _OUTLOOKS[self.now.verdict][1]
        one_model = self.kind in _EXACT and bool(self.then.model) and self.then.model == self.now.model
        if one_model and not _alike(self.then.score, self.now.score):
            return Outlook.OTHER_SCORE
        return _OUTLOOKS[self.now.verdict][0]


def _alike(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= _SCORE_OFF_MAX


@dataclass(frozen=True, slots=True)
class Recheck:
    """A case looked at again.

    ``problems``: what is wrong with the record as it lies there, empty when it is sound. ``reproduced``:
    the facts of then give the decision of then, to its hash; None when there was none, or the policy
    decides nothing. ``then`` and ``now`` are verdicts of the decision.
    """

    rescored: tuple[Rescored, ...]
    reproduced: bool | None
    then: CheckVerdict | None
    now: CheckVerdict | None
    reasons: tuple[str, ...]
    problems: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """True when nothing was altered, and the decision follows from its own facts."""
        altered = any(one.outlook is Outlook.ALTERED for one in self.rescored)
        return not (self.problems or altered or self.reproduced is False)

    @property
    def same(self) -> bool:
        """True when nothing turned out otherwise, and nothing was altered."""
        return self.sound and self.then is self.now and all(one.same for one in self.rescored)

    @property
    def passes_no_more(self) -> bool:
        """True when the decision was to pass and would not be, or, without one, a check's was."""
        passed = CheckVerdict.PASSED
        if self.then is not None:
            return self.then is passed and self.now is not passed
        return any(one.then.verdict is passed and one.now.verdict is not passed for one in self.rescored)


@dataclass(frozen=True, slots=True)
class Today:
    """The models of today, and where the evidence is. ``read`` raises NotFound, StorageError."""

    identity: IdentityChecks
    documents: DocumentChecks
    read: Read
    relight: Relight
    relook: Relook
    regesture: Regesture
    threshold: float | None = None
    liveness: tuple[ModelUsed, ...] = ()
    light: tuple[ModelUsed, ...] = ()
    gestures: tuple[ModelUsed, ...] = ()


async def recheck(entries: Sequence[Entry], today: Today, rules: DecisionRules | None) -> Recheck:
    """Score every check of a journal anew that can be, and decide on what comes of it.

    Days count as they were: a card that ran out since was good then.
    """
    again = _Again(entries, today)
    for entry in entries:
        await again.take(entry)
    facts = [entry.fact for entry in entries]
    then = next((fact for fact in reversed(facts) if isinstance(fact, Decided)), None)
    if then is None or rules is None:
        verdict = then.verdict if then else None
        return Recheck(tuple(again.rescored), None, verdict, verdict, ())
    now = decide((entry.fact for entry in again.entries), rules)
    reproduced = decide(_before(facts, then), rules) == then
    return Recheck(tuple(again.rescored), reproduced, then.verdict, now.verdict, now.reasons)


def _before(facts: Iterable[Fact], decided: Decided) -> Iterator[Fact]:
    """Yield what was there when it was decided."""
    for fact in facts:
        if fact is decided:
            return
        yield fact


class _Again:
    """Goes through a journal; ``entries`` are those of then with the facts as they were today."""

    def __init__(self, journal: Sequence[Entry], today: Today) -> None:
        self.rescored: list[Rescored] = []
        self.entries: list[Entry] = []
        self._journal = journal
        self._facts = [entry.fact for entry in journal]
        self._today = today
        self._signs: dict[CheckId, tuple[Signal, ...]] = {}
        self._unread: dict[str, str] = {}

    async def take(self, entry: Entry) -> None:
        """Score the check that ``entry`` tells of, if it is one."""
        self.entries.append(replace(entry, fact=await self._taken(entry)))

    async def _taken(self, entry: Entry) -> Fact:
        match entry.fact:
            case SelfCheckStarted() as fact:
                # A try stands for itself: readings before it are over.
                self._unread.clear()
                return fact
            case DocumentRead() as fact:
                return await self._read(fact, _day(entry))
            case DocumentJudged() as fact:
                return await self._judged(fact, entry)
            case FacesCompared() | PortraitsCompared() as fact:
                now, why = await self._compared(fact)
                then = _of_faces(fact) if isinstance(fact, FacesCompared) else _of_portraits(fact)
                kind = "faces" if isinstance(fact, FacesCompared) else "portraits"
                return replace(fact, verdict=self._note(fact.check, kind, then, now, why))
            case IdNumberChecked() as fact:
                number = await self._today.identity.check_id_number(fact.pii_number, _day(entry))
                then = Score(fact.verdict, words=fact.failures)
                now = Score(number.verdict, words=number.failures)
                return replace(fact, verdict=self._note(fact.check, "id_number", then, now))
            case LightMeasured() | LivenessMeasured() as fact:
                return await self._from_track(fact)
            case ChallengeEnded() as fact:
                return await self._gestured(fact)
            case _ as fact:
                return fact

    def _note(self, check: CheckId, kind: str, then: Score, now: Score | None, why: str = "") -> CheckVerdict:
        """Note a check; return what it comes to, which is what it was when it could not be made again."""
        now = now or Score(then.verdict)
        self.rescored.append(Rescored(check, kind, then, now, why))
        return now.verdict or then.verdict or CheckVerdict.REVIEW

    # --- documents ---

    async def _read(self, fact: DocumentRead, on: date) -> DocumentRead:
        try:
            found = await self._today.documents.read_document(await self._today.read(fact.evidence), on)
        except TellerError as error:
            self._unread[fact.side] = error.code
            return fact
        self._unread.pop(fact.side, None)
        self._signs[fact.check] = found.advisory
        return replace(
            fact, side=found.side, kind=found.kind, fields=found.fields, findings=found.findings,
            models=found.models,
        )  # fmt: skip

    async def _judged(self, fact: DocumentJudged, entry: Entry) -> DocumentJudged:
        was, about = known(_until(self._journal, entry)), known(self.entries)
        then = replace(self._reading(was.sides, self._journal), verdict=fact.verdict, words=fact.failures)
        why = next(iter(self._unread.values()), "")
        if why:
            self._note(fact.check, "document", then, None, why)
            return fact
        found = await self._today.documents.judge_document(
            about.sides, about.entered, _day(entry), about.claims
        )
        now = self._reading(about.sides, self.entries)
        now = replace(now, verdict=found.verdict, words=found.failures)
        self._note(fact.check, "document", then, now)
        self._note_signs(fact)
        return replace(fact, verdict=found.verdict, failures=found.failures)

    def _reading(self, sides: Sequence[DocumentSide], entries: Iterable[Entry]) -> Score:
        needed = (one for side in sides for one in side.fields if one.name in NEEDED[Side(side.side)])
        least = min((field.confidence for field in needed), default=None)
        read = [entry.fact for entry in entries if isinstance(entry.fact, DocumentRead)]
        return Score(None, least, CONFIDENT, _models(read[-1].models) if read else "")

    def _note_signs(self, fact: DocumentJudged) -> None:
        # Of a document that is judged again after a correction nothing was photographed anew.
        now = {sign.name: sign.score for sign in self._signs.pop(fact.check, ())}
        then = {sign.name: sign.score for sign in fact.advisory}
        for name in dict.fromkeys((*then, *now)):
            scores = Score(None, then.get(name, 0.0)), Score(None, now.get(name, 0.0))
            self.rescored.append(Rescored(fact.check, name, *scores))

    # --- faces ---

    async def _compared(self, fact: FacesCompared | PortraitsCompared) -> tuple[Score | None, str]:
        today = self._today
        try:
            card = await today.read(fact.card)
            if isinstance(fact, FacesCompared):
                found = await today.identity.match_faces(card, await today.read(fact.still))
                words = _words(found.reason)
                return Score(found.verdict, found.score, found.threshold, found.model_sha256, words), ""
            looked_at = [one.evidence for one in fact.stills] or [fact.still]
            stills = [await today.read(one) for one in looked_at]
            third = await today.read(fact.reference) if fact.reference else None
            compared = await today.documents.compare_portraits(card, stills, third)
        except TellerError as error:
            return None, error.code
        verdict = max(compared.verdict, _of_video(fact.pairs), key=severity)
        words = _words(compared.reason)
        models = _models(compared.models)
        return Score(verdict, _of_pairs(compared.pairs), compared.threshold, models, words), ""

    # --- liveness ---

    async def _from_track(self, fact: LightMeasured | LivenessMeasured) -> Fact:
        words = _words(fact.reason)
        if isinstance(fact, LightMeasured):
            lit = await self._today.relight(self._facts, fact)
            then = Score(fact.verdict, fact.r, None, _models(fact.models), words)
            now = Score(lit.verdict, lit.r, None, _models(self._today.light))
            return replace(fact, verdict=self._note(fact.check, "light", then, now, lit.why))
        seen = await self._today.relook(self._journal, fact)
        then = Score(fact.verdict, fact.median, fact.threshold, _models(fact.models), words)
        now = Score(seen.verdict, seen.median, self._today.threshold, _models(self._today.liveness))
        return replace(fact, verdict=self._note(fact.check, "passive", then, now, seen.why))

    async def _gestured(self, fact: ChallengeEnded) -> ChallengeEnded:
        found = await self._today.regesture(self._journal, fact)
        then = Score(fact.verdict, model=_models(fact.models), words=_words(fact.reason))
        words = _words(found.reason)
        if found.verdict is not fact.verdict:
            words = (*words, FRAMES_MAY_DIFFER)
        now = Score(found.verdict, model=_models(self._today.gestures), words=words)
        verdict = self._note(fact.check, "gestures", then, now, found.why)
        for step in found.steps:
            was, seen = _of_step(step.then, step.then_spoken), _of_step(step.now, step.now_spoken)
            self.rescored.append(Rescored(fact.check, step.step, was, seen))
        return replace(fact, verdict=verdict)


def _of_step(word: str, spoken: SpokenScores | None) -> Score:
    if spoken is None:
        return Score(None, words=_words(word))
    return Score(None, spoken.r, IN_STEP_R, words=_words(word))


def _words(word: str) -> tuple[str, ...]:
    return (word,) if word else ()


def _until(entries: Iterable[Entry], last: Entry) -> Iterator[Entry]:
    for entry in entries:
        yield entry
        if entry is last:
            return


def _day(entry: Entry) -> date:
    return datetime.fromtimestamp(entry.at, UTC).date()


def _of_faces(fact: FacesCompared) -> Score:
    return Score(fact.verdict, fact.score, fact.threshold, fact.model_sha256, _words(fact.reason))


def _of_portraits(fact: PortraitsCompared) -> Score:
    return Score(
        fact.verdict, _of_pairs(fact.pairs), fact.threshold, _models(fact.models), _words(fact.reason)
    )


def _models(used: Sequence[ModelUsed]) -> str:
    return " ".join(model.sha256 for model in used)


def _of_pairs(pairs: Sequence[PairScore]) -> float | None:
    return next((pair.score for pair in pairs if {pair.first, pair.second} == {"card", "still"}), None)


def _of_video(pairs: Sequence[PairScore]) -> CheckVerdict:
    """Return what the comparison with the video came to, which stands: no template of a face is kept."""
    verdicts = (pair.verdict for pair in pairs if pair.second == "video")
    return next(verdicts, CheckVerdict.PASSED)
