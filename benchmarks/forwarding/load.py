"""The load generator: sends every party's packets when they are due, and notes what arrives when.

While ``Load.run`` runs, the event loop stands still: sockets are emptied every READ_S in one go, and the
time of arrival is the kernel's, so neither wakes up for each packet nor blurs the delay. RTP is not
decrypted, except for one packet of each stream that tells how the server renumbered it.
"""

import gc
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pylibsrtp
from numpy.typing import NDArray

from benchmarks.forwarding import reports
from benchmarks.forwarding.client import Client
from benchmarks.forwarding.datagrams import Inbox
from benchmarks.forwarding.descriptions import OPUS, VP8
from benchmarks.forwarding.material import number_of
from benchmarks.forwarding.sender import Plan, Sender

# Long enough that a socket has some packets to give at once, short enough for NACKs and keyframe requests.
READ_S = 0.02
# A packet that came later than this does not count as delivered.
DRAIN_S = 0.3
_SLOTS = 4_096
# Everyone reports once a second, not all at once.
_TURNS = round(1 / READ_S)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What went out and came in. ``sent_*`` are per packet; ``stream`` is 2 x party, +1 for pictures.

    ``sent_at`` and ``got_at`` in nanoseconds of the wall clock, ``late`` in seconds per event;
    ``got_number`` is the server's own 16-bit number and ``offset[stream]`` what it added to ours, -1 unknown.
    """

    sent_stream: NDArray[np.int64]
    sent_number: NDArray[np.int64]
    sent_at: NDArray[np.int64]
    late: NDArray[np.float64]
    got_stream: NDArray[np.int64]
    got_number: NDArray[np.int64]
    got_at: NDArray[np.int64]
    offset: NDArray[np.int64]
    window: tuple[int, int]
    cpu_share: float
    refused: int
    retransmitted: int


@dataclass(frozen=True, slots=True)
class _Schedule:
    """All parties' events in the order of time; ``due`` in nanoseconds of the wall clock."""

    order: NDArray[np.int64]
    due: NDArray[np.int64]
    owner: list[int]
    first: list[int]
    count: list[int]

    @classmethod
    def of(cls, plans: Sequence[Plan], origin: int) -> "_Schedule":
        """Merge the parties' plans, whose times are seconds since ``origin``."""
        due = np.concatenate([plan.time for plan in plans])
        order = np.argsort(due, kind="stable")
        owner = np.repeat(np.arange(len(plans)), [len(plan.time) for plan in plans])
        first, count = (
            np.concatenate([getattr(plan, name) for plan in plans])[order].tolist()
            for name in ("first", "count")
        )
        due_ns = origin + (due[order] * 1e9).astype(np.int64)
        return cls(order, due_ns, owner[order].tolist(), first, count)


@dataclass(frozen=True, slots=True)
class _Sent:
    """When each event was sent, how many the kernel refused, the core's share, and the window."""

    at: list[int]
    refused: int
    cpu_share: float
    window: tuple[int, int]


@dataclass
class _Arrivals:
    streams: list[NDArray[np.int64]] = field(default_factory=list)
    numbers: list[NDArray[np.int64]] = field(default_factory=list)
    times: list[NDArray[np.int64]] = field(default_factory=list)
    retransmitted: int = 0


class Load:
    """All parties. Party ``2n`` and ``2n + 1`` are a call: each gets what the other sends."""

    def __init__(self) -> None:
        self.senders: list[Sender] = []
        self.keyframe_requests = self.nacked = 0
        self._inbox = Inbox(_SLOTS)
        self._random = random.Random(5)
        self._heard: dict[tuple[int, int], reports.Heard] = {}
        self._highest = np.zeros(0, np.int64)
        self._ssrcs = np.zeros(0, np.int64)
        self._offset = np.zeros(0, np.int64)
        self._unknown = np.zeros(0, bool)
        self._arrivals = _Arrivals()
        self._origin = time.time_ns()
        self._turn = 0

    def add(self, *clients: Client) -> None:
        """Take connected parties on, two for each call."""
        self.senders += [Sender(client, self._random.random() / 10) for client in clients]
        more = np.zeros(2 * len(clients), np.int64)
        self._highest, self._ssrcs = np.append(self._highest, more), np.append(self._ssrcs, more)

    def drop(self, count: int) -> None:
        """Forget the last ``count`` parties."""
        del self.senders[len(self.senders) - count :]
        self._highest, self._ssrcs = (each[: 2 * len(self.senders)] for each in (self._highest, self._ssrcs))

    def run(
        self,
        warm_up: float,
        seconds: float,
        marks: Callable[[], None] | None = None,
        drain: float = DRAIN_S,
    ) -> Traffic:
        """Send for ``warm_up + seconds``; call ``marks`` when the warm-up is over, and at the end.

        Then wait ``drain`` seconds for the last packets.
        """
        start = (time.time_ns() - self._origin) / 1e9
        plans = [sender.prepare(start, warm_up + seconds) for sender in self.senders]
        # Preparing took its time: from here on the load's own time goes on from ``start``.
        self._origin = time.time_ns() - int((start - 0.01) * 1e9)
        schedule = _Schedule.of(plans, self._origin)
        self._begin()
        gc.collect()
        gc.disable()
        try:
            mark_at = self._origin + int((start + warm_up) * 1e9)
            sent = self._pump(schedule, mark_at, marks or (lambda: None))
        finally:
            gc.enable()
        self.idle(drain)
        return self._traffic(plans, schedule, sent)

    def _traffic(self, plans: Sequence[Plan], schedule: "_Schedule", sent: "_Sent") -> Traffic:
        # Back from the order of sending to the parties' own, in which packets are numbered.
        sent_at = np.empty(len(sent.at), np.int64)
        sent_at[schedule.order] = sent.at
        arrivals = self._arrivals
        return Traffic(
            sent_stream=np.concatenate([2 * i + plan.stream for i, plan in enumerate(plans)]),
            sent_number=np.concatenate([plan.number for plan in plans]),
            sent_at=np.repeat(sent_at, np.concatenate([plan.count for plan in plans])),
            late=(np.asarray(sent.at) - schedule.due) / 1e9,
            got_stream=np.concatenate(arrivals.streams),
            got_number=np.concatenate(arrivals.numbers),
            got_at=np.concatenate(arrivals.times),
            offset=self._offset,
            window=sent.window,
            cpu_share=sent.cpu_share,
            refused=sent.refused,
            retransmitted=arrivals.retransmitted,
        )

    def _begin(self) -> None:
        self._arrivals = _Arrivals()
        streams = 2 * len(self.senders)
        self._offset = np.full(streams, -1)
        self._unknown = np.ones(streams, bool)

    def _pump(self, schedule: "_Schedule", mark_at: int, marks: Callable[[], None]) -> "_Sent":
        """Send everything when it is due; call ``marks`` at ``mark_at`` and at the end."""
        sends = [sender.send for sender in self.senders]
        owner, first, count = schedule.owner, schedule.first, schedule.count
        at: list[int] = []
        refused = 0
        clock, every = time.time_ns, int(READ_S * 1e9)
        cpu, began = time.process_time(), clock()
        read_at, marked = began, began
        for index, when in enumerate(schedule.due.tolist()):
            while (now := clock()) < when or now >= read_at:
                if now >= mark_at:
                    marks()
                    mark_at, marked = 1 << 62, now
                if now >= read_at:
                    self._read()
                    self._report()
                    read_at = now + every
                else:
                    time.sleep((min(when, read_at) - now) / 1e9)
            at.append(now)
            refused += not sends[owner[index]](first[index], count[index])
        ended = clock()
        marks()
        share = (time.process_time() - cpu) / (ended - began) * 1e9
        return _Sent(at, refused, share, (marked, ended))

    def idle(self, seconds: float) -> None:
        """Take what arrives and renew consent, without sending media."""
        end = time.monotonic() + seconds
        while True:
            self._read()
            self._report()
            if time.monotonic() >= end:
                return
            time.sleep(READ_S)

    def _read(self) -> None:
        inbox = self._inbox
        for number, sender in enumerate(self.senders):
            while inbox.take(sender.client.fd, number):
                self._sort()
        self._sort()

    def _sort(self) -> None:
        """Note the RTP packets that are in the inbox; hand on the rest."""
        inbox = self._inbox
        rows, owners = inbox.rows[: inbox.count], inbox.owners[: inbox.count]
        kind = rows[:, 1] & 0x7F
        media = (rows[:, 0] >> 6 == 2) & ((kind == OPUS) | (kind == VP8))
        streams = 2 * owners + (kind == VP8)
        for index in np.flatnonzero(~media):
            self._got_other(int(owners[index]), rows[index, : inbox.lengths()[index]].tobytes())
        streams, rows, times = streams[media].astype(np.int64), rows[media], inbox.times()[media]
        numbers = rows[:, 2].astype(np.int64) << 8 | rows[:, 3]
        if self._unknown.any() and len(streams):
            self._learn(streams, numbers, np.flatnonzero(media))
        self._arrivals.streams.append(streams)
        self._arrivals.numbers.append(numbers)
        self._arrivals.times.append(times)
        self._highest[streams] = numbers
        inbox.clear()

    def _learn(
        self, streams: NDArray[np.int64], numbers: NDArray[np.int64], where: NDArray[np.int64]
    ) -> None:
        """Decrypt one packet of each stream whose numbering is not known yet."""
        lengths = self._inbox.lengths()
        for index in np.flatnonzero(self._unknown[streams]):
            stream = int(streams[index])
            if not self._unknown[stream]:
                continue
            data = self._inbox.rows[where[index], : lengths[where[index]]].tobytes()
            try:
                plain = self.senders[stream // 2].client.incoming.unprotect(data)
            except pylibsrtp.Error:
                continue
            self._offset[stream] = (int(numbers[index]) - number_of(plain)) & 0xFFFF
            self._ssrcs[stream] = int.from_bytes(data[8:12], "big")
            self._unknown[stream] = False

    def _got_other(self, owner: int, data: bytes) -> None:
        client = self.senders[owner].client
        if data[0] >> 6 != 2:
            client.got_control(data)
        elif not 192 <= data[1] <= 223:
            self._arrivals.retransmitted += 1
        elif not (data[1] == reports.RTPFB and data[0] & 0x1F == reports.TRANSPORT_FEEDBACK):
            try:
                plain = client.incoming.unprotect_rtcp(data)
            except pylibsrtp.Error:
                return
            for kind, form, body in reports.parse(plain):
                self._got_report(owner, kind, form, body)

    def _got_report(self, owner: int, kind: int, form: int, body: bytes) -> None:
        sender = self.senders[owner]
        if kind == reports.SR and len(body) >= 12:
            ssrc, ntp = int.from_bytes(body[:4], "big"), int.from_bytes(body[6:10], "big")
            self._heard[owner, ssrc] = reports.Heard(ntp, time.monotonic())
        elif kind == reports.PSFB and form in {reports.PLI, reports.FIR}:
            self.keyframe_requests += 1
            sender.make_keyframe(self._now() + READ_S)
        elif kind == reports.RTPFB and form == reports.NACK:
            numbers = reports.nacked(body)
            self.nacked += len(numbers)
            audio = int.from_bytes(body[4:8], "big") == sender.client.local.audio_ssrc
            sender.resend(0 if audio else 1, numbers, self._now())

    def _now(self) -> float:
        return (time.time_ns() - self._origin) / 1e9

    def _report(self) -> None:
        """Let those whose turn it is send their reports and renew consent."""
        now = time.monotonic()
        self._turn = (self._turn + 1) % _TURNS
        for owner in range(self._turn, len(self.senders), _TURNS):
            client = self.senders[owner].client
            client.send(client.outgoing.protect_rtcp(self._reports(owner, now)))
            if now >= client.consent_at:
                client.send_check(now)

    def _reports(self, owner: int, now: float) -> bytes:
        sender = self.senders[owner]
        wall, local, data = time.time(), sender.client.local, b""
        for each, (ssrc, rate) in enumerate(((local.audio_ssrc, 48_000), (local.video_ssrc, 90_000))):
            stream, told = 2 * owner + each, b""
            if arriving := int(self._ssrcs[stream]):
                heard = self._heard.get((owner, arriving))
                told = reports.block(arriving, int(self._highest[stream]), heard, now)
            timestamp = int(sender.media_time(self._now()) * rate)
            data += reports.compound(ssrc, wall, timestamp, sender.packets[each], sender.octets[each], told)
        return data + reports.remb(local.video_ssrc, int(self._ssrcs[2 * owner + 1]))
