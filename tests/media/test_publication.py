"""A publication between the wire, the legs and the sinks."""

from contract.ids import new_call_id, new_case_id, new_seat_id, new_track_id
from contract.phases import Role, TrackKind, TrackSource
from contract.ports import EncodedFrame, TrackInfo, TrackSink
from media.leg import Leg
from media.publication import Publication
from media.rtp_stats import ClockMap, to_ntp
from tests.media.scripted import KeepingReceiver
from tests.media.test_leg import KeepingOut


class _Incoming:
    """Counts what is asked of the publisher."""

    def __init__(self) -> None:
        self.clock_map: ClockMap | None = None
        self.asked = 0
        self.limits: dict[object, int | None] = {}

    def request_keyframe(self) -> None:
        self.asked += 1

    def limit_bitrate(self, who: object, bits_per_s: int | None) -> None:
        self.limits[who] = bits_per_s


class _Host:
    """A call with one recorder."""

    def __init__(self) -> None:
        self.gate_open = True
        self.recorder = KeepingReceiver()
        self.ended: list[int] = []

    def wall_now(self) -> float:
        return 1_700_000_000.0

    def start_track(self, publication: Publication, codec: str, clock_rate: int) -> TrackInfo:
        return TrackInfo(
            new_case_id(), new_call_id(), new_track_id(), new_seat_id(),
            Role.CUSTOMER, publication.kind, publication.source, codec, clock_rate,
        )  # fmt: skip

    def open_sinks(self, track: TrackInfo) -> list[TrackSink]:
        return [self.recorder.open_track(track)]

    def end_track(self, track: TrackInfo, frames: int) -> None:
        self.ended.append(frames)


def _camera() -> tuple[Publication, _Incoming, _Host]:
    incoming, host = _Incoming(), _Host()
    return Publication(incoming, TrackKind.VIDEO, TrackSource.CAMERA, host), incoming, host


def _give(
    publication: Publication, n: int, *, key: bool = False, codec: str = "VP8", lost: bool = False
) -> None:
    publication.got_frame(codec, 90_000, EncodedFrame(b"\x00" + bytes([n]), n * 3_000, key, 1.0 + n), lost)


def _kept(host: _Host) -> list[list[int]]:
    return [[frame.data[1] for frame in sink.frames] for sink in host.recorder.sinks]


def test_a_picture_starts_with_a_keyframe_past_the_open_gate() -> None:
    """Frames before are dropped, and a keyframe is asked for once the gate is open."""
    camera, incoming, host = _camera()
    host.gate_open = False
    _give(camera, 0, key=True)
    assert (incoming.asked, camera.track) == (0, None)
    host.gate_open = True
    _give(camera, 1)
    assert incoming.asked == 1
    _give(camera, 2, key=True)
    _give(camera, 3)
    assert _kept(host) == [[2, 3]]
    assert camera.frames == 2


def test_after_loss_nothing_passes_before_a_keyframe() -> None:
    """What depends on lost pictures is left out for everybody."""
    camera, incoming, host = _camera()
    _give(camera, 0, key=True)
    _give(camera, 1, lost=True)
    _give(camera, 2)
    _give(camera, 3, key=True, lost=True)
    _give(camera, 4)
    assert _kept(host) == [[0, 3, 4]]
    assert incoming.asked == 2


def test_sound_passes_at_once_and_through_loss() -> None:
    """Opus conceals; nothing is held back."""
    host = _Host()
    microphone = Publication(_Incoming(), TrackKind.AUDIO, TrackSource.MICROPHONE, host)
    for n in range(4):
        _give(microphone, n, key=True, codec="opus", lost=n == 2)
    microphone.request_keyframe()
    assert _kept(host) == [[0, 1, 2, 3]]


def test_another_codec_is_another_track() -> None:
    """The former track ends with its count; the new one starts with a keyframe."""
    camera, _, host = _camera()
    _give(camera, 0, key=True)
    _give(camera, 1, codec="H264")
    _give(camera, 2, key=True, codec="H264")
    assert _kept(host) == [[0], [2]]
    assert [sink.track.codec for sink in host.recorder.sinks] == ["VP8", "H264"]
    assert host.ended == [1]


def test_the_end_closes_sinks_and_legs_once() -> None:
    """Frames after the end are dropped, and nothing is asked for any more."""
    camera, incoming, host = _camera()
    leg = Leg(KeepingOut(), TrackKind.VIDEO, 4, lambda: None)
    camera.feed([leg])
    _give(camera, 0, key=True)
    camera.end()
    camera.end()
    _give(camera, 1, key=True)
    camera.request_keyframe()
    assert _kept(host) == [[0]]
    assert host.recorder.sinks[0].closed == 1
    assert (host.ended, leg.source, incoming.asked) == ([1], None, 0)


def test_a_leg_taken_by_another_publication_stays_there() -> None:
    """The end of the former does not silence it."""
    former, _, _ = _camera()
    latter, _, _ = _camera()
    leg = Leg(KeepingOut(), TrackKind.VIDEO, 4, lambda: None)
    former.feed([leg])
    latter.feed([leg])
    former.end()
    assert leg.source is latter


def test_sender_reports_reach_sinks_also_from_before_the_start() -> None:
    """The last report from before the first frame is handed over with it."""
    camera, incoming, host = _camera()
    incoming.clock_map = ClockMap(to_ntp(1_600_000_000.0), 77, 5.0)
    camera.got_clock(incoming.clock_map)
    _give(camera, 0, key=True)
    camera.got_clock(ClockMap(to_ntp(1_600_000_001.0), 90_077, 6.0))
    samples = host.recorder.sinks[0].clocks
    assert [round(sample.ntp_at) for sample in samples] == [1_600_000_000, 1_600_000_001]
    assert [sample.timestamp for sample in samples] == [77, 90_077]
    assert {sample.arrived_at for sample in samples} == {1_700_000_000.0}


def test_bitrate_limits_go_to_the_publisher() -> None:
    """What one receiver can take is known upstream, and forgotten when it leaves."""
    camera, incoming, _ = _camera()
    leg = Leg(KeepingOut(), TrackKind.VIDEO, 4, lambda: None)
    camera.feed([leg])
    leg.got_bitrate_limit(200_000)
    assert incoming.limits == {leg: 200_000}
    leg.connect(None)
    assert incoming.limits == {leg: None}
