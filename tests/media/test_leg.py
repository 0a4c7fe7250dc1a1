"""A leg's queue and time line."""

from collections.abc import Sequence

from contract.phases import TrackKind
from media.leg import Leg, Packed
from media.rtp_stats import ClockMap


class KeepingOut:
    """Keeps what a leg sends."""

    def __init__(self) -> None:
        self.ready = True
        self.codecs = {"VP8", "opus"}
        self.sent: list[tuple[int, Sequence[bytes]]] = []
        self.reports: list[tuple[ClockMap, int, int]] = []

    def takes(self, codec: str) -> bool:
        return codec in self.codecs

    async def send_frame(self, codec: str, parts: Sequence[bytes], timestamp: int) -> None:
        self.sent.append((timestamp, parts))

    async def send_report(self, clock_map: ClockMap, shift: int, clock_rate: int) -> None:
        self.reports.append((clock_map, shift, clock_rate))


class _Source:
    """Counts what a leg asks for."""

    def __init__(self) -> None:
        self.clock_map: ClockMap | None = None
        self.asked = 0
        self.limits: list[int | None] = []

    def request_keyframe(self) -> None:
        self.asked += 1

    def limit_bitrate(self, who: object, bits_per_s: int | None) -> None:
        self.limits.append(bits_per_s)


def _packed(n: int, *, key: bool = False, codec: str = "VP8", at: float | None = None) -> Packed:
    rate = 48_000 if codec == "opus" else 90_000
    return Packed(codec, rate, [bytes([n % 256])], n * 3_000, key, n / 30 if at is None else at)


def _leg(kind: TrackKind = TrackKind.VIDEO, bound: int = 4) -> tuple[Leg, KeepingOut, _Source]:
    out, source = KeepingOut(), _Source()
    leg = Leg(out, kind, bound, lambda: None)
    leg.connect(source)
    return leg, out, source


async def _drain(leg: Leg) -> None:
    while await leg.send_next():
        pass


async def test_a_picture_begins_with_a_keyframe() -> None:
    """Frames before it are left out, and it is asked for."""
    leg, out, source = _leg()
    leg.push(_packed(0))
    assert source.asked == 1
    leg.push(_packed(1, key=True))
    leg.push(_packed(2))
    await _drain(leg)
    assert [stamp for stamp, _ in out.sent] == [3_000, 6_000]
    assert leg.dropped == 0


async def test_a_full_picture_queue_drops_up_to_the_next_keyframe() -> None:
    """The oldest go; what remains can be decoded."""
    leg, out, source = _leg(bound=4)
    for n in range(5):
        leg.push(_packed(n, key=n in (0, 3)))
    assert leg.dropped == 3
    await _drain(leg)
    assert [stamp for stamp, _ in out.sent] == [9_000, 12_000]
    assert source.asked == 0


async def test_a_full_picture_queue_without_a_keyframe_is_emptied() -> None:
    """Then a keyframe is asked for, and nothing passes before it."""
    leg, out, source = _leg(bound=4)
    for n in range(8):
        leg.push(_packed(n, key=n == 0))
    assert leg.dropped == 5
    assert source.asked == 4
    leg.push(_packed(9, key=True))
    await _drain(leg)
    assert [stamp for stamp, _ in out.sent] == [27_000]


async def test_a_full_sound_queue_drops_the_oldest() -> None:
    """One by one, without asking for anything."""
    leg, out, source = _leg(TrackKind.AUDIO, bound=3)
    for n in range(10):
        leg.push(_packed(n, key=True, codec="opus"))
    assert leg.dropped == 7
    await _drain(leg)
    assert [stamp for stamp, _ in out.sent] == [21_000, 24_000, 27_000]
    assert source.asked == 0


async def test_another_publication_goes_on_where_the_former_stopped() -> None:
    """Timestamps grow by the time that passed, whatever the new publication's own are."""
    leg, out, former = _leg()
    leg.push(_packed(0, key=True, at=10.0))
    await _drain(leg)
    new = _Source()
    leg.connect(new)
    assert former.limits == [None]
    leg.push(Packed("VP8", 90_000, [b"n"], 4_000_000_000, True, 12.0))
    leg.push(Packed("VP8", 90_000, [b"m"], 4_000_003_000, False, 12.03))
    await _drain(leg)
    assert [stamp for stamp, _ in out.sent] == [0, 180_000, 183_000]


async def test_a_clock_that_goes_back_does_not_turn_timestamps_back() -> None:
    """A wall clock set back between two publications still gives a later timestamp."""
    leg, out, _ = _leg()
    leg.push(_packed(5, key=True, at=10.0))
    await _drain(leg)
    leg.connect(_Source())
    leg.push(_packed(0, key=True, at=3.0))
    await _drain(leg)
    assert [stamp for stamp, _ in out.sent] == [15_000, 15_001]


async def test_reports_are_shifted_like_the_frames() -> None:
    """Without a publisher's report nothing is said; with one, it goes out with the leg's shift."""
    leg, out, source = _leg()
    await leg.report()
    leg.push(_packed(0, key=True))
    await _drain(leg)
    await leg.report()
    assert out.reports == []
    source.clock_map = ClockMap(1, 2, 3.0)
    await leg.report()
    assert out.reports == [(source.clock_map, 0, 90_000)]
    leg.connect(None)
    await leg.report()
    assert len(out.reports) == 1


async def test_what_the_receiver_asks_for_goes_upstream() -> None:
    """Keyframe requests and bitrate limits reach the publication; without one they go nowhere."""
    leg, _, source = _leg()
    leg.got_keyframe_request()
    leg.got_bitrate_limit(300_000)
    assert (source.asked, source.limits) == (1, [300_000])
    leg.connect(None)
    leg.got_keyframe_request()
    leg.got_bitrate_limit(1)
    assert (source.asked, source.limits) == (1, [300_000, None])


async def test_a_line_that_is_not_ready_or_cannot_take_the_codec_gets_nothing() -> None:
    """Frames are left out, not kept; a codec that cannot be taken is remembered for the supervisor."""
    leg, out, _ = _leg()
    out.ready = False
    leg.push(_packed(0, key=True))
    out.ready = True
    leg.push(_packed(1, key=True, codec="H264"))
    assert leg.refused_codec == "H264"
    assert not await leg.send_next()
