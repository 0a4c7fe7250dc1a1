"""Transport-wide congestion feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01).

Pure code. Takes the arrivals of packets that carry transport-wide sequence numbers and writes the feedback
by which the sender's congestion control sees every packet of a connection.
"""

from collections.abc import Iterator, Sequence
from struct import pack

from media.unwrap import Unwrapper

# Deltas count quarters of a millisecond, the reference time 64 ms (sections 3.1 and 3.1.5).
_TICKS_PER_S = 4_000
_TICKS_PER_REFERENCE = 256
_SMALL_MAX = 255
_LARGE = range(-0x8000, 0x8000)
_LOST, _NEAR, _FAR = 0, 1, 2
_RUN_MAX = 0x1FFF
# At 50 ms of feedback these are 160 Mbit/s; of a farther jump the older part is left out.
_SPAN_MAX = 2_000
# With _SPAN_MAX statuses of two bits, 300 deltas of two bytes keep the packet under 1,200 bytes.
_DELTAS_MAX = 300
# Arrivals kept at least, to be told again when a late packet makes the feedback reach back; twice as many at
# most, as sorting them out each time would cost more than the feedback.
_KEPT_MAX = 500


class TransportFeedback:
    """Notes arrivals and writes them as feedback. One for each connection."""

    __slots__ = ("_count", "_new", "_next", "_numbers", "_told")

    def __init__(self) -> None:
        self._numbers = Unwrapper(16)
        self._new: list[tuple[int, float]] = []
        self._told: dict[int, int] = {}
        self._next: int | None = None
        self._count = 0

    def note(self, number: int, now: float) -> None:
        """Take the arrival of packet ``number`` (16 bit) at ``now`` (seconds, monotonic)."""
        if len(self._new) < _SPAN_MAX:
            self._new.append((number, now))

    def take(self) -> list[bytes]:
        """Return the feedback messages for what came since the last call; usually one, none for nothing.

        Each is the part of the RTCP packet behind the media SSRC.
        """
        if not self._new:
            return []
        fresh: dict[int, int] = {}
        for number, now in self._new:
            fresh.setdefault(self._numbers.unwrap(number), int(now * _TICKS_PER_S))
        self._new = []
        last = max(fresh)
        first = min(fresh)
        if self._next is not None and last >= self._next:
            first = min(first, self._next)
        first = max(first, last - _SPAN_MAX + 1)
        told = self._told
        for number, at in fresh.items():
            told.setdefault(number, at)
        self._next = max(self._next or 0, last + 1)
        messages = list(self._write(first, last, told))
        if len(told) > 2 * _KEPT_MAX:
            self._told = dict(sorted(told.items())[-_KEPT_MAX:])
        return messages

    def _write(self, first: int, last: int, arrivals: dict[int, int]) -> Iterator[bytes]:
        """Write ``first`` to ``last`` in as many messages as the deltas need."""
        while first <= last:
            statuses: list[int] = []
            deltas: list[bytes] = []
            reference = before = 0
            for number in range(first, last + 1):
                at = arrivals.get(number)
                if at is None:
                    statuses.append(_LOST)
                    continue
                if not deltas:
                    reference = at // _TICKS_PER_REFERENCE
                    before = reference * _TICKS_PER_REFERENCE
                delta = at - before
                if delta not in _LARGE or len(deltas) == _DELTAS_MAX:
                    break
                small = 0 <= delta <= _SMALL_MAX
                statuses.append(_NEAR if small else _FAR)
                deltas.append(pack("!B" if small else "!h", delta))
                before = at
            yield self._message(first, reference, statuses, b"".join(deltas))
            first += len(statuses)

    def _message(self, first: int, reference: int, statuses: Sequence[int], deltas: bytes) -> bytes:
        head = pack("!HHL", first & 0xFFFF, len(statuses), (reference & 0xFFFFFF) << 8 | self._count)
        self._count = (self._count + 1) & 0xFF
        body = head + b"".join(_chunks(statuses)) + deltas
        return body + bytes(-len(body) % 4)


def _chunks(statuses: Sequence[int]) -> Iterator[bytes]:
    """Write statuses as run lengths where that is shorter, else as vectors of one or two bits each."""
    at, end = 0, len(statuses)
    while at < end:
        status, run = statuses[at], 1
        while at + run < end and run < _RUN_MAX and statuses[at + run] == status:
            run += 1
        if run >= 14 or at + run == end:
            yield pack("!H", status << 13 | run)
            at += run
            continue
        wide = _FAR in statuses[at : at + 14]
        taken = statuses[at : at + (7 if wide else 14)]
        bits = 0
        for one in taken:
            bits = bits << (2 if wide else 1) | one
        bits <<= (2 if wide else 1) * ((7 if wide else 14) - len(taken))
        yield pack("!H", (0xC000 if wide else 0x8000) | bits)
        at += len(taken)
