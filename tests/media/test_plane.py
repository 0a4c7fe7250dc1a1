"""Real peers through a real plane, over loopback."""

import asyncio
import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from contract.errors import MediaError, NotFound
from contract.facts import (
    Entry,
    Fact,
    MediaConnected,
    MediaLost,
    MediaMissing,
    QualityMeasured,
    TrackEnded,
    TrackStarted,
)
from contract.ids import CaseId, new_call_id, new_case_id, new_seat_id
from contract.phases import Role, TrackKind
from contract.ports import Depacketiser, Party, TrackInfo, TrackSink
from media import call as call_module
from media.call import Call
from media.plane import Plane
from media.settings import MediaSettings
from media.uplink import KEYFRAME_INTERVAL_S
from tests.media.formats import is_keyframe, split_nals
from tests.media.scripted import (
    KeepingReceiver,
    ListJournal,
    ScriptedPeer,
    Stage,
    SystemClock,
    conversation,
    until,
)

OTHER_SOUND, OTHER_PICTURE = 3, 4


def _count_calls(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> list[str]:
    """Return a list that grows by one whenever the method ``name`` is called."""
    calls: list[str] = []
    method = getattr(owner, name)

    def counting(*args: object) -> object:
        calls.append(name)
        return method(*args)

    monkeypatch.setattr(owner, name, counting)
    return calls


def _content(codec: str, data: bytes) -> object:
    """Start codes of H.264 may be three or four bytes long; everything else must be the same."""
    return tuple(split_nals(data)) if codec == "H264" else data


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_both_sides_and_the_recorder_get_exactly_what_was_sent(stage: Stage, codec: str) -> None:
    """Every frame passes byte by byte, both ways, to the other peer and to the sink."""
    async with ScriptedPeer(codec) as customer, ScriptedPeer(codec) as agent:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.plane.open_gate(stage.call)
        for sender, taker in ((customer, agent), (agent, customer)):
            await until("30 pictures", lambda t=taker: len(t.arrived[OTHER_PICTURE]) >= 30)
            await until("50 sounds", lambda t=taker: len(t.arrived[OTHER_SOUND]) >= 50)
            assert sender.picture is not None and sender.sound is not None
            sent = {_content(codec, data) for data in sender.picture.sent}
            assert {_content(codec, frame.data) for frame in taker.arrived[OTHER_PICTURE]} <= sent
            assert {frame.data for frame in taker.arrived[OTHER_SOUND]} <= set(sender.sound.sent)
            assert is_keyframe(codec, taker.arrived[OTHER_PICTURE][0].data)
        await stage.plane.close_call(stage.call)
    assert len(stage.receiver.sinks) == 4
    for sink in stage.receiver.sinks:
        publisher = customer if sink.track.seat == stage.customer.seat else agent
        source = publisher.sound if sink.track.kind is TrackKind.AUDIO else publisher.picture
        assert source is not None
        sent_list = [_content(sink.track.codec, data) for data in source.sent]
        kept = [_content(sink.track.codec, frame.data) for frame in sink.frames]
        first = max(i for i in range(len(sent_list)) if sent_list[i : i + len(kept)] == kept)
        assert first >= 0
        assert sink.frames[0].keyframe
        assert sink.closed == 1
        stamps = [frame.timestamp for frame in sink.frames]
        assert stamps == sorted(set(stamps))


async def test_facts_tell_the_story_of_a_call(stage: Stage) -> None:
    """Connections, starts with the right roles, and ends with the number of frames."""
    async with ScriptedPeer() as customer, ScriptedPeer() as agent:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.plane.open_gate(stage.call)
        await until("four tracks", lambda: len(stage.journal.of(TrackStarted)) == 4)
        await until("ten pictures", lambda: len(agent.arrived[OTHER_PICTURE]) >= 10)
        await stage.plane.close_call(stage.call)
    assert {fact.seat for fact in stage.journal.of(MediaConnected)} == {stage.customer.seat, stage.agent.seat}
    started = {(fact.role, fact.source, fact.codec) for fact in stage.journal.of(TrackStarted)}
    assert {(role.value, source.value, codec) for role, source, codec in started} == {
        ("customer", "microphone", "opus"),
        ("customer", "camera", "VP8"),
        ("agent", "microphone", "opus"),
        ("agent", "camera", "VP8"),
    }
    ended = {fact.track: fact.frames for fact in stage.journal.of(TrackEnded)}
    assert ended == {sink.track.track: len(sink.frames) for sink in stage.receiver.sinks}
    assert not stage.journal.of(MediaLost)
    assert not stage.journal.of(MediaMissing)


async def test_a_shut_gate_lets_nothing_through(stage: Stage) -> None:
    """Before the gate opens media is taken and dropped; no track starts and nobody hears anything."""
    async with ScriptedPeer() as customer, ScriptedPeer() as agent:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        picture = customer.picture
        assert picture is not None
        await until("a second of pictures sent", lambda: len(picture.sent) > 25)
        assert not any(agent.arrived.values())
        assert not stage.receiver.sinks
        assert not stage.journal.of(TrackStarted)
        await stage.plane.open_gate(stage.call)
        await until("a picture after the gate opened", lambda: agent.arrived[OTHER_PICTURE])
        assert is_keyframe("VP8", agent.arrived[OTHER_PICTURE][0].data)
        assert picture.keyframe_requests >= 1


async def test_keyframe_requests_travel_upstream_and_are_merged(stage: Stage) -> None:
    """A receiver's PLIs reach the publisher, at most one per KEYFRAME_INTERVAL_S."""
    async with ScriptedPeer() as customer, ScriptedPeer() as agent:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.plane.open_gate(stage.call)
        await until("ten pictures", lambda: len(agent.arrived[OTHER_PICTURE]) >= 10)
        picture = customer.picture
        assert picture is not None
        before, began = picture.keyframe_requests, asyncio.get_running_loop().time()
        for _ in range(20):
            await agent.ask_keyframe(OTHER_PICTURE)
            await asyncio.sleep(0.02)
        await until("the request upstream", lambda: picture.keyframe_requests > before)
        passed = asyncio.get_running_loop().time() - began
        # One may have been under way before, one comes at once, then one per interval.
        assert picture.keyframe_requests - before <= passed / KEYFRAME_INTERVAL_S + 2


async def test_a_new_offer_takes_the_seat_over(stage: Stage) -> None:
    """After a reconnect the seat has new tracks, and the other side's line goes on without a jump back."""
    async with ScriptedPeer() as customer, ScriptedPeer() as agent, ScriptedPeer() as returned:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.plane.open_gate(stage.call)
        await until("four tracks", lambda: len(stage.receiver.sinks) == 4)
        await until("ten pictures", lambda: len(agent.arrived[OTHER_PICTURE]) >= 10)
        await stage.connect(returned, stage.customer)
        await until("the former tracks ended", lambda: len(stage.journal.of(TrackEnded)) == 2)
        await until("six tracks", lambda: len(stage.receiver.sinks) == 6)
        seen = len(agent.arrived[OTHER_PICTURE])
        await until("pictures go on", lambda: len(agent.arrived[OTHER_PICTURE]) >= seen + 10)
        stamps = [frame.timestamp for frame in agent.arrived[OTHER_PICTURE]]
        assert stamps == sorted(set(stamps))
        assert max(b - a for a, b in pairwise(stamps)) < 90_000 * 10
        await until("the other hears the returned one", lambda: len(returned.arrived[OTHER_PICTURE]) >= 5)
    tracks = [fact.track for fact in stage.journal.of(TrackStarted) if fact.seat == stage.customer.seat]
    assert len(set(tracks)) == 4
    assert len([fact for fact in stage.journal.of(MediaLost) if fact.seat == stage.customer.seat]) <= 1


async def test_promised_media_that_does_not_come_is_missed(
    settings: MediaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connected customer whose camera sends nothing is noted once, by name."""
    quick = MediaSettings(bind_addresses=settings.bind_addresses, promise_s=0.7)
    looks = _count_calls(monkeypatch, Call, "_check_promises")
    journal = ListJournal()
    async with Plane(journal, SystemClock(), quick) as plane:
        stage = Stage(plane, journal, KeepingReceiver())
        await plane.open_call(stage.case, stage.call)
        async with ScriptedPeer(camera=False) as customer:
            await stage.connect(customer, stage.customer)
            await plane.open_gate(stage.call)
            await until("MediaMissing", lambda: journal.of(MediaMissing))
            seen = len(looks)
            await until("three more looks", lambda: len(looks) >= seen + 3)
    (missing,) = journal.of(MediaMissing)
    assert missing.missing == ("camera",)
    assert missing.seat == stage.customer.seat
    assert 0.7 <= missing.waited_s < 2


async def test_a_connection_that_does_not_come_up_is_missed(settings: MediaSettings) -> None:
    """An offer is answered but nobody connects: both devices are missing, gate or no gate."""
    quick = MediaSettings(bind_addresses=settings.bind_addresses, promise_s=0.5)
    journal = ListJournal()
    async with Plane(journal, SystemClock(), quick) as plane:
        stage = Stage(plane, journal, KeepingReceiver())
        await plane.open_call(stage.case, stage.call)
        async with ScriptedPeer() as customer:
            await plane.arrange(stage.call, conversation([stage.customer]))
            await plane.answer(stage.call, stage.customer, await customer.offer())
            await until("MediaMissing", lambda: journal.of(MediaMissing))
    assert journal.of(MediaMissing)[0].missing == ("microphone", "camera")


async def test_a_lost_connection_is_noted_and_its_tracks_end(stage: Stage) -> None:
    """A peer that goes away is MediaLost; the seat can connect again."""
    async with ScriptedPeer() as customer, ScriptedPeer() as agent:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.plane.open_gate(stage.call)
        await until("four tracks", lambda: len(stage.receiver.sinks) == 4)
        await customer.close()
        await until("MediaLost", lambda: stage.journal.of(MediaLost))
        await until("two tracks ended", lambda: len(stage.journal.of(TrackEnded)) == 2)
        assert stage.journal.of(MediaLost)[0].seat == stage.customer.seat
        async with ScriptedPeer() as returned:
            await stage.connect(returned, stage.customer)
            await until("two more tracks", lambda: len(stage.receiver.sinks) == 6)


async def test_a_silent_connection_is_lost(settings: MediaSettings) -> None:
    """Nothing at all for ``silence_s``, not even a check: the far end is gone."""
    quick = MediaSettings(bind_addresses=settings.bind_addresses, silence_s=1.0)
    journal = ListJournal()
    async with Plane(journal, SystemClock(), quick) as plane:
        stage = Stage(plane, journal, KeepingReceiver())
        await plane.open_call(stage.case, stage.call)
        async with ScriptedPeer() as customer:
            await stage.connect(customer, stage.customer)
            customer.silence()
            await until("MediaLost", lambda: journal.of(MediaLost))
    assert journal.of(MediaLost)[0].reason == "silent"


async def test_quality_is_measured_from_rtcp(stage: Stage) -> None:
    """Every interval each seat gets a fact with a real round trip, bitrates both ways and no loss."""
    async with ScriptedPeer() as customer, ScriptedPeer() as agent:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.plane.open_gate(stage.call)

        def measured() -> list[QualityMeasured]:
            return [
                fact
                for fact in stage.journal.of(QualityMeasured)
                if fact.rtt_ms is not None and fact.kbps_down > 30
            ]

        await until("quality of both seats", lambda: len({fact.seat for fact in measured()}) == 2)
    for fact in measured():
        assert 0.5 < fact.interval_s < 3
        assert fact.rtt_ms is not None and fact.rtt_ms >= 0
        assert fact.kbps_up > 30
        assert fact.loss_up < 0.05 and fact.loss_down < 0.05


async def test_lost_packets_are_asked_for_again(stage: Stage) -> None:
    """With one packet in fifteen lost on the way in, pictures still arrive whole, and loss is reported."""
    async with ScriptedPeer() as customer, ScriptedPeer() as agent:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        customer.lose_every(15)
        await stage.plane.open_gate(stage.call)
        await until("60 pictures", lambda: len(agent.arrived[OTHER_PICTURE]) >= 60)
        picture = customer.picture
        assert picture is not None
        assert {frame.data for frame in agent.arrived[OTHER_PICTURE]} <= set(picture.sent)
        await until("loss noted", lambda: any(q.loss_up > 0.01 for q in stage.journal.of(QualityMeasured)))


async def test_sender_reports_reach_the_sinks_on_the_frames_time_line(stage: Stage) -> None:
    """Clock samples of sound and picture map to one wall clock, within 50 ms of each other."""
    async with ScriptedPeer() as customer:
        await stage.connect(customer, stage.customer)
        await stage.plane.open_gate(stage.call)
        await until("clock samples", lambda: sum(len(s.clocks) >= 2 for s in stage.receiver.sinks) == 2)
    offsets = []
    for sink in stage.receiver.sinks:
        sample, frame = sink.clocks[-1], sink.frames[-1]
        at = sample.ntp_at + (frame.timestamp - sample.timestamp) / sink.track.clock_rate
        offsets.append(frame.arrived_at - at)
        assert abs(offsets[-1]) < 0.5
    assert abs(offsets[0] - offsets[1]) < 0.25


async def test_a_receiver_gets_one_time_line_for_sound_and_picture(stage: Stage) -> None:
    """Sender reports on both outgoing lines carry the publisher's NTP time, within the drift of a test."""
    async with ScriptedPeer() as customer, ScriptedPeer() as agent:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.plane.open_gate(stage.call)

        async def reports() -> list[float]:
            found = []
            for line in (OTHER_SOUND, OTHER_PICTURE):
                stats = await agent.pc.getTransceivers()[line].receiver.getStats()
                found += [
                    s.remoteTimestamp.timestamp() for s in stats.values() if s.type == "remote-outbound-rtp"
                ]
            return found

        seen: list[float] = []

        async def keep_asking() -> None:
            while len(seen) < 2:
                seen[:] = await reports()
                await asyncio.sleep(0.1)

        await asyncio.wait_for(keep_asking(), 15)
        now = SystemClock().now()
    assert all(abs(now - at) < 3 for at in seen)


class _RaisingSink:
    """Fails on the third packet."""

    def __init__(self) -> None:
        self.packets = 0
        self.closed = 0

    def push_packet(self, packet: bytes, arrived_at: float) -> None:
        self.packets += 1
        if self.packets == 3:
            raise OSError("disk full")

    def push_clock(self, sample: object) -> None:
        return None

    def close(self) -> None:
        self.closed += 1


class _RaisingReceiver:
    """Gives sinks that fail, and none at all for sound."""

    def __init__(self) -> None:
        self.sinks: list[_RaisingSink] = []

    def open_track(self, track: TrackInfo, depacketiser: Depacketiser) -> TrackSink:
        if track.kind is TrackKind.AUDIO:
            raise OSError("no room")
        self.sinks.append(_RaisingSink())
        return self.sinks[-1]


async def test_a_failing_sink_does_not_hurt_the_call(settings: MediaSettings) -> None:
    """A sink that raises is dropped; the other sink and the other person go on."""
    journal, keeping, raising = ListJournal(), KeepingReceiver(), _RaisingReceiver()
    async with Plane(journal, SystemClock(), settings, [raising, keeping]) as plane:
        stage = Stage(plane, journal, keeping)
        await plane.open_call(stage.case, stage.call)
        async with ScriptedPeer() as customer, ScriptedPeer() as agent:
            await stage.connect(customer, stage.customer)
            await stage.connect(agent, stage.agent)
            await plane.open_gate(stage.call)
            await until("four tracks", lambda: len(keeping.sinks) == 4)
            for sink in keeping.sinks:
                await until("20 frames", lambda s=sink: len(s.frames) >= 20)
    assert len(raising.sinks) == 2
    assert all(sink.packets == 3 and sink.closed == 1 for sink in raising.sinks)


async def test_a_stuck_receiver_hinders_nobody(stage: Stage) -> None:
    """What a connection cannot take is dropped and counted, and the other direction goes on."""
    async with ScriptedPeer() as customer, ScriptedPeer() as agent:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.plane.open_gate(stage.call)
        await until("a picture", lambda: agent.arrived[OTHER_PICTURE])
        peer = stage.plane._calls[stage.call]._peers[stage.agent.seat]
        for leg in peer.legs:
            leg._send = lambda header, packet, offset: False
        seen = len(customer.arrived[OTHER_PICTURE])

        def dropped() -> int:
            facts = stage.journal.of(QualityMeasured)
            return sum(fact.dropped_packets for fact in facts if fact.seat == stage.agent.seat)

        await until("dropped packets in a fact", lambda: dropped() > 20)
        await until("pictures go on", lambda: len(customer.arrived[OTHER_PICTURE]) > seen + 20)
        other = [q for q in stage.journal.of(QualityMeasured) if q.seat == stage.customer.seat]
        assert sum(fact.dropped_packets for fact in other) == 0


async def test_a_watching_party_is_neither_seen_nor_promised(stage: Stage) -> None:
    """A supervisor hears both sides on its lines; nobody gets its microphone."""
    watcher = Party(new_seat_id(), Role.SUPERVISOR, "supervisor")
    async with ScriptedPeer() as customer, ScriptedPeer() as agent, ScriptedPeer() as supervisor:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.connect(supervisor, watcher)
        await stage.plane.open_gate(stage.call)
        await until("both sides", lambda: supervisor.arrived[4] and supervisor.arrived[6])
        await until("a picture both ways", lambda: agent.arrived[4] and customer.arrived[4])
        assert not agent.arrived[6] and not customer.arrived[6]
    assert watcher.seat not in {fact.seat for fact in stage.journal.of(TrackStarted)}


def _sockets() -> int:
    return sum(
        os.readlink(entry).startswith("socket:")
        for entry in Path("/proc/self/fd").iterdir()
        if entry.exists()
    )


async def test_nothing_is_left_of_a_closed_call(stage: Stage) -> None:
    """Closing and dropping are idempotent and leave no task and no socket."""
    before_tasks, before_sockets = asyncio.all_tasks(), _sockets()
    for _ in range(2):
        case, call = new_case_id(), new_call_id()
        await stage.plane.open_call(case, call)
        await stage.plane.open_call(case, call)
        async with ScriptedPeer() as customer:
            await customer.accept(await stage.plane.answer(call, stage.customer, await customer.offer()))
            await until("connected", lambda c=customer: c.pc.connectionState == "connected")
            await stage.plane.open_gate(call)
            await stage.plane.drop_seat(call, stage.customer.seat)
            await stage.plane.drop_seat(call, stage.customer.seat)
            await stage.plane.close_call(call)
            await stage.plane.close_call(call)
    await until("no task left", lambda: asyncio.all_tasks() <= before_tasks)
    await until("no socket left", lambda: _sockets() <= before_sockets)


async def test_a_watching_party_may_send_no_media(
    settings: MediaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checks of its connection are enough to live, and when they end it is lost."""
    monkeypatch.setattr("aioice.ice.CONSENT_INTERVAL", 0.2)
    quick = replace(settings, silence_s=0.8)
    journal = ListJournal()
    async with Plane(journal, SystemClock(), quick) as plane:
        stage = Stage(plane, journal, KeepingReceiver())
        await plane.open_call(stage.case, stage.call)
        async with ScriptedPeer(camera=False, microphone=False) as supervisor:
            supervisor.silence()
            await stage.connect(supervisor, Party(new_seat_id(), Role.SUPERVISOR, "supervisor"))
            facts = journal.of(QualityMeasured)
            await until("two seconds of quality", lambda: len(journal.of(QualityMeasured)) >= 2)
            assert not journal.of(MediaLost), facts
            monkeypatch.setattr("aioice.ice.CONSENT_INTERVAL", 3600)
            await until("MediaLost", lambda: journal.of(MediaLost))
    assert journal.of(MediaLost)[0].reason == "silent"


async def test_unknown_calls(stage: Stage) -> None:
    """Answering and opening an unknown call is NotFound; closing and dropping ignore it."""
    stranger = new_call_id()
    with pytest.raises(NotFound):
        await stage.plane.answer(stranger, stage.customer, "v=0")
    with pytest.raises(NotFound):
        await stage.plane.open_gate(stranger)
    await stage.plane.drop_seat(stranger, stage.customer.seat)
    await stage.plane.close_call(stranger)


async def test_a_dead_journal_does_not_stop_media(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """While facts cannot be written pictures go on; closing counts the facts and waits for nothing."""
    monkeypatch.setattr(call_module, "_JOURNAL_RETRY_S", 3600.0)
    lost = REGISTRY.get_sample_value("teller_media_lost_facts_total", {"why": "journal"}) or 0.0
    stage.journal.broken = True
    async with ScriptedPeer() as customer, ScriptedPeer() as agent:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.plane.open_gate(stage.call)
        await until("ten pictures", lambda: len(agent.arrived[OTHER_PICTURE]) >= 10)
        await stage.plane.close_call(stage.call)
    now = REGISTRY.get_sample_value("teller_media_lost_facts_total", {"why": "journal"})
    assert now is not None
    assert now >= lost + 6, "two connections and four tracks"


async def test_facts_wait_for_a_journal_that_refuses(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that is away for a while gets every fact, in the order in which it happened."""
    monkeypatch.setattr(call_module, "_JOURNAL_RETRY_S", 0.05)
    stage.journal.broken = True
    async with ScriptedPeer() as customer, ScriptedPeer() as agent:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.plane.open_gate(stage.call)
        await until("ten pictures", lambda: len(agent.arrived[OTHER_PICTURE]) >= 10)
        assert stage.journal.facts == []
        stage.journal.broken = False
        await until("four tracks", lambda: len(stage.journal.of(TrackStarted)) == 4)
    told = [fact for fact in stage.journal.facts if isinstance(fact, MediaConnected | TrackStarted)]
    assert len(told) == 6
    for party in (stage.customer, stage.agent):
        kinds = [type(fact) for fact in told if fact.seat == party.seat]
        assert kinds == [MediaConnected, TrackStarted, TrackStarted]


async def test_a_fact_that_no_journal_takes_is_passed_over(stage: Stage) -> None:
    """A mistake of ours in one fact is counted, and those behind it are journaled."""
    append = stage.journal.append

    async def picky(case: CaseId, fact: Fact) -> Entry:
        if isinstance(fact, MediaConnected):
            raise ValueError("the fact does not fit its own form")
        return await append(case, fact)

    stage.journal.append = picky  # type: ignore[method-assign]
    async with ScriptedPeer() as customer:
        await stage.connect(customer, stage.customer)
        await stage.plane.open_gate(stage.call)
        await until("two tracks", lambda: len(stage.journal.of(TrackStarted)) == 2)


async def test_a_bug_in_the_supervisor_is_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should a call's own task break down, its seats are journaled as lost, and other calls live on."""
    async with ScriptedPeer() as customer, ScriptedPeer() as other:
        await stage.connect(customer, stage.customer)
        monkeypatch.setattr(Call, "_check_promises", lambda *args: 1 / 0)
        await until("MediaLost", lambda: stage.journal.of(MediaLost))
        monkeypatch.undo()
        assert stage.journal.of(MediaLost)[0].reason == "internal_error"
        with pytest.raises(MediaError):
            await stage.plane.answer(stage.call, stage.customer, await other.offer())
        await stage.plane.close_call(stage.call)
        call = new_call_id()
        await stage.plane.open_call(stage.case, call)
        await other.accept(await stage.plane.answer(call, stage.customer, await other.offer()))
        await until("another call", lambda: other.pc.connectionState == "connected")


async def test_loopback_is_used_when_there_is_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without any network the server still offers an address."""
    monkeypatch.setattr("media.endpoint.ifaddr.get_adapters", lambda: [])
    journal = ListJournal()
    async with Plane(journal, SystemClock(), MediaSettings(advertised_addresses=("203.0.113.9",))) as plane:
        stage = Stage(plane, journal, KeepingReceiver())
        await plane.open_call(stage.case, stage.call)
        async with ScriptedPeer() as customer:
            answer = await plane.answer(stage.call, stage.customer, await customer.offer())
        candidates = [line.split() for line in answer.splitlines() if line.startswith("a=candidate:")]
        assert {fields[5] for fields in candidates} == {str(plane.port)}
    assert {fields[4] for fields in candidates} == {"127.0.0.1", "203.0.113.9"}
