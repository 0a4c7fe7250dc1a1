"""From one track's RTP packets to whole frames in order, on the sink's own time. Pure code.

Packets are only counted and kept until a frame is complete; then its payloads are read all at once. Behind
a gap everything waits as long as the live path may still bring the missing packet, by the arrival times of
the packets themselves.
"""

from collections.abc import Sequence

from contract.ports import EncodedFrame
from media import payloads

# The live path asks for a lost packet for 1 s; the last answer may take another 0.2 s.
WAIT_S = 1.2
# WAIT_S of a screen at 16 Mbit/s.
HELD_MAX = 2_048
# Packets kept while the first keyframe is awaited, for one whose first packet comes late: half a second.
AHEAD_MAX = 256
# A jump this far may be a restart (RFC 3550 appendix A.1); it is believed when a second packet follows it.
DROPOUT_MAX = 3_000
# Packets of one frame; with the longest datagrams 4 MiB. A keyframe of a 4K screen has about 1,000.
FRAME_MAX = 2_048

_HEADER = 12
_U16, _U32 = 0xFFFF, 0xFFFFFFFF
_HALF_U16, _HALF_U32 = 1 << 15, 1 << 31


class TrackDepacketiser:
    """Implements ``contract.ports.Depacketiser`` for VP8, H264 and opus. Any bytes may be pushed.

    Sound begins with the first packet, a picture with the first keyframe; a frame of more than FRAME_MAX
    packets is dropped. Where ``after_loss`` is set on a
    picture it stays set up to the next keyframe. Timestamps begin with the RTP timestamp of the first frame
    and grow on when the sender restarts.
    """

    __slots__ = (
        "_arrived_at", "_begun", "_broken", "_clock_rate", "_codec", "_ended", "_gap", "_held", "_join",
        "_jump", "_last_at", "_last_stamp", "_line", "_next", "_open", "_picture", "_rebase", "_ssrc",
        "_stamp", "_timestamp", "lost",
    )  # fmt: skip

    def __init__(self, codec: str, clock_rate: int) -> None:
        self.lost = 0
        self._codec, self._clock_rate = codec, clock_rate
        self._picture = codec != payloads.OPUS
        self._join = payloads.JOINERS[codec]
        # Order: the number that comes next, what waits behind a gap, and a far jump that may be a restart.
        self._ssrc = b""
        self._next = -1
        self._held: dict[int, tuple[bytes, float]] = {}
        self._jump: tuple[bytes, float] | None = None
        # The frame that is collected: its packets, timestamp and SSRC as in them, and the last one's arrival.
        # ``_line`` is ``_stamp`` while packets without marker can simply be added.
        self._open: list[bytes] = []
        self._stamp = self._line = b""
        self._ended = False
        self._arrived_at = 0.0
        # What to say of the next frame.
        self._begun = not self._picture
        self._gap = self._broken = self._rebase = False
        self._last_stamp = self._timestamp = -1
        self._last_at = 0.0

    def push(self, packet: bytes, arrived_at: float) -> Sequence[EncodedFrame]:
        """Take one RTP packet; see ``contract.ports.Depacketiser``."""
        if len(packet) < _HEADER:
            return ()
        seq = packet[2] << 8 | packet[3]
        if seq == self._next and not self._held:
            if packet[4:12] == self._line and packet[1] < 0x80 and len(self._open) < FRAME_MAX:
                self._open.append(packet)
                self._next = (seq + 1) & _U16
                return ()
            if packet[8:12] == self._ssrc:
                self._next = (seq + 1) & _U16
                return self._take(packet, arrived_at)
        return self._push_slowly(packet, seq, arrived_at)

    def finish(self) -> Sequence[EncodedFrame]:
        """Give all gaps up and return the complete frames behind them; see the port."""
        frames: list[EncodedFrame] = []
        self._flush(frames)
        return frames

    # --- order ---------------------------------------------------------------------------------

    def _push_slowly(self, packet: bytes, seq: int, arrived_at: float) -> list[EncodedFrame]:
        frames: list[EncodedFrame] = []
        if packet[8:12] != self._ssrc:
            self._change_source(packet[8:12], frames)
        if self._next < 0:
            self._begin(packet, seq, arrived_at)
            self._drain(frames)
            return frames
        ahead = (seq - self._next) & _U16
        if DROPOUT_MAX < ahead < _U16 - DROPOUT_MAX:
            self._follow_jump(packet, seq, arrived_at, frames)
        elif ahead < _HALF_U16:
            self._held.setdefault(seq, (packet, arrived_at))
            self._drain(frames)
            self._give_up(arrived_at, frames)
        return frames

    def _begin(self, packet: bytes, seq: int, arrived_at: float) -> None:
        """Begin at this packet if decoding can begin there; what was sent before it is let go."""
        self._held[seq] = (packet, arrived_at)
        if not payloads.begins_keyframe(self._codec, payloads.payload_of(packet)):
            if len(self._held) > AHEAD_MAX:
                del self._held[next(iter(self._held))]
            return
        self._next = seq
        self._held = {n: held for n, held in self._held.items() if (n - seq) & _U16 <= DROPOUT_MAX}

    def _drain(self, frames: list[EncodedFrame]) -> None:
        while (held := self._held.pop(self._next, None)) is not None:
            self._next = (self._next + 1) & _U16
            frames.extend(self._take(*held))

    def _give_up(self, now: float, frames: list[EncodedFrame]) -> None:
        while self._held:
            _, since = next(iter(self._held.values()))
            if now - since <= WAIT_S and len(self._held) <= HELD_MAX:
                return
            self._skip_gap(frames)

    def _skip_gap(self, frames: list[EncodedFrame]) -> None:
        """Give up what is missing before the nearest packet that waits, and go on with that."""
        self._skip(min((seq - self._next) & _U16 for seq in self._held))
        self._drain(frames)

    def _skip(self, missing: int) -> None:
        self.lost += missing
        self._next = (self._next + missing) & _U16
        self._open, self._stamp, self._line, self._ended = [], b"", b"", False
        self._gap = True

    def _flush(self, frames: list[EncodedFrame]) -> None:
        while self._held and self._next >= 0:
            self._skip_gap(frames)

    def _follow_jump(self, packet: bytes, seq: int, arrived_at: float, frames: list[EncodedFrame]) -> None:
        """Believe a far jump when its successor comes; forward it is loss, backward a restart."""
        jump, self._jump = self._jump, (packet, arrived_at)
        if jump is None or int.from_bytes(jump[0][2:4], "big") != (seq - 1) & _U16:
            return
        self._flush(frames)
        missing = (seq - 1 - self._next) & _U16
        self._skip(missing if missing < _HALF_U16 else 0)
        self._next, self._jump = (seq + 1) & _U16, None
        frames.extend(self._take(*jump))
        frames.extend(self._take(packet, arrived_at))

    def _change_source(self, ssrc: bytes, frames: list[EncodedFrame]) -> None:
        """Begin anew: what another source numbered and stamped has nothing to do with what was before."""
        self._flush(frames)
        if self._ssrc:
            self._skip(0)
        self._ssrc, self._next, self._jump = ssrc, -1, None
        self._held.clear()
        self._rebase = True

    # --- frames --------------------------------------------------------------------------------

    def _take(self, packet: bytes, arrived_at: float) -> Sequence[EncodedFrame]:
        """Take the packet that is next in order."""
        line = packet[4:12]
        if not self._picture:
            self._stamp, self._arrived_at, self._open = line, arrived_at, [packet]
            return self._close()
        ends = packet[1] >= 0x80
        unmarked: Sequence[EncodedFrame] = ()
        if self._stamp and (self._ended or line != self._stamp):
            if self._open:
                # A sender that sets no marker ends its frames with the next timestamp.
                unmarked = self._close()
            self._open, self._arrived_at = [packet], arrived_at
        elif len(self._open) >= FRAME_MAX:
            self._open, self._gap = [], True
        elif self._open:
            self._open.append(packet)
            self._arrived_at = max(self._arrived_at, arrived_at)
        elif payloads.starts_frame(self._codec, payloads.payload_of(packet)):
            self._open, self._arrived_at = [packet], arrived_at
        self._stamp, self._ended = line, ends
        if not ends:
            self._line = line if self._open else b""
            return unmarked
        self._line = b""
        if not self._open:
            return unmarked
        return [*unmarked, *self._close()] if unmarked else self._close()

    def _close(self) -> Sequence[EncodedFrame]:
        """Make a frame of what was collected; padding alone makes none, a malformed packet spoils it."""
        packets, self._open = self._open, []
        try:
            data, keyframe = self._join(packets)
        except (ValueError, IndexError):
            self._gap = True
            return ()
        if not data or not (keyframe or self._begun):
            return ()
        after_loss = self._gap or (self._broken and not keyframe)
        self._begun, self._gap, self._broken = True, False, after_loss and not keyframe
        return (EncodedFrame(data, self._unwrap(), keyframe, self._arrived_at, after_loss),)

    def _unwrap(self) -> int:
        """Return the collected frame's timestamp; where it does not follow, time passes as on arrival."""
        stamp = int.from_bytes(self._stamp[:4], "big")
        step = (stamp - self._last_stamp) & _U32
        if self._rebase or step >= _HALF_U32:
            passed = int((self._arrived_at - self._last_at) * self._clock_rate)
            step = stamp + 1 if self._timestamp < 0 else max(1, passed)
            self._rebase = False
        self._last_stamp, self._last_at = stamp, self._arrived_at
        self._timestamp += step
        return self._timestamp
