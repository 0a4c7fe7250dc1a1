"""The browser's side of one connection, on a bare socket: a test decides about every datagram."""

import asyncio
import os
import socket
import struct
import time
from collections.abc import Callable
from typing import Self

from aioice import stun
from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtp import is_rtcp

from media.transport import Transport

UFRAG, PASSWORD = "them", "theirs-is-of-no-use-to-us"


class ListTap:
    """Keeps what a transport hands over."""

    def __init__(self) -> None:
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.came_at: list[float] = []
        self.states: list[str] = []

    def got_rtp(self, packet: bytes, now: float) -> None:
        self.rtp.append(packet)
        self.came_at.append(now)

    def got_rtcp(self, packet: bytes, now: float) -> None:
        self.rtcp.append(packet)

    def got_state(self, state: str) -> None:
        self.states.append(state)


async def until(condition: Callable[[], object], missing: str, deadline_s: float = 30.0) -> None:
    """Return when ``condition`` holds; fail with what is ``missing`` after ``deadline_s``."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, missing
        await asyncio.sleep(0.005)


def rtp_packet(seq: int, payload: bytes = b"payload", ssrc: int = 7) -> bytes:
    """Return an RTP packet without extensions."""
    return struct.pack("!BBHII", 0x80, 96, seq, seq * 90, ssrc) + payload


def rtcp_packet(ssrc: int = 7) -> bytes:
    """Return an empty receiver report."""
    return struct.pack("!BBHI", 0x80, 201, 1, ssrc)


class FarEnd:
    """An ICE agent in control, DTLS server and SRTP. ``lose`` tells which DTLS datagrams get lost.

    An async context manager; the media that arrives is in ``rtp`` and ``rtcp``, decrypted.
    """

    role = "controlling"

    def __init__(self, transport: Transport, port: int, host: str = "127.0.0.1") -> None:
        self.transport = transport
        self.host, self.port = host, port
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.answers: dict[bytes, stun.Message] = {}
        self.lose: Callable[[bytes], bool] = lambda datagram: False
        self.dtls = RTCDtlsTransport(self, [RTCCertificate.generateCertificate()])  # type: ignore[arg-type]
        self.dtls._set_role("client")
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()
        self.socket = self._open()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pump = self.dtls._task
        await self.dtls.stop()
        if pump:
            await asyncio.wait([pump])
        self._close()

    def parameters(self) -> RTCDtlsParameters:
        """Return what the offer would say."""
        return RTCDtlsParameters(self.dtls.getLocalParameters().fingerprints)

    async def connect(self, tasks: asyncio.TaskGroup, parameters: RTCDtlsParameters | None = None) -> None:
        """Let both ends connect."""
        self.transport.connect(tasks, UFRAG, PASSWORD, parameters or self.parameters())
        await self.checked()
        await self.dtls.start(RTCDtlsParameters(self.transport.fingerprints()))
        await until(lambda: self.transport.state != "connecting", "a state after the handshake")

    def check(
        self, *, nominate: bool = True, username: str | None = None, password: str | None = None
    ) -> bytes:
        """Send a connectivity check; return its transaction id."""
        request = self.request(nominate=nominate, username=username, password=password)
        self.send(bytes(request))
        return request.transaction_id

    def request(
        self, *, nominate: bool = True, username: str | None = None, password: str | None = None
    ) -> stun.Message:
        """Return a connectivity check as browsers send it."""
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = username or f"{self.transport.ufrag}:{UFRAG}"
        request.attributes["PRIORITY"] = 1
        request.attributes["ICE-CONTROLLING"] = 1
        if nominate:
            request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity((password or self.transport.password).encode())
        return request

    async def checked(self, *, nominate: bool = True) -> stun.Message:
        """Send a check and return the answer, its integrity verified."""
        sent = self.check(nominate=nominate)
        await until(lambda: sent in self.answers, "an answer to the check")
        answer = self.answers[sent]
        assert answer.check_message_integrity(self.transport.password.encode())
        return answer

    def send(self, datagram: bytes) -> None:
        """Send a datagram as it is."""
        self.socket.sendto(datagram, (self.host, self.port))

    def send_rtp(self, packet: bytes) -> bytes:
        """Encrypt and send; return what went over the wire."""
        encrypted: bytes = self.dtls._tx_srtp.protect(packet)
        self.send(encrypted)
        return encrypted

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt and send."""
        self.send(self.dtls._tx_srtp.protect_rtcp(packet))

    def move(self) -> None:
        """Continue on another address, as a phone does that leaves the Wi-Fi."""
        self._close()
        self.socket = self._open()

    async def _recv(self) -> bytes:
        return await self._arrived.get()

    async def _send(self, data: bytes) -> None:
        if not self.lose(data):
            self.send(data)

    def _open(self) -> socket.socket:
        opened = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind((self.host, 0))
        opened.setblocking(False)
        asyncio.get_running_loop().add_reader(opened, self._readable)
        return opened

    def _close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()

    def _readable(self) -> None:
        data = self.socket.recv(2_048)
        if data[0] < 4:
            message = stun.parse_message(data)
            self.answers[message.transaction_id] = message
        elif data[0] < 64:
            if not self.lose(data):
                self._arrived.put_nowait(data)
        elif self.dtls._rx_srtp is None:
            # Ours is the end that finishes the handshake first, and may have something to send.
            return
        elif is_rtcp(data):
            self.rtcp.append(self.dtls._rx_srtp.unprotect_rtcp(data))
        else:
            self.rtp.append(self.dtls._rx_srtp.unprotect(data))


def wrong_fingerprint() -> RTCDtlsParameters:
    """Return the fingerprint of nobody's certificate."""
    return RTCDtlsParameters([RTCDtlsFingerprint("sha-256", os.urandom(32).hex(":").upper())])
