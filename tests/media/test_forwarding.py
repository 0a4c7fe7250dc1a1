"""Real peers on a bad line: three receivers, loss in both directions, somebody who comes late."""

from dataclasses import replace
from itertools import pairwise

import pytest
from prometheus_client import REGISTRY

from contract.facts import MediaLost, QualityMeasured, TrackEnded, TrackResumed, TrackStalled
from contract.ids import new_seat_id
from contract.phases import Role, TrackKind, TrackSource
from contract.ports import Party
from media import call as call_module
from tests.media.formats import is_keyframe, split_nals
from tests.media.scripted import ScriptedPeer, Stage, conversation, until

OTHER_SOUND, OTHER_PICTURE, SCREEN = 3, 4, 7


def _content(codec: str, data: bytes) -> object:
    """Start codes of H.264 may be three or four bytes long; everything else must be the same."""
    return tuple(split_nals(data)) if codec == "H264" else data


def _sent(peer: ScriptedPeer, codec: str) -> list[object]:
    assert peer.picture is not None
    return [_content(codec, data) for data in peer.picture.sent]


def _got(peer: ScriptedPeer, codec: str) -> list[object]:
    return [_content(codec, frame.data) for frame in peer.arrived[OTHER_PICTURE]]


def _is_part_of(part: list[object], whole: list[object]) -> bool:
    return any(whole[at : at + len(part)] == part for at in range(len(whole) - len(part) + 1))


def _receiver(name: str) -> Party:
    """Return somebody who talks to the others; from who only observes frames are kept if need be."""
    return Party(new_seat_id(), Role.GUEST, name)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_three_receivers_get_exactly_what_was_sent(stage: Stage, codec: str) -> None:
    """One publication goes to three others without a frame missing, one of them behind a line with loss."""
    async with (
        ScriptedPeer(codec) as customer,
        ScriptedPeer(codec) as agent,
        ScriptedPeer(codec, camera=False, microphone=False) as near,
        ScriptedPeer(codec, camera=False, microphone=False) as far,
    ):
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.connect(near, _receiver("near"))
        await stage.connect(far, _receiver("far"))
        await stage.plane.open_gate(stage.call)
        await until("a picture", lambda: far.arrived[OTHER_PICTURE])
        far.miss_every(12)
        receivers = {"agent": agent, "near": near, "far": far}
        for name, receiver in receivers.items():
            await until(f"pictures for {name}", lambda r=receiver: len(r.arrived[OTHER_PICTURE]) >= 60)
            await until(f"sounds for {name}", lambda r=receiver: len(r.arrived[OTHER_SOUND]) >= 80)
        for receiver in receivers.values():
            assert is_keyframe(codec, receiver.arrived[OTHER_PICTURE][0].data)
            assert _is_part_of(_got(receiver, codec)[:60], _sent(customer, codec))


async def test_nothing_that_was_lost_on_the_way_in_is_missing(stage: Stage) -> None:
    """One packet in ten is lost by the publisher's line: the recorder and the agent get every frame."""
    async with ScriptedPeer() as customer, ScriptedPeer() as agent:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        customer.lose_every(10)
        await stage.plane.open_gate(stage.call)
        await until("80 pictures", lambda: len(agent.arrived[OTHER_PICTURE]) >= 80)
        await until("loss noted", lambda: any(q.loss_up > 0.01 for q in stage.journal.of(QualityMeasured)))
        await stage.plane.close_call(stage.call)
        (sink,) = (
            sink
            for sink in stage.receiver.sinks
            if sink.track.seat == stage.customer.seat and sink.track.kind is TrackKind.VIDEO
        )
        assert len(sink.frames) >= 80
        assert _is_part_of([frame.data for frame in sink.frames[:80]], _sent(customer, "VP8"))
        assert not any(frame.after_loss for frame in sink.frames[:80])
    (ended,) = (fact for fact in stage.journal.of(TrackEnded) if fact.track == sink.track.track)
    assert ended.lost <= 3, "the last ones may not have come again yet"


async def test_who_comes_late_begins_with_a_keyframe(stage: Stage) -> None:
    """It is asked for; those who were there go on without a jump."""
    async with ScriptedPeer() as customer, ScriptedPeer() as agent:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.plane.open_gate(stage.call)
        await until("20 pictures", lambda: len(agent.arrived[OTHER_PICTURE]) >= 20)
        async with ScriptedPeer(camera=False, microphone=False) as late:
            await stage.connect(late, _receiver("late"))
            await until("pictures", lambda: len(late.arrived[OTHER_PICTURE]) >= 10)
            assert is_keyframe("VP8", late.arrived[OTHER_PICTURE][0].data)
            assert _is_part_of(_got(late, "VP8"), _sent(customer, "VP8"))
        seen = len(agent.arrived[OTHER_PICTURE])
        await until("pictures go on", lambda: len(agent.arrived[OTHER_PICTURE]) >= seen + 10)
        assert _is_part_of(_got(agent, "VP8"), _sent(customer, "VP8"))


async def test_a_publisher_that_changes_its_stream_is_followed(stage: Stage) -> None:
    """Another SSRC on the same line: another track for the recorder, no jump for the receiver."""
    async with ScriptedPeer() as customer, ScriptedPeer() as agent:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.plane.open_gate(stage.call)
        await until("20 pictures", lambda: len(agent.arrived[OTHER_PICTURE]) >= 20)
        customer.change_ssrc(1)
        await until("five tracks", lambda: len(stage.receiver.sinks) == 5)
        seen = len(agent.arrived[OTHER_PICTURE])
        await until("pictures go on", lambda: len(agent.arrived[OTHER_PICTURE]) >= seen + 20)
        stamps = [frame.timestamp for frame in agent.arrived[OTHER_PICTURE]]
        assert stamps == sorted(set(stamps))
        assert max(later - stamp for stamp, later in pairwise(stamps)) < 90_000 * 5
        assert set(_got(agent, "VP8")) <= set(_sent(customer, "VP8"))
        assert is_keyframe("VP8", stage.receiver.sinks[4].frames[0].data)


async def test_the_screen_that_is_shared_is_shown(stage: Stage) -> None:
    """Whoever of the two shares, and although nobody shared when the watcher came."""
    async with (
        ScriptedPeer() as customer,
        ScriptedPeer() as agent,
        ScriptedPeer(camera=False, microphone=False) as watcher,
    ):
        await stage.connect(agent, stage.agent)
        await stage.connect(customer, stage.customer)
        await stage.connect(watcher, _receiver("watcher"))
        await stage.plane.open_gate(stage.call)
        await until("a picture", lambda: watcher.arrived[OTHER_PICTURE])
        await stage.converse(sharing=stage.customer)
        customer.share_screen()
        await until("the screen", lambda: len(watcher.arrived[SCREEN]) >= 10 and agent.arrived[SCREEN])
        assert not customer.arrived[SCREEN]
        assert is_keyframe("VP8", watcher.arrived[SCREEN][0].data)


async def test_a_camera_that_stops_is_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each time, while its connection lives and its sound goes on; and that it comes again."""
    monkeypatch.setattr(call_module, "_STALL_S", 0.5)

    def stalls(source: str) -> float:
        return REGISTRY.get_sample_value("teller_media_stalled_tracks_total", {"source": source}) or 0.0

    before = stalls("camera")
    async with ScriptedPeer() as customer:
        await stage.connect(customer, stage.customer)
        await stage.plane.open_gate(stage.call)
        await until("two tracks", lambda: len(stage.receiver.sinks) == 2)
        customer.stop_camera()
        await until("a stall", lambda: stage.journal.of(TrackStalled))
        seen = len(stage.journal.of(QualityMeasured))
        await until("two more seconds", lambda: len(stage.journal.of(QualityMeasured)) >= seen + 2)
        assert not stage.journal.of(MediaLost)
        customer.start_camera()
        await until("the camera again", lambda: stage.journal.of(TrackResumed))
    [stalled], [resumed] = stage.journal.of(TrackStalled), stage.journal.of(TrackResumed)
    assert stalls("camera") == before + 1
    assert (stalled.seat, stalled.source) == (stage.customer.seat, TrackSource.CAMERA)
    assert stalled.track == resumed.track
    assert 0.5 <= stalled.still_s < 3


async def test_a_camera_that_is_off_by_choice_is_no_trouble(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not promised is not told; who promises it again has the same time to send."""
    monkeypatch.setattr(call_module, "_STALL_S", 0.5)
    async with ScriptedPeer() as customer:
        await stage.connect(customer, stage.customer)
        await stage.plane.open_gate(stage.call)
        await until("two tracks", lambda: len(stage.receiver.sinks) == 2)
        [route] = conversation([stage.customer])
        await stage.plane.arrange(stage.call, [replace(route, promises=(TrackSource.MICROPHONE,))])
        customer.stop_camera()
        seen = len(stage.journal.of(QualityMeasured))
        await until("two more seconds", lambda: len(stage.journal.of(QualityMeasured)) >= seen + 2)
        assert not stage.journal.of(TrackStalled)
        await stage.plane.arrange(stage.call, [route])
        await until("a stall", lambda: stage.journal.of(TrackStalled))
    assert stage.journal.of(TrackStalled)[0].still_s < 1.5
