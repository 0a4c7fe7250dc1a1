"""One peer connection: which packet belongs to which m-line, and all RTCP that goes to this peer.

Nothing runs here on its own but one timer, and that only while there is something to send back: packets
to be asked for again, transport-wide feedback, a keyframe request that was put off.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import structlog
from aiortc.rate import RemoteBitrateEstimator
from prometheus_client import Counter

from contract.phases import TrackKind
from media import rtcp
from media.answer import (
    MID,
    SEND_TIME,
    TRANSPORT_CC,
    AnsweredLine,
    Here,
    Offer,
    OfferedMedia,
    read_offer,
    write_answer,
)
from media.leg import Leg
from media.payloads import OPUS
from media.rtp_header import mid_of
from media.thinning import Allowance
from media.transport import Tap, Transport
from media.twcc import TransportFeedback
from media.uplink import Uplink

_log = structlog.get_logger(__name__)
_dropped = Counter("teller_media_unroutable_packets", "RTP packets of no m-line", ["why"])
_excess = Counter("teller_media_excess_packets", "Packets beyond what one peer may send", ["kind"])
_excess_rtp, _excess_rtcp = _excess.labels("rtp"), _excess.labels("rtcp")

# Three published tracks with their retransmissions need six.
_SSRC_MAX = 32
# What one peer may publish: 2,080 packets of 1,200 bytes a second (20 Mbit/s), 3,000 of 100. Camera, screen
# and sound are 600 packets and 5 Mbit/s, twice that while the sender probes the line.
_RTP_PER_S, _RTP_COST = 7_500_000, 2_400
# What one peer may tell: 400 compounds of 100 bytes, as when a third of two pictures is lost, but only 36 of
# 1,400, for which parsing alone takes half a millisecond each.
_RTCP_PER_S, _RTCP_COST = 52_000, 30
# Missing packets are looked at this often: the least time between two requests for one.
_TICK_S = 0.02
# How often transport-wide feedback is sent; libwebrtc's own default.
_FEEDBACK_S = 0.1
# Below this a face is no longer recognisable (bit/s). A busy server looks like a slow line to an estimator,
# which then goes down to 30 kbit/s, and no receiver may push a publisher so far either.
_BITRATE_FLOOR = 150_000
# What to say when no receiver says anything any more: more than any camera sends.
_BITRATE_FREE = 10_000_000
# A limit that falls by less than this can wait for its turn, once a second.
_FALLEN = 0.95
_LIMIT_EVERY_S = 1.0

Take = Callable[[bytes, float], None]
Note = Callable[[bytes, int, float], None]


class Opens(Protocol):
    """The endpoint, as a connection sees it."""

    def open(self, tap: Tap) -> Transport:
        """Return a new transport whose packets go to ``tap``."""
        ...


class _Budget:
    """Allows ``per_s`` a second, and as much at once."""

    __slots__ = ("_at", "_per_s", "_room")

    def __init__(self, per_s: float) -> None:
        self._per_s = self._room = per_s
        self._at = 0.0

    def spend(self, cost: int, now: float) -> bool:
        """Take ``cost`` if it is there; the clock is looked at only when nothing is left."""
        room = self._room - cost
        if room < 0:
            room = min(self._per_s - cost, room + (now - self._at) * self._per_s)
            self._at = now
            if room < 0:
                self._room = room + cost
                return False
        self._room = room
        return True


class Connection:
    """One peer connection that only answers. ``uplinks`` and ``legs`` are there after ``answer``.

    ``changed`` is called with every state: ``connecting``, ``connected``, ``failed`` or ``closed``.
    """

    def __init__(self, endpoint: Opens, video_codecs: Sequence[str], changed: Callable[[str], None]) -> None:
        self.uplinks: list[Uplink] = []
        self.legs: list[Leg] = []
        self.allowance = Allowance(self.legs)
        self._endpoint, self._video_codecs, self._changed = endpoint, video_codecs, changed
        self._offer: Offer | None = None
        self._transport: Transport | None = None
        self._ssrc = random.getrandbits(32) or 1
        self._cname = f"{random.getrandbits(64):016x}"
        self._takers: dict[bytes, Take] = {}
        self._published, self._told_us = _Budget(_RTP_PER_S), _Budget(_RTCP_PER_S)
        self._by_mid: dict[str, Uplink] = {}
        self._announced: dict[int, Uplink] = {}
        self._mid_extension = 0
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None
        self._arrivals = TransportFeedback()
        self._reported_at = 0.0
        self._estimator: RemoteBitrateEstimator | None = None
        self._estimate: int | None = None
        self._told: tuple[int, float] | None = None

    @property
    def heard_at(self) -> float:
        """When this peer was heard last (monotonic), STUN checks included."""
        return float("-inf") if self._transport is None else self._transport.heard_at

    def answer(self, text: str, publishable: Sequence[str]) -> str:
        """Take up an offer and return the answer; once only.

        ``publishable`` are the video codecs that everybody in the call can take, the preferred one first.

        Raises:
            ProtocolError: not SDP, or not the planned lines.
        """
        offer = self._offer = read_offer(text, self._video_codecs)
        transport = self._transport = self._endpoint.open(self)
        answered = [self._answer_line(media, publishable, transport) for media in offer.lines]
        here = Here(transport.ufrag, transport.password, transport.fingerprints(), transport.candidates())
        return write_answer(offer, answered, here, self._cname)

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin to connect; what runs runs in ``tasks``."""
        if self._offer is None or self._transport is None:
            raise RuntimeError("a connection starts after its answer")
        self._transport.connect(tasks, self._offer.ufrag, self._offer.password, self._offer.dtls)

    async def close(self) -> None:
        """Say goodbye; nothing of it is left running. Idempotent."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._takers.clear()
        self._by_mid.clear()
        self._announced.clear()
        if self._transport is not None:
            await self._transport.close()

    def _answer_line(
        self, media: OfferedMedia, publishable: Sequence[str], transport: Transport
    ) -> AnsweredLine:
        forwarded = self._video_codecs if media.line.kind is TrackKind.VIDEO else (OPUS,)
        if not media.line.publishes:
            leg = Leg(media, media.choose(forwarded), transport.send_rtp)
            self.legs.append(leg)
            return AnsweredLine(media.choose(forwarded), leg.ssrc, leg.rtx_ssrc)
        wanted = publishable if media.line.kind is TrackKind.VIDEO else forwarded
        # With nothing in common the call refuses this peer; until then the line needs some codec.
        codecs = media.choose(wanted) or media.choose(forwarded)
        uplink = Uplink(media, codecs, self, *self._noting(media))
        self.uplinks.append(uplink)
        self._by_mid[media.mid] = uplink
        self._mid_extension = media.extensions.get(MID, self._mid_extension)
        for stream in media.streams:
            self._announced[stream.ssrc] = uplink
            if stream.rtx_ssrc is not None:
                self._announced[stream.rtx_ssrc] = uplink
        return AnsweredLine(codecs)

    def _noting(
        self, media: OfferedMedia
    ) -> tuple[tuple[int, int], Callable[[bytes, int, float], None] | None]:
        """Return the extension by which this publisher's line is measured, and who does it."""
        if TRANSPORT_CC in media.extensions and any("transport-cc" in c.feedback for c in media.codecs):
            return (media.extensions[TRANSPORT_CC], 2), self._note_arrival
        if SEND_TIME in media.extensions and any("goog-remb" in c.feedback for c in media.codecs):
            self._estimator = self._estimator or RemoteBitrateEstimator()
            return (media.extensions[SEND_TIME], 3), partial(self._note_send_time, self._estimator)
        return (0, 0), None

    # --- packets -------------------------------------------------------------------------------

    def got_rtp(self, packet: bytes, now: float) -> None:
        """Take a decrypted RTP packet; see ``transport.Tap``."""
        if not self._published.spend(len(packet) + _RTP_COST, now):
            _excess_rtp.inc()
            return
        take = self._takers.get(packet[8:12]) or self._route(packet)
        if take is not None:
            take(packet, now)

    def _route(self, packet: bytes) -> Take | None:
        """Find the m-line of a new SSRC: by its MID (RFC 8843), as announced, or by a type of its own."""
        if len(self._takers) >= _SSRC_MAX:
            _dropped.labels("too_many").inc()
            return None
        key, payload_type = packet[8:12], packet[1] & 0x7F
        ssrc = int.from_bytes(key, "big")
        mid = mid_of(packet, self._mid_extension) if self._mid_extension else ""
        uplink = self._by_mid.get(mid) or self._announced.get(ssrc) or self._by_type(payload_type)
        if uplink is None:
            _dropped.labels("ssrc").inc()
            return None
        if payload_type in uplink.rtx_types:
            self._takers[key] = uplink.take_rtx
        elif payload_type in uplink.codecs:
            if uplink.ssrc:
                self._takers[uplink.ssrc.to_bytes(4, "big")] = _forgo
            uplink.begin(ssrc, packet)
            self._takers[key] = uplink.take
        else:
            _dropped.labels("payload_type").inc()
            return None
        return self._takers[key]

    def _by_type(self, payload_type: int) -> Uplink | None:
        found = [one for one in self.uplinks if payload_type in one.codecs or payload_type in one.rtx_types]
        return found[0] if len(found) == 1 else None

    def _note_arrival(self, packet: bytes, at: int, now: float) -> None:
        self._arrivals.note((packet[at] << 8) | packet[at + 1], now)
        if self._timer is None:
            self._wake_in(_FEEDBACK_S)

    def _note_send_time(self, estimator: RemoteBitrateEstimator, packet: bytes, at: int, now: float) -> None:
        found = estimator.add(
            arrival_time_ms=int(now * 1000),
            abs_send_time=int.from_bytes(packet[at : at + 3], "big"),
            payload_size=len(packet) - at - 3,
            ssrc=int.from_bytes(packet[8:12], "big"),
        )
        if found is not None:
            self._estimate = found[0]
            self._tell_limit(now)

    def got_state(self, state: str) -> None:
        """Take a change of state; see ``transport.Tap``."""
        for leg in self.legs:
            leg.ready = state == "connected" and leg.media.direction != "inactive"
        self._changed(state)

    # --- what goes back ------------------------------------------------------------------------

    def ask_again(self, ssrc: int, seqs: Sequence[int]) -> None:
        """Ask the publisher for packets; see ``uplink.Feedback``."""
        self._send(rtcp.compose_nack(self._ssrc, ssrc, seqs))

    def ask_keyframe(self, ssrc: int) -> None:
        """Ask the publisher for a keyframe; see ``uplink.Feedback``."""
        self._send(rtcp.compose_pli(self._ssrc, ssrc))

    def wake(self) -> None:
        """See to it that the uplinks are looked after soon; see ``uplink.Feedback``."""
        self._wake_in(_TICK_S)

    def _wake_in(self, seconds: float) -> None:
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + seconds
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = loop.call_at(at, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = time.monotonic()
        unfinished = [uplink.tick(now) for uplink in self.uplinks]
        if now - self._reported_at >= _FEEDBACK_S:
            self._reported_at = now
            ssrc = next((uplink.ssrc for uplink in self.uplinks if uplink.ssrc), 0)
            for fci in self._arrivals.take():
                self._send(rtcp.compose_transport_feedback(self._ssrc, ssrc, fci))
        else:
            self._wake_in(self._reported_at + _FEEDBACK_S - now)
        self._tell_limit(now)
        if any(unfinished):
            self.wake()

    def _tell_limit(self, now: float) -> None:
        """Hold the publisher to what all can take who see it."""
        limits = [limit for uplink in self.uplinks if (limit := uplink.limit) is not None]
        if not limits and self._estimate is None and self._told is None:
            return
        bits_per_s = min(sum(limits) or _BITRATE_FREE, self._estimate or _BITRATE_FREE)
        bits_per_s = max(_BITRATE_FLOOR, bits_per_s)
        told, at = self._told or (_BITRATE_FREE, float("-inf"))
        if bits_per_s < told * _FALLEN or now - at >= _LIMIT_EVERY_S:
            self._told = bits_per_s, now
            ssrcs = [one.ssrc for one in self.uplinks if one.line.kind is TrackKind.VIDEO and one.ssrc]
            self._send(rtcp.compose_remb(self._ssrc, bits_per_s, ssrcs))

    def report(self, now: float) -> None:
        """Send sender and receiver reports; to be called about once a second (RFC 3550 section 6.2)."""
        compound = b""
        for leg in self.legs:
            report = leg.report(now)
            if report is not None:
                stats = leg.stats
                told = rtcp.SenderReport(leg.ssrc, *report, stats.packets, stats.bytes)
                compound += rtcp.compose_sr(told, self._cname)
        blocks = [self._block(uplink, now) for uplink in self.uplinks if uplink.stats.packets]
        if blocks:
            compound += rtcp.compose_rr(self._ssrc, blocks)
        if compound:
            self._send(compound)
        self._tell_limit(now)

    def _block(self, uplink: Uplink, now: float) -> rtcp.Block:
        seen, clock_map = uplink.stats.report(), uplink.clock_map
        if clock_map is None:
            return rtcp.Block(uplink.ssrc, seen)
        return rtcp.Block(uplink.ssrc, seen, clock_map.ntp >> 16, int((now - clock_map.heard_at) * 65_536))

    def _send(self, packet: bytes) -> None:
        if self._transport is not None:
            self._transport.send_rtcp(packet)

    # --- what this peer says -------------------------------------------------------------------

    def got_rtcp(self, packet: bytes, now: float) -> None:
        """Take a decrypted RTCP compound; see ``transport.Tap``."""
        if not self._told_us.spend(len(packet) + _RTCP_COST, now):
            _excess_rtcp.inc()
            return
        for event in rtcp.parse(packet):
            match event:
                case rtcp.SenderReport():
                    self._got_clock(event, now)
                case rtcp.BitrateLimit():
                    self._limit(event.bits_per_s, now)
                case rtcp.Bye():
                    pass
                case _:
                    self._got_feedback(event, now)

    def _got_feedback(
        self, event: rtcp.ReceptionReport | rtcp.Nack | rtcp.KeyframeRequest, now: float
    ) -> None:
        leg = next((leg for leg in self.legs if leg.ssrc == event.ssrc), None)
        if leg is None:
            return
        match event:
            case rtcp.ReceptionReport():
                round_trip_s = leg.stats.got_report(event.packets_lost, event.lsr, event.dlsr, now)
                if round_trip_s is not None:
                    for uplink in self.uplinks:
                        uplink.got_round_trip(round_trip_s)
            case rtcp.Nack():
                leg.resend(event.lost, now)
            case rtcp.KeyframeRequest():
                leg.ask_keyframe(now)

    def _got_clock(self, report: rtcp.SenderReport, now: float) -> None:
        # A report with no packets behind it maps nothing; aiortc's senders begin with such reports.
        uplink = next((uplink for uplink in self.uplinks if uplink.ssrc == report.ssrc), None)
        if uplink is not None and report.packets and report.ntp:
            uplink.got_clock(report.ntp, report.timestamp, now)

    def _limit(self, bits_per_s: int, now: float) -> None:
        """Share what the far end can take among the pictures that it gets now."""
        self.allowance.bits_per_s = bits_per_s
        pictures = [leg for leg in self.legs if leg.kind is TrackKind.VIDEO]
        sending = [leg for leg in pictures if leg.sends(now)]
        for leg in pictures if sending else ():
            share = max(_BITRATE_FLOOR, bits_per_s // len(sending))
            leg.limit_bitrate(share if leg in sending else None)


def _forgo(packet: bytes, now: float) -> None:
    """Drop a packet of a stream that its publisher has replaced."""
    _dropped.labels("replaced").inc()
