"""One publishing m-line of one person: its streams by SSRC, what is missing of them, and what is kept.

``take`` is run for every packet that is published; it makes no object but the numbers in it. The last
packets are kept as they came, so that legs can send them again and nothing passes twice.
"""

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Literal, Protocol

import structlog
from prometheus_client import Counter

from contract.phases import TrackKind
from media.answer import OfferedCodec, OfferedMedia
from media.loss import Gaps
from media.payloads import begins_keyframe
from media.rtp_header import find_extension, payload_at
from media.rtp_stats import ClockMap, ReceiveStats

_log = structlog.get_logger(__name__)
_dropped = Counter("teller_media_dropped_packets", "RTP packets that were not usable", ["why"])
_lost = Counter("teller_media_lost_packets", "RTP packets that never came", ["kind"])
_repaired = Counter("teller_media_repaired_packets", "RTP packets that came when asked for again", ["kind"])
_bad_type, _duplicate, _bad_sequence, _late = map(
    _dropped.labels, ("payload_type", "duplicate", "sequence", "late")
)
_shut_out = {why: _dropped.labels(why) for why in ("gate", "not_allowed")}
_lost_of, _repaired_of = ({kind: one.labels(kind.value) for kind in TrackKind} for one in (_lost, _repaired))

# Powers of two. Pictures: 2 s at 2.5 Mbit/s. Sound: 2.5 s at 20 ms. Twice as long as is asked for one.
_KEPT = {TrackKind.VIDEO: 512, TrackKind.AUDIO: 128}
# A jump this far is another stream, once the packet after it fits (RFC 3550 appendix A.1). What is behind by
# less was held up: a phone that changes networks empties the queue of the old one behind the new one's.
_JUMP = 3_000
# At most two keyframes a second and track: a keyframe costs as much as ten other frames, and an encoder
# needs about 100 ms and half a round trip to answer.
KEYFRAME_INTERVAL_S = 0.5
# A request that brought nothing is repeated: it, or the keyframe's first packet, was lost. After ten, nobody
# is there to answer: a camera that is switched off.
_KEYFRAME_AGAIN_S = 1.0
_KEYFRAME_TRIES = 10
# About a second of picture: a keyframe is there before so much has been sent again.
_LONG_GAP = 100

_read_head = Struct("!BBHL").unpack_from
_write_head = Struct("!BBHLL").pack


class Feedback(Protocol):
    """What goes back to the publisher. Sequence numbers in 16 bits."""

    def ask_again(self, ssrc: int, seqs: Sequence[int]) -> None:
        """Ask for these packets once more (generic NACK, RFC 4585)."""
        ...

    def ask_keyframe(self, ssrc: int) -> None:
        """Ask for a keyframe (PLI, RFC 4585)."""
        ...

    def wake(self) -> None:
        """See to it that ``tick`` is called soon, and on until it returns False."""
        ...


class Taker(Protocol):
    """Takes what has come, in order of arrival, nothing twice."""

    def got_packet(self, packet: bytes, at: int, marked: int, seq: int, stamp: int, now: float) -> None:
        """Take a packet: where its payload begins, marker and payload type, unwrapped sequence number."""
        ...

    def got_clock(self, clock: ClockMap) -> None:
        """Take a sender report."""
        ...

    def restarted(self) -> None:
        """What comes from now on is another stream: its numbers have nothing to do with the former's."""
        ...


class Uplink:
    """One publishing m-line.

    ``note`` is called with every packet that has the extension ``extension`` (id and size in bytes), and
    where its value is. Nothing is kept or passed on before ``open``.
    """

    def __init__(
        self,
        media: OfferedMedia,
        codecs: Sequence[OfferedCodec],
        feedback: Feedback,
        extension: tuple[int, int] = (0, 0),
        note: Callable[[bytes, int, float], None] | None = None,
    ) -> None:
        self.line, self.ssrc = media.line, 0
        self.codecs = {codec.payload_type: codec for codec in codecs}
        self.rtx_types = {c.rtx_type: c.payload_type for c in codecs if c.rtx_type is not None}
        self._picture = self.line.kind is TrackKind.VIDEO
        self.stats = ReceiveStats(codecs[0].clock_rate, self._picture)
        self.clock_map: ClockMap | None = None
        self.taker: Taker | None = None
        self._shut_out = _shut_out["gate"]
        self._feedback, self._note = feedback, note
        self._extension, self._extension_size = extension
        self._extension_head, self._spot = (self._extension << 4) | (self._extension_size - 1) & 0xFF, 0
        self._gaps = Gaps(any("nack" in codec.feedback for codec in codecs))
        self._size = _KEPT[self.line.kind]
        self._mask = self._size - 1
        self._ring: list[bytes | None] = []
        self._stamp = self._after_jump = -1
        self._limits: dict[object, int] = {}
        self._keyframe_at, self._keyframe_due = float("-inf"), False
        # How often to ask for the keyframe that is awaited; 0 when none is.
        self._keyframe_tries = 0

    # --- packets -------------------------------------------------------------------------------

    def begin(self, ssrc: int, packet: bytes) -> None:
        """Go on with the stream ``ssrc``, of which ``packet`` is the first; it is taken by ``take``."""
        if self.ssrc:
            _log.debug("a publisher began another stream", kind=self.line.kind)
        self.ssrc = ssrc
        self._restart(_read_head(packet)[2])

    def open(self, taker: Taker) -> None:
        """Keep packets and hand them to ``taker`` from now on."""
        self._ring = self._ring or [None] * self._size
        self.taker = taker

    def shut(self, why: Literal["gate", "not_allowed"] = "gate") -> None:
        """Hand over nothing any more, and forget what was kept; what comes is counted under ``why``."""
        self.taker, self._ring = None, []
        self._shut_out = _shut_out[why]
        self._gaps.clear()

    def take(self, packet: bytes, now: float) -> None:
        """Take a packet of the stream itself; ``now`` in seconds, monotonic."""
        first, marked, number, stamp = _read_head(packet)
        at = self._open_head(packet, now) if first & 0x1F else 12
        if marked & 0x7F not in self.codecs:
            _bad_type.inc()
            return
        stats = self.stats
        highest = stats.highest
        step = ((number - highest + 0x8000) & 0xFFFF) - 0x8000
        seq = highest + step
        if step == 1:
            stats.highest = seq
        elif not (self._skip(seq, now) if step > 0 else self._come_late(seq, now)):
            return
        stats.packets += 1
        stats.bytes += len(packet) - at
        if stamp != self._stamp and step > 0:
            self._stamp = stamp
            stats.begin_frame(stamp, now)
        if self._keyframe_tries > 0:
            self._look_for_keyframe(packet, at, marked)
        if self.taker is not None:
            self._ring[seq & self._mask] = packet
            self.taker.got_packet(packet, at, marked, seq, stamp, now)
        else:
            self._shut_out.inc()

    def take_rtx(self, packet: bytes, now: float) -> None:
        """Take a packet of the retransmission stream (RFC 4588); padding sent to probe the line is none."""
        first, marked, _, stamp = _read_head(packet)
        at = self._open_head(packet, now) if first & 0x1F else 12
        payload_type = self.rtx_types.get(marked & 0x7F)
        end = len(packet) - (packet[-1] if first & 0x20 else 0)
        if payload_type is None or self.taker is None or not self.ssrc or end - at < 2:
            return
        number = (packet[at] << 8) | packet[at + 1]
        seq = self.stats.highest + ((number - self.stats.highest + 0x8000) & 0xFFFF) - 0x8000
        if seq > self.stats.highest or not self._is_new(seq):
            return
        self.stats.bytes += len(packet) - at
        if self._gaps.close(seq, now, True):
            _repaired_of[self.line.kind].inc()
        marked = (marked & 0x80) | payload_type
        whole = _write_head(first, marked, number, stamp, self.ssrc) + packet[12:at] + packet[at + 2 :]
        self._look_for_keyframe(whole, at, marked)
        self._ring[seq & self._mask] = whole
        self.taker.got_packet(whole, at, marked, seq, stamp, now)

    @property
    def highest(self) -> int:
        """The highest unwrapped sequence number so far."""
        return self.stats.highest

    def packet(self, seq: int) -> bytes | None:
        """Return a packet that is still kept."""
        kept = self._ring and self.stats.highest - self._size < seq <= self.stats.highest
        return self._ring[seq & self._mask] if kept else None

    def _open_head(self, packet: bytes, now: float) -> int:
        """Return where the payload begins, after the extension that lies before it was noted."""
        at = payload_at(packet)
        if self._note is not None:
            # Where it was in the packet before it mostly is again.
            spot = self._spot
            if not spot < at or packet[spot - 1] != self._extension_head:
                spot = find_extension(packet, self._extension, self._extension_size)
                self._spot = spot or len(packet)
            if spot:
                self._note(packet, spot, now)
        return at

    def _skip(self, seq: int, now: float) -> bool:
        """Take note of the packets between the highest one and ``seq``."""
        first = self.stats.highest + 1
        if seq - first >= _JUMP:
            return self._jump(seq)
        self.stats.highest = seq
        if self.taker is not None:
            for missed in range(max(first, seq - self._size), seq):
                self._ring[missed & self._mask] = None
            self._note_lost(self._gaps.open(first, seq, now))
            self._ask_again(now)
            self._feedback.wake()
            if seq - first >= _LONG_GAP:
                self.request_keyframe(now)
        return True

    def _come_late(self, seq: int, now: float) -> bool:
        if seq <= self.stats.highest - _JUMP:
            return self._jump(seq)
        if seq <= self.stats.highest - self._size:
            _late.inc()
            return False
        if self.taker is not None and not self._is_new(seq):
            _duplicate.inc()
            return False
        # Where RTX was agreed, what comes late in the stream itself was only out of order.
        answer = not self.rtx_types and self._gaps.may_answer(seq, now)
        if self._gaps.close(seq, now, answer) and answer:
            _repaired_of[self.line.kind].inc()
            # ``take`` counts it, but it was lost before it was repaired.
            self.stats.packets -= 1
        return True

    def _is_new(self, seq: int) -> bool:
        return seq > self.stats.highest - self._size and self._ring[seq & self._mask] is None

    def _jump(self, seq: int) -> bool:
        """Follow a stream that jumped, once a second packet says so; return whether ``seq`` is taken."""
        if seq & 0xFFFF != self._after_jump:
            self._after_jump = (seq + 1) & 0xFFFF
            _bad_sequence.inc()
            return False
        _log.debug("a stream jumped", kind=self.line.kind)
        if seq > self.stats.highest:
            # An outage: the numbers went on, and what they stand for was sent.
            if self.taker is not None:
                self._note_lost(seq - self.stats.highest - 1)
            self.stats.highest = seq - 1
        self._restart(seq)
        self.stats.highest = seq
        return True

    def _restart(self, seq: int) -> None:
        self._note_lost(self._gaps.clear())
        self._ring = [None] * len(self._ring)
        self._after_jump = self._stamp = -1
        self.clock_map = None
        self.stats.begin(seq)
        if self.taker is not None:
            self.taker.restarted()

    # --- feedback ------------------------------------------------------------------------------

    def tick(self, now: float) -> bool:
        """Ask again for what is due; return whether there will be more to do."""
        self._ask_again(now)
        passed = now - self._keyframe_at
        if (self._keyframe_due and passed >= KEYFRAME_INTERVAL_S) or (
            self._keyframe_tries > 0 and passed >= _KEYFRAME_AGAIN_S
        ):
            self._keyframe_at, self._keyframe_due = now, False
            self._keyframe_tries -= 1
            self._feedback.ask_keyframe(self.ssrc)
        return self._keyframe_due or self._keyframe_tries > 0 or bool(self._gaps)

    def request_keyframe(self, now: float, tries: int = _KEYFRAME_TRIES) -> None:
        """Ask for a keyframe until one begins, at most ``tries`` times.

        Requests within KEYFRAME_INTERVAL_S become one.
        """
        if not self._picture or not self.ssrc:
            return
        self._keyframe_tries = max(self._keyframe_tries, tries)
        if not self._keyframe_due:
            self._keyframe_due = True
            if self.tick(now):
                self._feedback.wake()

    def _look_for_keyframe(self, packet: bytes, at: int, marked: int) -> None:
        if begins_keyframe(self.codecs[marked & 0x7F].name, packet[at:]):
            self._keyframe_tries, self._keyframe_due = 0, False

    def limit_bitrate(self, who: object, bits_per_s: int | None) -> None:
        """Remember what one receiver of this line can take; None when it no longer receives."""
        if bits_per_s is None:
            self._limits.pop(who, None)
        else:
            self._limits[who] = bits_per_s
            self._feedback.wake()

    @property
    def limit(self) -> int | None:
        """What the slowest receiver can take, in bit/s."""
        return min(self._limits.values(), default=None)

    def got_clock(self, ntp: int, stamp: int, now: float) -> None:
        """Take a sender report: NTP time in 64 bits, RTP timestamp in 32."""
        self.clock_map = ClockMap(ntp, stamp, now)
        if self.taker is not None:
            self.taker.got_clock(self.clock_map)

    def got_round_trip(self, seconds: float) -> None:
        """Take a round trip to the publisher that RTCP measured."""
        self._gaps.measured(seconds)

    def _ask_again(self, now: float) -> None:
        wanted, lost = self._gaps.due(now)
        if wanted:
            self._feedback.ask_again(self.ssrc, [seq & 0xFFFF for seq in wanted])
        if lost:
            self._note_lost(lost)

    def _note_lost(self, count: int) -> None:
        if count:
            self.stats.lost += count
            _lost_of[self.line.kind].inc(count)
            if self._picture:
                self._keyframe_due, self._keyframe_tries = True, _KEYFRAME_TRIES
                self._feedback.wake()
