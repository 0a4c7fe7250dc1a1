"""A publication between the wire, the legs and the sinks."""

from prometheus_client import REGISTRY

from contract.ids import new_call_id, new_case_id, new_seat_id, new_track_id
from contract.phases import Role
from contract.ports import TrackInfo, TrackSink
from media.depacketiser import TrackDepacketiser
from media.publication import Publication
from media.uplink import Uplink
from tests.media.packets import (
    CAMERA,
    DELTA,
    KEY,
    MICROPHONE,
    OPUS_CODEC,
    OTHER_SOUND,
    PICTURES,
    REST,
    SOUND,
    SPS,
    Asked,
    leg,
    packet,
    read,
    to_ntp,
    uplink,
)
from tests.media.scripted import KeepingReceiver, KeepingSink


class _Host:
    """A call with one recorder."""

    def __init__(self) -> None:
        self.recorder = KeepingReceiver()
        self.ended: list[tuple[int, int]] = []

    def wall_now(self) -> float:
        return 1_700_000_000.0

    def start_track(self, publication: Publication, codec: str, clock_rate: int) -> TrackInfo:
        return TrackInfo(
            new_case_id(), new_call_id(), new_track_id(), new_seat_id(),
            Role.CUSTOMER, publication.kind, publication.source, codec, clock_rate,
        )  # fmt: skip

    def open_sinks(self, track: TrackInfo) -> list[TrackSink]:
        return [self.recorder.open_track(track, TrackDepacketiser(track.codec, track.clock_rate))]

    def end_track(self, track: TrackInfo, frames: int, lost: int) -> None:
        self.ended.append((frames, lost))


class _Scene:
    """A publication, its way back and its recorder. ``give`` is what the network does."""

    def __init__(self, *, sound: bool = False, passes: bool = True) -> None:
        self.asked: Asked
        self.uplink: Uplink
        self.uplink, self.asked = uplink(MICROPHONE, SOUND) if sound else uplink(CAMERA, PICTURES)
        self.host = _Host()
        self.publication = Publication(self.uplink, self.host)
        self.now = 1.0
        if passes:
            self.publication.open(recorded=True, now=self.now)

    def give(
        self, seq: int, payload: bytes = DELTA, *, pt: int = 96, end: bool = True, ssrc: int = 7
    ) -> None:
        data = packet(seq, payload, pt=pt, stamp=seq * 3_000, end=end, ssrc=ssrc)
        if self.uplink.ssrc != ssrc:
            self.uplink.begin(ssrc, data)
        self.now += 0.6
        self.uplink.take(data, self.now)

    @property
    def sinks(self) -> list[KeepingSink]:
        return self.host.recorder.sinks

    @property
    def packets(self) -> list[int]:
        return [sink.packets for sink in self.sinks]


def test_a_picture_starts_with_a_keyframe_past_the_open_gate() -> None:
    """Packets before are dropped, and a keyframe is asked for once the gate is open."""
    scene = _Scene(passes=False)
    scene.give(0, KEY)
    scene.publication.request_keyframe(1.0)
    assert (scene.asked.keyframes, scene.publication.track) == (0, None)
    scene.publication.open(recorded=True, now=scene.now)
    assert scene.asked.keyframes == 1
    scene.give(1)
    assert scene.asked.keyframes == 2
    scene.give(2, KEY)
    scene.give(3)
    assert scene.packets == [2]
    assert [frame.keyframe for frame in scene.sinks[0].frames] == [True, False]
    scene.publication.end()
    assert scene.host.ended == [(2, 0)]


def test_sound_passes_at_once() -> None:
    """From the first packet, and each one is a frame."""
    scene = _Scene(sound=True)
    for seq in range(4):
        scene.give(seq, b"opus", pt=111, end=False)
    scene.publication.end()
    assert (scene.packets, scene.host.ended) == ([4], [(4, 0)])


def test_a_keyframe_whose_first_packet_comes_last_is_whole_for_everybody() -> None:
    """The recorder and the receivers get what came before it, once."""
    scene = _Scene()
    made, wire = leg()
    scene.publication.feed([made], 0.0)
    scene.give(9)
    scene.give(12, REST)
    scene.give(11, REST, end=False)
    scene.give(10, KEY, end=False)
    scene.give(13)
    (sink,) = scene.sinks
    assert sink.packets == 4
    assert [read(data).payload for data in wire.sent] == [KEY, REST, REST, DELTA]
    numbers = [read(data).sequence_number for data in wire.sent]
    assert numbers == list(range(numbers[0], numbers[0] + 4))


def test_another_codec_is_another_track() -> None:
    """The former ends with its count, the new one begins with a keyframe; late packets change nothing."""
    scene = _Scene()
    scene.give(0, KEY)
    scene.give(2, DELTA, pt=102)
    scene.give(1)
    scene.give(3, SPS, pt=102)
    scene.give(4, b"\x41\x00", pt=102)
    scene.publication.end()
    assert scene.packets == [1, 2]
    assert [sink.track.codec for sink in scene.sinks] == ["VP8", "H264"]
    assert [frames for frames, _ in scene.host.ended] == [1, 2]


def test_another_stream_is_another_track_and_the_receivers_go_on() -> None:
    """A publisher that changes its SSRC: new numbers for the recorder, none skipped for the receivers."""
    scene = _Scene()
    made, wire = leg()
    scene.publication.feed([made], 0.0)
    scene.give(10, KEY)
    scene.give(11)
    scene.give(50_000, DELTA, ssrc=9)
    scene.give(50_001, KEY, ssrc=9)
    scene.give(50_002, DELTA, ssrc=9)
    assert scene.packets == [2, 2]
    assert scene.sinks[0].closed == 1
    got = [read(data) for data in wire.sent]
    assert [one.sequence_number - got[0].sequence_number for one in got] == [0, 1, 2, 3]
    stamps = [one.timestamp for one in got]
    assert stamps == sorted(stamps) and stamps[-1] - stamps[0] < 90_000 * 5


def test_what_stays_lost_is_told_with_the_track() -> None:
    """Of this track, not of those before it."""
    scene = _Scene()
    scene.give(0, KEY)
    scene.give(4)
    scene.uplink.tick(scene.now + 5)
    scene.give(50_000, KEY, ssrc=9)
    scene.give(50_002, DELTA, ssrc=9)
    scene.uplink.tick(scene.now + 5)
    scene.publication.end()
    assert scene.host.ended == [(2, 3), (2, 1)]


def test_the_end_closes_sinks_and_legs_once() -> None:
    """Packets after the end are dropped, and nothing is asked for any more."""
    scene = _Scene()
    made, wire = leg()
    scene.publication.feed([made], 0.0)
    scene.give(0, KEY)
    scene.publication.end()
    scene.publication.end()
    scene.publication.open(recorded=True, now=scene.now)
    scene.give(1, KEY)
    scene.publication.request_keyframe(scene.now)
    assert (scene.packets, scene.sinks[0].closed, len(wire.sent)) == ([1], 1, 1)
    assert (scene.host.ended, made.source, scene.asked.keyframes) == ([(1, 0)], None, 0)


def test_a_leg_taken_by_another_publication_stays_there() -> None:
    """The end of the former does not silence it."""
    former, latter = _Scene(), _Scene()
    made, _ = leg()
    former.publication.feed([made], 0.0)
    latter.publication.feed([made], 0.0)
    former.publication.end()
    assert made.source is latter.publication


def test_sender_reports_reach_sinks_on_the_frames_time_line() -> None:
    """The last report from before the first packet too; timestamps wrap for reports and frames alike."""
    scene = _Scene()
    data = packet(1, KEY, stamp=0xFFFFFF00, end=True)
    scene.uplink.begin(7, data)
    scene.uplink.got_clock(to_ntp(1_600_000_000.0), 0xFFFFFE00, 5.0)
    scene.uplink.take(data, 5.0)
    scene.uplink.got_clock(to_ntp(1_600_000_001.0), 0xFFFFFE00 + 90_000 - (1 << 32), 6.0)
    scene.uplink.take(packet(2, DELTA, stamp=0xFFFFFF00 + 90_000, end=True), 6.0)
    (sink,) = scene.sinks
    assert [round(sample.ntp_at) for sample in sink.clocks] == [1_600_000_000, 1_600_000_001]
    assert [sample.timestamp for sample in sink.clocks] == [0xFFFFFE00, 0xFFFFFE00 + 90_000]
    assert [frame.timestamp for frame in sink.frames] == [0xFFFFFF00, 0xFFFFFF00 + 90_000]
    assert {sample.arrived_at for sample in sink.clocks} == {1_700_000_000.0}


def test_bitrate_limits_go_to_the_publisher() -> None:
    """What one receiver can take is known upstream, and forgotten when it leaves."""
    scene = _Scene()
    made, _ = leg()
    scene.publication.feed([made], 0.0)
    made.limit_bitrate(200_000)
    assert scene.uplink.limit == 200_000
    made.connect(None)
    assert scene.uplink.limit is None


def test_only_who_is_connected_holds_the_publisher_back() -> None:
    """A slow receiver that is arranged to see something else no longer counts."""
    scene = _Scene()
    (quick, _), (slow, _) = leg(), leg()
    scene.publication.feed([quick, slow], 0.0)
    quick.limit_bitrate(900_000)
    slow.limit_bitrate(200_000)
    assert scene.uplink.limit == 200_000
    slow.connect(None)
    scene.publication.feed([quick], 0.0)
    slow.limit_bitrate(160_000)
    assert scene.uplink.limit == 900_000


def test_what_is_not_recorded_has_no_track_and_passes_all_the_same() -> None:
    """Receivers see no seam; the recorder has one track before and one after, which begins with a keyframe
    that came after, not with what was held up or is kept.
    """
    scene = _Scene()
    made, wire = leg()
    scene.publication.feed([made], 0.0)
    scene.give(0, KEY)
    scene.publication.open(recorded=False, now=scene.now)
    assert (scene.packets, scene.sinks[0].closed, scene.host.ended) == ([1], 1, [(1, 0)])
    scene.give(1)
    scene.give(2, KEY)
    scene.give(4)
    assert scene.publication.begun and scene.publication.track is None
    asked = scene.asked.keyframes
    scene.publication.open(recorded=True, now=scene.now)
    assert (scene.asked.keyframes, scene.publication.begun) == (asked + 1, False)
    scene.give(3, KEY)
    scene.give(5)
    assert scene.packets == [1]
    scene.give(6, KEY)
    scene.give(7)
    assert scene.packets == [1, 2]
    numbers = [read(data).sequence_number for data in wire.sent]
    assert [number - numbers[0] for number in numbers] == [0, 1, 2, 4, 3, 5, 6, 7]
    scene.publication.end()
    assert scene.host.ended == [(1, 0), (2, 0)]


def test_what_may_not_pass_is_counted_and_leaves_nothing() -> None:
    """Shut again after it was open: the track ends, and what comes is dropped by name; it can begin anew."""

    def dropped() -> float:
        labels = {"why": "not_allowed"}
        return REGISTRY.get_sample_value("teller_media_dropped_packets_total", labels) or 0.0

    scene, before = _Scene(sound=True), dropped()
    made, wire = leg((OPUS_CODEC,), OTHER_SOUND)
    scene.publication.feed([made], 0.0)
    scene.give(0, b"opus", pt=111)
    scene.publication.shut("not_allowed")
    for seq in (1, 2, 3):
        scene.give(seq, b"opus", pt=111)
    assert (scene.packets, scene.sinks[0].closed, len(wire.sent)) == ([1], 1, 1)
    assert dropped() == before + 3 and scene.uplink.packet(2) is None
    scene.publication.open(recorded=True, now=scene.now)
    scene.give(4, b"opus", pt=111)
    assert scene.packets == [1, 1] and len(wire.sent) == 2


def test_a_new_receiver_has_a_keyframe_asked_for_at_once() -> None:
    """Once, when it is connected, and not again when the same ones are fed."""
    scene = _Scene()
    (one, _), (other, _) = leg(), leg()
    scene.publication.feed([one], 0.0)
    scene.give(0, KEY)
    scene.publication.feed([one, other], scene.now + 1)
    asked = scene.asked.keyframes
    assert asked == 1
    scene.give(1, KEY)
    scene.publication.feed([one, other], scene.now + 2)
    assert scene.asked.keyframes == asked


def test_two_sinks_that_fail_at_once_leave_the_third() -> None:
    """Each is closed and dropped; nobody is called twice."""
    scene = _Scene()

    class Failing(KeepingSink):
        def push_packet(self, packet: bytes, arrived_at: float) -> None:
            raise OSError("no room")

    def open_sinks(track: TrackInfo) -> list[TrackSink]:
        kinds = (Failing, Failing, KeepingSink)
        scene.sinks.extend(kind(track, TrackDepacketiser("VP8", 90_000)) for kind in kinds)
        return list(scene.sinks)

    scene.host.open_sinks = open_sinks  # type: ignore[method-assign]
    scene.give(0, KEY)
    scene.give(1)
    assert [sink.closed for sink in scene.sinks] == [1, 1, 0]
    assert scene.packets == [0, 0, 2]
