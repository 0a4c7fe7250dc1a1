"""A picture for who must not be noticed: an observer's line neither slows a publisher nor asks it often.

Where the line cannot carry the picture, whole frames are left out up to a keyframe that it can take, for
every one in between needs those before it. There is but one stream of a picture to choose from, so a slow
line gets a still now and then. Sound is never left out.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from prometheus_client import Counter

from contract.phases import TrackKind
from media.answer import OfferedCodec
from media.leg import Leg, Source
from media.payloads import begins_keyframe
from media.rtp_stats import ClockMap

_thinned = Counter("teller_media_thinned_frames", "Frames left out for observers whose line is too slow")

# A browser sends a keyframe by itself every minute or two, and for others' sake now and then. For so long an
# observer waits for one of those; he has the sound meanwhile.
_PATIENCE_S = 2.0
# Opus is 32 to 40 kbit/s, and headers are 20 at fifty packets a second.
_SOUND_BITS_PER_S = 60_000
# An estimator that has fallen to the least it knows would learn nothing more from a picture that has ended.
_PICTURE_MIN_BITS_PER_S = 30_000
# How late a line's queue may make a picture: a keyframe is as large as ten frames, two thirds of a second.
_LATE_S = 1.0
# As in ``leg``: a camera that is off takes no share.
_IDLE_S = 2.0
_NEVER = -(1 << 62)


class Watched(Source, Protocol):
    """The publication that is watched."""

    def request_keyframe_seldom(self, now: float) -> None:
        """Ask for a keyframe on behalf of all observers, unless that was done a moment ago."""
        ...


class Allowance:
    """What one connection's line can take, shared by the pictures that are thinned for it.

    ``legs`` are all of the connection's. ``bits_per_s`` is None until its far end has said something.
    """

    def __init__(self, legs: Sequence[Leg]) -> None:
        self._legs = legs
        self.bits_per_s: int | None = None

    def share(self, now: float) -> float | None:
        """Return what is left for each picture when sound has had its part; None when nothing is known."""
        if self.bits_per_s is None:
            return None
        sounds = sum(leg.kind is TrackKind.AUDIO and leg.sends(now) for leg in self._legs)
        pictures = sum(isinstance(leg.source, Thinned) and leg.source.comes(now) for leg in self._legs)
        left = self.bits_per_s - sounds * _SOUND_BITS_PER_S
        return max(_PICTURE_MIN_BITS_PER_S, left / max(1, pictures))


class Thinned:
    """Stands between a publication and an observer's leg: towards the leg it is its ``Source``."""

    __slots__ = (
        "_allowance", "_debt_bits", "_frame_at", "_leg", "_newest", "_sent", "_slow", "_stamp", "_waits",
        "_watched", "_wished_at",
    )  # fmt: skip

    def __init__(self, leg: Leg, watched: Watched, allowance: Allowance, now: float) -> None:
        self._leg, self._watched, self._allowance = leg, watched, allowance
        self._newest, self._stamp, self._frame_at = _NEVER, -1, now
        self._sent, self._debt_bits = leg.stats.bytes, 0.0
        # Since when a keyframe is awaited; while nothing can pass without one, ``_waits`` as well.
        self._wished_at: float | None = now
        self._waits, self._slow = True, False

    # --- what the leg asks for -----------------------------------------------------------------

    @property
    def codecs(self) -> Mapping[int, OfferedCodec]:
        """The codecs by the publisher's payload types."""
        return self._watched.codecs

    @property
    def clock_map(self) -> ClockMap | None:
        """The publisher's last sender report."""
        return self._watched.clock_map

    @property
    def highest(self) -> int:
        """The highest sequence number so far."""
        return self._watched.highest

    def packet(self, seq: int) -> bytes | None:
        """Return a packet that is still kept."""
        return self._watched.packet(seq)

    def request_keyframe(self, now: float) -> None:
        """Wait for the next keyframe, and ask for one when none has come by itself."""
        self._wished_at = now if self._wished_at is None else self._wished_at
        patient = now - self._wished_at < _PATIENCE_S
        if not patient and self._leg.ready and (self._debt_bits <= 0 or not self._waits):
            self._watched.request_keyframe_seldom(now)

    def limit_bitrate(self, who: object, bits_per_s: int | None) -> None:
        """Say nothing to the publisher: the allowance has it."""

    # --- from the publication ------------------------------------------------------------------

    def thins(self, watched: Watched) -> bool:
        """Tell whether this stands behind ``watched``."""
        return watched is self._watched

    def comes(self, now: float) -> bool:
        """Tell whether anything came of the picture in the last two seconds."""
        return self._newest != _NEVER and now - self._frame_at <= _IDLE_S

    def leave(self, source: Source) -> None:
        """Be silent when ``source`` is that which is watched."""
        if source is self._watched:
            self._leg.leave(self)

    def restart(self, fence: int) -> None:
        """Begin anew with the next keyframe above the sequence number ``fence``; see ``Leg``."""
        self._leg.restart(fence)
        self._newest, self._stamp, self._waits = _NEVER, -1, True
        self._wished_at = self._frame_at if self._wished_at is None else self._wished_at

    def forward(self, packet: bytes, at: int, marked: int, seq: int, stamp: int, now: float) -> None:
        """Send a packet on unless its frame is left out; see ``Leg``."""
        begins = seq > self._newest and stamp != self._stamp
        if begins:
            self._stamp = stamp
            self._pay(seq, now)
        self._newest = max(seq, self._newest)
        if self._wished_at is None or self._ends_wait(packet, at, marked, now) or not self._waits:
            self._leg.forward(packet, at, marked, seq, stamp, now)
        elif begins and self._slow:
            _thinned.inc()

    def _pay(self, seq: int, now: float) -> None:
        """Pay for the frame before; leave out that of ``seq``, and those behind, if the debt is too large."""
        share = self._allowance.share(now)
        sent = self._leg.stats.bytes
        spent, earned = (sent - self._sent) * 8, (now - self._frame_at) * (share or 0.0)
        self._sent, self._frame_at = sent, now
        self._debt_bits = 0.0 if share is None else max(0.0, self._debt_bits + spent - earned)
        if share is not None and not self._waits and self._debt_bits > share * _LATE_S:
            self._leg.restart(seq)
            self._waits = self._slow = True
            self._wished_at = now if self._wished_at is None else self._wished_at

    def _ends_wait(self, packet: bytes, at: int, marked: int, now: float) -> bool:
        codec = self._watched.codecs.get(marked & 0x7F)
        if codec is None or not begins_keyframe(codec.name, packet[at:]):
            self.request_keyframe(now)
            return False
        if self._waits and self._debt_bits > 0:
            return False
        self._wished_at, self._waits, self._slow = None, False, False
        return True
