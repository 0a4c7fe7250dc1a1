"""How calls end, by name."""

import pytest

from contract import facts, wire
from contract.errors import WrongPhase
from contract.ids import SeatId, TrackId
from contract.phases import (
    CallEnd,
    CallPhase,
    CaseEnd,
    CasePhase,
    EvidenceKind,
    RingEnd,
    Role,
)
from contract.ports import Party
from signaling import effects as fx
from tests.signaling.played import (
    AGENT,
    ANNA,
    CALL,
    CARD,
    CUSTOMER,
    FAIL,
    PUT_OFF,
    STILL,
    Played,
    refusal,
)

# --- endings ---


@pytest.mark.parametrize(
    ("who", "reason"),
    [(CUSTOMER, CallEnd.CUSTOMER_HUNG_UP), (AGENT, CallEnd.AGENT_HUNG_UP)],
)
def test_after_a_hang_up_the_agent_decides(who: Party, reason: CallEnd) -> None:
    """The ending is on both screens; the merge waits for the result."""
    played = Played().active()
    played.got(who, wire.HangUp())
    for to in (None, ANNA):
        state = played.sent(to, wire.CallState)[-1]
        assert (state.phase, state.reason) == (CallPhase.ENDED, reason)  # type: ignore[attr-defined]
    assert len(played.facts(facts.PartyLeft)) == 1
    assert played.call.undecided
    played.call.wound_up()
    assert not played.call.closed
    played.got(AGENT, PUT_OFF)
    assert played.call.closed
    assert played.all(fx.QueueMerge)
    assert refusal(played, AGENT, FAIL) == "wrong_phase"
    assert refusal(played, AGENT, wire.HangUp()) == "wrong_phase"


@pytest.mark.parametrize("check", ["comparison", "upload"])
def test_the_record_waits_for_what_is_being_checked(check: str) -> None:
    """A finished call is handed on when the comparison, or the picture on its way to disk, is over."""
    played = _checking(check)
    played.got(AGENT, PUT_OFF)
    played.call.wound_up()
    played.call.tick(played.after(9))
    assert not played.call.closed
    _end_of(check, played)
    assert played.call.closed
    assert len(played.all(fx.QueueMerge)) == 1
    played.call.tick(played.after(9))
    assert len(played.all(fx.QueueMerge)) == 1


@pytest.mark.parametrize("check", ["comparison", "upload"])
def test_a_check_that_hangs_holds_the_record_up_for_ten_seconds(check: str) -> None:
    """Then it is given up; what comes of it later changes nothing."""
    played = _checking(check)
    played.call.stop(CallEnd.SERVER_STOPPED, played.time)
    played.call.wound_up()
    played.call.tick(played.after(9.9))
    assert not played.call.closed
    played.call.tick(played.after(0.1))
    assert played.call.closed
    _end_of(check, played)
    assert len(played.all(fx.QueueMerge)) == 1


def test_a_picture_still_on_its_way_over_the_network_holds_nothing_up() -> None:
    """It is refused when it comes, so there is nothing to wait for."""
    played = Played().active()
    played.note(facts.StillRequested(CALL, CARD, EvidenceKind.ID_CARD))
    played.call.claim_upload(CUSTOMER.seat, CARD)
    played.got(AGENT, PUT_OFF)
    played.call.wound_up()
    assert played.call.closed
    with pytest.raises(WrongPhase):
        played.call.confirm_upload(CUSTOMER.seat, CARD)


def _checking(check: str) -> Played:
    played = Played().active()
    if check == "upload":
        played.note(facts.StillRequested(CALL, CARD, EvidenceKind.ID_CARD))
        played.call.claim_upload(CUSTOMER.seat, CARD)
        played.call.confirm_upload(CUSTOMER.seat, CARD)
    else:
        played.store(CARD, STILL)
        played.got(AGENT, wire.MatchFaces(CARD, STILL))
    return played


def _end_of(check: str, played: Played) -> None:
    if check == "upload":
        played.call.release_upload(CARD)
    else:
        played.call.compared()


def test_a_result_that_never_comes_aborts_the_case() -> None:
    """After 15 minutes of wrap-up the case is closed; the recording is merged all the same."""
    played = Played().active()
    played.got(CUSTOMER, wire.HangUp())
    played.call.wound_up()
    played.call.tick(played.after(899))
    assert not played.call.closed
    played.call.tick(played.after(1))
    assert played.facts(facts.CaseAdvanced)[-1].reason is CaseEnd.CALL_FAILED
    assert played.all(fx.QueueMerge)
    played.call.tick(played.after(1_000))


@pytest.mark.parametrize(
    ("who", "end", "case_end"),
    [
        (CUSTOMER, CallEnd.CUSTOMER_LOST, CaseEnd.CUSTOMER_LEFT),
        (AGENT, CallEnd.AGENT_LOST, CaseEnd.CALL_FAILED),
    ],
)
def test_a_party_that_does_not_return_ends_the_call(who: Party, end: CallEnd, case_end: CaseEnd) -> None:
    """Twenty seconds of RECONNECTING, counted down on the other screen, then the end by name."""
    played = Played().active()
    played.call.dropped(who.seat, played.time)
    dropped = played.facts(facts.PartyDropped)[0]
    assert dropped.grace_ends_at == played.time.at + 20
    assert played.phase() is CallPhase.RECONNECTING
    played.call.tick(played.after(15))
    state = played.call.state(AGENT.seat, played.time)
    assert state is not None
    assert state.grace_s == 5
    played.call.tick(played.after(5))
    assert played.facts(facts.CallEnded)[0].reason is end
    assert played.facts(facts.CaseAdvanced)[-1].reason is case_end
    assert not played.call.undecided


def test_a_party_that_returns_in_time_keeps_its_seat() -> None:
    """PartyReturned, ACTIVE again; nothing ends later."""
    played = Played().active()
    played.call.dropped(CUSTOMER.seat, played.time)
    played.call.dropped(CUSTOMER.seat, played.after(1))
    played.call.returned(CUSTOMER.seat, played.after(10))
    assert len(played.facts(facts.PartyDropped)) == 1
    assert len(played.facts(facts.PartyReturned)) == 1
    played.call.tick(played.after(60))
    assert played.phase() is CallPhase.ACTIVE


def test_the_call_is_active_again_when_both_are_back() -> None:
    """With one of two still away it stays RECONNECTING."""
    played = Played().active()
    played.call.dropped(CUSTOMER.seat, played.time)
    played.call.dropped(AGENT.seat, played.after(5))
    played.call.returned(CUSTOMER.seat, played.after(5))
    assert played.phase() is CallPhase.RECONNECTING
    played.call.returned(AGENT.seat, played.after(5))
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
    played.call.dropped(CUSTOMER.seat, played.time)
    played.note(facts.MediaLost(CALL, CUSTOMER.seat, "closed"))
    played.call.returned(CUSTOMER.seat, played.after(15))
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
    ended.got(CUSTOMER, wire.HangUp())
    before = len(ended.all(fx.Append))
    ended.note(facts.MediaLost(CALL, CUSTOMER.seat, "closed"))
    ended.note(facts.MediaConnected(CALL, CUSTOMER.seat))
    ended.note(facts.MediaMissing(CALL, CUSTOMER.seat, ("camera",), 20))
    ended.call.dropped(CUSTOMER.seat, ended.time)
    ended.call.returned(CUSTOMER.seat, ended.time)
    assert len(ended.all(fx.Append)) == before


def test_media_lost_with_its_worker_is_offered_again_at_once() -> None:
    """Each seat that lost it is told, and told again when its socket returns, until it has offered."""
    played = Played().active()
    for party in (CUSTOMER, AGENT):
        played.note(facts.MediaLost(CALL, party.seat, "worker_lost"))
    assert played.sent(None, wire.Reoffer) == played.sent(ANNA, wire.Reoffer) == [wire.Reoffer(CALL)]
    assert played.call.phase is CallPhase.RECONNECTING
    played.call.dropped(CUSTOMER.seat, played.after(1))
    played.call.returned(CUSTOMER.seat, played.after(1))
    assert len(played.sent(None, wire.Reoffer)) == 2
    played.call.got(CUSTOMER.seat, wire.Offer(CALL, "sdp"), played.after(1))
    played.call.returned(CUSTOMER.seat, played.after(1))
    assert len(played.sent(None, wire.Reoffer)) == 2


def test_media_lost_while_waiting_only_waits_for_the_next_offer() -> None:
    """Nothing ends; the gate needs the new connection."""
    played = Played().queued()
    played.note(facts.MediaConnected(CALL, CUSTOMER.seat))
    played.note(facts.MediaLost(CALL, CUSTOMER.seat, "ice"))
    played.call.rang(AGENT, played.time)
    played.call.accepted(ANNA, played.time)
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
    played.call.dropped(CUSTOMER.seat, played.time)
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
        played.got(CUSTOMER, wire.HangUp())
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
    played.call.dropped(CUSTOMER.seat, played.time)
    played.call.returned(CUSTOMER.seat, played.after(10))
    played.call.tick(played.after(30))
    assert played.call.waiting
    played.call.dropped(CUSTOMER.seat, played.time)
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
    wrap_up.got(CUSTOMER, wire.HangUp())
    wrap_up.call.stop(CallEnd.SERVER_STOPPED, wrap_up.time)
    assert wrap_up.facts(facts.CaseAdvanced)[-1].reason is CaseEnd.SERVER_LOST
    wrap_up.call.stop(CallEnd.RECORDER_FAILED, wrap_up.time)
    assert wrap_up.facts(facts.CaseAdvanced)[-1].reason is CaseEnd.SERVER_LOST


def test_an_agents_party_needs_an_account() -> None:
    """Ringing somebody without an account is a mistake of the caller."""
    played = Played().queued()
    with pytest.raises(ValueError, match="account"):
        played.call.rang(Party(SeatId("s"), Role.AGENT, "x"), played.time)


def test_the_last_word_says_how_long_it_was() -> None:
    """Both screens show the length of a call that is over, however much later they ask."""
    played = Played().active()
    played.after(83)
    played.got(CUSTOMER, wire.HangUp())
    state = played.call.state(CUSTOMER.seat, played.after(40))
    assert state is not None
    assert (state.phase, state.active_s) == (CallPhase.ENDED, 83)
