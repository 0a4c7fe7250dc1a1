"""A call machine that tests play on: what it wanted is kept, time moves by hand."""

from dataclasses import replace
from typing import TypeVar

import pytest

from contract import facts, wire
from contract.errors import TellerError, UserError
from contract.facts import Fact
from contract.ids import AccountId, CallId, CaseId, CheckId, EvidenceId, SeatId, TrackId
from contract.phases import (
    CallPhase,
    CheckVerdict,
    EvidenceKind,
    Outcome,
    Role,
    SeatMode,
    TrackKind,
    TrackSource,
)
from contract.ports import Party, SeatRoute
from signaling import effects as fx
from signaling.call import Call
from signaling.effects import Effect, Moment
from signaling.memory import Memory
from signaling.script import AbortReason, PlannedStep, ScriptPlan
from signaling.settings import CallLimits

CASE, CALL = CaseId("case-1"), CallId("call-1")
CUSTOMER = Party(SeatId("seat-c"), Role.CUSTOMER, "王小明")
AGENT = Party(SeatId("seat-a"), Role.AGENT, "Anna", AccountId("acct-anna"))
ANNA = AccountId("acct-anna")
BERT = AccountId("acct-bert")
SUE = AccountId("acct-sue")
GUEST = Party(SeatId("seat-g"), Role.GUEST, "Bert", BERT)
NEXT = Party(SeatId("seat-n"), Role.AGENT, "Bert", BERT)
SUPERVISOR = Party(SeatId("seat-s"), Role.SUPERVISOR, "Sue", SUE)
LIMITS = CallLimits(grace_s=20, connect_s=30, wrap_up_s=900, transfer_s=120)
PLAN = ScriptPlan(
    steps=(
        PlannedStep("consent", "同意", "Consent", "consent"),
        PlannedStep("card", "证件", "Card", "evidence_id_card"),
        PlannedStep("number", "号码", "Number", "id_number"),
        PlannedStep("still", "人像", "Still", "evidence_face_still"),
        PlannedStep("faces", "比对", "Faces", "face_match", waivable=True),
    ),
    abort_reasons=(
        AbortReason(wire.Choice("fraud", "欺诈", "Fraud"), Outcome.FAILED),
        AbortReason(wire.Choice("light", "光线", "Light"), Outcome.INCOMPLETE),
    ),
    tags=(wire.Choice("vip", "贵宾", "VIP"),),
    next_actions=(wire.Choice("call", "回电", "Call back"),),
)
FAIL = wire.Finish(Outcome.FAILED, "fraud", "")
PUT_OFF = wire.Finish(Outcome.INCOMPLETE, "light", "")
CARD, STILL = EvidenceId("ev-card"), EvidenceId("ev-still")
F = TypeVar("F", bound=Fact)
E = TypeVar("E", bound=Effect)


class Played:
    """A call with everything it ever wanted, and a time that moves."""

    def __init__(
        self,
        consent: frozenset[str] = frozenset({"recording", "biometrics"}),
        plan: ScriptPlan = PLAN,
        *,
        fresh_call: bool = False,
        memory: Memory | None = None,
    ) -> None:
        limits = replace(LIMITS, fresh_call=fresh_call)
        self.call = Call(CALL, CASE, CUSTOMER, consent, limits, plan, memory)
        self.time = Moment(1_000.0, 50.0)
        self.effects: list[Effect] = []
        self.tracks = 0
        self.settled = 0

    def take(self) -> tuple[Effect, ...]:
        new = self.call.take()
        self.effects.extend(new)
        return new

    def all(self, cls: type[E]) -> list[E]:
        self.take()
        return [effect for effect in self.effects if isinstance(effect, cls)]

    def facts(self, cls: type[F]) -> list[F]:
        return [effect.fact for effect in self.all(fx.Append) if isinstance(effect.fact, cls)]

    def sent(self, to: AccountId | None, cls: type[wire.Message]) -> list[wire.Message]:
        return [e.message for e in self.all(fx.Send) if e.to == to and isinstance(e.message, cls)]

    def after(self, seconds: float) -> Moment:
        self.time = Moment(self.time.at + seconds, self.time.mono + seconds)
        return self.time

    def note(self, fact: Fact) -> None:
        self.call.noted(fact, self.time)

    def queued(self) -> "Played":
        self.call.open()
        self.call.media_opened()
        return self

    def ringing(self) -> "Played":
        self.queued().call.rang(AGENT, self.time)
        return self

    def connecting(self) -> "Played":
        self.ringing().call.accepted(ANNA, self.time)
        return self

    def connect(self, *parties: Party) -> None:
        for party in parties or (CUSTOMER, AGENT):
            self.note(facts.MediaConnected(CALL, party.seat))

    def start(self, *parties: Party, record: bool = True) -> None:
        for party in parties or (CUSTOMER, AGENT):
            for kind, source in (
                (TrackKind.AUDIO, TrackSource.MICROPHONE),
                (TrackKind.VIDEO, TrackSource.CAMERA),
            ):
                self.tracks += 1
                track = TrackId(f"track-{self.tracks}")
                self.note(
                    facts.TrackStarted(CALL, track, party.seat, party.role, kind, source, "VP8", 90_000)
                )
                if record:
                    self.note(facts.RecordingStarted(CALL, track, party.role, kind))

    def active(self, *, record: bool = True) -> "Played":
        self.connecting().connect()
        self.start(record=record)
        return self

    def settle(self, error: TellerError | None = None) -> "Played":
        """Let media answer every arrangement that it was asked for."""
        while len(self.all(fx.Arrange)) > self.settled:
            self.settled += 1
            self.call.arranged(error, self.time)
        return self

    def three(self, *, private: bool = False) -> "Played":
        """Bring a second agent in, talking or private, and connected."""
        self.active().settle()
        self.got(AGENT, wire.Invite(private=private))
        self.call.rang(GUEST, self.time)
        self.call.accepted(BERT, self.time)
        self.connect(GUEST)
        return self.settle()

    def watched(self, mode: SeatMode = SeatMode.MONITOR) -> "Played":
        """Let a supervisor sit in."""
        self.active().settle().call.watch(SUPERVISOR, self.time)
        self.connect(SUPERVISOR)
        self.got(SUPERVISOR, wire.SetMode(mode))
        return self.settle()

    def route(self, who: Party) -> SeatRoute:
        """Return the newest route of this party."""
        return next(route for route in self.all(fx.Arrange)[-1].routes if route.seat == who.seat)

    def gets(self, who: Party) -> list[SeatId | None]:
        """Return whom this party's lines carry, as last asked for."""
        return [slot.seat if slot else None for slot in self.route(who).slots]

    def seen(self, by: Party) -> wire.CallState:
        """Return the call as this party was told last."""
        state = self.sent(by.account, wire.CallState)[-1]
        assert isinstance(state, wire.CallState)
        return state

    def got(self, who: Party, message: wire.Message) -> None:
        self.call.got(who.seat, message, self.time)

    def store(self, *pictures: EvidenceId) -> None:
        for evidence in pictures:
            kind = EvidenceKind.ID_CARD if evidence == CARD else EvidenceKind.FACE_STILL
            file = f"evidence/{evidence}.jpg"
            self.note(facts.EvidenceStored(evidence, kind, file, "image/jpeg", "", 1, 1, 1, 1.0, "phone"))

    def face(self, verdict: CheckVerdict) -> None:
        self.note(
            facts.FacesCompared(
                CheckId("c"), CARD, STILL, None, "base", "", "", 0.5, 0.6, 0.5, verdict, "", ANNA
            )
        )

    def number(self, verdict: CheckVerdict) -> None:
        self.note(facts.IdNumberChecked(CheckId("c"), "1", verdict, (), "", "", ANNA))

    def phase(self) -> CallPhase | None:
        return self.call.phase

    def phases(self) -> list[CallPhase]:
        return [fact.now for fact in self.facts(facts.CallAdvanced)]


def refusal(played: Played, who: Party, message: wire.Message) -> str:
    before = played.all(fx.Append)
    with pytest.raises(UserError) as caught:
        played.got(who, message)
    assert played.all(fx.Append) == before, "a refused message changed something"
    return caught.value.code


def names(played: Played, since: int = 0) -> list[str]:
    """Return the names of all facts but the first ``since``."""
    return [type(fact).__name__ for fact in played.facts(Fact)[since:]]
