"""The one file that touches the private parts of aiortc and aioice.

aiortc decodes and encodes everything that passes; there is no public way around. Here its senders and
receivers are replaced, per connection and right after the offer is applied, by two classes of the same
shape that hand over whole encoded frames and send ready payloads. ICE, DTLS, SRTP, SDP, RTCP parsing and
the bandwidth estimator stay aiortc's.

Why not its own classes with a stubbed decoder: its jitter buffer keeps 4 audio packets (80 ms) and waits
for the next frame before it gives a picture (66 ms at 15 fps), a lost picture packet stalls it for up to
512 packets (5 s at 1 Mbit/s), and each sender polls 50 times a second while it has no track: 8 m-lines
of an idle seat would cost 250 wake-ups a second.

To be deleted when aiortc has a public API for encoded frames in and out (its issues 55 and 627).
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from itertools import count
from typing import Any, Protocol

import structlog
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription, rtp, sdp
from aiortc.clock import current_ntp_time
from aiortc.codecs import is_rtx
from aiortc.rate import RemoteBitrateEstimator
from aiortc.rtcconfiguration import RTCBundlePolicy
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpRouter
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from prometheus_client import Counter

from contract.errors import MediaError, ProtocolError
from contract.phases import TrackKind
from contract.ports import Clock, EncodedFrame
from media import payloads
from media.assembly import HOLD_AUDIO_S, HOLD_S, Assembler, NackList, Part, Unwrapper
from media.plan import PLAN, Line, OfferedLine, check_offer
from media.rtp_stats import ClockMap, ReceiveStats, SendStats
from media.rtp_stream import RtpStream
from media.settings import MediaSettings

_log = structlog.get_logger(__name__)
_dropped_packets = Counter("teller_media_dropped_packets", "RTP packets that were not usable", ["why"])

if not version("aiortc").startswith("1.16."):
    raise ImportError("media/aiortc_seam.py fits aiortc 1.16 only; read its head before changing this")

# At most two keyframes a second and track: a keyframe costs as much as ten other frames, and an encoder
# needs about 100 ms and half a round trip to answer.
KEYFRAME_INTERVAL_S = 0.5
# Bytes in the socket's buffer from which a leg waits: about ten frames.
_CONGESTED_BYTES = 65_536
# Below this a face is no longer recognisable (bit/s). A busy server looks like a slow line to the estimator,
# which then goes down to 30 kbit/s, and no receiver may push a publisher so far either.
_BITRATE_FLOOR = 150_000
# Three published tracks with their retransmissions need six.
_SSRC_MAX = 32
_LOOPBACK = ("127.0.0.1",)
# Wanted from browsers that send to us: loss concealment in Opus, and no blurry first seconds
# (libwebrtc starts at 300 kbit/s otherwise).
_FMTP: dict[str, dict[str, int | str | None]] = {
    "opus": {"minptime": "10", "useinbandfec": "1"},
    "VP8": {"x-google-start-bitrate": "1000"},
}


class InTap(Protocol):
    """Takes what one publishing m-line brings."""

    def got_frame(self, codec: str, clock_rate: int, frame: EncodedFrame, after_loss: bool) -> None:
        """Take a whole frame; ``after_loss`` when frames before it are missing."""
        ...

    def got_clock(self, clock: ClockMap) -> None:
        """Take a sender report, its timestamp unwrapped like the frames'."""
        ...


class OutTap(Protocol):
    """Takes what a receiving m-line asks for."""

    def got_keyframe_request(self) -> None:
        """The far end cannot go on without a keyframe (PLI or FIR)."""
        ...

    def got_bitrate_limit(self, bits_per_s: int) -> None:
        """The far end estimates that it can take this much (REMB)."""
        ...


class RtpIn:
    """One publishing m-line: packets in, whole frames out. Stands in for RTCRtpReceiver."""

    def __init__(
        self, line: Line, transport: RTCDtlsTransport, ssrc: int, clock: Clock, wake: Callable[[], None]
    ) -> None:
        self.line = line
        self.transport = transport
        self.track = None
        self.stats: ReceiveStats | None = None
        self.tap: InTap | None = None
        self.codecs: tuple[str, ...] = ()
        self.clock_map: ClockMap | None = None
        self._enabled = True
        self._clock, self._wake, self._own_ssrc = clock, wake, ssrc
        self._video = line.kind is TrackKind.VIDEO
        self._codecs: dict[int, RTCRtpCodecParameters] = {}
        self._rtx: dict[int, int] = {}
        self._ssrc: int | None = None
        self._seqs, self._timestamps = Unwrapper(16), Unwrapper(32)
        self._assembler = Assembler(HOLD_S if self._video else HOLD_AUDIO_S)
        self._nacks = NackList()
        self._estimator = RemoteBitrateEstimator() if self._video else None
        self._limits: dict[object, int] = {}
        self._last_report: tuple[int, float] | None = None
        self._keyframe_at = float("-inf")
        self._keyframe_timer: asyncio.TimerHandle | None = None
        self._keyframe_due = False

    async def receive(self, parameters: Any) -> None:
        """Begin to take packets; called by aiortc when DTLS is up."""
        if self._codecs:
            return
        self._codecs = {codec.payloadType: codec for codec in parameters.codecs}
        for encoding in parameters.encodings:
            self._ssrc = encoding.ssrc
            if encoding.rtx:
                self._rtx[encoding.rtx.ssrc] = encoding.ssrc
        self.transport._register_rtp_receiver(self, parameters)

    async def stop(self) -> None:
        """End; called by aiortc."""
        if self._codecs:
            self.transport._unregister_rtp_receiver(self)
        if self._keyframe_timer:
            self._keyframe_timer.cancel()
        self.tap = None

    def request_keyframe(self) -> None:
        """Ask the publisher for a keyframe; requests within KEYFRAME_INTERVAL_S become one."""
        if self._keyframe_timer is None and not self._keyframe_due and self._ssrc is not None:
            wait = self._keyframe_at + KEYFRAME_INTERVAL_S - time.monotonic()
            self._keyframe_timer = asyncio.get_running_loop().call_later(max(0.0, wait), self._keyframe_now)

    def limit_bitrate(self, who: object, bits_per_s: int | None) -> None:
        """Remember what one receiver of this line can take; None when it no longer receives."""
        if bits_per_s is None:
            self._limits.pop(who, None)
        else:
            self._limits[who] = bits_per_s

    def _keyframe_now(self) -> None:
        self._keyframe_timer = None
        self._keyframe_at = time.monotonic()
        self._keyframe_due = True
        self._wake()

    async def send_feedback(self) -> None:
        """Send the keyframe request that is due."""
        if self._keyframe_due and self._ssrc is not None:
            self._keyframe_due = False
            await self._send(
                rtp.RtcpPsfbPacket(fmt=rtp.RTCP_PSFB_PLI, ssrc=self._own_ssrc, media_ssrc=self._ssrc)
            )

    async def send_report(self) -> None:
        """Send a receiver report."""
        if self.stats is None or self._ssrc is None:
            return
        seen = self.stats.report()
        ntp, heard_at = self._last_report or (0, 0.0)
        delay = int((time.monotonic() - heard_at) * 65_536) if self._last_report else 0
        block = rtp.RtcpReceiverInfo(
            ssrc=self._ssrc,
            fraction_lost=seen.fraction_lost,
            packets_lost=seen.packets_lost,
            highest_sequence=seen.highest_sequence,
            jitter=seen.jitter,
            lsr=(ntp >> 16) & 0xFFFFFFFF,
            dlsr=min(delay, 0xFFFFFFFF),
        )
        await self._send(rtp.RtcpRrPacket(ssrc=self._own_ssrc, reports=[block]))

    def _handle_disconnect(self) -> None:
        """Nothing: the connection's state says the same."""

    async def _handle_rtcp_packet(self, packet: rtp.AnyRtcpPacket) -> None:
        # A report with no packets behind it maps nothing; aiortc's senders begin with such reports.
        if not isinstance(packet, rtp.RtcpSrPacket) or packet.ssrc != self._ssrc or self.stats is None:
            return
        info = packet.sender_info
        if not info.packet_count or not info.ntp_timestamp:
            return
        now = time.monotonic()
        self._last_report = (info.ntp_timestamp, now)
        self.clock_map = ClockMap(info.ntp_timestamp, self._timestamps.near(info.rtp_timestamp), now)
        if self.tap:
            self.tap.got_clock(self.clock_map)

    async def _handle_rtp_packet(self, packet: rtp.RtpPacket, arrival_time_ms: int) -> None:
        codec = self._codecs.get(packet.payload_type)
        if codec is None:
            _dropped_packets.labels("payload_type").inc()
            return
        await self._estimate(packet, arrival_time_ms)
        if is_rtx(codec):
            unwrapped = self._unwrap_rtx(packet, codec)
            if unwrapped is not None:
                await self._take(unwrapped, self._codecs[unwrapped.payload_type])
            return
        if self._ssrc is None:
            self._ssrc = packet.ssrc
        if packet.ssrc != self._ssrc:
            _dropped_packets.labels("ssrc").inc()
            return
        if self.stats is None:
            self.stats = ReceiveStats(codec.clockRate)
        self.stats.add(
            self._seqs.near(packet.sequence_number),
            self._timestamps.near(packet.timestamp),
            len(packet.payload),
            time.monotonic(),
        )
        await self._take(packet, codec)

    def _unwrap_rtx(self, packet: rtp.RtpPacket, codec: RTCRtpCodecParameters) -> rtp.RtpPacket | None:
        original = codec.parameters.get("apt")
        ssrc = self._rtx.get(packet.ssrc, self._ssrc)
        if (
            ssrc is None
            or not isinstance(original, int)
            or original not in self._codecs
            or len(packet.payload) < 2
        ):
            return None
        return rtp.unwrap_rtx(packet, payload_type=original, ssrc=ssrc)

    async def _take(self, packet: rtp.RtpPacket, codec: RTCRtpCodecParameters) -> None:
        part = self._part(packet, codec)
        if part is None:
            return
        now = time.monotonic()
        frames = self._assembler.push(part, now)
        if self._video and self._assembler.has_gap:
            lost = self._nacks.due(self._assembler.missing(), now)
            if lost:
                await self._send_nack(lost, packet.ssrc)
        if self.tap is None or not frames:
            return
        arrived_at = self._clock.now()
        for whole in frames:
            keyframe = payloads.is_keyframe(codec.name, whole.data)
            frame = EncodedFrame(whole.data, whole.timestamp, keyframe, arrived_at)
            self.tap.got_frame(codec.name, codec.clockRate, frame, whole.after_loss)

    def _part(self, packet: rtp.RtpPacket, codec: RTCRtpCodecParameters) -> Part | None:
        seq = self._seqs.unwrap(packet.sequence_number)
        timestamp = self._timestamps.unwrap(packet.timestamp)
        if not packet.payload:
            return Part(seq, timestamp, b"", False, False, filler=True)
        try:
            opened = payloads.open_payload(codec.name, packet.payload)
        except ValueError:
            _dropped_packets.labels("payload").inc()
            return None
        return Part(seq, timestamp, opened.data, opened.begins, bool(packet.marker) or not self._video)

    async def _estimate(self, packet: rtp.RtpPacket, arrival_time_ms: int) -> None:
        if self._estimator is None or packet.extensions.abs_send_time is None:
            return
        remb = self._estimator.add(
            abs_send_time=packet.extensions.abs_send_time,
            arrival_time_ms=arrival_time_ms,
            payload_size=len(packet.payload) + packet.padding_size,
            ssrc=packet.ssrc,
        )
        if remb is not None:
            bits_per_s = max(_BITRATE_FLOOR, min([remb[0], *self._limits.values()]))
            fci = rtp.pack_remb_fci(bits_per_s, remb[1])
            await self._send(rtp.RtcpPsfbPacket(rtp.RTCP_PSFB_APP, self._own_ssrc, 0, fci))

    async def _send_nack(self, lost: list[int], ssrc: int) -> None:
        wrapped = [seq & 0xFFFF for seq in lost]
        await self._send(rtp.RtcpRtpfbPacket(rtp.RTCP_RTPFB_NACK, self._own_ssrc, ssrc, wrapped))

    async def _send(self, packet: rtp.AnyRtcpPacket) -> None:
        with suppress(ConnectionError):
            await self.transport._send_rtp(bytes(packet))


class RtpOut:
    """One receiving m-line of the browser: payloads in, packets out. Stands in for RTCRtpSender."""

    def __init__(self, line: Line, transport: RTCDtlsTransport) -> None:
        self.line = line
        self.transport = transport
        self.track = None
        self.stats = SendStats()
        self.tap: OutTap | None = None
        self.codecs: tuple[str, ...] = ()
        self.ready = False
        self._enabled = True
        self._cname = b""
        self._ssrc = random.getrandbits(32) or 1
        self._rtx_ssrc = random.getrandbits(32) or 2
        self._stream_id = line.stream or "none"
        # Chromium refuses an answer in which two lines name the same stream and track.
        self._track_id = f"{self._stream_id}-{line.kind}-{self._ssrc:x}"
        self._payload_types: dict[str, int] = {}
        self._stream: RtpStream | None = None

    async def send(self, parameters: Any) -> None:
        """Begin; called by aiortc when DTLS is up."""
        if self.ready:
            return
        for codec in parameters.codecs:
            if not is_rtx(codec):
                self._payload_types.setdefault(codec.name, codec.payloadType)
        self._cname = parameters.rtcp.cname.encode()
        self._stream = RtpStream(
            self._ssrc,
            self._rtx_ssrc,
            video=self.line.kind is TrackKind.VIDEO,
            mid=parameters.muxId,
            extensions={extension.uri: extension.id for extension in parameters.headerExtensions},
            rtx_types={c.parameters["apt"]: c.payloadType for c in parameters.codecs if is_rtx(c)},
        )
        self.transport._register_rtp_sender(self, parameters)
        self.ready = True

    async def stop(self) -> None:
        """End; called by aiortc."""
        if self.ready:
            self.ready = False
            self.transport._unregister_rtp_sender(self)
        self.tap = self._stream = None

    def takes(self, codec: str) -> bool:
        """Tell whether the far end can take ``codec``."""
        return codec in self._payload_types

    async def send_frame(self, codec: str, parts: Sequence[bytes], timestamp: int) -> None:
        """Send the payloads of one frame; ``timestamp`` in ticks, unwrapped."""
        if self._stream is None:
            return
        payload_type = self._payload_types[codec]
        for packet in self._stream.packets(payload_type, parts, timestamp, current_ntp_time()):
            await self._send(packet)
        self.stats.packets += len(parts)
        self.stats.bytes += sum(map(len, parts))

    async def send_report(self, clock_map: ClockMap, shift: int, clock_rate: int) -> None:
        """Send a sender report on the publisher's own time line; ``shift`` is this leg's timestamp offset.

        The publisher's NTP time is passed on unchanged, for its sound and picture alike, so the far end
        can synchronise them.
        """
        now = time.monotonic()
        ntp, timestamp = clock_map.at(now, clock_rate)
        info = rtp.RtcpSenderInfo(
            ntp_timestamp=ntp,
            rtp_timestamp=(timestamp + shift) & 0xFFFFFFFF,
            packet_count=self.stats.packets & 0xFFFFFFFF,
            octet_count=self.stats.bytes & 0xFFFFFFFF,
        )
        source = rtp.RtcpSourceInfo(ssrc=self._ssrc, items=[(1, self._cname)])
        data = bytes(rtp.RtcpSrPacket(self._ssrc, info)) + bytes(rtp.RtcpSdesPacket([source]))
        self.stats.reported(ntp, now)
        await self._send(data)

    async def _handle_rtcp_packet(self, packet: rtp.AnyRtcpPacket) -> None:
        match packet:
            case rtp.RtcpRrPacket() | rtp.RtcpSrPacket():
                self._got_reports(packet.reports)
            case rtp.RtcpRtpfbPacket(fmt=rtp.RTCP_RTPFB_NACK):
                for seq in packet.lost:
                    await self._retransmit(seq)
            case rtp.RtcpPsfbPacket(fmt=rtp.RTCP_PSFB_PLI | rtp.RTCP_PSFB_FIR) if self.tap:
                self.tap.got_keyframe_request()
            case rtp.RtcpPsfbPacket(fmt=rtp.RTCP_PSFB_APP) if self.tap:
                with suppress(ValueError):
                    self.tap.got_bitrate_limit(rtp.unpack_remb_fci(packet.fci)[0])

    def _got_reports(self, reports: list[rtp.RtcpReceiverInfo]) -> None:
        for block in reports:
            if block.ssrc == self._ssrc:
                self.stats.got_report(block.packets_lost, block.lsr, block.dlsr, time.monotonic())

    async def _retransmit(self, seq: int) -> None:
        again = self._stream.again(seq, current_ntp_time()) if self._stream else None
        if again is not None:
            await self._send(again)

    async def _send(self, data: bytes) -> None:
        with suppress(ConnectionError):
            await self.transport._send_rtp(data)


class _MidRouter(RtpRouter):
    """Routes an unknown SSRC by its MID first (RFC 8843): camera and screen share payload types."""

    def route_rtp(self, packet: rtp.RtpPacket) -> Any:
        known = packet.ssrc in self.ssrc_table or len(self.ssrc_table) >= _SSRC_MAX
        if not known and packet.extensions.mid in self.mid_table:
            self.ssrc_table[packet.ssrc] = self.mid_table[packet.extensions.mid]
        return super().route_rtp(packet)


class Connection:
    """One peer connection that only answers. ``ins`` and ``outs`` are there after ``answer``."""

    def __init__(self, settings: MediaSettings, clock: Clock, wake: Callable[[], None]) -> None:
        servers = [RTCIceServer(list(s.urls), s.username, s.credential) for s in settings.ice_servers]
        self._pc = RTCPeerConnection(
            RTCConfiguration(iceServers=servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._settings, self._clock, self._wake = settings, clock, wake
        self.ins: list[RtpIn] = []
        self.outs: list[RtpOut] = []
        self._transport: RTCDtlsTransport | None = None
        self._router = _MidRouter()

    @property
    def state(self) -> str:
        """``new``, ``connecting``, ``connected``, ``failed`` or ``closed``."""
        return self._pc.connectionState

    def on_state(self, call: Callable[[], None]) -> None:
        """Call ``call`` on every change of ``state``."""
        self._pc.on("connectionstatechange", call)

    @property
    def congested(self) -> bool:
        """Tell whether the socket has more to send than it can get rid of."""
        if self._transport is None:
            return False
        for pair in self._transport.transport._connection._nominated.values():
            sock = pair.protocol.transport
            size = getattr(sock, "get_write_buffer_size", None)
            return size is not None and size() > _CONGESTED_BYTES
        return False

    @property
    def packets_received(self) -> int:
        """Datagrams of any kind since the start, STUN excepted."""
        return 0 if self._transport is None else self._transport._RTCDtlsTransport__rx_packets  # type: ignore[attr-defined]

    async def answer(self, offer: str, publishable: Sequence[str]) -> str:
        """Apply the offer and return the answer's SDP with all candidates.

        ``publishable`` are the video codecs that everybody in the call can take, the preferred one first.

        Raises:
            ProtocolError: not SDP, or not the planned lines.
            MediaError: no candidate could be gathered.
        """
        _check_sdp(offer, self._settings.video_codecs)
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(_keep_open(offer), "offer"))
        except Exception as error:
            raise ProtocolError("the offer cannot be applied", code="bad_offer") from error
        self._replace_endpoints(publishable)
        if self._transport is not None:
            self._choose_addresses(self._transport)
        try:
            await self._pc.setLocalDescription(await self._pc.createAnswer())
        except OSError as error:
            raise MediaError("no address to listen on") from error
        return _advertise(self._pc.localDescription.sdp, self._settings.advertised_address)

    async def close(self) -> None:
        """Close; nothing of it is left running."""
        await self._pc.close()

    def _replace_endpoints(self, publishable: Sequence[str]) -> None:
        for line, transceiver in zip(PLAN, self._pc.getTransceivers(), strict=False):
            transport = transceiver.receiver.transport
            self._transport = transport
            arriving = RtpIn(line, transport, transceiver.sender._ssrc, self._clock, self._wake)
            leaving = RtpOut(line, transport)
            leaving._ssrc = transceiver.sender._ssrc
            transceiver._RTCRtpTransceiver__receiver = arriving  # type: ignore[attr-defined]
            transceiver._RTCRtpTransceiver__sender = leaving  # type: ignore[attr-defined]
            transceiver.direction = "recvonly" if line.publishes else "sendonly"
            forwarded = self._settings.video_codecs
            usable = _order(transceiver._codecs, line, publishable if line.publishes else forwarded)
            # With nothing in common the call refuses this peer; until then the line needs some codec.
            transceiver._codecs = usable or _order(transceiver._codecs, line, forwarded)
            names = [codec.name for codec in transceiver._codecs if not is_rtx(codec)]
            arriving.codecs = leaving.codecs = tuple(dict.fromkeys(names))
            if line.publishes:
                self.ins.append(arriving)
            else:
                self.outs.append(leaving)
            transport._rtp_router = self._router

    def _choose_addresses(self, transport: RTCDtlsTransport) -> None:
        ice = transport.transport._connection
        gather = ice.get_component_candidates

        async def gather_ours(component: int, addresses: list[str], timeout: int = 5) -> Any:
            chosen = list(self._settings.bind_addresses) or addresses or list(_LOOPBACK)
            return await gather(component=component, addresses=chosen, timeout=timeout)

        ice.get_component_candidates = gather_ours  # type: ignore[method-assign]


def _keep_open(offer: str) -> str:
    """Leave out end-of-candidates: aioice gives up at once when the listed candidates do not answer.

    A browser behind NAT is found by its own checks, which may come later; the promise bounds the wait.
    """
    return "".join(line for line in offer.splitlines(keepends=True) if line.strip() != "a=end-of-candidates")


def _check_sdp(offer: str, video_codecs: Sequence[str]) -> None:
    try:
        parsed = sdp.SessionDescription.parse(offer)
    except Exception as error:
        raise ProtocolError("the offer is not SDP", code="bad_sdp") from error
    check_offer([_offered(media) for media in parsed.media], video_codecs)
    bundled = next((group.items for group in parsed.group if group.semantic == "BUNDLE"), [])
    if len({media.rtp.muxId for media in parsed.media}) != len(parsed.media):
        raise ProtocolError("two m-lines have the same mid", code="wrong_plan")
    for index, media in enumerate(parsed.media):
        if not _is_secured(media) or media.rtp.muxId not in bundled:
            raise ProtocolError(f"m-line {index} is not bundled and secured", code="wrong_plan")


def _is_secured(media: sdp.MediaDescription) -> bool:
    dtls, ice = media.dtls, media.ice
    return bool(
        dtls and dtls.fingerprints and ice and ice.usernameFragment and ice.password
        and media.rtcp_mux and media.rtp.muxId
    )  # fmt: skip


def _offered(media: sdp.MediaDescription) -> OfferedLine:
    codecs = tuple(codec.name for codec in media.rtp.codecs if not is_rtx(codec))
    return OfferedLine(media.kind, media.direction or "sendrecv", codecs)


def _order(
    codecs: list[RTCRtpCodecParameters], line: Line, video_codecs: Sequence[str]
) -> list[RTCRtpCodecParameters]:
    """Return the codecs that we forward, preferred first, each followed by its RTX."""
    wanted = list(video_codecs) if line.kind is TrackKind.VIDEO else [payloads.OPUS]
    ordered = []
    for codec in sorted((c for c in codecs if c.name in wanted), key=lambda c: wanted.index(c.name)):
        codec.parameters = {**codec.parameters, **_FMTP.get(codec.name, {})}
        ordered.append(codec)
        ordered += [c for c in codecs if is_rtx(c) and c.parameters.get("apt") == codec.payloadType]
    return ordered


def _advertise(answer: str, address: str) -> str:
    """Announce every IPv4 host candidate a second time under ``address``."""
    if not address:
        return answer
    numbers = count(1)
    lines = []
    for text in answer.split("\r\n"):
        lines.append(text)
        fields = text.split()
        if text.startswith("a=candidate:") and fields[7] == "host" and "." in fields[4]:
            fields[0] += f"{next(numbers)}"
            fields[4] = address
            lines.append(" ".join(fields))
    return "\r\n".join(lines)
