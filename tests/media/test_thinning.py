"""Observers behind lines of their own: what they get of a picture, and that nobody notices them."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from media.leg import Leg
from media.publication import Publication
from media.thinning import Allowance
from tests.media.packets import (
    CAMERA,
    DELTA,
    KEY,
    OTHER_SOUND,
    PICTURES,
    REST,
    SOUND,
    Asked,
    Wire,
    leg,
    packet,
    read,
    uplink,
)
from tests.media.test_publication import _Host

FPS = 15
# Packets of 1,000 bytes: 360 kbit/s, keyframes as large as ten other frames.
DELTA_PACKETS, KEY_PACKETS = 3, 30
FULL = DELTA_PACKETS * 8_000 * FPS


@dataclass
class Observer:
    """Somebody who watches: his leg, what came to him, and what his line can take."""

    leg: Leg
    wire: Wire
    allowance: Allowance

    def frames(self) -> list[list[int]]:
        """Return the numbers of the frames that came whole, in runs that begin with a keyframe.

        Every packet follows the one before it, as far as the receiver can see.
        """
        runs: list[list[int]] = []
        packets = [read(data) for data in self.wire.sent]
        assert all((b.sequence_number - a.sequence_number) & 0xFFFF == 1 for a, b in pairwise(packets))
        assert all(0 <= (b.timestamp - a.timestamp) & 0xFFFFFFFF < 1 << 31 for a, b in pairwise(packets))
        for one in packets:
            number, part, parts = (int(word) for word in one.payload[2:].split()[:3])
            if one.payload.startswith(KEY):
                runs.append([])
            if part == parts - 1:
                runs[-1].append(number)
        return runs


def observer(bits_per_s: int | None = None) -> Observer:
    """Return an observer who has said what his line can take."""
    made, wire = leg()
    allowance = Allowance([made])
    allowance.bits_per_s = bits_per_s
    return Observer(made, wire, allowance)


class Camera:
    """A publication at 15 frames a second that makes a keyframe a tenth of a second after it is asked."""

    def __init__(self) -> None:
        self.asked: Asked
        self.uplink, self.asked = uplink(CAMERA, PICTURES)
        self.publication = Publication(self.uplink, _Host())
        self.now, self.number, self._seq, self._keyframe_in = 100.0, 0, 0, 0
        # When a keyframe was asked for.
        self.asked_at: list[float] = []
        self.publication.open(recorded=True, now=self.now)
        self.frame(KEY_PACKETS, key=True)
        self.run(1.0)
        self.asked_at.clear()

    def watch(self, *observers: Observer) -> None:
        """Let these observe, and nobody see."""
        self.publication.feed([], self.now, [(one.leg, one.allowance) for one in observers])

    def run(self, seconds: float, *, answers: bool = True) -> None:
        """Send frames for so long; a camera that does not answer makes no keyframe."""
        for _ in range(round(seconds * FPS)):
            self._keyframe_in = max(0, self._keyframe_in - 1)
            if self.asked.keyframes:
                self.asked_at += [self.now] * self.asked.keyframes
                self.asked.keyframes, self._keyframe_in = 0, 2 if answers else 0
            key = self._keyframe_in == 1
            self.frame(KEY_PACKETS if key else DELTA_PACKETS, key=key)

    def frame(self, packets: int, *, key: bool = False) -> None:
        """Send one frame."""
        for part in range(packets):
            start = (KEY if key else DELTA) if part == 0 else REST
            payload = start + f"{self.number} {part} {packets} ".encode() + bytes(960)
            data = packet(self._seq, payload, stamp=self.number * 6_000, end=part == packets - 1)
            if not self.uplink.ssrc:
                self.uplink.begin(7, data)
            self.uplink.take(data, self.now)
            self._seq += 1
        self.number += 1
        self.now += 1 / FPS
        self.uplink.tick(self.now)


def _left_out() -> float:
    return REGISTRY.get_sample_value("teller_media_thinned_frames_total") or 0.0


def test_who_comes_to_watch_asks_for_nothing_at_once() -> None:
    """After two seconds in which no keyframe came one is asked for, once; then the picture begins with it."""
    camera, watcher = Camera(), observer()
    camera.watch(watcher)
    began, first = camera.now, camera.number
    camera.run(1.9)
    assert not camera.asked_at and not watcher.wire.sent
    camera.run(8.0)
    assert [at - began for at in camera.asked_at] == [pytest.approx(2.0, abs=0.15)]
    (run,) = watcher.frames()
    assert first < run[0] and run == list(range(run[0], camera.number))


def test_a_keyframe_that_comes_by_itself_will_do() -> None:
    """One that another asked for: nothing is asked for the observer at all."""
    camera, watcher = Camera(), observer()
    camera.watch(watcher)
    camera.run(1.0)
    camera.frame(KEY_PACKETS, key=True)
    camera.run(20.0)
    assert not camera.asked_at
    assert len(watcher.frames()) == 1


def test_the_requests_of_all_observers_are_few() -> None:
    """However many watch, and however often their decoders are lost: five seconds lie between two."""
    camera, watchers = Camera(), [observer() for _ in range(3)]
    camera.watch(*watchers)
    for _ in range(100):
        camera.run(0.3)
        for watcher in watchers:
            watcher.leg.ask_keyframe(camera.now)
    assert 5 <= len(camera.asked_at) <= 6
    assert all(later - at >= 5.0 for at, later in pairwise(camera.asked_at))
    # Their pictures stand no longer than what was asked for takes: no other frame is left out.
    assert all(watcher.frames()[0][0] == watchers[0].frames()[0][0] for watcher in watchers)


def test_a_request_that_is_not_answered_is_not_repeated_at_once() -> None:
    """A camera that does not answer an observer is asked again after five seconds, not after one."""
    camera = Camera()
    camera.watch(observer())
    camera.run(13.0, answers=False)
    assert len(camera.asked_at) == 3
    assert all(later - at >= 5.0 for at, later in pairwise(camera.asked_at))


def test_a_line_that_cannot_carry_the_picture_gets_what_it_can() -> None:
    """Whole frames in runs from a keyframe on, no more bits than the line takes; nobody is slowed down."""
    camera, slow = Camera(), observer(100_000)
    before = _left_out()
    camera.watch(slow)
    camera.run(120.0)
    assert camera.uplink.limit is None
    runs = slow.frames()
    assert 5 <= len(runs) <= 120 / 2.4 and all(runs)
    assert all(run == list(range(run[0], run[-1] + 1)) for run in runs)
    assert all(later[0] > run[-1] for run, later in pairwise(runs))
    bits = sum(len(data) for data in slow.wire.sent) * 8
    # A keyframe every five seconds is half of it.
    assert 40_000 * 120 < bits < 110_000 * 120
    got = sum(map(len, runs))
    assert _left_out() - before == pytest.approx(120 * FPS - got, abs=3 * FPS)
    assert all(later - at >= 5.0 for at, later in pairwise(camera.asked_at))


def test_a_line_that_gets_better_gets_everything() -> None:
    """From the next keyframe on not a frame is left out, and nothing more is asked for."""
    camera, watcher = Camera(), observer(100_000)
    camera.watch(watcher)
    camera.run(30.0)
    watcher.allowance.bits_per_s = 1_000_000
    camera.run(10.0)
    asked, left_out = len(camera.asked_at), _left_out()
    camera.run(60.0)
    assert (len(camera.asked_at), _left_out()) == (asked, left_out)
    assert watcher.frames()[-1][-1] == camera.number - 1 and len(watcher.frames()[-1]) >= 60 * FPS


def test_a_line_that_is_just_enough_is_left_alone() -> None:
    """Although a keyframe is more than it takes in a second."""
    camera, watcher = Camera(), observer(FULL * 11 // 10)
    camera.watch(watcher)
    left_out = _left_out()
    camera.run(60.0)
    assert len(watcher.frames()) == 1 and _left_out() == left_out


def test_who_begins_to_talk_gets_everything_at_once() -> None:
    """And limits from then on; who watches again does neither."""
    camera, joining = Camera(), observer(100_000)
    camera.watch(joining)
    camera.run(0.5)
    camera.publication.feed([joining.leg], camera.now)
    assert camera.asked.keyframes == 1
    joining.leg.limit_bitrate(200_000)
    assert camera.uplink.limit == 200_000
    camera.run(5.0)
    assert joining.frames()[-1][-1] == camera.number - 1
    camera.watch(joining)
    assert camera.uplink.limit is None
    joining.leg.limit_bitrate(200_000)
    assert camera.uplink.limit is None


def test_arranging_again_changes_nothing_for_who_watches() -> None:
    """The leg goes on behind the same publication; with the end of that it is silent."""
    camera, watcher = Camera(), observer()
    camera.watch(watcher)
    camera.run(4.0)
    source = watcher.leg.source
    for _ in range(10):
        camera.watch(watcher)
    camera.run(4.0)
    assert watcher.leg.source is source and len(watcher.frames()) == 1
    camera.publication.end()
    assert watcher.leg.source is None


def test_a_stream_that_jumps_begins_anew_for_who_watches() -> None:
    """With a keyframe, and under numbers that go on."""
    camera, watcher = Camera(), observer()
    camera.watch(watcher)
    camera.run(4.0)
    camera._seq += 20_000
    camera.run(8.0)
    assert [run[-1] for run in watcher.frames()][-1] == camera.number - 1
    assert len(watcher.frames()) == 2


def test_sound_has_its_part_first_and_pictures_share_the_rest() -> None:
    """A picture that has stopped takes no part; when little is left there is still some for stills."""
    first, second = Camera(), Camera()
    legs = [leg()[0], leg()[0], leg(SOUND, OTHER_SOUND)[0]]
    allowance = Allowance(legs)
    assert allowance.share(100.0) is None
    allowance.bits_per_s = 460_000
    first.publication.feed([], first.now, [(legs[0], allowance)])
    second.publication.feed([], second.now, [(legs[1], allowance)])
    assert allowance.share(first.now) == 460_000
    first.run(4.0)
    second.run(4.0)
    assert allowance.share(first.now) == 230_000
    source, _ = uplink(0, SOUND)
    sound = Publication(source, _Host())
    sound.open(recorded=True, now=first.now)
    sound.feed([legs[2]], first.now)
    heard = packet(1, b"opus", pt=111)
    source.begin(7, heard)
    source.take(heard, first.now)
    assert allowance.share(first.now) == 200_000
    first.run(3.0)
    assert allowance.share(first.now) == 460_000
    allowance.bits_per_s = 1_000
    assert allowance.share(first.now) == 30_000


_steps = st.lists(
    st.tuples(st.integers(1, 12), st.booleans(), st.sampled_from([None, 40_000, 200_000, 2_000_000])),
    max_size=80,
)


@given(_steps)
def test_whatever_comes_every_frame_has_those_that_it_needs(
    steps: list[tuple[int, bool, int | None]],
) -> None:
    """Frames of any size, keyframes at any time, a line that changes with every frame: what passes is whole,
    without a gap, and each run begins with a keyframe.
    """
    camera, watcher = Camera(), observer()
    camera.watch(watcher)
    keys = set()
    for packets, key, bits_per_s in steps:
        watcher.allowance.bits_per_s = bits_per_s
        if key:
            keys.add(camera.number)
        camera.frame(packets, key=key)
    for run in watcher.frames():
        assert run[0] in keys and run == list(range(run[0], run[-1] + 1))
