"""From RTP packets to whole frames in order: unwrapping, reordering, loss, retransmission requests.

Pure code; time is an argument. A frame leaves the moment its last packet is there (marker bit), so
forwarding adds no delay of its own. Behind a gap everything waits at most ``HOLD_S``.
"""

from dataclasses import dataclass, field

# Three retransmission attempts over a line of 100 ms round trip fit into this; longer waiting freezes
# the picture more than asking for a keyframe does.
HOLD_S = 0.35
# Sound is not retransmitted; this only covers reordering, which is within a few packets on real lines.
HOLD_AUDIO_S = 0.06
# 1,024 packets of 1,200 bytes are 4 s of video at 2.5 Mbit/s: far over what HOLD_S can collect.
HELD_MAX = 1_024
# A jump this far is a restarted sender, not loss: 3,000 packets are 10 s of video at 2.5 Mbit/s.
RESTART_DISTANCE = 3_000
# Ask again after a typical round trip, four times in HOLD_S.
NACK_AGAIN_S = 0.08
NACK_TRIES = 4
# A feedback packet of 128 entries stays far under one datagram; with more lost, only a keyframe helps.
NACK_MAX = 128


class Unwrapper:
    """Extends a wrapping counter of ``bits`` bits to integers that go on growing."""

    __slots__ = ("_half", "_last", "_span")

    def __init__(self, bits: int) -> None:
        self._span = 1 << bits
        self._half = self._span >> 1
        self._last: int | None = None

    def unwrap(self, value: int) -> int:
        """Return ``value`` plus the multiple of the span that puts it nearest to the highest seen."""
        if self._last is None:
            self._last = value
            return value
        result = self.near(value)
        self._last = max(self._last, result)
        return result

    def near(self, value: int) -> int:
        """As ``unwrap``, but leave no trace."""
        if self._last is None:
            return value
        step = (value - self._last) % self._span
        return self._last + (step if step < self._half else step - self._span)


@dataclass(frozen=True, slots=True)
class Part:
    """One packet's share of a frame. ``filler`` packets (padding) only take a sequence number."""

    seq: int
    timestamp: int
    data: bytes
    begins: bool
    ends: bool
    filler: bool = False


@dataclass(frozen=True, slots=True)
class Whole:
    """A complete frame. ``after_loss`` tells that frames before it are missing."""

    data: bytes
    timestamp: int
    after_loss: bool


@dataclass(slots=True)
class Assembler:
    """Puts the parts of one stream in order and yields whole frames.

    Gaps are waited for ``hold_s`` seconds; then everything up to the next certain beginning of a frame
    is given up.
    """

    hold_s: float
    _next: int | None = None
    _parts: dict[int, Part] = field(default_factory=dict)
    _open: list[Part] = field(default_factory=list)
    _gap_since: float | None = None
    _after_loss: bool = False
    _boundary: int | None = None

    def push(self, part: Part, now: float) -> list[Whole]:
        """Take a part and return the frames that are now complete, in order."""
        if self._next is not None and abs(part.seq - self._next) > RESTART_DISTANCE:
            self._restart()
        if self._next is None and not self._join(part):
            return []
        if self._next is None or part.seq < self._next or part.seq in self._parts:
            return []
        self._parts[part.seq] = part
        frames = self._consume()
        if not self._parts:
            self._gap_since = None
        elif self._gap_since is None or frames:
            self._gap_since = now
        elif now - self._gap_since > self.hold_s or len(self._parts) > HELD_MAX:
            self._skip_gap(now)
            frames += self._consume()
        return frames

    @property
    def has_gap(self) -> bool:
        """Tell whether packets wait behind a missing one."""
        return bool(self._parts)

    def missing(self) -> list[int]:
        """Return the sequence numbers that are waited for, lowest first."""
        if self._next is None or not self._parts:
            return []
        return [seq for seq in range(self._next, max(self._parts)) if seq not in self._parts]

    def _join(self, part: Part) -> bool:
        """Start at a part that certainly begins a frame, or follows one that ended."""
        if part.begins or part.seq - 1 == self._boundary:
            self._next = part.seq
        elif part.ends or part.filler:
            self._boundary = part.seq
        return self._next is not None

    def _restart(self) -> None:
        self._parts.clear()
        self._open.clear()
        self._next = self._boundary = self._gap_since = None
        self._after_loss = True

    def _consume(self) -> list[Whole]:
        frames: list[Whole] = []
        while self._next is not None and (part := self._parts.pop(self._next, None)) is not None:
            self._next += 1
            if part.filler:
                continue
            if self._open and self._open[0].timestamp != part.timestamp:
                frames.append(self._close())
            self._open.append(part)
            if part.ends:
                frames.append(self._close())
        return frames

    def _close(self) -> Whole:
        parts, self._open = self._open, []
        after_loss, self._after_loss = self._after_loss, False
        return Whole(b"".join(part.data for part in parts), parts[0].timestamp, after_loss)

    def _skip_gap(self, now: float) -> None:
        held = sorted(self._parts.items())
        self._restart()
        self._gap_since = now
        for seq, part in held:
            if self._next is None:
                self._join(part)
            if self._next is not None:
                self._parts[seq] = part


@dataclass(slots=True)
class NackList:
    """Decides which missing packets to ask for, and when to ask again."""

    _asked: dict[int, tuple[int, float]] = field(default_factory=dict)

    def due(self, missing: list[int], now: float) -> list[int]:
        """Return those of ``missing`` to be requested at ``now`` (seconds, monotonic)."""
        asked = {seq: self._asked[seq] for seq in missing if seq in self._asked}
        wanted = []
        for seq in missing[:NACK_MAX]:
            tries, last = asked.get(seq, (0, float("-inf")))
            if tries < NACK_TRIES and now - last >= NACK_AGAIN_S:
                asked[seq] = (tries + 1, now)
                wanted.append(seq)
        self._asked = asked
        return wanted
