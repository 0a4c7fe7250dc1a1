"""What signaling has for identity checks beyond pictures and numbers; stand-ins for what a house has not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from contract.errors import NotFound, UserError
from contract.facts import Entry
from contract.identity_facts import Decided
from contract.identity_ports import (
    Claim,
    Contacts,
    CoreBank,
    DocumentChecks,
    DocumentFinding,
    DocumentSide,
    DocumentVerdict,
    ExternalCheck,
    LiveChecks,
    LivenessRun,
    Messenger,
    PortraitsFinding,
    TiltFinding,
    Transaction,
)
from contract.ids import CallId, CaseId, CheckId, SeatId
from contract.phases import CodeChannel

DecideCase = Callable[[Sequence[Entry]], Decided]
"""Decides a case from its journal; raises nothing."""


def _none() -> UserError:
    return UserError("this house has none of that", code="not_available")


class NoDocuments:
    """Reads and compares nothing."""

    async def read_document(self, data: bytes, on: date) -> DocumentFinding:
        """Raise UserError ``not_available``."""
        raise _none()

    async def judge_document(
        self,
        sides: Sequence[DocumentSide],
        entered: Mapping[str, str],
        on: date,
        claims: Sequence[Claim] = (),
    ) -> DocumentVerdict:
        """Raise UserError ``not_available``."""
        raise _none()

    async def compare_portraits(
        self, card: bytes, stills: Sequence[bytes], reference: bytes | None, video: bytes | None = None
    ) -> PortraitsFinding:
        """Raise UserError ``not_available``."""
        raise _none()

    async def measure_tilt(self, pictures: Sequence[bytes]) -> TiltFinding:
        """Raise UserError ``not_available``."""
        raise _none()


class NoLiveChecks:
    """Looks at nobody."""

    async def watch(self, case: CaseId, call: CallId, seat: SeatId) -> None:
        """Do nothing."""

    async def start(self, run: LivenessRun) -> None:
        """Raise UserError ``not_available``."""
        raise _none()

    async def ready(self, call: CallId, check: CheckId, *, sound: bool = False) -> None:
        """Do nothing."""

    async def light_shown(self, call: CallId, check: CheckId) -> None:
        """Do nothing."""

    async def stop(self, call: CallId, check: CheckId, reason: str) -> None:
        """Do nothing."""

    def seen(self, call: CallId) -> bytes:
        """Return nothing: nobody was seen."""
        return b""

    def question_put(self, call: CallId, check: CheckId) -> None:
        """Do nothing."""

    def question_judged(self, call: CallId, check: CheckId) -> None:
        """Do nothing."""

    def claims(self, call: CallId, claim: Mapping[str, str | int | float | bool]) -> None:
        """Do nothing."""

    async def close(self, call: CallId) -> None:
        """Do nothing."""


class NoMessenger:
    """Reaches nobody."""

    async def send(self, channel: CodeChannel, to: str, text: str) -> None:
        """Raise UserError ``no_such_channel``."""
        raise UserError("this house sends no texts", code="no_such_channel")


class NoBooks:
    """Knows no customer."""

    async def contacts(self, customer_ref: str) -> Contacts:
        """Return none."""
        return Contacts()

    async def recent_transactions(self, customer_ref: str, limit: int) -> tuple[Transaction, ...]:
        """Return none."""
        return ()

    async def open_accounts(self, customer_ref: str) -> Mapping[str, int]:
        """Raise NotFound: that there are none is not known."""
        raise NotFound("the bank's books are not connected", code="not_available")


@dataclass(frozen=True, slots=True)
class Equipment:
    """The ports of identity checks; without arguments, a house that has none of it.

    ``screening`` names those of ``external`` that are asked about every customer before it is decided.
    ``code_text`` is the text of a one-time code, by language; ``{code}`` stands in it.
    """

    documents: DocumentChecks = field(default_factory=NoDocuments)
    live: LiveChecks = field(default_factory=NoLiveChecks)
    messenger: Messenger = field(default_factory=NoMessenger)
    external: Mapping[str, ExternalCheck] = field(default_factory=dict)
    books: CoreBank = field(default_factory=NoBooks)
    decide: DecideCase | None = None
    screening: tuple[str, ...] = ()
    code_text: str = "【视频柜员】验证码 {code}，10 分钟内有效。工作人员不会向您索要。 Your code is {code}."
