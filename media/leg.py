"""A leg carries one publication to one receiving m-line, behind a bounded queue."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import Counter

from contract.phases import TrackKind
from media.rtp_stats import ClockMap

_dropped = Counter("teller_media_dropped_frames", "Frames that a leg's full queue left out", ["kind"])


@dataclass(frozen=True, slots=True)
class Packed:
    """One frame ready to be sent: RTP payloads, the publication's timestamp, and what to know of it."""

    codec: str
    clock_rate: int
    parts: Sequence[bytes]
    timestamp: int
    keyframe: bool
    arrived_at: float


class Source(Protocol):
    """What a leg asks of the publication that feeds it."""

    @property
    def clock_map(self) -> ClockMap | None:
        """The publisher's last sender report."""
        ...

    def request_keyframe(self) -> None:
        """Ask the publisher for a keyframe."""
        ...

    def limit_bitrate(self, who: object, bits_per_s: int | None) -> None:
        """Note how much ``who`` can take; None when it takes no more."""
        ...


class Outgoing(Protocol):
    """One receiving m-line as the seam offers it."""

    ready: bool

    def takes(self, codec: str) -> bool:
        """Tell whether the far end can take ``codec``."""
        ...

    async def send_frame(self, codec: str, parts: Sequence[bytes], timestamp: int) -> None:
        """Send one frame."""
        ...

    async def send_report(self, clock_map: ClockMap, shift: int, clock_rate: int) -> None:
        """Send a sender report."""
        ...


class Leg:
    """One publication to one receiver.

    A picture begins with a keyframe. When ``bound`` frames wait, the oldest are dropped: sound one by
    one, a picture up to the next keyframe, which is asked for when none waits. Timestamps go on without
    a jump when another publication takes over.
    """

    def __init__(self, out: Outgoing, kind: TrackKind, bound: int, wake: Callable[[], None]) -> None:
        self.out, self.kind = out, kind
        self.source: Source | None = None
        self.dropped = 0
        self.refused_codec = ""
        self._bound, self._wake = bound, wake
        self._queue: deque[Packed] = deque()
        self._awaits_keyframe = kind is TrackKind.VIDEO
        self._shift: int | None = None
        self._last: Packed | None = None
        self._last_timestamp = 0

    def connect(self, source: Source | None) -> None:
        """Be fed by ``source`` from now on; None for silence."""
        if source is self.source:
            return
        if self.source is not None:
            self.source.limit_bitrate(self, None)
        self.source = source
        self._queue.clear()
        self._awaits_keyframe = self.kind is TrackKind.VIDEO
        self._shift = None

    def push(self, packed: Packed) -> None:
        """Take a frame. Never blocks; see the class for what happens when too many wait."""
        if not self.out.ready:
            return
        if not self.out.takes(packed.codec):
            self.refused_codec = packed.codec
            return
        if self._awaits_keyframe and not packed.keyframe:
            self._ask()
            return
        self._awaits_keyframe = False
        self._queue.append(packed)
        if len(self._queue) > self._bound:
            self._shed()
        self._wake()

    def got_keyframe_request(self) -> None:
        """Pass the receiver's request upstream."""
        self._ask()

    def got_bitrate_limit(self, bits_per_s: int) -> None:
        """Pass the receiver's estimate upstream."""
        if self.source is not None:
            self.source.limit_bitrate(self, bits_per_s)

    async def send_next(self) -> bool:
        """Send the oldest waiting frame; return False when none waits."""
        if not self._queue:
            return False
        packed = self._queue.popleft()
        if self._shift is None:
            self._shift = self._continue_at(packed)
        self._last, self._last_timestamp = packed, packed.timestamp + self._shift
        await self.out.send_frame(packed.codec, packed.parts, self._last_timestamp)
        return True

    async def report(self) -> None:
        """Send a sender report on the publisher's time line, when there is something to report on."""
        if self.source is None or self._last is None or self._shift is None:
            return
        if self.source.clock_map is not None:
            await self.out.send_report(self.source.clock_map, self._shift, self._last.clock_rate)

    def _continue_at(self, packed: Packed) -> int:
        if self._last is None:
            return 0
        passed = max(0.0, packed.arrived_at - self._last.arrived_at)
        return self._last_timestamp + max(1, int(passed * packed.clock_rate)) - packed.timestamp

    def _shed(self) -> None:
        self._drop_oldest()
        if self.kind is TrackKind.AUDIO:
            return
        while self._queue and not self._queue[0].keyframe:
            self._drop_oldest()
        if not self._queue:
            self._awaits_keyframe = True
            self._ask()

    def _drop_oldest(self) -> None:
        self._queue.popleft()
        self.dropped += 1
        _dropped.labels(self.kind.value).inc()

    def _ask(self) -> None:
        if self.source is not None:
            self.source.request_keyframe()
