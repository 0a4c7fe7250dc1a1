"""Cold transfers, and supervisors in a call."""

import pytest

from contract import facts, wire
from contract.errors import MediaError, NotFound, WrongPhase
from contract.facts import Fact
from contract.ids import AccountId, CallId, SeatId, TrackId
from contract.phases import (
    CallEnd,
    CallPhase,
    Capture,
    CaseEnd,
    CasePhase,
    RingEnd,
    Role,
    SeatMode,
    TrackKind,
    TrackSource,
)
from contract.ports import Party
from signaling import effects as fx
from tests.signaling.played import (
    AGENT,
    ANNA,
    BERT,
    CALL,
    CUSTOMER,
    FAIL,
    GUEST,
    NEXT,
    SUE,
    SUPERVISOR,
    Played,
    names,
    refusal,
)

# --- cold transfer ---


def transferred() -> Played:
    played = Played().active().settle()
    played.after(60)
    played.got(AGENT, wire.Invite(skill="tax", transfer=True))
    return played.settle()


def test_a_transfer_lets_the_agent_go_and_holds_the_customer() -> None:
    """The desk looks for the next one; nobody leads meanwhile."""
    played = transferred()
    assert played.all(fx.Summon)[0].role is Role.AGENT
    assert played.all(fx.Summon)[0].but == {ANNA}
    assert played.facts(facts.PartyLeft) == [facts.PartyLeft(CALL, AGENT.seat)]
    assert played.facts(facts.HostChanged) == [facts.HostChanged(CALL, ANNA, None)]
    assert played.all(fx.FreeAgent) == [fx.FreeAgent(ANNA, 60)]
    assert played.all(fx.DropSeat) == [fx.DropSeat(CALL, AGENT.seat)]
    assert played.phase() is CallPhase.HELD
    assert played.call.staff == ()
    assert (played.seen(CUSTOMER).peer, played.seen(CUSTOMER).host) == ("", None)
    assert refusal(played, AGENT, wire.Hold(False)) == "wrong_phase"


def test_the_next_agent_leads_and_the_hold_ends_by_itself() -> None:
    """When the new connection is up, not before: there is nobody to hear until then."""
    played = transferred()
    played.call.rang(NEXT, played.time)
    assert played.phases().count(CallPhase.RINGING) == 1
    before = len(played.facts(Fact))
    played.call.accepted(BERT, played.time)
    assert names(played, before) == ["RingEnded", "PartyJoined", "HostChanged"]
    played.settle()
    assert played.phase() is CallPhase.HELD
    played.connect(NEXT)
    played.settle()
    assert played.phase() is CallPhase.ACTIVE
    assert played.gets(CUSTOMER) == [NEXT.seat, None, None]
    assert played.call.host == BERT
    played.call.tick(played.after(60))
    assert played.call.reason is None


def test_a_next_agent_who_is_connected_already_needs_no_wait() -> None:
    """The connection was prepared while it rang."""
    played = transferred()
    played.call.rang(NEXT, played.time)
    played.connect(NEXT)
    played.call.accepted(BERT, played.time)
    assert played.settle().phase() is CallPhase.ACTIVE


def test_a_next_agent_without_media_ends_the_call() -> None:
    """In the time that any agent has to connect."""
    played = transferred()
    played.call.rang(NEXT, played.time)
    played.call.accepted(BERT, played.time)
    played.call.tick(played.after(30))
    assert played.call.reason is CallEnd.MEDIA_TIMEOUT


def test_who_takes_over_may_hold_again_before_the_hold_ends() -> None:
    """What the new host says counts more than what would have happened by itself."""
    played = transferred()
    played.call.rang(NEXT, played.time)
    played.call.accepted(BERT, played.time)
    played.got(NEXT, wire.Hold(False))
    played.got(NEXT, wire.Hold(True))
    played.connect(NEXT)
    assert played.settle().phase() is CallPhase.HELD


def test_a_transfer_that_nobody_takes_gives_the_customer_back() -> None:
    """After two minutes; nobody owes a result, and the customer may queue again."""
    played = transferred()
    played.call.rang(NEXT, played.time)
    played.call.tick(played.after(119))
    assert played.call.reason is None
    played.call.tick(played.after(1))
    assert played.call.reason is CallEnd.TRANSFER_FAILED
    assert played.facts(facts.CaseAdvanced)[-1].now is CasePhase.PRE_CALL
    assert played.sent(BERT, wire.RingOver) == [wire.RingOver(CALL, RingEnd.WITHDRAWN)]
    assert not played.call.undecided
    played.call.wound_up()
    assert played.call.closed
    assert played.call.recorded
    assert not played.all(fx.QueueMerge), "the record goes on with the next call"


def test_a_refused_transfer_is_asked_of_more_people() -> None:
    """Of whoever has the skill, then of anybody, until the time is over; who refused comes last."""
    played = Played().active().settle()
    played.got(AGENT, wire.Invite(agent=BERT, skill="tax", transfer=True))
    played.call.rang(NEXT, played.time)
    played.call.ring_over(BERT, RingEnd.REFUSED, played.time)
    for _ in range(3):
        played.call.gave_up(Role.AGENT, played.time)
        assert played.call.reason is None
    asked = [(summon.agent, summon.skill, summon.passed) for summon in played.all(fx.Summon)]
    assert asked == [
        (BERT, "tax", frozenset()),
        (None, "tax", {BERT}),
        (None, "", {BERT}),
        (None, "", {BERT}),
    ]
    assert {summon.but for summon in played.all(fx.Summon)} == {frozenset({ANNA})}
    played.call.rang(NEXT, played.after(110))
    played.call.accepted(BERT, played.time)
    played.call.tick(played.after(10))
    assert played.call.reason is None


def test_a_customer_may_hang_up_while_nobody_leads() -> None:
    """There is nobody to decide: the case ends as left."""
    played = transferred()
    played.got(CUSTOMER, wire.HangUp())
    assert played.call.reason is CallEnd.CUSTOMER_HUNG_UP
    assert played.facts(facts.CaseAdvanced)[-1].reason is CaseEnd.CUSTOMER_LEFT
    assert played.all(fx.Unsummon) == [fx.Unsummon(CALL, Role.AGENT)]


def test_a_transfer_is_held_however_often_media_refuses() -> None:
    """Nobody asked for this hold alone, so it is tried until it holds."""
    played = Played().active().settle()
    played.got(AGENT, wire.Invite(transfer=True))
    played.settle(MediaError())
    assert played.phase() is CallPhase.ACTIVE
    played.call.tick(played.after(1))
    assert played.settle().phase() is CallPhase.HELD
    assert not played.sent(ANNA, wire.Failed)


def test_a_guest_is_handed_over_to_and_not_transferred_over() -> None:
    """With somebody there already, a transfer has no place."""
    assert refusal(Played().three(), AGENT, wire.Invite(transfer=True)) == "full"


# --- supervisors ---


def test_a_supervisor_watches_unseen() -> None:
    """Gets everything, gives nothing; the customer gets neither fact nor message."""
    played = Played().active().settle()
    before = (len(played.facts(Fact)), len(played.effects))
    played.call.watch(SUPERVISOR, played.time)
    joined = facts.ObserverJoined(CALL, SUPERVISOR.seat, Role.SUPERVISOR, "Sue", SUE, SeatMode.MONITOR)
    assert played.facts(Fact)[before[0] :] == [joined]
    assert not joined.customer_visible
    told = [e.to for e in played.all(fx.Send)[0:] if e in played.effects[before[1] :]]
    assert None not in told
    assert played.gets(SUPERVISOR) == [CUSTOMER.seat, AGENT.seat, None]
    assert not played.route(SUPERVISOR).publishes
    assert [seen.mode for seen in played.seen(AGENT).parties][-1] is SeatMode.MONITOR
    assert [seen.slot for seen in played.seen(AGENT).parties] == [0, None, None]
    assert played.sent(SUE, wire.Script)


def test_a_supervisor_whispers_to_the_staff() -> None:
    """Heard by the agent, not by the customer, not recorded; once media says so."""
    played = Played().watched()
    before = len(played.sent(None, wire.CallState))
    played.got(SUPERVISOR, wire.SetMode(SeatMode.WHISPER))
    played.got(SUPERVISOR, wire.SetMode(SeatMode.WHISPER))
    assert not played.facts(facts.SeatModeChanged)
    played.settle()
    assert len(played.facts(facts.SeatModeChanged)) == 1
    assert played.gets(AGENT) == [CUSTOMER.seat, SUPERVISOR.seat, None]
    assert played.gets(CUSTOMER) == [AGENT.seat, None, None]
    assert not played.route(SUPERVISOR).recorded
    assert len(played.sent(None, wire.CallState)) == before
    assert refusal(played, SUPERVISOR, wire.Chat("psst")) == "wrong_phase"


def test_a_supervisor_becomes_a_third_party_and_goes_back() -> None:
    """Joining and leaving as the customer sees it; then the observer leaves for good."""
    played = Played().watched(SeatMode.TALKING)
    assert names(played)[-2:] == ["SeatModeChanged", "PartyJoined"]
    assert played.gets(CUSTOMER) == [AGENT.seat, SUPERVISOR.seat, None]
    assert played.seen(CUSTOMER).parties[2].role is Role.SUPERVISOR
    played.got(SUPERVISOR, wire.SetMode(SeatMode.MONITOR))
    assert played.seen(CUSTOMER).parties[2:] != ()
    played.settle()
    assert names(played)[-2:] == ["SeatModeChanged", "PartyLeft"]
    assert played.seen(CUSTOMER).parties[2:] == ()
    assert played.gets(CUSTOMER) == [AGENT.seat, None, None]
    played.got(SUPERVISOR, wire.Leave())
    assert names(played)[-1] == "ObserverLeft"
    assert [effect.agent for effect in played.all(fx.FreeAgent)] == [SUE]


def test_who_dropped_as_a_third_party_comes_back_unseen_as_an_observer() -> None:
    """The customer was told of the drop, and that this party left; of the return he is not."""
    played = Played().watched(SeatMode.TALKING)
    played.got(SUPERVISOR, wire.SetMode(SeatMode.MONITOR))
    played.call.dropped(SUPERVISOR.seat, played.time)
    played.settle()
    assert names(played)[-3:] == ["PartyDropped", "SeatModeChanged", "PartyLeft"]
    told = len(played.sent(None, wire.CallState))
    played.call.returned(SUPERVISOR.seat, played.after(3))
    assert not played.facts(facts.PartyReturned)
    assert len(played.sent(None, wire.CallState)) == told


def test_a_mode_that_media_refuses_stays_as_it_was() -> None:
    """The supervisor is told, and is not taken for silent while he can be heard."""
    played = Played().watched(SeatMode.TALKING)
    played.got(SUPERVISOR, wire.SetMode(SeatMode.MONITOR))
    played.settle(MediaError())
    assert played.call.mode_of(SUPERVISOR.seat) is SeatMode.TALKING
    assert [m.about for m in played.sent(SUE, wire.Failed)] == ["set_mode"]  # type: ignore[attr-defined]


def test_a_mode_before_the_gate_needs_no_arrangement() -> None:
    """Nothing flows yet; the first arrangement knows it."""
    played = Played().connecting()
    played.call.watch(SUPERVISOR, played.time)
    played.got(SUPERVISOR, wire.SetMode(SeatMode.WHISPER))
    assert played.call.mode_of(SUPERVISOR.seat) is SeatMode.WHISPER
    assert not played.all(fx.Arrange)
    played.connect()
    assert played.gets(AGENT) == [CUSTOMER.seat, SUPERVISOR.seat, None]


def test_supervisors_who_are_refused() -> None:
    """No conversation, a second supervisor, twice the same account, modes and people that do not fit."""
    ringing = Played().ringing()
    with pytest.raises(WrongPhase):
        ringing.call.watch(SUPERVISOR, ringing.time)
    played = Played().watched()
    other = Party(SeatId("seat-t"), Role.SUPERVISOR, "Tom", AccountId("acct-tom"))
    with pytest.raises(WrongPhase) as caught:
        played.call.watch(other, played.time)
    assert caught.value.code == "full"
    with pytest.raises(WrongPhase):
        played.call.watch(SUPERVISOR, played.time)
    assert refusal(played, SUPERVISOR, wire.SetMode(SeatMode.PRIVATE)) == "wrong_phase"
    assert refusal(played, AGENT, wire.SetMode(SeatMode.MONITOR)) == "wrong_phase"
    assert refusal(played, AGENT, wire.TakeOver()) == "wrong_phase"
    assert refusal(played, SUPERVISOR, wire.Hold(True)) == "not_host"
    assert refusal(played, SUPERVISOR, wire.HangUp()) == "not_host"


def test_a_supervisor_takes_over() -> None:
    """He leads and decides; the agent who led is out and owes nothing."""
    played = Played().watched(SeatMode.WHISPER)
    before = len(played.facts(Fact))
    played.got(SUPERVISOR, wire.SetMode(SeatMode.MONITOR))
    played.got(SUPERVISOR, wire.TakeOver())
    assert names(played, before) == [
        "SupervisorActed",
        "SeatModeChanged",
        "PartyJoined",
        "PartyLeft",
        "HostChanged",
    ]
    acted = played.facts(facts.SupervisorActed)[0]
    assert (acted.supervisor, acted.action, acted.target) == (SUE, "took_over", ANNA)
    played.settle()
    assert played.call.mode_of(SUPERVISOR.seat) is SeatMode.TALKING, "what he wanted before no longer counts"
    assert played.call.host == SUE
    assert played.gets(CUSTOMER) == [SUPERVISOR.seat, None, None]
    assert [effect.agent for effect in played.all(fx.FreeAgent)] == [ANNA]
    played.got(SUPERVISOR, FAIL)
    assert played.facts(facts.AgentDecided)[0].agent == SUE


def test_a_third_party_takes_over() -> None:
    """Whom the customer knows already does not join again; sockets nobody knows change nothing."""
    played = Played().watched(SeatMode.TALKING)
    before = len(played.facts(Fact))
    played.call.dropped(SeatId("seat-x"), played.time)
    played.call.returned(SeatId("seat-x"), played.time)
    played.got(SUPERVISOR, wire.TakeOver())
    assert names(played, before) == ["SupervisorActed", "PartyLeft", "HostChanged"]
    assert played.call.customer == CUSTOMER


def test_a_supervisor_takes_over_whom_nobody_leads() -> None:
    """The transfer is called off, its ring ends, and so does the hold."""
    played = Played().watched()
    played.got(AGENT, wire.Invite(transfer=True))
    played.settle()
    assert played.phase() is CallPhase.HELD
    assert played.seen(SUPERVISOR).inviting == "anybody"
    played.call.rang(NEXT, played.time)
    played.got(SUPERVISOR, wire.TakeOver())
    assert played.all(fx.Unsummon) == [fx.Unsummon(CALL, Role.AGENT)]
    assert played.sent(BERT, wire.RingOver) == [wire.RingOver(CALL, RingEnd.WITHDRAWN)]
    assert played.facts(facts.SupervisorActed)[0].target is None
    played.settle()
    assert played.phase() is CallPhase.ACTIVE
    assert played.gets(CUSTOMER) == [SUPERVISOR.seat, None, None]


@pytest.mark.parametrize("rescue", ["supervisor", "agent", "nobody"])
def test_a_lost_host_beside_a_supervisor_is_waited_for(rescue: str) -> None:
    """The customer is held for a take-over or the next agent, as long as in a transfer."""
    played = Played().watched()
    played.got(AGENT, wire.Invite())
    played.call.dropped(AGENT.seat, played.time)
    played.call.tick(played.after(20))
    assert played.all(fx.Unsummon) == [fx.Unsummon(CALL, Role.GUEST)]
    summon = played.all(fx.Summon)[-1]
    assert (summon.role, summon.but, summon.invited_by) == (Role.AGENT, frozenset({SUE}), "Anna")
    assert played.settle().phase() is CallPhase.HELD
    assert [effect.agent for effect in played.all(fx.FreeAgent)] == [ANNA]
    if rescue == "supervisor":
        played.got(SUPERVISOR, wire.TakeOver())
        leads = SUE
    else:
        played.call.rang(NEXT, played.time)
        leads = BERT
    if rescue == "agent":
        played.call.accepted(BERT, played.time)
        played.connect(NEXT)
    played.settle()
    played.call.tick(played.after(120))
    if rescue == "nobody":
        assert played.call.reason is CallEnd.TRANSFER_FAILED
    else:
        assert (played.phase(), played.call.host) == (CallPhase.ACTIVE, leads)


def test_a_host_lost_before_the_conversation_is_no_transfer() -> None:
    """There is nothing yet that a supervisor could lead on."""
    played = Played().connecting()
    played.call.watch(SUPERVISOR, played.time)
    played.call.dropped(AGENT.seat, played.time)
    played.call.tick(played.after(20))
    assert played.call.reason is CallEnd.AGENT_LOST


def test_a_supervisor_who_is_not_connected_yet_has_the_time_of_any_agent() -> None:
    """Then the call ends for want of media."""
    played = Played().active().settle()
    played.call.watch(SUPERVISOR, played.time)
    played.got(SUPERVISOR, wire.TakeOver())
    played.call.tick(played.after(29))
    assert played.call.reason is None
    played.call.tick(played.after(1))
    assert played.call.reason is CallEnd.MEDIA_TIMEOUT


def test_with_a_guest_there_are_three_of_the_staff() -> None:
    """Everybody has a line with everybody; a private talk is whispered into as well."""
    played = Played().three(private=True)
    played.call.watch(SUPERVISOR, played.time)
    played.got(SUPERVISOR, wire.SetMode(SeatMode.WHISPER))
    played.settle()
    assert played.gets(AGENT) == [None, GUEST.seat, SUPERVISOR.seat]
    assert played.gets(GUEST) == [None, AGENT.seat, SUPERVISOR.seat]
    assert played.gets(SUPERVISOR) == [None, AGENT.seat, GUEST.seat]
    assert played.gets(CUSTOMER) == [None, None, None]
    played.got(AGENT, wire.Admit())
    played.settle()
    assert played.gets(CUSTOMER) == [AGENT.seat, GUEST.seat, None]


def test_an_observer_who_does_not_return_just_leaves() -> None:
    """The customer notices nothing of it."""
    played = Played().watched()
    before = len(played.sent(None, wire.CallState))
    played.note(facts.MediaLost(CALL, SUPERVISOR.seat, "ice"))
    played.call.tick(played.after(20))
    assert names(played)[-1] == "ObserverLeft"
    assert len(played.sent(None, wire.CallState)) == before


@pytest.mark.parametrize("seated", [True, False])
def test_a_supervisor_ends_a_call(seated: bool) -> None:
    """Sitting in it or not; the agent decides as after any hang-up."""
    played = Played().watched() if seated else Played().active()
    played.call.force_end(SUE, "abuse", played.time)
    acted = played.facts(facts.SupervisorActed)[0]
    assert (acted.action, acted.target, acted.pii_reason) == ("force_ended", ANNA, "abuse")
    assert played.call.reason is CallEnd.SUPERVISOR_ENDED
    assert played.call.owes(ANNA)
    with pytest.raises(WrongPhase):
        played.call.force_end(SUE, "again", played.time)


def test_a_supervisor_ends_a_waiting() -> None:
    """Nobody talked: the case is aborted; before the queue there is nothing to end."""
    early = Played()
    early.call.open()
    with pytest.raises(WrongPhase):
        early.call.force_end(SUE, "x", early.time)
    played = Played().ringing()
    played.call.force_end(SUE, "x", played.time)
    assert played.call.case_phase is CasePhase.ABORTED
    assert played.facts(facts.CaseAdvanced)[-1].reason is CaseEnd.CALL_FAILED
    assert not played.all(fx.FreeAgent)
    assert not played.sent(None, wire.Failed), "the call's own screen tells it"


def test_who_waits_is_told_that_the_waiting_is_over() -> None:
    """Before the first ring the page knows no call that could end."""
    played = Played().queued()
    played.call.force_end(SUE, "x", played.time)
    assert not played.sent(None, wire.CallState)
    (failed,) = played.sent(None, wire.Failed)
    assert isinstance(failed, wire.Failed)
    assert (failed.code, failed.about) == ("supervisor_ended", "join_queue")


# --- cameras, microphones, screens ---


def test_a_camera_that_is_off_is_a_fact_and_no_promise() -> None:
    """Both sides see it, media does not wait for it, checks are locked until it is on."""
    played = Played().active().settle()
    off = wire.CaptureState(CALL, Capture.ON, Capture.OFF)
    played.got(CUSTOMER, off)
    played.got(CUSTOMER, off)
    assert played.facts(facts.CaptureChanged) == [
        facts.CaptureChanged(CALL, CUSTOMER.seat, Capture.ON, Capture.OFF)
    ]
    assert played.route(CUSTOMER).promises == (TrackSource.MICROPHONE,)
    assert played.seen(AGENT).parties[0].camera is Capture.OFF
    assert not played.call.kyc_unlocked
    assert refusal(played, AGENT, wire.CheckIdNumber("1")) == "kyc_locked"
    played.got(CUSTOMER, wire.CaptureState(CALL, Capture.ON, Capture.ON))
    assert played.call.kyc_unlocked


def test_a_call_begins_with_the_camera_off() -> None:
    """Told in the queue: a fact when the party joins; what is promised has arrived with the sound."""
    played = Played().queued()
    played.got(CUSTOMER, wire.CaptureState(CALL, Capture.ON, Capture.OFF))
    played.call.rang(AGENT, played.time)
    played.got(AGENT, wire.CaptureState(CALL, Capture.ON, Capture.OFF))
    assert not played.facts(facts.CaptureChanged)
    played.call.accepted(ANNA, played.time)
    assert [fact.seat for fact in played.facts(facts.CaptureChanged)] == [CUSTOMER.seat, AGENT.seat]
    played.connect()
    for party in (CUSTOMER, AGENT):
        assert played.phase() is CallPhase.CONNECTING
        track = TrackId(f"track-{party.seat}")
        started = facts.TrackStarted(
            CALL, track, party.seat, party.role, TrackKind.AUDIO, TrackSource.MICROPHONE, "opus", 48_000
        )
        played.note(started)
    assert played.phase() is CallPhase.ACTIVE


def test_a_camera_turned_off_while_connecting_blocks_nothing() -> None:
    """The call was waiting for that picture only."""
    played = Played().connecting()
    played.connect()
    played.start(AGENT)
    played.got(CUSTOMER, wire.CaptureState(CALL, Capture.OFF, Capture.OFF))
    assert played.phase() is CallPhase.ACTIVE


def test_capture_states_that_are_refused() -> None:
    """Of another call, and after the end."""
    played = Played().active()
    with pytest.raises(NotFound):
        played.got(CUSTOMER, wire.CaptureState(CallId("call-2"), Capture.ON, Capture.OFF))
    played.got(CUSTOMER, wire.HangUp())
    assert refusal(played, AGENT, wire.CaptureState(CALL, Capture.ON, Capture.OFF)) == "wrong_phase"


def screen(played: Played, party: Party) -> TrackId:
    played.tracks += 1
    track = TrackId(f"track-{played.tracks}")
    played.note(
        facts.TrackStarted(
            CALL, track, party.seat, party.role, TrackKind.VIDEO, TrackSource.SCREEN, "VP8", 90_000
        )
    )
    return track


def test_who_shares_is_seen_by_all_others() -> None:
    """The host's screen has its way from the beginning; the latest one wins, then the one before."""
    played = Played().three()
    assert played.route(CUSTOMER).screen == played.route(GUEST).screen == AGENT.seat
    assert played.route(AGENT).screen is None
    arranged = len(played.all(fx.Arrange))
    screen(played, AGENT)
    assert len(played.all(fx.Arrange)) == arranged
    assert played.seen(CUSTOMER).sharing == played.seen(AGENT).sharing == AGENT.seat
    second = screen(played, GUEST)
    assert played.route(CUSTOMER).screen == played.route(AGENT).screen == GUEST.seat
    assert played.route(GUEST).screen == AGENT.seat
    assert played.seen(CUSTOMER).sharing == GUEST.seat
    played.note(facts.TrackEnded(CALL, second, 9))
    assert played.route(CUSTOMER).screen == AGENT.seat


def test_a_share_of_somebody_who_left_is_nobodys() -> None:
    """Its track ends a moment later."""
    played = Played().three()
    screen(played, GUEST)
    played.got(GUEST, wire.Leave())
    assert played.seen(CUSTOMER).sharing is None
    assert played.route(CUSTOMER).screen == AGENT.seat
