"""Frames over a real link: as they were, in order, in lines that are short enough, and bounded."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from contract.errors import ProtocolError
from contract.ids import CallId, SeatId
from contract.ports import EncodedFrame
from media import frame_relay
from media.frame_relay import FrameRelay, unpacked
from media.worker_link import Link
from tests.media.scripted import until
from tests.media.test_worker_link import ends

CALL, SEAT = CallId("call"), SeatId("seat")


class FarEnd:
    """The server's end: what came, and whether it answers."""

    def __init__(self, link: Link) -> None:
        self.frames: list[EncodedFrame] = []
        self.lines = 0
        self.open = asyncio.Event()
        self.open.set()
        link.serve({"frames": self._took})

    async def _took(self, values: dict[str, Any]) -> None:
        await self.open.wait()
        self.lines += 1
        for call, seat, codec, frame in unpacked(values):
            assert (call, seat) == (CALL, SEAT) and codec in {"VP8", "opus"}
            self.frames.append(frame)


@asynccontextmanager
async def relayed() -> AsyncIterator[tuple[FrameRelay, FarEnd]]:
    async with ends() as (near, far), FrameRelay(near) as relay:
        yield relay, FarEnd(far)


def frame(number: int, size: int = 10, *, keyframe: bool = False, lost: bool = False) -> EncodedFrame:
    data = number.to_bytes(4) + bytes(size - 4)
    return EncodedFrame(data, 2**40 + number, keyframe, 1_700_000_000.123456 + number, lost)


def _push_each(relay: FrameRelay, frames: list[EncodedFrame]) -> None:
    for one in frames:
        relay.push(CALL, SEAT, "VP8", [one])


async def test_frames_come_as_they_were() -> None:
    """From another thread, in order, with every field."""
    sent = [frame(n, 4_000, keyframe=n == 0, lost=n == 7) for n in range(50)]
    async with relayed() as (relay, far):
        thread = threading.Thread(target=_push_each, args=(relay, sent))
        thread.start()
        await until("all frames", lambda: len(far.frames) == len(sent))
        thread.join()
    assert far.frames == sent


@pytest.mark.parametrize(("count", "size"), [(4, 400_000), (20_000, 4)])
async def test_a_line_is_never_too_long(count: int, size: int) -> None:
    """Few large frames and many small ones: the link holds, and nothing is missing."""
    sent = [frame(n, size) for n in range(count)]
    async with relayed() as (relay, far):
        relay.push(CALL, SEAT, "VP8", sent)
        await until("all frames", lambda: len(far.frames) == len(sent))
        assert far.lines >= 4
    assert far.frames == sent


async def test_a_frame_larger_than_a_line_is_a_loss() -> None:
    """The next one says that something before it never came; the one after that no more."""
    async with relayed() as (relay, far):
        relay.push(CALL, SEAT, "VP8", [frame(0, 700_000), frame(1), frame(2)])
        await until("the others", lambda: len(far.frames) == 2)
    assert [(one.timestamp - 2**40, one.after_loss) for one in far.frames] == [(1, True), (2, False)]


async def test_what_sound_loses_a_picture_does_not() -> None:
    """A camera and a microphone of one seat are two tracks."""
    async with relayed() as (relay, far):
        relay.push(CALL, SEAT, "VP8", [frame(0, 700_000)])
        relay.push(CALL, SEAT, "opus", [frame(1)])
        relay.push(CALL, SEAT, "VP8", [frame(2)])
        await until("the others", lambda: len(far.frames) == 2)
    assert [one.after_loss for one in far.frames] == [False, True]


async def test_a_server_that_does_not_take_them_costs_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held is bounded; afterwards frames come again, the first of them after a loss."""
    monkeypatch.setattr(frame_relay, "_HELD_MAX", 20_000)
    async with relayed() as (relay, far):
        far.open.clear()
        relay.push(CALL, SEAT, "VP8", [frame(0)])
        await asyncio.sleep(0)
        for number in range(1, 200):
            relay.push(CALL, SEAT, "VP8", [frame(number, 1_000)])
        held = relay._held
        far.open.set()
        await until("what was held", lambda: relay._held == 0 and far.frames)
        relay.push(CALL, SEAT, "VP8", [frame(300), frame(301)])
        await until("the last", lambda: far.frames[-1].timestamp == 2**40 + 301)
    assert 20_000 <= held < 22_000 and len(far.frames) < 30
    assert [one.after_loss for one in far.frames[-2:]] == [True, False]


async def test_a_server_that_never_answers_loses_these_frames_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the deadline the next ones are sent."""
    monkeypatch.setattr(frame_relay, "_SENT_S", 0.05)
    async with relayed() as (relay, far):
        far.open.clear()
        relay.push(CALL, SEAT, "VP8", [frame(0)])
        await until("the hole", lambda: relay._holes)
        far.open.set()
        relay.push(CALL, SEAT, "VP8", [frame(1)])
        await until("the next", lambda: far.frames)
    assert far.frames[-1].after_loss


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"frames": 3},
        {"frames": [["call", "seat", "VP8", 1, True, 1.0, False]]},
        {"frames": [["call", "seat", "VP8", "x", True, 1.0, False, ""]]},
        {"frames": [["call", "seat", "VP8", 1, True, 1.0, False, "no base64!"]]},
    ],
)
def test_anything_else_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        unpacked(values)
