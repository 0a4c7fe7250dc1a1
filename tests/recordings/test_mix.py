"""Sound on the grid: placing, filling, cutting, easing, summing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.compose import Coded
from recordings.mix import RATE, SoundTrack, blocks, join, mix
from tests.recordings.staged import Frame, voice

PACKET = 960


def _coded(frames: list[Frame], shift: float = 0.0) -> list[Coded]:
    return [Coded(frame.taken_s + shift, frame.data, True) for frame in frames]


def _played(tracks: list[SoundTrack], seconds: float, block: int = 3200) -> np.ndarray:
    return np.concatenate(
        [
            mix(blocks({0: tracks}, start, block).values(), block)
            for start in range(0, round(seconds * RATE), block)
        ]
    )


def _loud(sound: np.ndarray) -> list[int]:
    """Return the tenths of a second that hold a beep."""
    tenths = np.abs(sound[: sound.size // 4800 * 4800]).reshape(-1, 4800).max(axis=1)
    return [int(i) for i in np.flatnonzero(tenths > 0.1)]


def test_placed_by_time() -> None:
    """Packets lie where their time says, and beyond the last there is silence."""
    assert _loud(_played([SoundTrack(_coded(voice(2.0), shift=0.3))], 4.0)) == [3, 13]


def test_before_the_axis() -> None:
    """What was said before the axis begins is left out."""
    assert _loud(_played([SoundTrack(_coded(voice(2.0), shift=-0.5))], 2.0)) == [5]


def test_loss_is_silence_of_exact_length() -> None:
    """A lost stretch keeps its length: what follows is not moved."""
    frames = [f for f in voice(3.0) if not 0.5 <= f.taken_s < 1.5]
    sound = _played([SoundTrack(_coded(frames))], 3.0)

    assert _loud(sound) == [0, 20]
    assert np.abs(sound[round(0.55 * RATE) : round(1.49 * RATE)]).max() < 0.001


def test_single_lost_packets_do_not_add_up() -> None:
    """With every tenth packet lost, the last beep is still in its place."""
    frames = [f for i, f in enumerate(voice(6.2)) if i % 10 != 5]

    assert 60 in _loud(_played([SoundTrack(_coded(frames))], 6.3))


def test_packets_of_sparing_silence_lie_at_their_times() -> None:
    """Of silence Opus may send a packet each 0.4 s (DTX): each is where it belongs, with nothing between."""
    tone = voice(0.1)[2].data
    sound = _played([SoundTrack(Coded(0.3 + number * 0.4, tone, True) for number in range(10))], 4.3)
    packets = np.abs(sound[: sound.size // PACKET * PACKET]).reshape(-1, PACKET).max(axis=1)

    assert [int(i) for i in np.flatnonzero(packets > 0.01)] == [15 + 20 * number for number in range(10)]
    assert np.count_nonzero(packets) == 10


def test_garbage_is_skipped() -> None:
    """A packet that does not decode is silence, and the rest plays."""
    frames = _coded(voice(2.0))
    frames[20] = Coded(frames[20].at, b"\xff" * 3, True)
    frames[21] = Coded(frames[21].at, b"", True)

    assert _loud(_played([SoundTrack(frames)], 2.0)) == [0, 10]


def test_two_voices_are_summed_and_clipped() -> None:
    """Everybody is heard, and together nobody leaves -1 to 1."""
    both = _played([SoundTrack(_coded(voice(1.0))), SoundTrack(_coded(voice(1.0), 0.5))], 1.5)
    many = _played([SoundTrack(_coded(voice(0.2))) for _ in range(8)], 0.2)

    assert _loud(both) == [0, 5]
    assert np.abs(many).max() == 1.0


def test_no_track_is_silence() -> None:
    """A call without sound has silence of the wanted length."""
    assert (mix([], 100) == np.zeros(100)).all()


def test_block_size_does_not_matter() -> None:
    """The grid is the clock: reading in other steps gives the same samples."""
    whole = _played([SoundTrack(_coded(voice(1.0)))], 1.0, 48_000)
    parts = _played([SoundTrack(_coded(voice(1.0)))], 1.0, 480)

    assert (whole == parts).all()


@pytest.mark.parametrize(
    ("off", "first", "size"),
    [
        (0, 1000, PACKET),
        (40, 1000, PACKET),
        (100, 1000, PACKET + 4),
        (-100, 1000, PACKET - 4),
        (700, 1000, PACKET + 4),
        (960, 1960, PACKET),
        (-800, 1000, 160),
        (-5000, 1000, 0),
    ],
)
def test_join(off: int, first: int, size: int) -> None:
    """Small discrepancies are eased by half a percent, large ones become a gap or a cut."""
    start, samples = join(1000, 1000 + off, np.ones(PACKET, np.float32))

    assert (start, samples.size) == (first, size)


@given(st.lists(st.integers(-3000, 3000), max_size=60))
def test_joined_sound_never_overlaps_and_keeps_its_place(jitter: list[int]) -> None:
    """However packets jitter, sound is laid end to end or with gaps, at most a packet and a half away."""
    end = 0
    for number, off in enumerate(jitter):
        wanted = number * PACKET + off
        start, samples = join(end, wanted, np.ones(PACKET, np.float32))
        assert start >= end
        if samples.size:
            assert start + samples.size - (wanted + PACKET) <= 3 * PACKET // 2
            end = start + samples.size


def test_drift_is_worked_off() -> None:
    """A clock that runs 1000 ppm fast stays within a millisecond and a half of its place."""
    end = 0
    for number in range(2000):
        wanted = round(number * PACKET * 1.001)
        start, samples = join(end, wanted, np.ones(PACKET, np.float32))
        assert abs(start - wanted) <= RATE * 15 // 10_000
        end = start + samples.size
