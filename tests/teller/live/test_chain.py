"""The chain of frames: it always begins at a keyframe, and it is bounded whatever a camera sends."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.ports import EncodedFrame
from teller.live.chain import BEHIND_MAX_S, BYTES_MAX, CLOCK_RATE, FRAMES_MAX, FrameChain, Reader

FPS = 25


def frame(number: int, *, keyframe: bool = False, size: int = 10, base: int = 1_000) -> EncodedFrame:
    return EncodedFrame(bytes(size), base + number * CLOCK_RATE // FPS, keyframe, 50.0 + number / FPS)


def chain_of(count: int, keyframe_every: int = 1_000_000) -> FrameChain:
    chain = FrameChain()
    for number in range(count):
        chain.push("VP8", frame(number, keyframe=number % keyframe_every == 0))
    return chain


def test_it_begins_at_a_keyframe() -> None:
    """What comes before the first one can begin nothing."""
    chain = FrameChain()
    chain.push("VP8", frame(0))
    assert chain.newest is None and chain.since(0) == ()
    chain.push("VP8", frame(1, keyframe=True))
    chain.push("VP8", frame(2))
    assert chain.since(10**9) == (frame(1, keyframe=True), frame(2))


def test_older_frames_are_kept_as_long_as_they_are_needed() -> None:
    """A reader gets all from the last keyframe before what is new; what lies before is forgotten."""
    chain = chain_of(30, keyframe_every=10)
    assert len(chain.since(frame(15).timestamp)) == 20
    chain.forget(frame(15).timestamp)
    assert chain.since(0)[0] == frame(10, keyframe=True)


def test_a_frame_that_came_before_is_left_out() -> None:
    chain = chain_of(3)
    chain.push("VP8", frame(1, keyframe=True))
    assert len(chain.since(0)) == 3


def test_another_track_begins_anew() -> None:
    """Another codec, or times that have nothing to do with those before, in either direction."""
    chain = chain_of(3)
    assert chain.epoch == 1
    chain.push("H264", frame(4, keyframe=True))
    assert (chain.epoch, len(chain.since(0))) == (2, 1)
    for epoch, base in ((3, 10**9), (4, 5)):
        chain.push("H264", frame(5, keyframe=True, base=base))
        assert (chain.epoch, len(chain.since(0))) == (epoch, 1)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([10, 5_000, 900_000])), max_size=900))
def test_it_is_bounded_and_can_be_decoded(sent: list[tuple[bool, int]]) -> None:
    """Whatever comes: few frames, few bytes, in order, the first a keyframe, each before it in the chain."""
    chain, pushed = FrameChain(), []
    for number, (keyframe, size) in enumerate(sent):
        pushed.append(frame(number, keyframe=keyframe, size=size))
        chain.push("VP8", pushed[-1])
    kept = chain.since(0)
    assert len(kept) <= FRAMES_MAX and sum(len(one.data) for one in kept) <= BYTES_MAX
    if kept:
        assert kept[0].keyframe and kept == tuple(pushed[len(pushed) - len(kept) :])


def test_a_reader_takes_stretches_one_after_the_other() -> None:
    """None is read twice, none is left out, and each begins at a keyframe."""
    chain, reader, read = FrameChain(), None, []
    reader = Reader(chain)
    for number in range(100):
        chain.push("VP8", frame(number, keyframe=number % 40 == 0))
        stretch = reader.next()
        if stretch is not None:
            assert stretch.frames[0].keyframe and stretch.origin == frame(0).timestamp
            read += [one.timestamp for one in stretch.new]
            reader.done(stretch)
    last = reader.next(0.0)
    assert last is not None
    assert read + [one.timestamp for one in last.new] == [frame(number).timestamp for number in range(100)]


def test_a_reader_that_is_behind_leaves_frames_out() -> None:
    """No job holds the others up for long; they are still decoded for what follows."""
    chain = chain_of(200)
    reader = Reader(chain)
    stretch = reader.next()
    assert stretch is not None
    assert len(stretch.new) == BEHIND_MAX_S * FPS + 1 and len(stretch.frames) == 200


def test_what_was_there_before_can_be_skipped() -> None:
    chain = chain_of(50)
    reader = Reader(chain)
    reader.skip()
    assert reader.next(0.0) is None
    chain.push("VP8", frame(50))
    stretch = reader.next(0.0)
    assert stretch is not None and stretch.new == (frame(50),)
    chain.push("VP8", frame(51, keyframe=True, base=10**9))
    assert reader.next(0.0) is not None and reader.epoch == 2
    # What was read of the track before says nothing of this one.
    reader.done(stretch)
    assert reader.next(0.0) is not None


def test_arrivals_are_told_in_the_readers_time() -> None:
    """By the frame that nothing held up; another track's clock has nothing to do with it."""
    chain = FrameChain()
    assert chain.behind_s == 0.0
    reader = Reader(chain)
    for number, late_s in enumerate((0.3, 0.0, 0.2)):
        sent = frame(number, keyframe=number == 0)
        chain.push("VP8", replace(sent, arrived_at=sent.arrived_at + late_s))
    reader.skip()
    assert reader.time_of(50.0) == pytest.approx(0.0)
    assert reader.time_of(51.5) == pytest.approx(1.5)
    chain.push("VP8", replace(frame(3, keyframe=True, base=10**9), arrived_at=70.0))
    reader.skip()
    assert reader.time_of(70.0) == pytest.approx(0.0)
