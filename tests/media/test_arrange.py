"""Real peers, arranged anew while they talk: held, whispered to, watched, three at once and a share."""

import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack

import pytest
from prometheus_client import REGISTRY

from contract.errors import MediaError, NotFound
from contract.facts import MediaLost, MediaMissing, TrackEnded, TrackStarted
from contract.ids import new_call_id, new_seat_id
from contract.phases import Role, TrackSource
from contract.ports import Party, SeatRoute, Slot
from media import call as call_module
from media.leg import Leg
from media.plane import Plane
from media.routes import everybody_talks
from media.settings import MediaSettings
from tests.media.formats import is_keyframe
from tests.media.scripted import KeepingReceiver, ListJournal, ScriptedPeer, Stage, SystemClock, until

FIRST, SECOND, THIRD, SCREEN = (3, 4), (5, 6), (8, 9), 7
PRIVATE, OPEN, MONITOR = b"|private|", b"|open|", b"|monitor|"
BOTH = (TrackSource.MICROPHONE, TrackSource.CAMERA)


def _held(stage: Stage, guest: Party) -> tuple[SeatRoute, ...]:
    """Return the routes of a private talk: the customer is recorded and alone, staff hear each other."""
    customer, agent = stage.customer.seat, stage.agent.seat
    return (
        SeatRoute(customer, True, True, BOTH, (None, None), None),
        SeatRoute(agent, True, False, BOTH, (None, Slot(guest.seat)), None),
        SeatRoute(guest.seat, True, False, (), (None, Slot(agent)), None),
    )


def _legs(stage: Stage, party: Party) -> list[Leg]:
    return stage.plane._calls[stage.call]._peers[party.seat].legs


def _sent_to(stage: Stage, party: Party) -> int:
    """Return how many packets were ever sent to a seat's connection."""
    return sum(leg.stats.packets for leg in _legs(stage, party))


def _say(peer: ScriptedPeer, mark: bytes) -> None:
    assert peer.sound is not None and peer.picture is not None
    peer.sound.mark = peer.picture.mark = mark


def _heard(peer: ScriptedPeer, mark: bytes, lines: Sequence[int] | None = None) -> list[bytes]:
    """Return what came to these lines, or to any, that ends with ``mark``."""
    got = (
        frame.data
        for line, frames in peer.arrived.items()
        if lines is None or line in lines
        for frame in frames
    )
    return [data for data in got if data.endswith(mark)]


def _recorded(stage: Stage) -> Iterator[bytes]:
    return (frame.data for sink in stage.receiver.sinks for frame in sink.frames)


async def _all_heard(peer: ScriptedPeer, lines: Sequence[int], count: int = 10) -> None:
    before = {line: len(peer.arrived[line]) for line in lines}
    for line in lines:
        await until(f"line {line}", lambda n=line: len(peer.arrived[n]) >= before[n] + count)


async def test_while_held_nothing_of_a_private_talk_reaches_the_customer_or_the_record(stage: Stage) -> None:
    """From the moment the arrangement holds no packet is sent to the customer's connection, and none that
    comes late out of the private talk ever is; staff hear each other, and the customer stays recorded.
    """
    guest = Party(new_seat_id(), Role.GUEST, "guest")
    async with ScriptedPeer() as customer, ScriptedPeer() as agent, ScriptedPeer() as invited:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        came = customer.count_packets()
        await stage.plane.open_gate(stage.call)
        await _all_heard(customer, FIRST)
        await stage.plane.arrange(stage.call, _held(stage, guest))
        sent = _sent_to(stage, stage.customer)
        agent.lose_every(7)
        _say(agent, PRIVATE)
        _say(invited, PRIVATE)
        stage.parties.append(guest)
        await stage.connect(invited, guest)
        await until(
            "staff hear each other",
            lambda: all(len(_heard(p, PRIVATE, SECOND)) > 60 for p in (agent, invited)),
        )
        assert not _heard(agent, PRIVATE, FIRST) and not agent.arrived[SCREEN]
        assert _sent_to(stage, stage.customer) == came() == sent
        _say(agent, OPEN)
        _say(invited, OPEN)
        await until("the last private word", lambda: len(_heard(invited, OPEN, (SECOND[0],))) > 10)
        assert _sent_to(stage, stage.customer) == came() == sent
        await stage.converse()
        await until(
            "all hear all",
            lambda: all(len(_heard(customer, OPEN, (line,))) > 20 for line in (*FIRST, *SECOND)),
        )
        assert not _heard(customer, PRIVATE)
        await stage.plane.close_call(stage.call)
    said = list(_recorded(stage))
    assert any(data.endswith(OPEN) for data in said) and not any(data.endswith(PRIVATE) for data in said)
    started = [fact.seat for fact in stage.journal.of(TrackStarted)]
    assert [started.count(seat) for seat in (stage.customer.seat, stage.agent.seat, guest.seat)] == [2, 4, 2]
    assert len(stage.journal.of(TrackEnded)) == 8
    assert not stage.journal.of(MediaLost) and not stage.journal.of(MediaMissing)


async def test_what_the_customer_says_while_held_is_recorded_and_staff_do_not_hear_it(stage: Stage) -> None:
    """The customer's own tracks go on in one piece."""
    guest = Party(new_seat_id(), Role.GUEST, "guest")
    async with ScriptedPeer() as customer, ScriptedPeer() as agent:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.plane.open_gate(stage.call)
        await _all_heard(agent, FIRST)
        await stage.plane.arrange(stage.call, _held(stage, guest))
        _say(customer, PRIVATE)
        await until("it is recorded", lambda: sum(data.endswith(PRIVATE) for data in _recorded(stage)) > 40)
        assert not _heard(agent, PRIVATE)
        assert len(stage.journal.of(TrackStarted)) == 4


def _dropped() -> float:
    labels = {"why": "not_allowed"}
    return REGISTRY.get_sample_value("teller_media_dropped_packets_total", labels) or 0.0


async def test_a_monitor_that_sends_all_the_same_reaches_nobody(stage: Stage) -> None:
    """Even where others' lines name it: no leg, no sink, no track; it is counted, and hears all."""
    monitor = Party(new_seat_id(), Role.SUPERVISOR, "monitor")
    before = _dropped()
    async with ScriptedPeer() as customer, ScriptedPeer() as agent, ScriptedPeer() as hostile:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.connect(hostile, monitor)
        talk = everybody_talks([stage.customer.seat, stage.agent.seat, monitor.seat], sharing=monitor.seat)
        silenced = SeatRoute(monitor.seat, False, True, BOTH, talk[2].slots, None)
        await stage.plane.arrange(stage.call, (*talk[:2], silenced))
        _say(hostile, MONITOR)
        hostile.share_screen(MONITOR)
        await stage.plane.open_gate(stage.call)
        for line in (*FIRST, *SECOND):
            await until(f"the monitor's line {line}", lambda n=line: len(hostile.arrived[n]) >= 40)
        await _all_heard(customer, FIRST)
        assert _dropped() > before + 40
        for peer in (customer, agent):
            assert not _heard(peer, MONITOR) and not peer.arrived[SECOND[0]] and not peer.arrived[SCREEN]
    assert not any(data.endswith(MONITOR) for data in _recorded(stage))
    assert monitor.seat not in {fact.seat for fact in stage.journal.of(TrackStarted)}
    assert not [fact for fact in stage.journal.of(MediaMissing) if fact.seat == monitor.seat]


async def test_a_whisper_is_heard_by_staff_alone(stage: Stage) -> None:
    """The supervisor's sound comes to the agent, not to the customer, not recorded; no picture does."""
    supervisor = Party(new_seat_id(), Role.SUPERVISOR, "supervisor")
    async with ScriptedPeer() as customer, ScriptedPeer() as agent, ScriptedPeer() as whisperer:
        for peer, party in ((customer, stage.customer), (agent, stage.agent), (whisperer, supervisor)):
            await stage.connect(peer, party)
        _say(whisperer, PRIVATE)
        talk = everybody_talks([stage.customer.seat, stage.agent.seat])
        agents = SeatRoute(
            stage.agent.seat, True, True, BOTH,
            (Slot(stage.customer.seat), Slot(supervisor.seat, picture=False)), None,
        )  # fmt: skip
        slots = (Slot(stage.customer.seat), Slot(stage.agent.seat))
        await stage.plane.arrange(
            stage.call, (talk[0], agents, SeatRoute(supervisor.seat, True, False, (), slots, None))
        )
        came = customer.count_packets()
        await stage.plane.open_gate(stage.call)
        await until("the whisper", lambda: len(agent.arrived[SECOND[0]]) >= 50)
        await _all_heard(whisperer, (*FIRST, *SECOND))
        await _all_heard(customer, FIRST)
        assert len(_heard(agent, PRIVATE, (SECOND[0],))) >= 50 and not agent.arrived[SECOND[1]]
        assert not _heard(customer, PRIVATE) and not customer.arrived[SECOND[0]]
        assert came() <= sum(leg.stats.packets for leg in _legs(stage, stage.customer)[:2])
        await stage.plane.close_call(stage.call)
    assert not any(data.endswith(PRIVATE) for data in _recorded(stage))
    assert len(stage.journal.of(TrackStarted)) == 4


async def test_three_and_a_share_all_receive_all(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three talking parties and the guest's screen, which goes on as one track when its source is replaced;
    a supervisor who then talks too takes everybody's third place.
    """
    # A busy machine may stand still for longer than a share does.
    monkeypatch.setattr(call_module, "_SHARE_OVER_S", 600.0)
    guest = Party(new_seat_id(), Role.GUEST, "guest")
    fourth = Party(new_seat_id(), Role.SUPERVISOR, "supervisor")
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(ScriptedPeer(slow=4)) for _ in range(4)]
        customer, agent, invited, supervisor = peers
        for peer, party in ((customer, stage.customer), (agent, stage.agent), (invited, guest)):
            await stage.connect(peer, party)
        await stage.converse(sharing=guest)
        await stage.plane.open_gate(stage.call)
        invited.share_screen(OPEN)
        for peer in (customer, agent, invited):
            await _all_heard(peer, (*FIRST, *SECOND))
        for peer in (customer, agent):
            await until("the screen", lambda p=peer: len(p.arrived[SCREEN]) >= 10)
            assert is_keyframe("VP8", peer.arrived[SCREEN][0].data)
        invited.share_screen(PRIVATE)
        for peer in (customer, agent):
            await until("the other window", lambda p=peer: len(_heard(p, PRIVATE, (SCREEN,))) >= 10)
            stamps = [frame.timestamp for frame in peer.arrived[SCREEN]]
            assert stamps == sorted(set(stamps))
        assert not invited.arrived[SCREEN]
        await stage.connect(supervisor, fourth)
        seats = [stage.customer.seat, stage.agent.seat, guest.seat, fourth.seat]
        await stage.plane.arrange(stage.call, everybody_talks(seats, sharing=guest.seat))
        for peer in peers:
            await _all_heard(peer, (*FIRST, *SECOND, *THIRD))
        await _all_heard(supervisor, (SCREEN,))
    screens = [fact for fact in stage.journal.of(TrackStarted) if fact.source is TrackSource.SCREEN]
    assert [fact.seat for fact in screens] == [guest.seat]
    assert len(stage.journal.of(TrackStarted)) == 9


async def test_a_share_that_is_over_ends_its_track_and_the_next_is_another(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody says that a share is over: it is when nothing comes for a while. The camera goes on."""
    monkeypatch.setattr(call_module, "_SHARE_OVER_S", 0.8)
    async with ScriptedPeer() as customer, ScriptedPeer() as agent:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.converse(sharing=stage.agent)
        await stage.plane.open_gate(stage.call)
        agent.share_screen()
        await until("the screen", lambda: len(customer.arrived[SCREEN]) >= 20)
        agent.stop_sharing()
        await until("its end", lambda: stage.journal.of(TrackEnded))
        agent.share_screen(OPEN)
        await until("another", lambda: len(_heard(customer, OPEN, (SCREEN,))) >= 20)
        assert is_keyframe("VP8", _heard(customer, OPEN, (SCREEN,))[0])
        started = [fact for fact in stage.journal.of(TrackStarted) if fact.source is TrackSource.SCREEN]
        assert [fact.track for fact in stage.journal.of(TrackEnded)] == [started[0].track]
        assert len(started) == 2 and len(stage.journal.of(TrackStarted)) == 6


async def test_rearranging_a_hundred_times_loses_nobody(stage: Stage) -> None:
    """Held and taken back, slots swapped, in a row and while packets flow: at the end all hear all, and on
    every line times have only grown. The same arrangement again leaves every line alone.
    """
    guest = Party(new_seat_id(), Role.GUEST, "guest")
    parties = (stage.customer, stage.agent, guest)
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(ScriptedPeer(slow=3)) for _ in range(3)]
        for peer, party in zip(peers, parties, strict=True):
            await stage.connect(peer, party)
        await stage.plane.open_gate(stage.call)
        await _all_heard(peers[0], (*FIRST, *SECOND))
        sound = peers[0].sound
        assert sound is not None
        talks = [everybody_talks([party.seat for party in order]) for order in (parties, parties[::-1])]
        for number in range(100):
            await stage.plane.arrange(stage.call, (*talks, _held(stage, guest))[number % 3])
            seen = len(sound.sent)
            await until("a packet between", lambda n=seen: len(sound.sent) > n)
        await stage.converse()
        for peer in peers:
            await _all_heard(peer, (*FIRST, *SECOND), 20)
            for frames in peer.arrived.values():
                stamps = [frame.timestamp for frame in frames]
                assert stamps == sorted(set(stamps))
        ways = [(leg.source, leg._first, leg._seq_shift) for leg in _legs(stage, stage.customer)]
        tracks = len(stage.journal.of(TrackStarted))
        for _ in range(100):
            await stage.converse()
        await _all_heard(peers[0], (*FIRST, *SECOND), 20)
        assert ways == [(leg.source, leg._first, leg._seq_shift) for leg in _legs(stage, stage.customer)]
        assert len(stage.journal.of(TrackStarted)) == tracks
        assert not stage.journal.of(MediaLost) and not stage.journal.of(MediaMissing)


async def test_before_the_first_arrangement_nothing_passes(stage: Stage) -> None:
    """An open gate alone lets nobody hear anybody; what is refused changes nothing."""
    async with ScriptedPeer() as customer, ScriptedPeer() as agent:
        for peer, party in ((customer, stage.customer), (agent, stage.agent)):
            await stage.connect(peer, party)
        await stage.plane.arrange(stage.call, ())
        await stage.plane.open_gate(stage.call)
        picture = customer.picture
        assert picture is not None
        await until("a second of pictures sent", lambda: len(picture.sent) > 25)
        assert not any(agent.arrived.values()) and not stage.receiver.sinks
        await stage.converse()
        await _all_heard(agent, FIRST)
        with pytest.raises(MediaError):
            await stage.plane.arrange(stage.call, everybody_talks([stage.customer.seat] * 2))
        await _all_heard(agent, FIRST)
        with pytest.raises(NotFound):
            await stage.plane.arrange(new_call_id(), ())


async def test_only_what_is_promised_is_missed_and_only_from_then_on(settings: MediaSettings) -> None:
    """A camera that is off is not waited for until it is promised; then for as long as for any other."""
    quick = MediaSettings(bind_addresses=settings.bind_addresses, promise_s=2.0)
    journal = ListJournal()
    async with Plane(journal, SystemClock(), quick, [KeepingReceiver()]) as plane:
        stage = Stage(plane, journal, KeepingReceiver())

        def missed() -> list[MediaMissing]:
            """Return what was told of the customer's camera."""
            told = (one for one in journal.of(MediaMissing) if one.seat == stage.customer.seat)
            return [one for one in told if "camera" in one.missing]

        await plane.open_call(stage.case, stage.call)
        async with ScriptedPeer(camera=False) as customer, ScriptedPeer() as agent:
            await stage.connect(customer, stage.customer)
            await stage.connect(agent, stage.agent)
            talk = everybody_talks([stage.customer.seat, stage.agent.seat])
            off = SeatRoute(stage.customer.seat, True, True, (TrackSource.MICROPHONE,), talk[0].slots, None)
            await plane.arrange(stage.call, (off, talk[1]))
            await plane.open_gate(stage.call)
            await until("two seconds of sound", lambda: len(agent.arrived[FIRST[0]]) >= 100)
            # Nor does it count as missing what has to begin anew for the recorder.
            await plane.arrange(stage.call, _held(stage, Party(new_seat_id(), Role.GUEST, "nobody"))[:1])
            await plane.arrange(stage.call, (off, talk[1]))
            assert not missed()
            promised_at = time.monotonic()
            await plane.arrange(stage.call, talk)
            await until("the camera to be missed", missed)
            told_at = time.monotonic()
    (missing,) = missed()
    assert missing.missing == ("camera",)
    assert 2.0 <= missing.waited_s <= told_at - promised_at
