"""A real aiortc peer that sends frames encoded beforehand and keeps arriving frames undecoded.

So a test can compare what was sent with what arrived, byte by byte.
"""

import asyncio
import fractions
import functools
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

import av
import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.codecs import is_rtx
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcconfiguration import RTCBundlePolicy
from aiortc.sdp import SessionDescription

from contract.errors import StorageError
from contract.facts import Entry, Fact
from contract.ids import CallId, CaseId, SeatId, new_call_id, new_case_id, new_seat_id
from contract.phases import Role
from contract.ports import (
    ClockSample,
    Depacketiser,
    EncodedFrame,
    Party,
    SeatRoute,
    Slot,
    TrackInfo,
    TrackSink,
)
from media import rtcp
from media.plan import PLAN
from media.plane import Plane
from media.routes import everybody_talks

F = TypeVar("F", bound=Fact)

FPS = 25
PICTURES = 40
SOUNDS = 200


@functools.cache
def pictures(codec: str) -> tuple[bytes, ...]:
    """Return encoded pictures of 320x240 noise and bars, the first one alone a keyframe."""
    context = av.CodecContext.create({"VP8": "libvpx", "H264": "libx264"}[codec], "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 320, 240, "yuv420p"
    context.time_base = fractions.Fraction(1, FPS)
    context.gop_size = 1_000
    context.bit_rate = 600_000
    context.options = {"lag-in-frames": "0", "deadline": "realtime", "cpu-used": "8"}
    if codec == "H264":
        context.options = {"tune": "zerolatency", "preset": "ultrafast", "bf": "0"}
    random = np.random.default_rng(7)
    encoded = []
    for n in range(PICTURES):
        picture = random.integers(0, 60, (240, 320, 3), np.uint8)
        picture[:, n * 7 : n * 7 + 20] = 220
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = n
        frame.time_base = fractions.Fraction(1, FPS)
        encoded += [bytes(packet) for packet in context.encode(frame)]
    return tuple(encoded)


@functools.cache
def sounds() -> tuple[bytes, ...]:
    """Return 20 ms Opus packets of a sweeping tone."""
    context = av.CodecContext.create("libopus", "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout = 48_000, "stereo"
    context.format = av.AudioFormat("s16")
    context.time_base = fractions.Fraction(1, 48_000)
    encoded = []
    for n in range(SOUNDS):
        t = (np.arange(960) + n * 960) / 48_000
        wave = (9_000 * np.sin(2 * np.pi * (300 + 40 * t) * t)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2).reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48_000, n * 960
        encoded += [bytes(packet) for packet in context.encode(frame)]
    return tuple(encoded)


class SystemClock:
    """The machine's time."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class ListJournal:
    """Keeps facts in memory, in order."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.broken = False

    async def append(self, case: CaseId, fact: Fact) -> Entry:
        await asyncio.sleep(0)
        if self.broken:
            raise StorageError("disk is gone")
        self.facts.append(fact)
        return None  # type: ignore[return-value]

    async def read(self, case: CaseId, after: int = 0) -> tuple[Entry, ...]:
        return ()

    def follow(self, case: CaseId | None = None) -> Any:
        raise AssertionError("media follows no journal")

    def of(self, kind: type[F]) -> list[F]:
        return [fact for fact in self.facts if isinstance(fact, kind)]


@dataclass
class KeepingSink:
    """Keeps everything of one track."""

    track: TrackInfo
    depacketiser: Depacketiser
    frames: list[EncodedFrame] = field(default_factory=list)
    clocks: list[ClockSample] = field(default_factory=list)
    packets: int = 0
    closed: int = 0

    def push_packet(self, packet: bytes, arrived_at: float) -> None:
        assert not self.closed
        self.packets += 1
        self.frames += self.depacketiser.push(packet, arrived_at)

    def push_clock(self, sample: ClockSample) -> None:
        self.clocks.append(sample)

    def close(self) -> None:
        if not self.closed:
            self.frames += self.depacketiser.finish()
        self.closed += 1


class KeepingReceiver:
    """A recorder that keeps tracks in memory."""

    def __init__(self) -> None:
        self.sinks: list[KeepingSink] = []

    def open_track(self, track: TrackInfo, depacketiser: Depacketiser) -> TrackSink:
        self.sinks.append(KeepingSink(track, depacketiser))
        return self.sinks[-1]


@dataclass(frozen=True)
class Arrived:
    """A frame as the jitter buffer of a peer gave it."""

    data: bytes
    timestamp: int


class KeepingDecoder:
    """Stands where aiortc decodes."""

    def decode(self, encoded: Any) -> list[Arrived]:
        return [Arrived(encoded.data, encoded.timestamp)]


class EncodedTrack(MediaStreamTrack):
    """Sends encoded frames at their pace, from the first (a keyframe) again when asked for one."""

    def __init__(self, kind: str, frames: tuple[bytes, ...], slow: int = 1) -> None:
        self.kind = kind
        super().__init__()
        self.sent: list[bytes] = []
        self.keyframe_requests = 0
        # What every frame ends with from now on, so that a test knows when it was said.
        self.mark = b""
        self.earlier = 0
        self._frames, self._index = frames, 0
        self._every = (0.02 if kind == "audio" else 1 / FPS) * slow
        self._rate = 48_000 if kind == "audio" else 90_000
        self._start: float | None = None

    def restart(self) -> None:
        self.keyframe_requests += 1
        self._index = 0

    async def recv(self) -> Any:
        if self.readyState != "live":
            raise MediaStreamError
        loop = asyncio.get_running_loop()
        if self._start is None:
            self._start = loop.time()
        await asyncio.sleep(max(0.0, self._start + len(self.sent) * self._every - loop.time()))
        data = self._frames[self._index % len(self._frames)] + self.mark
        packet = av.Packet(data)
        packet.pts = round((self.earlier + len(self.sent)) * self._every * self._rate)
        packet.time_base = fractions.Fraction(1, self._rate)
        self._index += 1
        self.sent.append(data)
        return packet


class ScriptedPeer:
    """The browser's half of a call. ``arrived`` maps m-line to the frames that came.

    ``slow`` divides how many it sends: where there are many, a busy machine must keep up with them all.
    """

    def __init__(
        self,
        codec: str = "VP8",
        *,
        microphone: bool = True,
        camera: bool = True,
        lines: int = len(PLAN),
        takes: str | None = None,
        slow: int = 1,
    ) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._slow = slow
        self.sound = EncodedTrack("audio", sounds(), slow) if microphone else None
        self.picture = EncodedTrack("video", pictures(codec), slow) if camera else None
        self.arrived: dict[int, list[Arrived]] = {}
        self._listeners: list[asyncio.Task[None]] = []
        own: dict[int, MediaStreamTrack | None] = {0: self.sound, 1: self.picture}
        for index, line in enumerate(PLAN[:lines]):
            direction = "sendonly" if line.publishes else "recvonly"
            transceiver = self.pc.addTransceiver(own.get(index) or line.kind.value, direction=direction)
            if line.kind.value == "video":
                self._prefer(transceiver, codec if line.publishes or takes is None else takes)
        if self.picture:
            sender: Any = self.pc.getTransceivers()[1].sender
            sender._send_keyframe = self.picture.restart

    def _prefer(self, transceiver: Any, codec: str) -> None:
        codecs = RTCRtpSender.getCapabilities("video").codecs
        wanted = [c for c in codecs if c.mimeType.lower() in (f"video/{codec}".lower(), "video/rtx")]
        transceiver.setCodecPreferences(wanted)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def offer(self) -> str:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        self._make_room()
        return self.pc.localDescription.sdp

    def _make_room(self) -> None:
        """Let packets wait: in the default buffer half a second's would be lost on a busy machine."""
        ice: Any = self.pc.getTransceivers()[0].receiver.transport.transport
        for protocol in ice.iceGatherer._connection._protocols:
            sock = protocol.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)

    async def accept(self, answer: str) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        self._route_repairs(answer)
        for index, transceiver in enumerate(self.pc.getTransceivers()):
            if transceiver.currentDirection == "recvonly":
                self.arrived[index] = []
                self._listeners.append(asyncio.create_task(self._listen(index, transceiver.receiver.track)))

    def _route_repairs(self, answer: str) -> None:
        """Hand retransmissions to the line that announced them; aiortc does when it has but one such line."""
        lines = zip(SessionDescription.parse(answer).media, self.pc.getTransceivers(), strict=True)
        for media, transceiver in lines:
            router: Any = transceiver.receiver.transport._rtp_router
            for group in media.ssrc_group:
                router.ssrc_table[group.items[1]] = transceiver.receiver

    async def _listen(self, index: int, track: Any) -> None:
        try:
            while True:
                self.arrived[index].append(await track.recv())
        except MediaStreamError:
            return

    async def ask_keyframe(self, line: int) -> None:
        """Send a PLI for an arriving line, as a browser does whose decoder is lost."""
        receiver: Any = self.pc.getTransceivers()[line].receiver
        for ssrc in receiver._RTCRtpReceiver__remote_streams:
            await receiver._send_rtcp_pli(ssrc)

    async def say_rate(self, bits_per_s: int) -> None:
        """Tell what the line can take (REMB), instead of what aiortc would estimate from now on."""
        receivers: list[Any] = [transceiver.receiver for transceiver in self.pc.getTransceivers()]
        for receiver in receivers:
            receiver._RTCRtpReceiver__remote_bitrate_estimator = None
        await receivers[0].transport._send_rtp(rtcp.compose_remb(1, bits_per_s, []))

    def hear_limits(self) -> list[int]:
        """Return what this peer is told from now on that it may send, in bit/s."""
        transport: Any = self.pc.getTransceivers()[0].receiver.transport
        limits: list[int] = []
        handle = transport._handle_rtcp_data

        async def hearing(data: bytes) -> None:
            limits.extend(e.bits_per_s for e in rtcp.parse(data) if isinstance(e, rtcp.BitrateLimit))
            await handle(data)

        transport._handle_rtcp_data = hearing
        return limits

    def lose_every(self, nth: int) -> None:
        """Lose every ``nth`` RTP packet that this peer sends from now on."""
        transport: Any = self.pc.getTransceivers()[0].receiver.transport
        send, counted = transport._send_rtp, iter(range(1, 1 << 30))

        async def lossy(data: bytes) -> None:
            is_rtcp = 192 <= data[1] <= 208
            if is_rtcp or next(counted) % nth:
                await send(data)

        transport._send_rtp = lossy

    def miss_every(self, nth: int) -> None:
        """Lose every ``nth`` RTP packet that comes to this peer from now on, but none that comes again.

        aiortc asks once for what it misses, browsers ask until it is there.
        """
        transport: Any = self.pc.getTransceivers()[0].receiver.transport
        handle, counted = transport._handle_rtp_data, iter(range(1, 1 << 30))
        codecs = [codec for one in self.pc.getTransceivers() for codec in one._codecs]
        again = {codec.payloadType for codec in codecs if is_rtx(codec)}

        async def lossy(data: bytes, arrival_time_ms: int) -> None:
            if data[1] & 0x7F in again or next(counted) % nth:
                await handle(data, arrival_time_ms)

        transport._handle_rtp_data = lossy

    def change_ssrc(self, line: int) -> None:
        """Go on with the line's stream under another SSRC, numbers and all."""
        sender: Any = self.pc.getTransceivers()[line].sender
        sender._ssrc ^= 0x5A5A5A5A

    def share_screen(self, mark: bytes = b"") -> None:
        """Begin to send on the line for the screen, or go on there with something else."""
        sender: Any = self.pc.getTransceivers()[2].sender
        track, former = EncodedTrack("video", pictures("VP8"), self._slow), sender.track
        track.mark = mark
        if isinstance(former, EncodedTrack):
            # One more: that which is awaited at the moment.
            track.earlier = former.earlier + len(former.sent) + 1
        sender._send_keyframe = track.restart
        sender.replaceTrack(track)

    def stop_sharing(self) -> None:
        """Send nothing more on the line for the screen."""
        self.pc.getTransceivers()[2].sender.replaceTrack(None)

    def count_packets(self) -> Callable[[], int]:
        """Return how to tell how many RTP packets have come to this peer since now."""
        transport: Any = self.pc.getTransceivers()[0].receiver.transport
        handle, counted = transport._handle_rtp_data, [0]

        async def counting(data: bytes, arrival_time_ms: int) -> None:
            counted[0] += 1
            await handle(data, arrival_time_ms)

        transport._handle_rtp_data = counting
        return lambda: counted[0]

    def stop_camera(self) -> None:
        """Send nothing on the camera's line until ``start_camera``."""
        sender = self.pc.getTransceivers()[1].sender
        self._stopped = sender.track
        sender.replaceTrack(None)

    def start_camera(self) -> None:
        """Send on the camera's line again."""
        self.pc.getTransceivers()[1].sender.replaceTrack(self._stopped)

    def silence(self) -> None:
        """Send no RTP and no RTCP from now on."""

        async def nothing(data: bytes) -> None:
            return None

        transport: Any = self.pc.getTransceivers()[0].receiver.transport
        transport._send_rtp = nothing

    async def close(self) -> None:
        listeners, self._listeners = self._listeners, []
        for task in listeners:
            task.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)
        await self.pc.close()


async def until(what: str, condition: Any, seconds: float = 40.0) -> None:
    """Return when ``condition()`` is true; fail with ``what`` is missing when it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"still missing after {seconds} s: {what}")
        await asyncio.sleep(0.02)


def conversation(parties: Sequence[Party], sharing: SeatId | None = None) -> tuple[SeatRoute, ...]:
    """Return the routes of a talk among all but the supervisors, who watch it."""
    talking = [party.seat for party in parties if party.role is not Role.SUPERVISOR]
    slots = tuple(map(Slot, talking[:3]))
    watching = (party.seat for party in parties if party.role is Role.SUPERVISOR)
    watchers = [SeatRoute(seat, False, False, (), slots, sharing) for seat in watching]
    return (*everybody_talks(talking, sharing), *watchers)


@dataclass
class Stage:
    """A plane with an open call and two parties. Whoever connects takes part in the conversation."""

    plane: Plane
    journal: ListJournal
    receiver: KeepingReceiver
    case: CaseId = field(default_factory=new_case_id)
    call: CallId = field(default_factory=new_call_id)
    customer: Party = field(default_factory=lambda: Party(new_seat_id(), Role.CUSTOMER, "customer"))
    agent: Party = field(default_factory=lambda: Party(new_seat_id(), Role.AGENT, "agent"))

    parties: list[Party] = field(default_factory=list)

    async def connect(self, peer: ScriptedPeer, party: Party) -> None:
        if party not in self.parties:
            self.parties.append(party)
            await self.converse()
        await peer.accept(await self.plane.answer(self.call, party, await peer.offer()))
        await until(f"{party.name} connected", lambda: peer.pc.connectionState == "connected")

    async def converse(self, sharing: Party | None = None) -> None:
        """Let everybody talk to everybody, and see the screen of ``sharing``."""
        routes = conversation(self.parties, sharing.seat if sharing else None)
        await self.plane.arrange(self.call, routes)
