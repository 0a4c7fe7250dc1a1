"""What RTCP wants to know about streams (RFC 3550 section 6.4 and appendix A). Pure code."""

from dataclasses import dataclass, field

# Seconds from 1900, where NTP counts from, to 1970.
NTP_EPOCH = 2_208_988_800
_U32 = 0xFFFFFFFF
# RFC 3550 carries the cumulative loss in 24 signed bits.
_LOST_MAX = (1 << 23) - 1


def to_ntp(at: float) -> int:
    """Return seconds UTC as a 64 bit NTP timestamp."""
    return int((at + NTP_EPOCH) * (1 << 32))


def from_ntp(ntp: int) -> float:
    """Return a 64 bit NTP timestamp as seconds UTC."""
    return ntp / (1 << 32) - NTP_EPOCH


@dataclass(frozen=True, slots=True)
class Reception:
    """A receiver report block's numbers. ``fraction_lost`` is in 1/256, ``jitter`` in RTP ticks."""

    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int


@dataclass(slots=True)
class ReceiveStats:
    """Counts one received stream. Sequence numbers and timestamps come unwrapped."""

    clock_rate: int
    packets: int = 0
    bytes: int = 0
    _base: int | None = None
    _highest: int = 0
    _jitter: float = 0.0
    _transit: float | None = None
    _expected_before: int = 0
    _packets_before: int = 0

    def add(self, seq: int, timestamp: int, size: int, arrived_at: float) -> None:
        """Count a packet of ``size`` bytes that arrived at ``arrived_at`` (seconds)."""
        self.packets += 1
        self.bytes += size
        if self._base is None:
            self._base = self._highest = seq
        self._base = min(self._base, seq)
        self._highest = max(self._highest, seq)
        transit = arrived_at * self.clock_rate - timestamp
        if self._transit is not None:
            self._jitter += (abs(transit - self._transit) - self._jitter) / 16
        self._transit = transit

    @property
    def expected(self) -> int:
        """How many packets were sent to us, as far as the sequence numbers tell."""
        return 0 if self._base is None else self._highest - self._base + 1

    @property
    def jitter_ms(self) -> float:
        """Interarrival jitter in milliseconds."""
        return self._jitter / self.clock_rate * 1000

    def report(self) -> Reception:
        """Return the block for the next report; the fraction counts from the last call."""
        expected = self.expected - self._expected_before
        lost = expected - (self.packets - self._packets_before)
        self._expected_before, self._packets_before = self.expected, self.packets
        return Reception(
            fraction_lost=min(255, (lost << 8) // expected) if expected > 0 and lost > 0 else 0,
            packets_lost=max(-_LOST_MAX, min(_LOST_MAX, self.expected - self.packets)),
            highest_sequence=self._highest & _U32,
            jitter=int(self._jitter) & _U32,
        )


@dataclass(frozen=True, slots=True)
class ClockMap:
    """A sender report: the sender's NTP time at an RTP timestamp, and when we heard it (monotonic)."""

    ntp: int
    timestamp: int
    heard_at: float

    def at(self, now: float, clock_rate: int) -> tuple[int, int]:
        """Return the sender's NTP time and RTP timestamp at ``now``, moved along the same line."""
        passed = now - self.heard_at
        return self.ntp + int(passed * (1 << 32)), self.timestamp + int(passed * clock_rate)


@dataclass(slots=True)
class SendStats:
    """Counts one sent stream and what its receiver reports about it."""

    packets: int = 0
    bytes: int = 0
    rtt_s: float | None = None
    lost: int = 0
    _reports: dict[int, float] = field(default_factory=dict)

    def reported(self, ntp: int, now: float) -> None:
        """Remember when a sender report went out; the last eight can be answered."""
        self._reports[(ntp >> 16) & _U32] = now
        while len(self._reports) > 8:
            del self._reports[next(iter(self._reports))]

    def got_report(self, packets_lost: int, lsr: int, dlsr: int, now: float) -> None:
        """Take a receiver report block; ``dlsr`` is in 1/65536 s."""
        self.lost = packets_lost
        sent_at = self._reports.get(lsr)
        if sent_at is not None:
            self.rtt_s = max(0.0, now - sent_at - dlsr / 65536)
