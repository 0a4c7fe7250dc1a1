"""Who leaves is told so, and what never was is told to nobody: the machine, and a supervisor in a house."""

import pytest

from contract import facts, wire
from contract.errors import MediaError
from contract.phases import CallPhase, SeatMode
from contract.ports import Party
from signaling.effects import Arrange
from tests.signaling.house import open_house
from tests.signaling.played import AGENT, ANNA, BERT, CUSTOMER, GUEST, SUE, SUPERVISOR, Played


def told_to_be_out(played: Played, who: Party) -> bool:
    return played.seen(who).seat is None


@pytest.mark.parametrize("how", ["leave", "hand_over", "transfer", "taken_over", "lost"])
def test_whoever_leaves_gets_a_last_state_without_a_seat(how: str) -> None:
    """And nobody who stays does; the call's phase is told as it is."""
    played = Played().three() if how in {"leave", "hand_over"} else Played().watched()
    gone = GUEST if how == "leave" else AGENT
    match how:
        case "leave" | "hand_over":
            played.got(gone, wire.Leave())
        case "transfer":
            played.got(AGENT, wire.Invite(transfer=True))
        case "taken_over":
            played.got(SUPERVISOR, wire.TakeOver())
        case _:
            played.call.dropped(AGENT.seat, played.time)
            played.call.tick(played.after(20))
    played.settle()
    state = played.seen(gone)
    assert (state.seat, state.parties, state.reason) == (None, (), None)
    assert state.phase in {CallPhase.ACTIVE, CallPhase.RECONNECTING}
    stay = [CUSTOMER, *played.call.staff]
    assert not any(told_to_be_out(played, who) for who in stay)


def test_a_supervisor_who_led_and_leaves_is_out() -> None:
    """To him the heir's phase says nothing: his seat is gone."""
    played = Played().three()
    played.call.watch(SUPERVISOR, played.time)
    played.connect(SUPERVISOR)
    played.settle().got(SUPERVISOR, wire.TakeOver())
    played.settle()
    assert played.call.host == SUE
    assert [party.account for party in played.call.staff] == [BERT, SUE]
    played.got(SUPERVISOR, wire.Leave())
    assert played.call.host == BERT
    assert told_to_be_out(played, SUPERVISOR)
    assert told_to_be_out(played, AGENT)
    assert not told_to_be_out(played, GUEST)


def test_a_mode_that_media_never_had_is_told_to_nobody() -> None:
    """Talking fails, monitor holds: the customer hears of no third party who came and went."""
    played = Played().watched()
    told, seen = len(played.facts(facts.Fact)), played.sent(None, wire.CallState)
    for mode in (SeatMode.TALKING, SeatMode.MONITOR):
        played.got(SUPERVISOR, wire.SetMode(mode))
    assert len(played.all(Arrange)) == played.settled + 2
    played.settled += 2
    played.call.arranged(MediaError(), played.time)
    played.call.arranged(None, played.time)
    assert played.facts(facts.Fact)[told:] == []
    assert played.sent(None, wire.CallState) == seen
    assert played.call.mode_of(SUPERVISOR.seat) is SeatMode.MONITOR


def test_a_hold_that_media_never_had_is_told_to_nobody() -> None:
    """Hold fails, going on holds: the phase was active all the time."""
    played = Played().active().settle()
    phases = played.phases()
    for on in (True, False):
        played.got(AGENT, wire.Hold(on))
    played.settled += 2
    played.call.arranged(MediaError(), played.time)
    played.call.arranged(None, played.time)
    assert played.phases() == phases
    assert played.sent(ANNA, wire.Failed) == []


async def test_a_supervisor_who_took_over_leaves_for_good() -> None:
    """The console is told; the guest leads on, and another call may be watched."""
    async with open_house() as house:
        page, anna, _ = await house.call()
        ben = await house.ready_agent("ben")
        call = await house.joined(anna, ben)
        sue = await house.supervisor()
        await sue.send(wire.Watch(call))
        await sue.state(lambda m: m.seat is not None)
        await sue.send(wire.Offer(call, "v=0 sue"))
        await sue.wait(wire.Answer)
        await sue.send(wire.TakeOver())
        await sue.state(lambda m: m.seat is not None and m.host == m.seat)
        await anna.state(lambda m: m.seat is None)
        await sue.send(wire.Leave())
        assert (await sue.state(lambda m: m.seat is None)).call == call
        await page.state(lambda m: m.peer == "Ben")
        await sue.send(wire.Watch(call))
        await sue.state(lambda m: m.seat is not None)
