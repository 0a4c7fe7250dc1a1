"""Assembly: whole frames in order, whatever the network does to the packets."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from media.assembly import (
    HELD_MAX,
    NACK_AGAIN_S,
    NACK_MAX,
    NACK_TRIES,
    Assembler,
    NackList,
    Part,
    Unwrapper,
    Whole,
)

_HOLD = 0.3


def _stream(sizes: list[int], first_seq: int = 100) -> list[Part]:
    """Return the parts of frames with ``sizes`` packets each; frame n has the timestamp 3000 n."""
    parts: list[Part] = []
    for n, size in enumerate(sizes):
        for i in range(size):
            seq = first_seq + len(parts)
            parts.append(Part(seq, n * 3_000, bytes([n % 251, i % 251]), i == 0, i == size - 1))
    return parts


def _push(assembler: Assembler, parts: list[Part], step: float = 0.001) -> list[Whole]:
    return [whole for n, part in enumerate(parts) for whole in assembler.push(part, n * step)]


def test_a_frame_leaves_with_its_last_packet() -> None:
    """No later packet is needed, and nothing comes before the end."""
    one, two = _stream([2])
    assembler = Assembler(_HOLD)
    assert assembler.push(one, 0) == []
    assert assembler.push(two, 0) == [Whole(one.data + two.data, 0, False)]
    assert not assembler.has_gap


@given(st.lists(st.integers(1, 5), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_reordering_and_doubles_change_nothing(sizes: list[int], random: object) -> None:
    """Packets shuffled within a window and sent twice give the same frames in the same order."""
    parts = _stream(sizes)
    shuffled = parts[:1]
    rest = parts[1:]
    for at in range(0, len(rest), 6):
        window = rest[at : at + 6] * 2
        random.shuffle(window)  # type: ignore[attr-defined]
        shuffled += window
    expected = _push(Assembler(_HOLD), parts)
    assert _push(Assembler(_HOLD), shuffled, step=0) == expected
    assert len(expected) == len(sizes)


@given(st.lists(st.integers(1, 4), min_size=8, max_size=40), st.sets(st.integers(1, 60), max_size=15))
def test_loss_takes_whole_frames_only(sizes: list[int], lost: set[int]) -> None:
    """After loss every frame that comes out is complete, in order, and the first one says so."""
    parts = _stream(sizes)
    whole = {w.timestamp: w.data for w in _push(Assembler(_HOLD), parts)}
    left = [part for n, part in enumerate(parts) if n not in lost]
    got = _push(Assembler(_HOLD), left, step=0.1)
    assert all(whole[frame.timestamp] == frame.data for frame in got)
    assert [f.timestamp for f in got] == sorted({f.timestamp for f in got})
    for before, after in pairwise(got):
        assert after.after_loss or after.timestamp - before.timestamp == 3_000


def test_a_gap_is_waited_for_and_then_given_up() -> None:
    """Within the hold time a late packet repairs all; afterwards the next beginning is taken."""
    parts = _stream([1, 1, 1, 1])
    repaired = Assembler(_HOLD)
    assert len(repaired.push(parts[0], 0)) == 1
    assert repaired.push(parts[2], 0.1) == []
    assert repaired.missing() == [101]
    assert [w.timestamp for w in repaired.push(parts[1], 0.2)] == [3_000, 6_000]
    given_up = Assembler(_HOLD)
    given_up.push(parts[0], 0)
    assert given_up.push(parts[2], 0.1) == []
    assert [(w.timestamp, w.after_loss) for w in given_up.push(parts[3], 0.5)] == [
        (6_000, True),
        (9_000, False),
    ]
    assert given_up.push(parts[1], 0.6) == []


def test_joining_in_the_middle_of_a_frame_waits_for_the_next() -> None:
    """The end of a frame whose beginning was not seen is left out, though its successor is unmarked."""
    parts = [Part(1, 0, b"x", False, False), Part(2, 0, b"y", False, True), Part(3, 90, b"z", False, True)]
    assert _push(Assembler(_HOLD), parts) == [Whole(b"z", 90, False)]


def test_a_missing_marker_is_made_up_for_by_the_next_timestamp() -> None:
    """A sender that sets no marker still gives frames, one later."""
    parts = [Part(1, 0, b"a", True, False), Part(2, 0, b"b", False, False), Part(3, 90, b"c", True, True)]
    assert [w.data for w in _push(Assembler(_HOLD), parts)] == [b"ab", b"c"]


def test_padding_takes_a_number_and_nothing_else() -> None:
    """Probing packets without payload leave frames as they are."""
    filler = Part(2, 0, b"", False, False, filler=True)
    parts = [Part(1, 0, b"a", True, True), filler, Part(3, 90, b"b", True, True)]
    assert [w.data for w in _push(Assembler(_HOLD), parts)] == [b"a", b"b"]
    joined = [Part(2, 0, b"", False, False, filler=True), Part(3, 90, b"b", False, True)]
    assert [w.data for w in _push(Assembler(_HOLD), joined)] == [b"b"]


def test_a_restarted_sender_is_followed() -> None:
    """A far jump of the sequence number begins anew and is marked as loss."""
    assembler = Assembler(_HOLD)
    _push(assembler, _stream([1]))
    (frame,) = assembler.push(Part(20_000, 5, b"n", True, True), 1)
    assert frame == Whole(b"n", 5, True)


def test_what_is_held_is_bounded() -> None:
    """With the clock standing still, a gap is given up when too much waits behind it."""
    assembler = Assembler(_HOLD)
    parts = _stream([1] * (HELD_MAX + 10))
    got = [w for part in parts[:1] + parts[2:] for w in assembler.push(part, 0)]
    assert len(got) == len(parts) - 1
    assert not assembler.has_gap


def test_a_gap_with_no_beginning_behind_it_leaves_nothing() -> None:
    """When all that is held is the rest of a broken frame, it goes, and the next frame joins."""
    parts = _stream([6, 1])
    assembler = Assembler(_HOLD)
    assembler.push(parts[0], 0)
    assembler.push(parts[2], 0)
    assert assembler.push(parts[3], 1) == []
    assert assembler.missing() == []
    assert [w.data for w in assembler.push(parts[6], 1)] == [parts[6].data]


def test_nacks_are_repeated_and_given_up() -> None:
    """A missing packet is asked for at once, again after NACK_AGAIN_S, and NACK_TRIES times in all."""
    nacks = NackList()
    assert nacks.due([5, 6], 0) == [5, 6]
    assert nacks.due([5, 6], NACK_AGAIN_S / 2) == []
    asked = [nacks.due([5], NACK_AGAIN_S * 1.01 * n) for n in range(1, NACK_TRIES + 3)]
    assert asked == [[5]] * (NACK_TRIES - 1) + [[]] * 3
    assert nacks.due([], 9) == []
    assert nacks.due([5], 10) == [5]
    assert len(nacks.due(list(range(1_000)), 20)) == NACK_MAX


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(-20_000, 30_000), max_size=60))
def test_unwrapping_follows_the_counter(start: int, steps: list[int]) -> None:
    """Whatever the wraps, unwrapped values differ exactly as the counter did."""
    unwrapper, value, first = Unwrapper(32), start, None
    for step in steps:
        value += step
        got = unwrapper.unwrap(value % 2**32)
        first = got - value if first is None else first
        assert got - value == first


def test_near_leaves_no_trace() -> None:
    """``near`` reads around the last value and does not move it."""
    unwrapper = Unwrapper(16)
    assert unwrapper.near(7) == 7
    assert unwrapper.unwrap(65_530) == 65_530
    assert unwrapper.near(4) == 65_540
    assert unwrapper.near(65_500) == 65_500
    assert unwrapper.unwrap(4) == 65_540
