"""A headless WebRTC peer: the browser's half of a call, without a browser.

It offers the planned m-lines, publishes a picture and a sound, and hands over what arrives. The demo
plays its case with it and the end-to-end tests measure with it. It never runs inside the server.
"""

import asyncio
import fractions
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol, Self

import aioice.ice
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.clock import current_ntp_time
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import AnyRtcpPacket, RtcpSrPacket
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

from contract.errors import MediaError
from contract.wire import IceServer

Picture = NDArray[np.uint8]
Samples = NDArray[np.int16]

SAMPLE_RATE = 48_000
# Opus packets of 20 ms, as browsers send them.
CHUNK_SAMPLES = 960
VIDEO_CLOCK_RATE = 90_000

# Kind and direction of every m-line, in the order in which the server expects them.
M_LINES = (
    ("audio", "sendonly"),
    ("video", "sendonly"),
    ("video", "inactive"),
    ("audio", "recvonly"),
    ("video", "recvonly"),
    ("audio", "recvonly"),
    ("video", "recvonly"),
    ("video", "recvonly"),
    ("audio", "recvonly"),
    ("video", "recvonly"),
)
OTHER_AUDIO, OTHER_VIDEO = 3, 4


def use_loopback() -> None:
    """Let every peer of this process use 127.0.0.1 only, for calls within one machine.

    aioice leaves loopback out of its candidates, and a machine may have no other address.
    """
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


class PictureSource(Protocol):
    """Draws pictures."""

    fps: int

    def frame(self, n: int) -> Picture:
        """Return picture ``n`` as (height, width, 3) BGR."""
        ...


class SoundSource(Protocol):
    """Makes sound."""

    def chunk(self, n: int) -> Samples:
        """Return the ``n``-th 20 ms as (960,) mono samples at 48 kHz."""
        ...


class _Stage:
    """The common start of a peer's picture and sound, so that flash and beep coincide."""

    def __init__(self) -> None:
        self._start: float | None = None

    async def wait_until(self, offset: float) -> None:
        loop = asyncio.get_running_loop()
        if self._start is None:
            self._start = loop.time() - offset
        await asyncio.sleep(max(0.0, self._start + offset - loop.time()))

    @property
    def started(self) -> bool:
        return self._start is not None

    def elapsed(self) -> float:
        start = self._start
        return 0.0 if start is None else asyncio.get_running_loop().time() - start


class _PictureTrack(MediaStreamTrack):
    kind = "video"

    def __init__(self, source: PictureSource, stage: _Stage) -> None:
        super().__init__()
        self._source, self._stage, self._next = source, stage, 0

    async def recv(self) -> VideoFrame:
        if self.readyState != "live":
            raise MediaStreamError
        # A sender that fell behind skips pictures instead of sending old ones late.
        n = self._next = max(self._next, int(self._stage.elapsed() * self._source.fps))
        self._next += 1
        await self._stage.wait_until(n / self._source.fps)
        picture = await asyncio.to_thread(self._source.frame, n)
        frame = VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts = n * VIDEO_CLOCK_RATE // self._source.fps
        frame.time_base = fractions.Fraction(1, VIDEO_CLOCK_RATE)
        return frame


class _SoundTrack(MediaStreamTrack):
    kind = "audio"

    def __init__(self, source: SoundSource, stage: _Stage, true_rate: int) -> None:
        super().__init__()
        self._source, self._stage, self._rate, self._next = source, stage, true_rate, 0

    async def recv(self) -> AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        # So does one that is a whole second behind; less is made up for.
        now = int(self._stage.elapsed() * self._rate / CHUNK_SAMPLES)
        n = self._next if now - self._next < SAMPLE_RATE // CHUNK_SAMPLES else now
        self._next = n + 1
        await self._stage.wait_until(n * CHUNK_SAMPLES / self._rate)
        frame = AudioFrame.from_ndarray(self._source.chunk(n).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = n * CHUNK_SAMPLES
        frame.time_base = fractions.Fraction(1, SAMPLE_RATE)
        return frame


def _report_capture_times(sender: RTCRtpSender, stage: _Stage, clock_rate: int) -> None:
    """Let ``sender``'s reports map RTP time to the moment of capture, as browsers do (RFC 3550, 6.4.1).

    aiortc 1.16 reports when the last packet left instead. On a busy machine its encoder takes 20 to
    200 ms, and a recording that trusts such reports has its picture late by as much. To be deleted when
    aiortc reports capture times.
    """
    send = sender._send_rtcp

    async def send_corrected(packets: list[AnyRtcpPacket]) -> None:
        running = sender._RTCRtpSender__rtp_task.get_coro().cr_frame  # type: ignore[attr-defined]
        for packet in packets:
            if isinstance(packet, RtcpSrPacket) and running is not None and stage.started:
                ticks = int(stage.elapsed() * clock_rate) + running.f_locals["timestamp_origin"]
                packet.sender_info.rtp_timestamp = ticks & 0xFFFFFFFF
                packet.sender_info.ntp_timestamp = current_ntp_time()
        await send(packets)

    sender._send_rtcp = send_corrected  # type: ignore[method-assign]


class WebRtcPeer:
    """One peer connection with the planned m-lines.

    ``hear_video(index, picture, at)`` and ``hear_audio(index, samples, at)`` are called for every
    decoded frame; ``index`` is the m-line, ``at`` the loop's time, pictures are (h, w, 3) BGR and
    samples (n, channels) int16 at 48 kHz. ``codec`` forces ``VP8`` or ``H264`` for the camera.
    ``sound_rate`` is how many samples a second the sound card takes that claims 48,000; no two agree.
    ``relay_only`` leaves no way but the first TURN URI of ``ice_servers``; aiortc uses one only.
    """

    def __init__(
        self,
        picture: PictureSource | None = None,
        sound: SoundSource | None = None,
        *,
        hear_video: Callable[[int, Picture, float], None] | None = None,
        hear_audio: Callable[[int, Samples, float], None] | None = None,
        ice_servers: tuple[IceServer, ...] = (),
        codec: str | None = None,
        relay_only: bool = False,
        sound_rate: int = SAMPLE_RATE,
    ) -> None:
        servers = [RTCIceServer(list(s.urls), s.username, s.credential) for s in ice_servers]
        # With the balanced policy aiortc 1.16 leaves the later m-lines of a kind on a discarded transport.
        bundle = RTCBundlePolicy.MAX_BUNDLE
        ways = RTCIceTransportPolicy.RELAY if relay_only else RTCIceTransportPolicy.ALL
        self._pc = RTCPeerConnection(
            RTCConfiguration(iceServers=servers, iceTransportPolicy=ways, bundlePolicy=bundle)
        )
        self._hear_video, self._hear_audio = hear_video, hear_audio
        self._listeners: list[asyncio.Task[None]] = []
        self.connected = asyncio.Event()
        self.closed = asyncio.Event()
        self.first_video_at: float | None = None
        self.first_audio_at: float | None = None
        stage = _Stage()
        sources = {
            0: _SoundTrack(sound, stage, sound_rate) if sound else None,
            1: _PictureTrack(picture, stage) if picture else None,
        }
        for index, (kind, direction) in enumerate(M_LINES):
            track = sources.get(index)
            transceiver = self._pc.addTransceiver(track or kind, direction=direction)
            if track:
                rate = sound_rate if kind == "audio" else VIDEO_CLOCK_RATE
                _report_capture_times(transceiver.sender, stage, rate)
        if codec:
            self._force_codec(codec)
        self._pc.on("connectionstatechange", self._note_state)

    @property
    def pc(self) -> RTCPeerConnection:
        """Return the connection, for statistics."""
        return self._pc

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _force_codec(self, codec: str) -> None:
        wanted = f"video/{codec}".lower()
        codecs = RTCRtpSender.getCapabilities("video").codecs
        for transceiver in self._pc.getTransceivers():
            if transceiver.kind == "video":
                transceiver.setCodecPreferences([c for c in codecs if c.mimeType.lower() == wanted])

    async def offer(self) -> str:
        """Return the SDP offer with all candidates gathered."""
        await self._pc.setLocalDescription(await self._pc.createOffer())
        return self._pc.localDescription.sdp

    async def accept(self, answer: str) -> None:
        """Apply the server's answer and begin to listen.

        Raises:
            MediaError: the answer does not fit the offer.
        """
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        except ValueError as error:
            raise MediaError("the answer does not fit") from error
        for index, transceiver in enumerate(self._pc.getTransceivers()):
            if transceiver.currentDirection in ("recvonly", "sendrecv"):
                listen: Coroutine[Any, Any, None] = self._listen(index, transceiver.receiver.track)
                # Owned by this object: close() cancels and awaits every one.
                self._listeners.append(asyncio.create_task(listen))

    async def close(self) -> None:
        """Close the connection. Idempotent."""
        listeners, self._listeners = self._listeners, []
        for task in listeners:
            task.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)
        await self._pc.close()
        self.closed.set()

    def _note_state(self) -> None:
        if self._pc.connectionState == "connected":
            self.connected.set()
        elif self._pc.connectionState in ("failed", "closed"):
            self.closed.set()

    async def _listen(self, index: int, track: MediaStreamTrack) -> None:
        with suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, VideoFrame):
                    self._got_video(index, frame)
                elif isinstance(frame, AudioFrame):
                    self._got_audio(index, frame)

    def _got_video(self, index: int, frame: VideoFrame) -> None:
        now = asyncio.get_running_loop().time()
        if self.first_video_at is None:
            self.first_video_at = now
        if self._hear_video:
            self._hear_video(index, np.asarray(frame.to_ndarray(format="bgr24"), np.uint8), now)

    def _got_audio(self, index: int, frame: AudioFrame) -> None:
        now = asyncio.get_running_loop().time()
        if self.first_audio_at is None:
            self.first_audio_at = now
        if self._hear_audio:
            channels = len(frame.layout.channels)
            self._hear_audio(index, np.asarray(frame.to_ndarray(), np.int16).reshape(-1, channels), now)
