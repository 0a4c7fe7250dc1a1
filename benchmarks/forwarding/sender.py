"""What one party sends: packets made and encrypted before they are due, so that sending costs little."""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.forwarding.client import Client
from benchmarks.forwarding.datagrams import Outbox
from benchmarks.forwarding.descriptions import ABS_SEND_TIME, MID, OPUS, TRANSPORT_CC, VP8
from benchmarks.forwarding.material import (
    FPS,
    PART_BYTES,
    PARTS,
    SOUND_BYTES,
    SOUNDS_PER_S,
    picture_parts,
    sound_rows,
)

# The largest extension block, and the largest tag that SRTP adds (AES-GCM).
_WIDTH = 12 + 20 + PART_BYTES + 16
_AUDIO, _VIDEO = 0, 1
RESENT_MAX = FPS * PARTS


@dataclass(frozen=True, slots=True)
class Layout:
    """A stream's header extensions as one-byte elements (RFC 8285), ``at`` from the packet's beginning."""

    block: bytes
    send_time_at: int
    sequence_at: int

    @classmethod
    def of(cls, ids: dict[str, int], mid: bytes) -> "Layout":
        """Lay out what was negotiated; an empty ``mid`` leaves that one out. 0 means that there is none."""
        body, places = b"", {}
        for uri, value in ((ABS_SEND_TIME, bytes(3)), (TRANSPORT_CC, bytes(2)), (MID, mid)):
            if uri in ids and value:
                places[uri] = 12 + 4 + len(body) + 1
                body += bytes([ids[uri] << 4 | len(value) - 1]) + value
        body += bytes(-len(body) % 4)
        block = struct.pack("!HH", 0xBEDE, len(body) // 4) + body
        return cls(block, places.get(ABS_SEND_TIME, 0), places.get(TRANSPORT_CC, 0))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a party will send when: event ``i`` is ``count[i]`` packets from ``first[i]`` at ``time[i]`` (s).

    ``stream`` (0 sound, 1 picture) and ``number`` describe packets.
    """

    time: NDArray[np.float64]
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    stream: NDArray[np.int64]
    number: NDArray[np.int64]


class Sender:
    """A party's outgoing sound and picture. ``phase`` (s) shifts its schedule against the others'."""

    def __init__(self, client: Client, phase: float) -> None:
        assert client.remote is not None
        self.client = client
        self.keyframes = self.resent = 0
        self.packets, self.octets = [0, 0], [0, 0]
        self._phase = phase
        self._ssrcs = (client.local.audio_ssrc, client.local.video_ssrc)
        self._extensions = (client.remote.audio_extensions, client.remote.video_extensions)
        # Far from the wrap: a run of some minutes sends fewer than 65,536 packets a stream.
        self._next_number, self._next_sequence = [1_000, 1_000], 0
        self._mids = (b"0", b"1")
        self._box: Outbox | None = None
        self._plan: Plan | None = None
        # Of each packet that was prepared: when it is due; and where each stream's packets are.
        self._due = np.zeros(0)
        self._indices: list[NDArray[np.int64]] = []
        # Since when a second is counted, and how many packets may have been resent at its end.
        self._resending = (float("-inf"), 0)
        self._heads: NDArray[np.uint8] = np.zeros((0, 32), np.uint8)

    def prepare(self, start: float, seconds: float) -> Plan:
        """Make and encrypt everything from ``start`` to ``start + seconds`` (of the load's own time).

        The first picture is a keyframe. What was prepared before is given up.
        """
        times = [_ticks(start, seconds, self._phase, rate) for rate in (SOUNDS_PER_S, FPS)]
        parts = (1, PARTS)
        time = np.concatenate(
            [ticks / rate + self._phase for ticks, rate in zip(times, (SOUNDS_PER_S, FPS), strict=True)]
        )
        kind = np.repeat([_AUDIO, _VIDEO], [len(ticks) for ticks in times])
        order = np.argsort(time, kind="stable")
        time, kind = time[order], kind[order]
        count = np.take(parts, kind)
        stream = np.repeat(kind, count)
        number = np.empty(len(stream), np.int64)
        for each in (_AUDIO, _VIDEO):
            mine = stream == each
            number[mine] = self._next_number[each] + np.arange(mine.sum())
            self._next_number[each] += int(mine.sum())
            self.packets[each] += int(mine.sum())
            self.octets[each] += int(mine.sum()) * (SOUND_BYTES, PART_BYTES)[each]
        self._plan = Plan(time, np.cumsum(count) - count, count, stream, number)
        self._encrypt(self._plan, times)
        self._mids = (b"", b"")
        return self._plan

    def _encrypt(self, plan: Plan, ticks: list[NDArray[np.int64]]) -> None:
        rows = np.zeros((len(plan.stream), _WIDTH), np.uint8)
        lengths = np.zeros(len(rows), np.int64)
        due = self._due = np.repeat(plan.time, plan.count)
        self._indices = [np.flatnonzero(plan.stream == each) for each in (_AUDIO, _VIDEO)]
        sequence = self._next_sequence + np.arange(len(rows))
        self._next_sequence += len(rows)
        for each in (_AUDIO, _VIDEO):
            layout = Layout.of(self._extensions[each], self._mids[each])
            mine = self._indices[each]
            part = np.zeros((len(mine), _WIDTH), np.uint8)
            self._write_heads(part, each, layout, plan.number[mine], np.repeat(ticks[each], (1, PARTS)[each]))
            _write_extensions(part, layout, due[mine], sequence[mine])
            lengths[mine] = _write_payloads(
                part, each, 12 + len(layout.block), plan.number[mine], ticks[each]
            )
            rows[mine] = part
        self._heads = rows[:, : 12 + 20].copy()
        self._protect(rows.tobytes(), lengths.tolist())

    def _write_heads(
        self,
        rows: NDArray[np.uint8],
        each: int,
        layout: Layout,
        number: NDArray[np.int64],
        tick: NDArray[np.int64],
    ) -> None:
        rows[:, 0] = 0x90
        rows[:, 1] = (OPUS, VP8)[each]
        if each == _VIDEO:
            rows[PARTS - 1 :: PARTS, 1] |= 0x80
        rows[:, 2:4] = _big_endian(number, 2)
        rows[:, 4:8] = _big_endian(tick * (48_000 // SOUNDS_PER_S, 90_000 // FPS)[each], 4)
        rows[:, 8:12] = _big_endian(np.array([self._ssrcs[each]]), 4)
        rows[:, 12 : 12 + len(layout.block)] = np.frombuffer(layout.block, np.uint8)

    def _protect(self, rows: bytes, lengths: list[int]) -> None:
        box = self._box = Outbox(self.client.fd, len(lengths), _WIDTH)
        protect = self.client.outgoing.protect
        for index, length in enumerate(lengths):
            at = index * _WIDTH
            box.put(index, protect(rows[at : at + length]))

    def media_time(self, now: float) -> float:
        """Return the time of the media that is captured at ``now`` (both on the load's own time, s)."""
        return now - self._phase

    def send(self, first: int, count: int) -> bool:
        """Send packets that are due; False when the kernel did not take them all."""
        assert self._box is not None
        return self._box.send(first, count) == count

    def make_keyframe(self, after: float) -> None:
        """Make the first picture after ``after`` (the load's time) a keyframe, if one is left."""
        plan, box = self._plan, self._box
        if plan is None or box is None:
            return
        later = np.flatnonzero((plan.time > after) & (plan.count == PARTS))
        if not len(later):
            return
        self.keyframes += 1
        for part, payload in enumerate(picture_parts()[0]):
            index = int(plan.first[later[0]]) + part
            head = self._heads[index].tobytes()
            end = 12 + 4 + 4 * int.from_bytes(head[14:16], "big")
            box.put(
                index,
                self.client.outgoing.protect(
                    head[:end] + bytes(payload[:-4]) + struct.pack("!I", plan.number[index])
                ),
            )

    def resend(self, stream: int, numbers: list[int], before: float) -> None:
        """Send packets again, named by their 16-bit numbers, that were due before ``before``.

        Within a second no more than RESENT_MAX, as browsers spend no more than their bitrate on it.
        """
        if self._plan is None:
            return
        if before - self._resending[0] > 1.0:
            self._resending = (before, self.resent + RESENT_MAX)
        indices = self._indices[stream]
        first = int(self._plan.number[indices[0]])
        for number in numbers:
            place = (number - first) & 0xFFFF
            if (
                self.resent < self._resending[1]
                and place < len(indices)
                and self._due[indices[place]] < before
            ):
                self.send(int(indices[place]), 1)
                self.resent += 1


def _ticks(start: float, seconds: float, phase: float, rate: int) -> NDArray[np.int64]:
    return np.arange(
        np.ceil((start - phase) * rate), np.ceil((start + seconds - phase) * rate), dtype=np.int64
    )


def _big_endian(values: NDArray[np.int64], size: int) -> NDArray[np.uint8]:
    return values.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 8 - size :]


def _write_extensions(
    rows: NDArray[np.uint8], layout: Layout, due: NDArray[np.float64], sequence: NDArray[np.int64]
) -> None:
    if layout.send_time_at:
        # 6.18 fixed point seconds.
        rows[:, layout.send_time_at : layout.send_time_at + 3] = _big_endian(
            (due * (1 << 18)).astype(np.int64), 3
        )
    if layout.sequence_at:
        rows[:, layout.sequence_at : layout.sequence_at + 2] = _big_endian(sequence, 2)


def _write_payloads(
    rows: NDArray[np.uint8], each: int, at: int, number: NDArray[np.int64], ticks: NDArray[np.int64]
) -> int:
    """Write payloads and the packets' numbers; return where packets end."""
    if each == _AUDIO:
        payloads = sound_rows()[ticks % len(sound_rows())]
    else:
        # Row 0 is the keyframe: it comes first, and later only when asked for.
        which = 1 + ticks % (len(picture_parts()) - 1)
        which[:1] = 0
        payloads = picture_parts()[which].reshape(-1, PART_BYTES)
    end = at + (SOUND_BYTES, PART_BYTES)[each]
    rows[:, at:end] = payloads
    rows[:, end - 4 : end] = _big_endian(number, 4)
    return end
