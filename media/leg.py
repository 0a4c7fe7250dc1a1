"""A leg carries one publication to one receiving m-line: it gives packets new headers and sends them on.

``forward`` is run for every packet and receiver. Payloads are not touched, sequence numbers and timestamps
keep their distances, so a late packet finds its place and a receiver asks for what it misses by itself.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from struct import Struct
from typing import Protocol

from prometheus_client import Counter

from contract.phases import TrackKind
from media.answer import MID, SEND_TIME, OfferedCodec, OfferedMedia
from media.payloads import begins_keyframe
from media.rtp_header import payload_at
from media.rtp_stats import ClockMap, SendStats

_dropped = Counter("teller_media_dropped_sends", "Packets that a connection could not take", ["kind"])
_resent = Counter("teller_media_resent_packets", "Packets that a receiver asked for again", ["kind"])
_refused = Counter("teller_media_refused_nacks", "Packets that were asked for too often", ["kind"])
_dropped_of, _resent_of, _refused_of = (
    {kind: counter.labels(kind.value) for kind in TrackKind} for counter in (_dropped, _resent, _refused)
)

_U16, _U32 = 0xFFFF, 0xFFFFFFFF
# No packet has a higher unwrapped sequence number: the leg has not begun.
_NEVER = 1 << 62
# 500 packets a second are twice a picture of 2.5 Mbit/s; who asks for more asks in vain.
_RESENDS_PER_S = 500.0
_RESENDS_MAX = 250.0
# Less than this after the last one, the receiver cannot know yet.
_RESEND_PAUSE_S = 0.02
# A screen that stands still sends a frame a second at least; a camera that is off sends none.
_IDLE_S = 2.0
# absolute send time: 24 bits, 18 of them behind the point.
_SEND_TIME_PER_S = 1 << 18

_read_marked = Struct("!xBxxL").unpack_from


class Source(Protocol):
    """What a leg asks of the publication that feeds it. Sequence numbers are unwrapped."""

    @property
    def codecs(self) -> Mapping[int, OfferedCodec]:
        """The codecs by the publisher's payload types."""
        ...

    @property
    def clock_map(self) -> ClockMap | None:
        """The publisher's last sender report."""
        ...

    @property
    def highest(self) -> int:
        """The highest sequence number so far."""
        ...

    def packet(self, seq: int) -> bytes | None:
        """Return a packet that is still kept."""
        ...

    def request_keyframe(self, now: float) -> None:
        """Ask the publisher for a keyframe."""
        ...

    def limit_bitrate(self, who: object, bits_per_s: int | None) -> None:
        """Note how much ``who`` can take; None when it takes no more."""
        ...


class Leg:
    """One publication to one receiver.

    A picture begins with a keyframe's first packet, which is asked for. Sequence numbers and timestamps go
    on without a jump when another publication takes over. ``send`` sends a header and a packet from an
    offset on; it returns False when it could not.
    """

    def __init__(
        self,
        media: OfferedMedia,
        codecs: Sequence[OfferedCodec],
        send: Callable[[bytes, bytes, int], bool],
    ) -> None:
        self.media, self.kind = media, media.line.kind
        self.ssrc, self.rtx_ssrc = random.sample(range(1, 1 << 32), 2)
        self.codecs = tuple(codec.name for codec in codecs)
        self.source: Source | None = None
        self.ready = False
        self.stats = SendStats()
        self.dropped = 0
        self.refused_codec = ""
        self._send, self._types = send, {codec.name: codec.payload_type for codec in codecs}
        self._rtx_types = {c.payload_type: c.rtx_type for c in codecs if c.rtx_type is not None}
        # Where packets are sent again under their own number, AES-GCM would spend one nonce on two packets
        # if they were not the same to the last bit (RFC 7714 section 8.1): they tell no time of sending.
        timed = all(codec.rtx_type is not None for codec in codecs)
        self._pack, self._extension = _lay_out(media, timed)
        # By the publisher's marker and payload type: ours; 0 for what cannot be taken.
        self._marks = bytes(256)
        self._first = _NEVER
        # libsrtp guesses the roll-over counter of a stream that starts near the wrap wrongly.
        self._next, self._rtx_next = random.getrandbits(15), random.getrandbits(15)
        self._stamp_next: tuple[int, float] | None = None
        self._seq_shift = self._stamp_shift = 0
        # The highest number sent; before the first, the one above which it may begin. These make 29
        # attributes: with a thirtieth CPython 3.11 reads each of them a quarter slower.
        self._highest, self._stamp, self._stamp_at, self._clock_rate = -_NEVER, 0, 0.0, 0
        self._resends, self._resends_at = _RESENDS_MAX, 0.0
        self._resent_at: dict[int, float] = {}

    # --- packets -------------------------------------------------------------------------------

    def connect(self, source: Source | None) -> None:
        """Be fed by ``source`` from now on; None for silence."""
        if source is self.source:
            return
        if self.source is not None:
            self.source.limit_bitrate(self, None)
        self.source, self.refused_codec = source, ""
        # What came before was for others' ears, and it may yet come again.
        self.restart(source.highest if source is not None else -_NEVER)

    def leave(self, source: Source) -> None:
        """Be silent if it is ``source`` that feeds this leg."""
        if self.source is source:
            self.connect(None)

    def restart(self, fence: int) -> None:
        """Begin anew with the next packet that can, above the sequence number ``fence``."""
        if self._first != _NEVER:
            self._next = (self._highest + self._seq_shift + 1) & _U16
            self._stamp_next = (self._stamp + self._stamp_shift, self._stamp_at)
        self._first, self._highest, self._resent_at = _NEVER, fence, {}

    def forward(self, packet: bytes, at: int, marked: int, seq: int, stamp: int, now: float) -> None:
        """Send a packet on: its payload begins at ``at``, ``marked`` is marker and payload type."""
        if seq < self._first:
            self._begin(packet, at, marked, seq, stamp, now)
            return
        if seq > self._highest:
            self._highest, self._stamp, self._stamp_at = seq, stamp, now
        head, block, time_head, time_mask, rest = self._extension
        header = self._pack(
            head | packet[0] & 0x20,
            self._marks[marked],
            (seq + self._seq_shift) & _U16,
            (stamp + self._stamp_shift) & _U32,
            self.ssrc,
            block,
            time_head | int(now * _SEND_TIME_PER_S) & time_mask,
            rest,
        )
        if self._send(header, packet, at):
            stats = self.stats
            stats.packets += 1
            stats.bytes += len(packet) - at
        else:
            self.dropped += 1
            _dropped_of[self.kind].inc()

    def _begin(self, packet: bytes, at: int, marked: int, seq: int, stamp: int, now: float) -> None:
        source = self.source
        if source is None or not self.ready or self._first != _NEVER or seq <= self._highest:
            return
        codec = source.codecs.get(marked & 0x7F)
        if codec is None or codec.name not in self._types:
            self.refused_codec = codec.name if codec else ""
            return
        if not begins_keyframe(codec.name, packet[at:]):
            source.request_keyframe(now)
            return
        self._marks = self._map_types(source)
        self._first = self._highest = seq
        self._clock_rate = codec.clock_rate
        self._seq_shift = self._next - seq
        self._stamp_shift = self._continue_at(stamp, now) - stamp
        self._stamp, self._stamp_at = stamp, now
        self.forward(packet, at, marked, seq, stamp, now)
        for later in range(seq + 1, source.highest + 1):
            self._forward_kept(source.packet(later), later, now)

    def _forward_kept(self, packet: bytes | None, seq: int, now: float) -> None:
        """Forward what came before the keyframe's first packet did, but belongs behind it."""
        if packet is not None:
            marked, stamp = _read_marked(packet)
            self.forward(packet, payload_at(packet), marked, seq, stamp, now)

    def _map_types(self, source: Source) -> bytes:
        marks = bytearray(256)
        for theirs, codec in source.codecs.items():
            ours = self._types.get(codec.name, 0)
            marks[theirs], marks[theirs | 0x80] = ours, ours and ours | 0x80
        return bytes(marks)

    def _continue_at(self, stamp: int, now: float) -> int:
        """Return the timestamp to begin with: the last one and the time that has passed since."""
        if self._stamp_next is None:
            return stamp
        last, at = self._stamp_next
        return last + max(1, int((now - at) * self._clock_rate))

    # --- what the receiver asks for ------------------------------------------------------------

    def resend(self, seqs: Sequence[int], now: float) -> None:
        """Send packets again, in the form that was negotiated (RFC 4588, or as they were)."""
        source = self.source
        if source is None or self._first == _NEVER:
            return
        self._resends = min(_RESENDS_MAX, self._resends + (now - self._resends_at) * _RESENDS_PER_S)
        self._resends_at = now
        before = now - max(_RESEND_PAUSE_S, (self.stats.rtt_s or 0.0) / 2)
        if len(self._resent_at) > _RESENDS_MAX:
            self._resent_at = {seq: at for seq, at in self._resent_at.items() if at > before}
        newest = self._highest + self._seq_shift
        for done, number in enumerate(seqs):
            if self._resends < 1:
                _refused_of[self.kind].inc(len(seqs) - done)
                return
            seq = newest + ((number - newest + 0x8000) & _U16) - 0x8000 - self._seq_shift
            packet = source.packet(seq) if seq >= self._first else None
            if packet is None or not self._marks[packet[1]] or self._resent_at.get(seq, before) > before:
                continue
            self._resends -= 1
            self._resent_at[seq] = now
            self._resend(packet, seq, now)

    def _resend(self, packet: bytes, seq: int, now: float) -> None:
        marked, stamp = _read_marked(packet)
        at, again = payload_at(packet), (seq + self._seq_shift) & _U16
        ssrc, ours, number, original = self.ssrc, self._marks[marked], again, b""
        rtx_type = self._rtx_types.get(ours & 0x7F)
        if rtx_type is not None:
            self._rtx_next = number = (self._rtx_next + 1) & _U16
            ssrc, ours, original = self.rtx_ssrc, rtx_type | ours & 0x80, again.to_bytes(2, "big")
        head, block, time_head, time_mask, rest = self._extension
        sent = time_head | int(now * _SEND_TIME_PER_S) & time_mask
        shifted = (stamp + self._stamp_shift) & _U32
        header = self._pack(head | packet[0] & 0x20, ours, number, shifted, ssrc, block, sent, rest)
        if self._send(header + original, packet, at):
            self.stats.bytes += len(packet) - at
            _resent_of[self.kind].inc()

    def ask_keyframe(self, now: float) -> None:
        """Pass the receiver's request upstream."""
        if self.source is not None:
            self.source.request_keyframe(now)

    def limit_bitrate(self, bits_per_s: int | None) -> None:
        """Pass the receiver's estimate upstream; None when it has none for this leg."""
        if self.source is not None:
            self.source.limit_bitrate(self, bits_per_s)

    # --- reports -------------------------------------------------------------------------------

    @property
    def begun(self) -> bool:
        """Tell whether packets pass."""
        return self._first != _NEVER

    def sends(self, now: float) -> bool:
        """Tell whether packets came to be sent in the last two seconds."""
        return self.begun and now - self._stamp_at <= _IDLE_S

    def report(self, now: float) -> tuple[int, int] | None:
        """Return NTP time (64 bits) and RTP timestamp for a sender report at ``now``, None when unknown.

        They are on the publisher's own time line, for sound and picture alike, so that the receiver can
        synchronise them.
        """
        clock_map = self.source.clock_map if self.source is not None and self.begun else None
        if clock_map is None:
            return None
        ntp, stamp = clock_map.at(now, self._clock_rate)
        self.stats.reported(ntp, now)
        return ntp, (stamp + self._stamp_shift) & _U32


def _lay_out(
    media: OfferedMedia, timed: bool
) -> tuple[Callable[..., bytes], tuple[int, int, int, int, bytes]]:
    """Return how a header is packed, and the constant parts of its extensions (RFC 8285 section 4.2).

    The first word stands alone: it is the absolute send time where that is sent (``timed`` and negotiated).
    """
    mid, send_time = media.extensions.get(MID), media.extensions.get(SEND_TIME) if timed else None
    if not mid and not send_time:
        plain = Struct("!BBHLL").pack
        return (lambda *fields: plain(*fields[:5])), (0x80, 0, 0, 0, b"")
    name = media.mid.encode()
    elements = bytes([(send_time << 4) | 2, 0, 0, 0]) if send_time else b""
    elements += bytes([(mid << 4) | (len(name) - 1)]) + name if mid else b""
    elements += bytes(-len(elements) % 4)
    block = (0xBEDE << 16) | len(elements) // 4
    first, rest = int.from_bytes(elements[:4]), elements[4:]
    mask = 0xFFFFFF if send_time else 0
    return Struct(f"!BBHLLLL{len(rest)}s").pack, (0x90, block, first, mask, rest)
