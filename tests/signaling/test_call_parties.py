"""More than two people in a call: hold, private talk, invitations, handing over, transfers."""

from dataclasses import replace

import pytest

from contract import facts, wire
from contract.errors import MediaError, WrongPhase
from contract.facts import Fact
from contract.ids import AccountId, SeatId
from contract.phases import (
    CallEnd,
    CallPhase,
    Capture,
    RingEnd,
    Role,
    SeatMode,
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
    Played,
    names,
    refusal,
)

# --- the hold ---


def test_a_call_is_held_when_media_says_so() -> None:
    """Until then nothing is told; afterwards nothing passes between customer and staff."""
    played = Played().active().settle()
    played.got(AGENT, wire.Hold(True))
    assert played.gets(CUSTOMER) == played.gets(AGENT) == [None, None, None]
    assert not played.route(AGENT).recorded
    assert played.route(CUSTOMER).recorded
    assert played.phase() is CallPhase.ACTIVE
    played.settle()
    assert played.phase() is CallPhase.HELD
    assert [party.slot for party in played.seen(CUSTOMER).parties] == [None, None]
    assert played.seen(CUSTOMER).phase is played.seen(AGENT).phase is CallPhase.HELD
    assert not played.call.kyc_unlocked
    played.got(AGENT, wire.Hold(False))
    assert played.phase() is CallPhase.HELD
    played.settle()
    assert played.phases()[-3:] == [CallPhase.ACTIVE, CallPhase.HELD, CallPhase.ACTIVE]
    assert played.gets(CUSTOMER)[0] == AGENT.seat


def test_a_hold_that_media_refuses_changes_nothing() -> None:
    """The agent is told; a second later media is asked for what still stands."""
    played = Played().active().settle()
    played.got(AGENT, wire.Hold(True))
    played.settle(MediaError())
    assert played.phase() is CallPhase.ACTIVE
    failed = played.sent(ANNA, wire.Failed)[0]
    assert isinstance(failed, wire.Failed)
    assert (failed.code, failed.about) == ("media", "hold")
    played.call.tick(played.after(1))
    assert played.gets(CUSTOMER)[0] == AGENT.seat
    played.settle()
    played.got(AGENT, wire.Hold(True))
    played.settle()
    assert played.phase() is CallPhase.HELD


def test_media_that_refuses_for_too_long_ends_the_call() -> None:
    """What cannot be rearranged might be heard by the wrong people."""
    played = Played().active()
    for _ in range(20):
        played.settle(MediaError())
        assert played.call.reason is None
        played.call.tick(played.after(1))
    played.call.tick(played.after(0.5))
    assert played.call.reason is CallEnd.MEDIA_FAILED
    played.settle(MediaError())
    assert not played.sent(ANNA, wire.Failed)


def test_holds_that_make_no_sense_are_refused() -> None:
    """Held already (or about to be), not held, not yet active, not the host."""
    played = Played().connecting()
    assert refusal(played, AGENT, wire.Hold(True)) == "wrong_phase"
    played = Played().three()
    assert refusal(played, AGENT, wire.Hold(False)) == "not_held"
    assert refusal(played, GUEST, wire.Hold(True)) == "not_host"
    assert refusal(played, CUSTOMER, wire.Hold(True)) == "not_host"
    played.got(AGENT, wire.Hold(True))
    assert refusal(played, AGENT, wire.Hold(True)) == "held"


def test_a_held_call_is_held_again_after_a_drop() -> None:
    """HELD, RECONNECTING, HELD; the customer hears nobody in between."""
    played = Played().active().settle()
    played.got(AGENT, wire.Hold(True))
    played.settle()
    played.call.dropped(CUSTOMER.seat, played.time)
    assert played.phase() is CallPhase.RECONNECTING
    played.call.returned(CUSTOMER.seat, played.after(5))
    assert played.phase() is CallPhase.HELD
    assert played.gets(CUSTOMER) == [None, None, None]


def test_a_hold_that_ends_while_somebody_is_away_leaves_it_at_that() -> None:
    """The call becomes active when all are back."""
    played = Played().active().settle()
    played.got(AGENT, wire.Hold(True))
    played.settle().call.dropped(CUSTOMER.seat, played.time)
    played.got(AGENT, wire.Hold(False))
    played.settle()
    assert played.phase() is CallPhase.RECONNECTING
    played.call.returned(CUSTOMER.seat, played.time)
    assert played.phase() is CallPhase.ACTIVE


def test_answers_of_media_after_the_end_change_nothing() -> None:
    """A hold that holds too late is no hold."""
    played = Played().active().settle()
    played.got(AGENT, wire.Hold(True))
    played.got(CUSTOMER, wire.HangUp())
    played.settle()
    assert played.phase() is CallPhase.ENDED
    played = Played().active().settle()
    played.got(AGENT, wire.Hold(True))
    played.got(CUSTOMER, wire.HangUp())
    played.settle(MediaError())
    assert not played.sent(ANNA, wire.Failed)


# --- invitations ---


def test_a_colleague_is_asked_for() -> None:
    """A fact and a summons with all that the ring's card needs; the staff see whom they wait for."""
    played = Played().active()
    played.got(AGENT, wire.Invite(skill="tax", note="residency"))
    assert played.facts(facts.PartyInvited) == [
        facts.PartyInvited(CALL, ANNA, None, "tax", False, False, "residency")
    ]
    assert played.all(fx.Summon) == [
        fx.Summon(CALL, Role.GUEST, None, "tax", frozenset({ANNA}), "Anna", "residency", False)
    ]
    assert played.seen(AGENT).inviting == "tax"
    assert played.seen(CUSTOMER).inviting == ""
    played.call.rang(GUEST, played.time)
    assert played.seen(AGENT).inviting == "Bert"
    assert played.seen(GUEST) == wire.CallState(
        CALL, played.call.case, CallPhase.RINGING, "", 0.0, False, False, seat=GUEST.seat
    )
    assert played.call.state(GUEST.seat, played.time) == played.seen(GUEST)
    assert played.call.rung(Role.GUEST) == GUEST
    assert played.call.mode_of(GUEST.seat) is None


def test_a_guest_who_joins_at_once_is_a_third_party() -> None:
    """Everybody gets everybody, each on a line of its own, and all are recorded."""
    played = Played().three()
    assert names(played)[-2:] == ["RingEnded", "PartyJoined"]
    assert played.gets(CUSTOMER) == [AGENT.seat, GUEST.seat, None]
    assert played.gets(AGENT) == [CUSTOMER.seat, GUEST.seat, None]
    assert played.gets(GUEST) == [CUSTOMER.seat, AGENT.seat, None]
    assert played.route(GUEST).recorded
    assert [(seen.name, seen.slot, seen.account) for seen in played.seen(CUSTOMER).parties] == [
        ("王小明", None, None),
        ("Anna", 0, None),
        ("Bert", 1, None),
    ]
    assert played.seen(GUEST).parties[1].account == ANNA
    assert played.seen(GUEST).inviting == ""
    assert played.call.staff == (AGENT, GUEST)
    assert played.sent(BERT, wire.Script)
    played.got(GUEST, wire.Chat("hello"))
    assert played.facts(facts.ChatSaid)[0].role is Role.GUEST


def test_a_private_guest_holds_the_customer() -> None:
    """Staff talk among themselves; the customer does not learn that anybody came."""
    played = Played().three(private=True)
    assert played.phase() is CallPhase.HELD
    assert played.facts(facts.ObserverJoined)[0].mode is SeatMode.PRIVATE
    assert len(played.facts(facts.PartyJoined)) == 2
    assert played.gets(AGENT) == [None, GUEST.seat, None]
    assert played.gets(GUEST) == [None, AGENT.seat, None]
    assert played.gets(CUSTOMER) == [None, None, None]
    assert [seen.name for seen in played.seen(CUSTOMER).parties] == ["王小明", "Anna"]
    assert refusal(played, GUEST, wire.Chat("psst")) == "wrong_phase"


def test_a_private_guest_of_a_held_call_needs_no_other_hold() -> None:
    """The hold of before is the hold of the private talk."""
    played = Played().active().settle()
    played.got(AGENT, wire.Hold(True))
    played.got(AGENT, wire.Invite(private=True))
    played.call.rang(GUEST, played.time)
    played.call.accepted(BERT, played.time)
    played.settle()
    assert played.phases().count(CallPhase.HELD) == 1
    assert played.gets(AGENT) == [None, GUEST.seat, None]


def test_a_private_talk_begins_when_the_customer_is_held() -> None:
    """However often media refuses: until then nobody hears the guest, and the guest nobody."""
    played = Played().active().settle()
    played.got(AGENT, wire.Invite(private=True))
    played.call.rang(GUEST, played.time)
    played.call.accepted(BERT, played.time)
    for _ in range(3):
        played.settle(MediaError())
        assert played.phase() is CallPhase.ACTIVE
        played.call.tick(played.after(1))
        assert {*played.gets(CUSTOMER)} == {None}, "asked for together with the talk"
        assert played.gets(GUEST) == [None, AGENT.seat, None]
    assert not played.sent(ANNA, wire.Failed)
    assert played.settle().phase() is CallPhase.HELD


def test_a_private_guest_is_held_whatever_becomes_of_the_hosts_own_hold() -> None:
    """The host's hold fails while the guest comes: the one for the guest is tried on."""
    played = Played().active().settle()
    played.got(AGENT, wire.Invite(private=True))
    played.call.rang(GUEST, played.time)
    played.got(AGENT, wire.Hold(True))
    played.call.accepted(BERT, played.time)
    played.settle(MediaError())
    assert [m.about for m in played.sent(ANNA, wire.Failed)] == ["hold"]  # type: ignore[attr-defined]
    played.call.tick(played.after(1))
    assert played.settle().phase() is CallPhase.HELD


def test_the_hold_of_a_private_talk_is_not_ended_before_the_talk() -> None:
    """The customer would hear the host's half: admit the guest, or let him leave first."""
    played = Played().three(private=True)
    assert refusal(played, AGENT, wire.Hold(False)) == "held"
    played.got(GUEST, wire.Leave())
    played.got(AGENT, wire.Hold(False))
    assert played.settle().phase() is CallPhase.ACTIVE


def test_an_admitted_guest_talks_to_the_customer() -> None:
    """Mode and hold change together, when media has done both."""
    played = Played().three(private=True)
    played.got(GUEST, wire.CaptureState(CALL, Capture.ON, Capture.OFF))
    assert not played.facts(facts.CaptureChanged)
    before = len(played.facts(Fact))
    played.got(AGENT, wire.Admit())
    assert names(played, before) == []
    assert refusal(played, AGENT, wire.Admit()) == "wrong_phase"
    played.settle()
    assert names(played, before) == ["SeatModeChanged", "PartyJoined", "CaptureChanged", "CallAdvanced"]
    assert played.phase() is CallPhase.ACTIVE
    assert played.gets(CUSTOMER) == [AGENT.seat, GUEST.seat, None]
    assert played.route(GUEST).promises == (TrackSource.MICROPHONE,)


def test_nobody_to_admit() -> None:
    """No guest at all, or one who talks already."""
    assert refusal(Played().active(), AGENT, wire.Admit()) == "wrong_phase"
    assert refusal(Played().three(), AGENT, wire.Admit()) == "wrong_phase"


def test_invitations_that_are_refused() -> None:
    """Too early, a second one, by somebody else, of somebody who is here, private transfers."""
    assert refusal(Played().connecting(), AGENT, wire.Invite()) == "wrong_phase"
    played = Played().active()
    assert refusal(played, AGENT, wire.Invite(private=True, transfer=True)) == "wrong_phase"
    assert refusal(played, AGENT, wire.Invite(agent=ANNA)) == "no_such_agent"
    assert refusal(played, AGENT, wire.WithdrawInvite()) == "wrong_phase"
    played.got(AGENT, wire.Invite())
    assert refusal(played, AGENT, wire.Invite()) == "inviting"
    played = Played().three()
    assert refusal(played, AGENT, wire.Invite()) == "full"
    assert refusal(played, GUEST, wire.Invite()) == "not_host"


def test_rings_that_nobody_asked_for_are_refused() -> None:
    """No invitation, another role, a second ring at once."""
    played = Played().active()
    for party in (GUEST, NEXT):
        with pytest.raises(WrongPhase):
            played.call.rang(party, played.time)
    played.got(AGENT, wire.Invite())
    with pytest.raises(WrongPhase):
        played.call.rang(NEXT, played.time)
    played.call.rang(GUEST, played.time)
    with pytest.raises(WrongPhase):
        played.call.rang(Party(SeatId("seat-x"), Role.GUEST, "Cara", AccountId("acct-cara")), played.time)


def test_a_withdrawn_invitation_ends_its_ring() -> None:
    """The desk is told; the ring's own end comes too late to matter."""
    played = Played().active()
    played.got(AGENT, wire.Invite())
    played.call.rang(GUEST, played.time)
    played.got(AGENT, wire.WithdrawInvite())
    assert played.all(fx.Unsummon) == [fx.Unsummon(CALL, Role.GUEST)]
    assert played.sent(BERT, wire.RingOver) == [wire.RingOver(CALL, RingEnd.WITHDRAWN)]
    assert played.all(fx.DropSeat) == [fx.DropSeat(CALL, GUEST.seat)]
    assert played.seen(AGENT).inviting == ""
    played.call.ring_over(BERT, RingEnd.WITHDRAWN, played.time)
    assert len(played.facts(facts.RingEnded)) == 2
    with pytest.raises(WrongPhase):
        played.call.accepted(BERT, played.time)


def test_a_refused_ring_leaves_the_invitation() -> None:
    """The desk asks the next one; when it gives up, the host is told."""
    played = Played().active()
    played.got(AGENT, wire.Invite(agent=BERT))
    assert played.seen(AGENT).inviting == BERT
    played.call.rang(GUEST, played.time)
    played.call.ring_over(BERT, RingEnd.REFUSED, played.time)
    played.call.gave_up(Role.AGENT, played.time)
    assert played.seen(AGENT).inviting == BERT
    played.call.gave_up(Role.GUEST, played.time)
    assert played.seen(AGENT).inviting == ""
    failed = played.sent(ANNA, wire.Failed)[0]
    assert isinstance(failed, wire.Failed)
    assert (failed.code, failed.about) == ("nobody_answered", "invite")
    played.call.gave_up(Role.GUEST, played.time)
    assert len(played.sent(ANNA, wire.Failed)) == 1


def test_the_end_of_a_call_ends_its_invitation() -> None:
    """The console stops ringing; nobody who was only rung is freed."""
    played = Played().active()
    played.got(AGENT, wire.Invite())
    played.call.rang(GUEST, played.time)
    played.got(CUSTOMER, wire.HangUp())
    assert played.all(fx.Unsummon) == [fx.Unsummon(CALL, Role.GUEST)]
    assert played.facts(facts.RingEnded)[-1].how is RingEnd.WITHDRAWN
    assert played.all(fx.FreeAgent) == [fx.FreeAgent(ANNA, 0)]


# --- leaving and handing over ---


def test_a_guest_leaves_and_the_call_goes_on() -> None:
    """Seat dropped, agent freed with the time of his own; the line is free again."""
    played = Played().active()
    played.after(30)
    played.got(AGENT, wire.Invite())
    played.call.rang(GUEST, played.time)
    played.call.accepted(BERT, played.time)
    played.after(12)
    played.got(GUEST, wire.Leave())
    assert played.facts(facts.PartyLeft) == [facts.PartyLeft(CALL, GUEST.seat)]
    assert played.all(fx.FreeAgent) == [fx.FreeAgent(BERT, 12)]
    assert played.all(fx.DropSeat) == [fx.DropSeat(CALL, GUEST.seat)]
    assert played.gets(CUSTOMER) == [AGENT.seat, None, None]
    assert played.call.seat_of(BERT) is None
    assert played.phase() is CallPhase.ACTIVE
    assert refusal(played, GUEST, wire.Leave()) == "wrong_phase"


def test_a_private_guest_leaves_unnoticed() -> None:
    """The customer stays on hold until the host goes on."""
    played = Played().three(private=True)
    before = len(played.sent(None, wire.CallState))
    played.got(GUEST, wire.Leave())
    assert played.facts(facts.ObserverLeft) == [facts.ObserverLeft(CALL, GUEST.seat)]
    assert len(played.sent(None, wire.CallState)) == before
    assert played.settle().phase() is CallPhase.HELD


def test_the_host_hands_over_to_the_guest() -> None:
    """Who leaves owes nothing; who stays leads, decides, and keeps the line."""
    played = Played().three()
    played.after(40)
    played.got(AGENT, wire.Leave())
    assert played.facts(facts.HostChanged) == [facts.HostChanged(CALL, ANNA, BERT, "Bert")]
    assert played.all(fx.FreeAgent) == [fx.FreeAgent(ANNA, 40)]
    assert played.call.host == BERT
    assert played.gets(CUSTOMER) == [None, GUEST.seat, None]
    assert played.seen(CUSTOMER).peer == "Bert"
    assert played.seen(GUEST).host == GUEST.seat
    assert not played.call.kyc_unlocked
    played.start(GUEST)
    assert played.call.kyc_unlocked
    assert not played.call.owes(ANNA)
    played.got(GUEST, wire.HangUp())
    assert played.call.owes(BERT)
    assert not played.call.owes(ANNA)
    played.got(GUEST, FAIL)
    assert played.facts(facts.AgentDecided)[0].agent == BERT


def test_nobody_leaves_a_customer_alone() -> None:
    """Neither the only agent, nor one whose guest the customer does not know."""
    assert refusal(Played().active(), AGENT, wire.Leave()) == "nobody_left"
    assert refusal(Played().three(private=True), AGENT, wire.Leave()) == "nobody_left"


def test_only_who_leads_ends_the_call() -> None:
    """A guest leaves; the host's hang-up ends it for all."""
    played = Played().three()
    for message in (wire.HangUp(), FAIL, wire.WrapUp(), wire.CheckIdNumber("1"), wire.WithdrawInvite()):
        assert refusal(played, GUEST, message) == "not_host"
    assert refusal(played, AGENT, wire.JoinQueue()) == "wrong_phase"
    played.got(AGENT, wire.HangUp())
    assert {effect.agent for effect in played.all(fx.FreeAgent)} == {ANNA, BERT}
    assert played.seen(GUEST).phase is CallPhase.ENDED
    assert refusal(played, GUEST, wire.Leave()) == "wrong_phase"


def test_a_guest_who_does_not_return_just_leaves() -> None:
    """His drop is told, the call stays active, and after the grace he is gone."""
    played = Played().three()
    played.call.dropped(GUEST.seat, played.time)
    assert played.facts(facts.PartyDropped)[0].seat == GUEST.seat
    assert played.phase() is CallPhase.ACTIVE
    assert not played.seen(CUSTOMER).parties[2].present
    assert played.seen(CUSTOMER).grace_s is None
    played.call.tick(played.after(20))
    assert played.facts(facts.PartyLeft) == [facts.PartyLeft(CALL, GUEST.seat)]
    assert played.phase() is CallPhase.ACTIVE


def test_a_private_guest_drops_and_returns_unnoticed() -> None:
    """No fact and no message for the customer."""
    played = Played().three(private=True)
    before = (len(played.facts(Fact)), len(played.sent(None, wire.CallState)))
    played.call.dropped(GUEST.seat, played.time)
    assert not played.seen(AGENT).parties[2].present
    played.call.returned(GUEST.seat, played.after(3))
    assert played.seen(AGENT).parties[2].present
    played.call.tick(played.after(60))
    assert (len(played.facts(Fact)), len(played.sent(None, wire.CallState))) == before


def test_a_host_who_does_not_return_is_followed_by_the_guest() -> None:
    """RECONNECTING for the time of grace, then the conversation goes on."""
    played = Played().three()
    played.call.dropped(AGENT.seat, played.time)
    assert played.phase() is CallPhase.RECONNECTING
    assert played.seen(CUSTOMER).grace_s == 20
    played.call.tick(played.after(20))
    assert played.phase() is CallPhase.ACTIVE
    assert played.call.host == BERT
    assert [effect.agent for effect in played.all(fx.FreeAgent)] == [ANNA]


def test_a_lost_host_is_followed_by_the_private_guest() -> None:
    """The customer stays on hold until the new host ends it, even if the old one was about to admit."""
    played = Played().three(private=True)
    played.got(AGENT, wire.Admit())
    played.call.dropped(AGENT.seat, played.time)
    played.call.tick(played.after(20))
    assert played.call.host == BERT
    assert played.call.mode_of(GUEST.seat) is SeatMode.TALKING
    assert played.facts(facts.HostChanged) == [facts.HostChanged(CALL, ANNA, BERT, "Bert")]
    assert [effect.agent for effect in played.all(fx.FreeAgent)] == [ANNA]
    assert played.settle().phase() is CallPhase.HELD
    assert played.gets(CUSTOMER) == [None, None, None]
    played.got(GUEST, wire.Hold(False))
    assert played.settle().phase() is CallPhase.ACTIVE
    assert GUEST.seat in played.gets(CUSTOMER)


def test_a_guest_who_leaves_while_being_admitted_leaves_the_hold() -> None:
    """Media had begun to end it: for that moment the customer hears the host, and every screen says so."""
    played = Played().three(private=True)
    played.got(AGENT, wire.Admit())
    admitted = played.all(fx.Arrange)[-1]
    played.got(GUEST, wire.Leave())
    assert AGENT.seat in {slot.seat for route in admitted.routes for slot in route.slots if slot}
    played.settled += 1
    played.call.arranged(None, played.time)
    assert played.seen(CUSTOMER).phase is CallPhase.ACTIVE
    assert played.settle().phase() is CallPhase.HELD
    assert played.seen(CUSTOMER).phase is CallPhase.HELD
    assert played.gets(CUSTOMER) == [None, None, None]
    played.got(AGENT, wire.Hold(False))
    assert AGENT.seat in played.settle().gets(CUSTOMER)


def test_staff_do_not_write_to_who_is_held() -> None:
    """What is typed for the colleague would reach the customer; the customer may go on writing."""
    played = Played().three(private=True)
    assert refusal(played, AGENT, wire.Chat("between us")) == "held"
    played.got(CUSTOMER, wire.Chat("hello?"))
    assert played.facts(facts.ChatSaid)[0].role is Role.CUSTOMER
    played.got(AGENT, wire.Admit())
    played.settle()
    played.got(AGENT, wire.Chat("here we are"))
    assert len(played.facts(facts.ChatSaid)) == 2


def test_host_and_guest_lost_together_end_the_call() -> None:
    """The guest cannot lead from elsewhere."""
    played = Played().three()
    for party in (AGENT, GUEST):
        played.call.dropped(party.seat, played.time)
    played.call.tick(played.after(20))
    assert played.call.reason is CallEnd.AGENT_LOST


def test_a_guest_without_a_camera_ends_nothing() -> None:
    """Only what customer and host promise is needed."""
    played = Played().three()
    played.note(facts.MediaMissing(CALL, GUEST.seat, ("camera",), 20))
    assert played.call.reason is None
    played.got(CUSTOMER, wire.CaptureState(CALL, Capture.ON, Capture.OFF))
    played.note(facts.MediaMissing(CALL, CUSTOMER.seat, ("camera",), 20))
    assert played.call.reason is None
    played.note(facts.MediaMissing(CALL, AGENT.seat, ("microphone",), 20))
    assert played.call.reason is CallEnd.MEDIA_TIMEOUT


def test_a_customer_is_told_names_and_numbers_of_who_talks() -> None:
    """The bank's public number, never the account; after a hand-over the next host's."""
    anna, bert = replace(AGENT, number="8001"), replace(GUEST, number="8002")
    played = Played().queued()
    played.call.rang(anna, played.time)
    played.call.accepted(ANNA, played.time)
    played.connect()
    played.start()
    played.settle().got(AGENT, wire.Invite())
    played.call.rang(bert, played.time)
    played.call.accepted(BERT, played.time)
    played.connect(GUEST)
    seen = played.settle().seen(CUSTOMER)
    assert (seen.peer, seen.peer_number) == ("Anna", "8001")
    assert [(party.number, party.account) for party in seen.parties[1:]] == [("8001", None), ("8002", None)]
    assert played.seen(AGENT).peer_number == ""
    played.got(AGENT, wire.Leave())
    played.settle().got(CUSTOMER, wire.HangUp())
    over = played.seen(CUSTOMER)
    assert (over.phase, over.peer, over.peer_number) == (CallPhase.ENDED, "Bert", "8002")
