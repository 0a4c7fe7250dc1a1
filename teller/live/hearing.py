"""What one customer says while a check runs: the newest Opus packets, and when each was spoken."""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from contract.ports import EncodedFrame

CODEC = "opus"
RATE = 48_000
# One step at the pace for the elderly; a packet is 20 ms.
KEPT_S = 35.0
_PACKETS_MAX = 2_000
# A track's own clock and arrivals do not come apart so far; another track's clock begins anywhere.
_JUMP_S = 10.0
# A microphone that stands still for a moment goes on counting where it was, and is that much late for good.
# What the network holds up comes to its own within a second.
_BLOCK, _SLIP_S = 50, 0.06
# Sound that comes at all comes 50 times a second, in silence too; a bad network holds it up for so long.
_FRESH_S = 2.0


class Hearing:
    """The packets of one microphone in order. Times are seconds on the clock of their arrival."""

    def __init__(self) -> None:
        self._packets: deque[EncodedFrame] = deque(maxlen=_PACKETS_MAX)

    def push(self, packet: EncodedFrame) -> None:
        """Take the next packet; one that comes late is dropped."""
        if self._packets:
            last = self._packets[-1]
            taken_s = (packet.timestamp - last.timestamp) / RATE
            if abs(taken_s - (packet.arrived_at - last.arrived_at)) > _JUMP_S:
                self._packets.clear()
            elif taken_s <= 0:
                return
        self._packets.append(packet)
        while packet.timestamp - self._packets[0].timestamp > KEPT_S * RATE:
            self._packets.popleft()

    @property
    def newest_at(self) -> float:
        """Return when the newest packet came, minus infinity before the first."""
        return self._packets[-1].arrived_at if self._packets else float("-inf")

    def comes(self, now: float) -> bool:
        """Tell whether there is sound now, be it silence."""
        return bool(self._packets) and now - self._packets[-1].arrived_at <= _FRESH_S

    def since(self, at: float) -> tuple[tuple[EncodedFrame, ...], float]:
        """Return what was spoken from ``at`` on, and when its first packet was.

        Timestamps are set right where the microphone stood still.
        """
        spoken = [(when, packet) for when, packet in self._spoken() if when >= at]
        if not spoken:
            return (), at
        first, stamp = spoken[0][0], spoken[0][1].timestamp
        packets = (replace(packet, timestamp=stamp + round((when - first) * RATE)) for when, packet in spoken)
        return tuple(packets), first

    def _spoken(self) -> Iterator[tuple[float, EncodedFrame]]:
        """Yield each packet with when it was spoken."""
        packets = tuple(self._packets)
        # What came fastest on its way tells how the track's clock stands to that of arrivals.
        behind = [packet.arrived_at - packet.timestamp / RATE for packet in packets]
        best = [min(behind[n : n + _BLOCK]) for n in range(0, len(behind), _BLOCK)]
        taken: float | None = None
        for n, packet in enumerate(packets):
            block = n // _BLOCK
            now = min(best[max(0, block - 1) : block + 2])
            if taken is None or abs(now - taken) > _SLIP_S:
                taken = now
            yield packet.timestamp / RATE + taken, packet
