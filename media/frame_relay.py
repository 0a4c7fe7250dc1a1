"""Frames from the worker that owns a call to the server that has the models, over their link: pictures of
the customer, and sound while somebody listens.

Looks and challenges are worth something only while they are new: what finds no room is dropped, and the
next frame of that track says so.
"""

import asyncio
import base64
import dataclasses
import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from prometheus_client import Counter

from contract.errors import MediaError, ProtocolError
from contract.ids import CallId, SeatId
from contract.ports import EncodedFrame
from media.worker_link import LINE_MAX, Link

_DROPPED = Counter("teller_relay_dropped_frames", "Frames for the models that found no room on the link")

FrameTaker = Callable[[CallId, SeatId, str, EncodedFrame], None]
"""Takes call, seat, codec and a frame, in order; must not wait."""

# A keyframe of full HD at 8 Mbit/s has a few hundred kB. In base64 and with its keys a line stays under
# LINE_MAX.
_FRAME_MAX = LINE_MAX // 2
_LINE_BYTES = LINE_MAX // 2
# Ids, times and brackets of one frame, when its data is three quarters of what it is in base64.
_ABOUT = 150
# What a server that stands still for half a minute is sent of ten challenges at 250 kbit/s.
_HELD_MAX = 8_000_000
# The server answers at once; one that does not is busy with other things than frames.
_SENT_S = 5.0


@dataclasses.dataclass(frozen=True, slots=True)
class _Sample:
    call: CallId
    seat: SeatId
    codec: str
    frame: EncodedFrame

    @property
    def size(self) -> int:
        return len(self.frame.data) + _ABOUT

    def packed(self) -> list[Any]:
        frame = self.frame
        data = base64.b64encode(frame.data).decode()
        about = frame.timestamp, frame.keyframe, frame.arrived_at, frame.after_loss
        return [self.call, self.seat, self.codec, *about, data]


class FrameRelay:
    """The worker's end; an async context manager. ``push`` may be called in any thread and never waits."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._samples: deque[_Sample] = deque()
        self._held = 0
        self._holes: set[tuple[CallId, SeatId, str]] = set()
        self._lock = threading.Lock()
        self._came = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._tasks = asyncio.TaskGroup()
        self._sending: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._sending = self._tasks.create_task(self._send_all(), name="frame relay")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sending is not None:
            self._sending.cancel()
        await self._tasks.__aexit__(None, None, None)

    def push(self, call: CallId, seat: SeatId, codec: str, frames: Sequence[EncodedFrame]) -> None:
        """Send ``frames`` soon, in order, or drop what finds no room."""
        with self._lock:
            for frame in frames:
                self._put(call, seat, codec, frame)
        self._loop.call_soon_threadsafe(self._came.set)

    def _put(self, call: CallId, seat: SeatId, codec: str, frame: EncodedFrame) -> None:
        track = call, seat, codec
        if len(frame.data) > _FRAME_MAX or self._held >= _HELD_MAX:
            self._holes.add(track)
            _DROPPED.inc()
            return
        if track in self._holes:
            self._holes.discard(track)
            frame = dataclasses.replace(frame, after_loss=True)
        sample = _Sample(call, seat, codec, frame)
        self._samples.append(sample)
        self._held += sample.size

    def _take(self) -> list[_Sample]:
        """Return what goes into one line."""
        taken: list[_Sample] = []
        size = 0
        with self._lock:
            while self._samples and (not taken or size + self._samples[0].size <= _LINE_BYTES):
                taken.append(self._samples.popleft())
                size += taken[-1].size
            self._held -= size
        return taken

    async def _send_all(self) -> None:
        while not self._link.lost.is_set():
            await self._came.wait()
            self._came.clear()
            while samples := self._take():
                try:
                    await self._link.call("frames", _SENT_S, frames=[one.packed() for one in samples])
                except MediaError:
                    with self._lock:
                        self._holes |= {(one.call, one.seat, one.codec) for one in samples}
                    _DROPPED.inc(len(samples))


def unpacked(values: dict[str, Any]) -> list[tuple[CallId, SeatId, str, EncodedFrame]]:
    """Return what a line of ``FrameRelay`` holds. Raises ProtocolError for anything else."""
    try:
        return [_unpacked(*one) for one in values["frames"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError("these are no frames") from error


def _unpacked(call: str, seat: str, codec: str, *about: Any) -> tuple[CallId, SeatId, str, EncodedFrame]:
    timestamp, keyframe, arrived_at, after_loss, data = about
    frame = EncodedFrame(
        data=base64.b64decode(data, validate=True),
        timestamp=int(timestamp),
        keyframe=bool(keyframe),
        arrived_at=float(arrived_at),
        after_loss=bool(after_loss),
    )
    return CallId(call), SeatId(seat), codec, frame
