"""What RTCP wants to know about streams (RFC 3550 section 6.4 and appendix A). Pure code."""

from dataclasses import dataclass, field

# Seconds from 1900, where NTP counts from, to 1970.
NTP_EPOCH = 2_208_988_800
_U32 = 0xFFFFFFFF
# RFC 3550 carries the cumulative loss in 24 signed bits.
_LOST_MAX = (1 << 23) - 1
# No line delays a packet by as much and then delivers it.
_CLOCK_SET_S = 5.0


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
    """Counts one received stream. Sequence numbers come unwrapped, RTP timestamps as they are.

    ``packets`` leaves retransmissions out, as loss is told before repair; ``bytes`` are of payload and
    count them. ``lost`` packets were given up. ``freezes`` and ``frozen_s`` count the pauses between
    frames of a picture that are longer than their rhythm explains (W3C webrtc-stats, ``freezeCount``).
    """

    clock_rate: int
    picture: bool = False
    packets: int = 0
    bytes: int = 0
    lost: int = 0
    highest: int = -1
    base: int = 0
    frames: int = 0
    freezes: int = 0
    frozen_s: float = 0.0
    heard_at: float = 0.0
    _stamp: int = 0
    _jitter: float = 0.0
    _rhythm_s: float = 0.0
    _expected_before: int = 0
    _packets_before: int = 0

    def begin(self, seq: int) -> None:
        """Begin to count at ``seq``; what was expected and came before stays counted."""
        self.base = seq - self.expected
        self.highest = seq - 1
        self._stamp, self.heard_at, self._rhythm_s = 0, 0.0, 0.0

    def begin_frame(self, stamp: int, now: float) -> None:
        """Take a new timestamp, in order, with its first packet; ``now`` in seconds, monotonic."""
        self.frames += 1
        passed, ticks = now - self.heard_at, (stamp - self._stamp) & _U32
        begun, self._stamp, self.heard_at = self.heard_at, stamp, now
        if not begun:
            return
        late = abs(passed * self.clock_rate - ticks)
        # A larger difference is a clock that was set, which is no jitter.
        if late < _CLOCK_SET_S * self.clock_rate:
            self._jitter += (late - self._jitter) / 16
        if self.picture:
            self._keep_rhythm(passed)

    def _keep_rhythm(self, passed: float) -> None:
        rhythm = self._rhythm_s or passed
        if passed > max(3 * rhythm, rhythm + 0.15):
            self.freezes += 1
            self.frozen_s += passed
        self._rhythm_s = rhythm + (passed - rhythm) / 30

    @property
    def expected(self) -> int:
        """How many packets were sent to us, as far as the sequence numbers tell."""
        return self.highest - self.base + 1

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
            highest_sequence=self.highest & _U32,
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

    def got_report(self, packets_lost: int, lsr: int, dlsr: int, now: float) -> float | None:
        """Take a receiver report block, ``dlsr`` in 1/65536 s; return the round trip if it measures one."""
        self.lost = packets_lost
        sent_at = self._reports.get(lsr)
        if sent_at is None:
            return None
        self.rtt_s = max(0.0, now - sent_at - dlsr / 65536)
        return self.rtt_s
