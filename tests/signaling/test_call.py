"""The call machine, step by step, and under any sequence of inputs."""

from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import facts, wire
from contract.errors import Busy, NotFound, UserError, WrongPhase
from contract.facts import Fact
from contract.ids import AccountId, CallId, CaseId, CheckId, EvidenceId, SeatId, TrackId
from contract.phases import (
    CALL_TRANSITIONS,
    CASE_TRANSITIONS,
    CallEnd,
    CallPhase,
    CaseEnd,
    CasePhase,
    CheckVerdict,
    EvidenceKind,
    Outcome,
    RingEnd,
    Role,
    TrackKind,
    TrackSource,
)
from contract.ports import Party
from signaling import effects as fx
from signaling.call import Call, CallLimits
from signaling.effects import Effect, Moment

CASE, CALL = CaseId("case-1"), CallId("call-1")
CUSTOMER = Party(SeatId("seat-c"), Role.CUSTOMER, "王小明")
AGENT = Party(SeatId("seat-a"), Role.AGENT, "Anna", AccountId("acct-anna"))
ANNA = AccountId("acct-anna")
LIMITS = CallLimits(grace_s=20, connect_s=30, wrap_up_s=900)
CARD, STILL = EvidenceId("ev-card"), EvidenceId("ev-still")
F = TypeVar("F", bound=Fact)
E = TypeVar("E", bound=Effect)


class Played:
    """A call with everything it ever wanted, and a time that moves."""

    def __init__(self, consent: frozenset[str] = frozenset({"recording", "biometrics"})) -> None:
        self.call = Call(CALL, CASE, CUSTOMER, consent, LIMITS)
        self.time = Moment(1_000.0, 50.0)
        self.effects: list[Effect] = []
        self.tracks = 0

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
        self.ringing().call.accepted(self.time)
        return self

    def connect(self) -> None:
        for party in (CUSTOMER, AGENT):
            self.note(facts.MediaConnected(CALL, party.seat))

    def start(self, *, record: bool = True) -> None:
        for party in (CUSTOMER, AGENT):
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

    def got(self, role: Role, message: wire.Message) -> None:
        self.call.got(role, message, self.time)

    def store(self) -> None:
        for evidence, kind in ((CARD, EvidenceKind.ID_CARD), (STILL, EvidenceKind.FACE_STILL)):
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


def refusal(played: Played, role: Role, message: wire.Message) -> str:
    before = played.all(fx.Append)
    with pytest.raises(UserError) as caught:
        played.got(role, message)
    assert played.all(fx.Append) == before, "a refused message changed something"
    return caught.value.code


# --- the way to an active call ---


def test_the_queue_is_joined_when_media_is_prepared() -> None:
    """OpenMedia first; QUEUED only after it succeeded."""
    played = Played()
    played.call.open()
    assert played.all(fx.OpenMedia) == [fx.OpenMedia(CALL)]
    assert not played.call.waiting
    played.call.media_opened()
    assert played.call.waiting
    assert played.facts(facts.CaseAdvanced) == [facts.CaseAdvanced(CasePhase.PRE_CALL, CasePhase.QUEUED)]


def test_media_that_cannot_be_prepared_is_told_to_the_customer() -> None:
    """The call never was: no facts, an error on the phone."""
    played = Played()
    played.call.open()
    played.call.failed("media")
    assert played.call.closed
    assert played.call.reason is CallEnd.MEDIA_FAILED
    assert [m.code for m in played.sent(None, wire.Failed)] == ["media"]  # type: ignore[attr-defined]
    assert played.facts(Fact) == []


def test_media_prepared_too_late_queues_nobody() -> None:
    """The customer went away while media was being prepared."""
    played = Played()
    played.call.open()
    played.call.dropped(Role.CUSTOMER, played.time)
    played.call.tick(played.after(20))
    played.call.media_opened()
    assert [fact.now for fact in played.facts(facts.CaseAdvanced)] == [CasePhase.ABORTED]


def test_a_whole_call_walks_the_phases() -> None:
    """RINGING, CONNECTING, gate, ACTIVE, ENDED; each side joins; the merge is queued at the end."""
    played = Played().active()
    assert played.phases() == [CallPhase.RINGING, CallPhase.CONNECTING, CallPhase.ACTIVE]
    assert played.all(fx.OpenGate) == [fx.OpenGate(CALL)]
    assert [fact.seat for fact in played.facts(facts.PartyJoined)] == [CUSTOMER.seat, AGENT.seat]
    assert played.facts(facts.RingEnded)[0].how is RingEnd.ACCEPTED
    played.after(61)
    played.got(Role.AGENT, wire.Finish(Outcome.FAILED, "picture", "too dark"))
    decided = played.facts(facts.AgentDecided)[0]
    assert (decided.outcome, decided.reason, decided.pii_note) == (Outcome.FAILED, "picture", "too dark")
    assert played.facts(facts.CallEnded) == [facts.CallEnded(CALL, CallEnd.AGENT_HUNG_UP, 61)]
    assert played.all(fx.FreeAgent) == [fx.FreeAgent(ANNA, 61)]
    assert not played.all(fx.QueueMerge)
    played.call.wound_up()
    assert played.all(fx.QueueMerge) == [fx.QueueMerge()]
    assert played.call.closed
    assert played.call.case_phase is CasePhase.AGENT_DONE


def test_the_gate_waits_for_both_and_for_the_answer() -> None:
    """Connections that are up before the answer open nothing; one of two opens nothing."""
    played = Played().ringing()
    played.connect()
    assert not played.all(fx.OpenGate)
    played.call.accepted(played.time)
    assert len(played.all(fx.OpenGate)) == 1
    played.connect()
    assert len(played.all(fx.OpenGate)) == 1
    half = Played().connecting()
    half.note(facts.MediaConnected(CALL, CUSTOMER.seat))
    assert not half.all(fx.OpenGate)


def test_active_needs_all_four_tracks() -> None:
    """Three tracks leave the call CONNECTING."""
    played = Played().connecting()
    played.connect()
    for number, (role, source) in enumerate(
        ((Role.CUSTOMER, "microphone"), (Role.CUSTOMER, "camera"), (Role.AGENT, "microphone"))
    ):
        kind = TrackKind.AUDIO if source == "microphone" else TrackKind.VIDEO
        track = TrackId(f"track-{number}")
        played.note(facts.TrackStarted(CALL, track, CUSTOMER.seat, role, kind, TrackSource(source), "x", 1))
    assert played.phase() is CallPhase.CONNECTING


def test_nobody_is_rung_nobody_accepts() -> None:
    """An answer without a ring is refused."""
    played = Played().queued()
    with pytest.raises(WrongPhase):
        played.call.accepted(played.time)


def test_a_ring_that_ends_frees_the_seat() -> None:
    """The agent's prepared connection is dropped, the call keeps looking for another agent."""
    played = Played().ringing()
    played.call.ring_over(RingEnd.TIMED_OUT)
    assert played.all(fx.DropSeat) == [fx.DropSeat(CALL, AGENT.seat)]
    assert played.sent(ANNA, wire.RingOver) == [wire.RingOver(CALL, RingEnd.TIMED_OUT)]
    assert played.call.agent is None
    played.call.ring_over(RingEnd.TIMED_OUT)
    assert len(played.facts(facts.RingEnded)) == 1
    played.call.rang(AGENT, played.time)
    assert played.phases() == [CallPhase.RINGING]


def test_a_ring_over_does_nothing_to_a_seated_agent() -> None:
    """Only unanswered rings end."""
    played = Played().connecting()
    played.call.ring_over(RingEnd.TIMED_OUT)
    assert played.call.agent == AGENT


def test_the_other_side_is_named_after_the_answer() -> None:
    """While it rings the phone is told no name."""
    played = Played().ringing()
    state = played.call.state(Role.CUSTOMER, played.time)
    assert state is not None
    assert state.peer == ""
    played.call.accepted(played.time)
    for role, name in ((Role.CUSTOMER, "Anna"), (Role.AGENT, "王小明")):
        state = played.call.state(role, played.time)
        assert state is not None
        assert state.peer == name
    assert Played().queued().call.state(Role.CUSTOMER, played.time) is None


# --- offers, chat ---


def test_offers_are_answered_for_their_seat() -> None:
    """The customer while waiting, the agent while it rings; both with their party."""
    played = Played().queued()
    played.got(Role.CUSTOMER, wire.Offer(CALL, "c"))
    assert refusal(played, Role.AGENT, wire.Offer(CALL, "a")) == "wrong_phase"
    played.call.rang(AGENT, played.time)
    played.got(Role.AGENT, wire.Offer(CALL, "a"))
    assert played.all(fx.AnswerOffer) == [
        fx.AnswerOffer(CALL, CUSTOMER, "c"),
        fx.AnswerOffer(CALL, AGENT, "a"),
    ]
    with pytest.raises(NotFound):
        played.got(Role.CUSTOMER, wire.Offer(CallId("call-2"), "c"))


def test_an_offer_after_the_end_is_refused() -> None:
    """A connection for a call that is over is not prepared."""
    played = Played().active()
    played.got(Role.CUSTOMER, wire.HangUp())
    assert refusal(played, Role.CUSTOMER, wire.Offer(CALL, "c")) == "wrong_phase"


def test_chat_needs_a_conversation() -> None:
    """Lines are journaled with seat and role; in the queue there is nobody to read them."""
    played = Played().ringing()
    assert refusal(played, Role.CUSTOMER, wire.Chat("hello")) == "wrong_phase"
    played.call.accepted(played.time)
    played.got(Role.CUSTOMER, wire.Chat("hello"))
    played.got(Role.AGENT, wire.Chat("您好"))
    said = [(fact.seat, fact.role, fact.pii_text) for fact in played.facts(facts.ChatSaid)]
    assert said == [(CUSTOMER.seat, Role.CUSTOMER, "hello"), (AGENT.seat, Role.AGENT, "您好")]


# --- checks ---


def test_checks_are_locked_until_every_track_is_on_disk() -> None:
    """Three of four recorded tracks keep them locked; the fourth unlocks and is shown."""
    played = Played().active(record=False)
    assert not played.call.kyc_unlocked
    for message in (
        wire.RequestStill(EvidenceKind.ID_CARD),
        wire.CheckIdNumber("1"),
        wire.MatchFaces(CARD, STILL),
    ):
        assert refusal(played, Role.AGENT, message) == "kyc_locked"
    for track in range(1, 4):
        played.note(facts.RecordingStarted(CALL, TrackId(f"track-{track}"), Role.CUSTOMER, TrackKind.AUDIO))
        assert not played.call.kyc_unlocked
    played.note(facts.RecordingStarted(CALL, TrackId("track-4"), Role.AGENT, TrackKind.VIDEO))
    assert played.call.kyc_unlocked
    last = played.sent(None, wire.CallState)[-1]
    assert last.kyc_unlocked
    assert last.recording


def test_a_track_that_ends_locks_the_checks() -> None:
    """After a new connection the new tracks must be on disk first."""
    played = Played().active()
    played.note(facts.TrackEnded(CALL, TrackId("track-1"), 100))
    assert not played.call.kyc_unlocked
    played.note(facts.TrackEnded(CALL, TrackId("track-unknown"), 0))
    played.start()
    assert played.call.kyc_unlocked


def test_before_the_call_is_active_checks_are_out_of_phase() -> None:
    """Locked means: soon; out of phase means: not in this call."""
    played = Played().ringing()
    assert refusal(played, Role.AGENT, wire.CheckIdNumber("1")) == "wrong_phase"


def test_a_still_is_wanted_when_the_journal_says_so() -> None:
    """The request is a fact first; the phone is told when it is journaled."""
    played = Played().active()
    played.got(Role.AGENT, wire.RequestStill(EvidenceKind.ID_CARD))
    request = played.facts(facts.StillRequested)[0]
    assert not played.sent(None, wire.StillWanted)
    played.note(request)
    assert played.sent(None, wire.StillWanted) == [wire.StillWanted(request.request, EvidenceKind.ID_CARD)]
    assert played.call.checks.wanted() == ((request.request, EvidenceKind.ID_CARD),)


def test_no_phone_takes_a_portrait() -> None:
    """The portrait is cut from the card by the server."""
    played = Played().active()
    assert refusal(played, Role.AGENT, wire.RequestStill(EvidenceKind.ID_PORTRAIT)) == "wrong_phase"


def test_only_the_wanted_picture_of_this_seat_is_taken_once() -> None:
    """Another seat, an unknown request, a second upload and a stored picture are refused."""
    played = Played().active()
    call = played.call
    played.note(facts.StillRequested(CALL, CARD, EvidenceKind.ID_CARD))
    with pytest.raises(NotFound):
        call.claim_upload(AGENT.seat, CARD)
    with pytest.raises(NotFound):
        call.claim_upload(CUSTOMER.seat, STILL)
    assert call.claim_upload(CUSTOMER.seat, CARD) is EvidenceKind.ID_CARD
    with pytest.raises(WrongPhase):
        call.claim_upload(CUSTOMER.seat, CARD)
    call.checks.release_upload(CARD)
    call.claim_upload(CUSTOMER.seat, CARD)
    call.checks.release_upload(CARD)
    played.store()
    with pytest.raises(WrongPhase) as caught:
        call.claim_upload(CUSTOMER.seat, CARD)
    assert caught.value.code == "still_stored"
    assert call.checks.wanted() == ()


def test_no_upload_outside_an_active_call() -> None:
    """A picture is bound to a second of the call."""
    played = Played().active()
    played.note(facts.StillRequested(CALL, CARD, EvidenceKind.ID_CARD))
    played.call.dropped(Role.AGENT, played.time)
    with pytest.raises(WrongPhase):
        played.call.claim_upload(CUSTOMER.seat, CARD)


def test_an_id_number_is_checked_for_the_agent() -> None:
    """The command names who asked."""
    played = Played().active()
    played.got(Role.AGENT, wire.CheckIdNumber("11010519491231002X"))
    assert played.all(fx.CheckNumber) == [fx.CheckNumber("11010519491231002X", ANNA)]


def test_faces_are_compared_one_pair_at_a_time() -> None:
    """Both pictures must be stored and of the right kinds; a second comparison waits."""
    played = Played().active()
    assert refusal(played, Role.AGENT, wire.MatchFaces(CARD, STILL)) == "not_found"
    played.store()
    assert refusal(played, Role.AGENT, wire.MatchFaces(STILL, CARD)) == "not_found"
    played.got(Role.AGENT, wire.MatchFaces(CARD, STILL))
    with pytest.raises(Busy):
        played.got(Role.AGENT, wire.MatchFaces(CARD, STILL))
    played.call.compared()
    played.got(Role.AGENT, wire.MatchFaces(CARD, STILL))
    assert played.all(fx.CompareFaces) == [fx.CompareFaces(CARD, STILL, ANNA)] * 2


def test_no_biometrics_without_consent() -> None:
    """Who agreed to the recording only is not compared, and cannot pass."""
    played = Played(frozenset({"recording"})).active()
    played.store()
    assert refusal(played, Role.AGENT, wire.MatchFaces(CARD, STILL)) == "consent_missing"
    played.face(CheckVerdict.PASSED)
    assert refusal(played, Role.AGENT, wire.Finish(Outcome.PASSED)) == "checks_incomplete"


@pytest.mark.parametrize(
    ("number", "face", "allowed"),
    [
        (None, None, False),
        (None, CheckVerdict.PASSED, True),
        (None, CheckVerdict.REVIEW, True),
        (None, CheckVerdict.FAILED, False),
        (CheckVerdict.PASSED, CheckVerdict.PASSED, True),
        (CheckVerdict.REVIEW, CheckVerdict.REVIEW, True),
        (CheckVerdict.FAILED, CheckVerdict.PASSED, False),
    ],
)
def test_what_passed_requires(number: CheckVerdict | None, face: CheckVerdict | None, allowed: bool) -> None:
    """A face verdict that is not failed, and no failed number."""
    played = Played().active()
    if number:
        played.number(number)
    if face:
        played.face(face)
    if allowed:
        played.got(Role.AGENT, wire.Finish(Outcome.PASSED))
        assert played.call.case_phase is CasePhase.AGENT_DONE
    else:
        assert refusal(played, Role.AGENT, wire.Finish(Outcome.PASSED)) == "checks_incomplete"
        played.got(Role.AGENT, wire.Finish(Outcome.INCOMPLETE))


# --- endings ---


@pytest.mark.parametrize(
    ("role", "reason"),
    [(Role.CUSTOMER, CallEnd.CUSTOMER_HUNG_UP), (Role.AGENT, CallEnd.AGENT_HUNG_UP)],
)
def test_after_a_hang_up_the_agent_decides(role: Role, reason: CallEnd) -> None:
    """The ending is on both screens; the merge waits for the result."""
    played = Played().active()
    played.got(role, wire.HangUp())
    for to in (None, ANNA):
        state = played.sent(to, wire.CallState)[-1]
        assert (state.phase, state.reason) == (CallPhase.ENDED, reason)  # type: ignore[attr-defined]
    assert len(played.facts(facts.PartyLeft)) == 1
    assert played.call.undecided
    played.call.wound_up()
    assert not played.call.closed
    played.got(Role.AGENT, wire.Finish(Outcome.INCOMPLETE))
    assert played.call.closed
    assert played.all(fx.QueueMerge)
    assert refusal(played, Role.AGENT, wire.Finish(Outcome.FAILED)) == "wrong_phase"
    assert refusal(played, Role.AGENT, wire.HangUp()) == "wrong_phase"


def test_a_result_that_never_comes_aborts_the_case() -> None:
    """After 15 minutes of wrap-up the case is closed; the recording is merged all the same."""
    played = Played().active()
    played.got(Role.CUSTOMER, wire.HangUp())
    played.call.wound_up()
    played.call.tick(played.after(899))
    assert not played.call.closed
    played.call.tick(played.after(1))
    assert played.facts(facts.CaseAdvanced)[-1].reason is CaseEnd.CALL_FAILED
    assert played.all(fx.QueueMerge)
    played.call.tick(played.after(1_000))


@pytest.mark.parametrize(
    ("role", "end", "case_end"),
    [
        (Role.CUSTOMER, CallEnd.CUSTOMER_LOST, CaseEnd.CUSTOMER_LEFT),
        (Role.AGENT, CallEnd.AGENT_LOST, CaseEnd.CALL_FAILED),
    ],
)
def test_a_party_that_does_not_return_ends_the_call(role: Role, end: CallEnd, case_end: CaseEnd) -> None:
    """Twenty seconds of RECONNECTING, counted down on the other screen, then the end by name."""
    played = Played().active()
    played.call.dropped(role, played.time)
    dropped = played.facts(facts.PartyDropped)[0]
    assert dropped.grace_ends_at == played.time.at + 20
    assert played.phase() is CallPhase.RECONNECTING
    played.call.tick(played.after(15))
    state = played.call.state(Role.AGENT, played.time)
    assert state is not None
    assert state.grace_s == 5
    played.call.tick(played.after(5))
    assert played.facts(facts.CallEnded)[0].reason is end
    assert played.facts(facts.CaseAdvanced)[-1].reason is case_end
    assert not played.call.undecided


def test_a_party_that_returns_in_time_keeps_its_seat() -> None:
    """PartyReturned, ACTIVE again; nothing ends later."""
    played = Played().active()
    played.call.dropped(Role.CUSTOMER, played.time)
    played.call.dropped(Role.CUSTOMER, played.after(1))
    played.call.returned(Role.CUSTOMER, played.after(10))
    assert len(played.facts(facts.PartyDropped)) == 1
    assert len(played.facts(facts.PartyReturned)) == 1
    played.call.tick(played.after(60))
    assert played.phase() is CallPhase.ACTIVE


def test_the_call_is_active_again_when_both_are_back() -> None:
    """With one of two still away it stays RECONNECTING."""
    played = Played().active()
    played.call.dropped(Role.CUSTOMER, played.time)
    played.call.dropped(Role.AGENT, played.after(5))
    played.call.returned(Role.CUSTOMER, played.after(5))
    assert played.phase() is CallPhase.RECONNECTING
    played.call.returned(Role.AGENT, played.after(5))
    assert played.phase() is CallPhase.ACTIVE


def test_lost_media_has_the_same_grace() -> None:
    """A new connection in time brings the call back; otherwise it ends as MEDIA_FAILED."""
    played = Played().active()
    played.note(facts.MediaLost(CALL, CUSTOMER.seat, "ice"))
    assert played.phase() is CallPhase.RECONNECTING
    played.note(facts.MediaConnected(CALL, CUSTOMER.seat))
    assert played.phase() is CallPhase.ACTIVE
    played.note(facts.MediaLost(CALL, CUSTOMER.seat, "ice"))
    played.call.tick(played.after(20))
    assert played.facts(facts.CallEnded)[0].reason is CallEnd.MEDIA_FAILED


def test_a_returned_socket_gives_media_time_again() -> None:
    """A reloaded page needs its camera and a new connection: the grace starts anew."""
    played = Played().active()
    played.call.dropped(Role.CUSTOMER, played.time)
    played.note(facts.MediaLost(CALL, CUSTOMER.seat, "closed"))
    played.call.returned(Role.CUSTOMER, played.after(15))
    played.call.tick(played.after(15))
    assert played.phase() is CallPhase.RECONNECTING
    played.note(facts.MediaConnected(CALL, CUSTOMER.seat))
    assert played.phase() is CallPhase.ACTIVE


def test_media_facts_of_unknown_seats_are_ignored() -> None:
    """A connection of a ring that is over, or after the end, changes nothing."""
    played = Played().queued()
    played.note(facts.MediaLost(CALL, SeatId("seat-x"), "ice"))
    played.note(facts.MediaConnected(CALL, SeatId("seat-x")))
    assert played.call.phase is None
    ended = Played().active()
    ended.got(Role.CUSTOMER, wire.HangUp())
    before = len(ended.all(fx.Append))
    ended.note(facts.MediaLost(CALL, CUSTOMER.seat, "closed"))
    ended.note(facts.MediaConnected(CALL, CUSTOMER.seat))
    ended.note(facts.MediaMissing(CALL, CUSTOMER.seat, ("camera",), 20))
    ended.call.dropped(Role.CUSTOMER, ended.time)
    ended.call.returned(Role.CUSTOMER, ended.time)
    assert len(ended.all(fx.Append)) == before


def test_media_lost_while_waiting_only_waits_for_the_next_offer() -> None:
    """Nothing ends; the gate needs the new connection."""
    played = Played().queued()
    played.note(facts.MediaConnected(CALL, CUSTOMER.seat))
    played.note(facts.MediaLost(CALL, CUSTOMER.seat, "ice"))
    played.call.rang(AGENT, played.time)
    played.call.accepted(played.time)
    played.note(facts.MediaConnected(CALL, AGENT.seat))
    assert not played.all(fx.OpenGate)
    played.note(facts.MediaConnected(CALL, CUSTOMER.seat))
    assert played.all(fx.OpenGate)


def test_missing_media_ends_the_call() -> None:
    """What the supervisor of media reports ends the call as MEDIA_TIMEOUT and the case as failed."""
    played = Played().connecting()
    played.note(facts.MediaMissing(CALL, CUSTOMER.seat, ("camera",), 20))
    assert played.facts(facts.CallEnded) == [facts.CallEnded(CALL, CallEnd.MEDIA_TIMEOUT, 0)]
    assert played.facts(facts.CaseAdvanced)[-1].reason is CaseEnd.CALL_FAILED
    played.call.wound_up()
    assert not played.all(fx.QueueMerge), "nothing was recorded"
    assert played.call.closed


def test_a_recorder_that_gave_up_ends_the_call() -> None:
    """What is not recorded must not go on; dropped frames and a passing trouble only show."""
    played = Played().active()
    track = TrackId("track-1")
    played.note(facts.RecorderTroubled(CALL, track, "slow", 3))
    assert played.call.reason is None
    played.note(facts.RecorderTroubled(CALL, track, "failed", 3))
    played.note(facts.RecorderTroubled(CALL, track, "failed", 3))
    assert [fact.reason for fact in played.facts(facts.CallEnded)] == [CallEnd.RECORDER_FAILED]
    assert played.facts(facts.CaseAdvanced)[-1].reason is CaseEnd.CALL_FAILED


def test_a_call_that_never_becomes_active_ends() -> None:
    """Thirty seconds of CONNECTING are enough."""
    played = Played().connecting()
    played.call.tick(played.after(29))
    assert played.call.reason is None
    played.call.tick(played.after(1))
    assert played.call.reason is CallEnd.MEDIA_TIMEOUT


def test_a_socket_lost_while_connecting_keeps_the_phase() -> None:
    """CONNECTING cannot become RECONNECTING; the grace runs all the same."""
    played = Played().connecting()
    played.call.dropped(Role.CUSTOMER, played.time)
    assert played.phase() is CallPhase.CONNECTING
    played.connect()
    played.start()
    assert played.phase() is CallPhase.RECONNECTING
    played.call.tick(played.after(20))
    assert played.call.reason is CallEnd.CUSTOMER_LOST


@pytest.mark.parametrize("message", ["leave", "hang up"])
def test_leaving_the_queue_leaves_the_case_open(message: str) -> None:
    """PRE_CALL again; media closes; no merge."""
    played = Played().queued()
    if message == "leave":
        played.call.leave_queue(played.time)
    else:
        played.got(Role.CUSTOMER, wire.HangUp())
    assert played.call.case_phase is CasePhase.PRE_CALL
    assert played.all(fx.WindUp) == [fx.WindUp(CALL)]
    assert played.phases() == []
    played.call.wound_up()
    assert played.call.closed
    assert not played.all(fx.QueueMerge)
    with pytest.raises(WrongPhase):
        played.call.leave_queue(played.time)


def test_leaving_during_a_ring_ends_the_ring() -> None:
    """The console stops ringing because the customer left."""
    played = Played().ringing()
    played.call.leave_queue(played.time)
    assert played.facts(facts.RingEnded)[0].how is RingEnd.CUSTOMER_LEFT
    assert played.phases() == [CallPhase.RINGING, CallPhase.ENDED]
    assert played.facts(facts.CallEnded)[0].reason is CallEnd.CUSTOMER_HUNG_UP


def test_a_customer_lost_in_the_queue_leaves_it() -> None:
    """After the time of grace; no party ever joined, so no PartyDropped."""
    played = Played().queued()
    played.call.dropped(Role.CUSTOMER, played.time)
    played.call.returned(Role.CUSTOMER, played.after(10))
    played.call.tick(played.after(30))
    assert played.call.waiting
    played.call.dropped(Role.CUSTOMER, played.time)
    played.call.tick(played.after(20))
    assert not played.call.waiting
    assert played.facts(facts.CaseAdvanced)[-1].reason is CaseEnd.CUSTOMER_LEFT
    assert not played.facts(facts.PartyDropped)


def test_the_server_stops_calls_by_name() -> None:
    """A running call, a queue and a wrap-up end; a closed case is left alone."""
    running = Played().active()
    running.call.stop(CallEnd.SERVER_STOPPED, running.time)
    assert running.facts(facts.CallEnded)[0].reason is CallEnd.SERVER_STOPPED
    assert running.facts(facts.CaseAdvanced)[-1].reason is CaseEnd.SERVER_LOST
    waiting = Played().queued()
    waiting.call.stop(CallEnd.SERVER_STOPPED, waiting.time)
    assert waiting.facts(facts.CaseAdvanced)[-1].reason is CaseEnd.SERVER_LOST
    wrap_up = Played().active()
    wrap_up.got(Role.CUSTOMER, wire.HangUp())
    wrap_up.call.stop(CallEnd.SERVER_STOPPED, wrap_up.time)
    assert wrap_up.facts(facts.CaseAdvanced)[-1].reason is CaseEnd.SERVER_LOST
    wrap_up.call.stop(CallEnd.RECORDER_FAILED, wrap_up.time)
    assert wrap_up.facts(facts.CaseAdvanced)[-1].reason is CaseEnd.SERVER_LOST


def test_an_agents_party_needs_an_account() -> None:
    """Ringing somebody without an account is a mistake of the caller."""
    played = Played().queued()
    with pytest.raises(ValueError, match="account"):
        played.call.rang(Party(SeatId("s"), Role.AGENT, "x"), played.time)


# --- any order ---

_STEPS = st.lists(
    st.sampled_from(
        [
            "open", "rang", "ring_over", "accepted", "leave", "connect", "start", "record_end", "lost_c",
            "lost_a", "drop_c", "drop_a", "back_c", "back_a", "hang_c", "hang_a", "finish", "missing",
            "tick1", "tick25", "tick1000", "stop", "wound",
        ]
    ),
    max_size=25,
)  # fmt: skip


def _step(played: Played, step: str) -> None:  # noqa: PLR0912
    call, time = played.call, played.time
    match step:
        case "open":
            if call.case_phase is CasePhase.PRE_CALL:
                call.media_opened()
        case "rang":
            if call.waiting and call.agent is None:
                call.rang(AGENT, time)
        case "ring_over":
            call.ring_over(RingEnd.REFUSED)
        case "accepted":
            if call.waiting:
                call.accepted(time)
        case "leave":
            call.leave_queue(time)
        case "connect":
            played.connect()
        case "start":
            played.start()
        case "record_end":
            played.note(facts.TrackEnded(CALL, TrackId("track-1"), 1))
        case "lost_c" | "lost_a":
            seat = CUSTOMER.seat if step == "lost_c" else AGENT.seat
            played.note(facts.MediaLost(CALL, seat, "ice"))
        case "drop_c" | "drop_a":
            call.dropped(Role.CUSTOMER if step == "drop_c" else Role.AGENT, time)
        case "back_c" | "back_a":
            call.returned(Role.CUSTOMER if step == "back_c" else Role.AGENT, time)
        case "hang_c" | "hang_a":
            played.got(Role.CUSTOMER if step == "hang_c" else Role.AGENT, wire.HangUp())
        case "finish":
            played.got(Role.AGENT, wire.Finish(Outcome.INCOMPLETE))
        case "missing":
            played.note(facts.MediaMissing(CALL, AGENT.seat, ("camera",), 20))
        case "stop":
            call.stop(CallEnd.SERVER_STOPPED, time)
        case "wound":
            if call.reason is not None:
                call.wound_up()
        case _:
            call.tick(played.after(float(step.removeprefix("tick"))))


@settings(max_examples=400, deadline=None)
@given(_STEPS)
def test_any_sequence_walks_legal_ways_and_ends_once(steps: list[str]) -> None:
    """Phases follow the tables, there is one ending and at most one merge, and time ends everything."""
    played = Played()
    for step in steps:
        try:
            _step(played, step)
        except UserError:
            continue
    played.call.stop(CallEnd.SERVER_STOPPED, played.time)
    played.call.wound_up()
    calls = [(fact.was, fact.now) for fact in played.facts(facts.CallAdvanced)]
    for (_, before), (was, now) in zip([(None, None), *calls], calls, strict=False):
        assert was == before
        assert was is None or now in CALL_TRANSITIONS[was]
    for moved in played.facts(facts.CaseAdvanced):
        assert moved.now in CASE_TRANSITIONS[moved.was]
    assert len(played.facts(facts.CallEnded)) == (1 if calls else 0)
    assert len(played.all(fx.WindUp)) == 1
    assert len(played.all(fx.QueueMerge)) <= 1
    assert len(played.facts(facts.RingStarted)) == len(played.facts(facts.RingEnded))
    assert played.call.closed
    assert not played.call.undecided
