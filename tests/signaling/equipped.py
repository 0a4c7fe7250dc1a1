"""Ports of identity checks in memory, for a house that has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from contract.errors import UserError
from contract.facts import Entry
from contract.identity_facts import Decided, ModelUsed, PairScore, ReadField, Signal, StillQuality
from contract.identity_ports import (
    Claim,
    Contacts,
    DocumentFinding,
    DocumentSide,
    DocumentVerdict,
    ExternalAnswer,
    LivenessRun,
    PortraitsFinding,
    Subject,
    TiltChange,
    TiltFinding,
    Transaction,
)
from contract.ids import CallId, CaseId, CheckId, SeatId
from contract.phases import CheckVerdict, CodeChannel, DocumentKind
from contract.ports import ImageFinding
from signaling.equipment import Equipment


@dataclass
class FakeDocuments:
    """Reads a name from every picture, and finds the faces alike as it is told."""

    verdicts: list[CheckVerdict] = field(default_factory=list)
    videos: list[bytes | None] = field(default_factory=list)
    judged: list[tuple[list[dict[str, str]], dict[str, str]]] = field(default_factory=list)
    documents: list[CheckVerdict] = field(default_factory=list)
    models: tuple[ModelUsed, ...] = ()
    name: str = "王小明"
    claims: tuple[Claim, ...] = ()
    stills: list[tuple[bytes, ...]] = field(default_factory=list)
    tilted: list[tuple[bytes, ...]] = field(default_factory=list)

    async def read_document(self, data: bytes, on: date) -> DocumentFinding:
        fields = (ReadField("name", self.name, 0.9),)
        models = (ModelUsed("reader", "0" * 64),)
        return DocumentFinding("front", DocumentKind.CN_ID, fields, (), (), b"\xff\xd8 flat", models)

    async def judge_document(
        self,
        sides: Sequence[DocumentSide],
        entered: Mapping[str, str],
        on: date,
        claims: Sequence[Claim] = (),
    ) -> DocumentVerdict:
        self.claims = tuple(claims)
        read = [{one.name: one.pii_value for one in side.fields} for side in sides]
        self.judged.append((read, dict(entered)))
        verdict = self.documents.pop(0) if self.documents else CheckVerdict.PASSED
        return DocumentVerdict(verdict, () if verdict is CheckVerdict.PASSED else ("back_missing",))

    async def measure_tilt(self, pictures: Sequence[bytes]) -> TiltFinding:
        self.tilted.append(tuple(pictures))
        place = TiltChange(len(pictures) - 1, 0.5, 0.4, 0.125, 0.2, 18.0)
        return TiltFinding((place,), len(pictures), (Signal("matte", 0.2, "no_moving_light"),))

    async def compare_portraits(
        self, card: bytes, stills: Sequence[bytes], reference: bytes | None, video: bytes | None = None
    ) -> PortraitsFinding:
        verdict = self.verdicts.pop(0) if self.verdicts else CheckVerdict.PASSED
        self.videos.append(video)
        pair = PairScore("card", "still", 0.6, verdict, "")
        face = b"\xff\xd8 face"
        small = ImageFinding("image/jpeg", 96, 120, 80.0)
        self.stills.append(tuple(stills))
        # The last is the best, and the first of several no good.
        ranks = [len(stills) - place if place or len(stills) == 1 else 0 for place in range(len(stills))]
        looked = tuple(
            StillQuality(rank, () if rank else ("blurred",), 70.0, 5.0, None, 90.0, 120.0, 0.6)
            for rank in ranks
        )
        frames = sum(one.rank > 0 for one in looked)
        return PortraitsFinding(
            (pair,), frames, (), 0.48, 0.36, "", self.models, verdict, "", face, small, looked
        )


@dataclass
class FakeLive:
    """Notes what it is told."""

    told: list[tuple[str, str]] = field(default_factory=list)
    broken: bool = False

    async def watch(self, case: CaseId, call: CallId, seat: SeatId) -> None:
        self.told.append(("watch", call))

    async def start(self, run: LivenessRun) -> None:
        if self.broken:
            raise UserError("no models", code="not_available")
        self.told.append(("start", run.check))

    async def ready(self, call: CallId, check: CheckId, *, sound: bool = False) -> None:
        self.told.append(("ready, heard" if sound else "ready", check))

    async def light_shown(self, call: CallId, check: CheckId) -> None:
        self.told.append(("light_shown", check))

    async def stop(self, call: CallId, check: CheckId, reason: str) -> None:
        self.told.append((f"stop: {reason}", check))

    def seen(self, call: CallId) -> bytes:
        return f"template of {call}".encode()

    def question_put(self, call: CallId, check: CheckId) -> None:
        self.told.append(("question_put", check))

    def question_judged(self, call: CallId, check: CheckId) -> None:
        self.told.append(("question_judged", check))

    def claims(self, call: CallId, claim: Mapping[str, str | int | float | bool]) -> None:
        self.told.append(("claims", str(claim["label"])))

    async def close(self, call: CallId) -> None:
        self.told.append(("close", call))


@dataclass
class FakeMessenger:
    """Keeps the texts."""

    texts: list[tuple[CodeChannel, str, str]] = field(default_factory=list)

    async def send(self, channel: CodeChannel, to: str, text: str) -> None:
        self.texts.append((channel, to, text))


class FakeBooks:
    """Knows one customer, ``c-1``, by phone."""

    async def contacts(self, customer_ref: str) -> Contacts:
        return Contacts("13812345678") if customer_ref == "c-1" else Contacts()

    async def recent_transactions(self, customer_ref: str, limit: int) -> tuple[Transaction, ...]:
        return (Transaction(date(2026, 11, 3), -1_250, "超市"),) if customer_ref == "c-1" else ()

    async def open_accounts(self, customer_ref: str) -> Mapping[str, int]:
        return {"I": 1}


@dataclass
class FakeRegistry:
    """Agrees, and has a picture; it holds ``name``."""

    name: str = ""

    async def ask(self, subject: Subject) -> ExternalAnswer:
        passed, held = CheckVerdict.PASSED, self.name
        reference = b"\xff\xd8 ref"
        return ExternalAnswer(passed, "match", b"{}", "application/json", ("name",), reference, held)


@dataclass
class FakeList:
    """Knows names; ``asked`` are those it was asked about. ``broken``: it answers nobody."""

    names: frozenset[str] = frozenset()
    broken: bool = False
    asked: list[str] = field(default_factory=list)

    async def ask(self, subject: Subject) -> ExternalAnswer:
        self.asked.append(subject.name)
        if self.broken:
            raise UserError("no answer", code="subject_incomplete")
        verdict = CheckVerdict.FAILED if subject.name in self.names else CheckVerdict.PASSED
        return ExternalAnswer(verdict, verdict.value, b"{}", "application/json")


def _decided(entries: Sequence[Entry]) -> Decided:
    return Decided(CheckVerdict.REVIEW, None, (), ("agent_passed",), "test", 1, str(len(entries)))


def equipped(documents: FakeDocuments, live: FakeLive, messenger: FakeMessenger) -> Equipment:
    """Return a whole equipment."""
    registry = {"registry": FakeRegistry()}
    return Equipment(documents, live, messenger, registry, FakeBooks(), _decided)
