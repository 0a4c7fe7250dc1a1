"""One party of a call: a socket, ICE and DTLS of its own, and the SRTP sessions that come of them.

Real protocol, as little as a call needs: one host candidate; connectivity checks that nominate at once;
the DTLS handshake is aiortc's, over a stand-in for its ICE transport.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, cast

from aioice import stun
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceTransport
from aiortc.rtcdtlstransport import SRTP_PROFILES

from benchmarks.forwarding.datagrams import open_socket
from benchmarks.forwarding.descriptions import Local, Remote

# RFC 7675: at most 5 s between checks of consent; browsers send one every 2.5 s.
CONSENT_S = 2.5
_CHECK_S = 0.05
_SETUP_S = 20.0
# RFC 8445 section 5.1.2.1, of a peer-reflexive candidate.
_PRIORITY = 1_845_501_695


class _IceStandIn:
    """What RTCDtlsTransport needs of an ICE transport: datagrams in and out."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self.arrived: asyncio.Queue[bytes] = asyncio.Queue()
        self.role = "controlling"

    async def _recv(self) -> bytes:
        return await self.arrived.get()

    async def _send(self, data: bytes) -> None:
        self._client.send(data)


class Client:
    """A party. ``profiles`` are OpenSSL's names of the SRTP profiles it takes, preferred first."""

    def __init__(self, address: str, certificate: RTCCertificate, profiles: Sequence[str]) -> None:
        self.socket = open_socket(address)
        self.fd = self.socket.fileno()
        random = secrets.SystemRandom()
        self.local = Local(
            ufrag=secrets.token_hex(4),
            password=secrets.token_hex(12),
            fingerprint=certificate.getFingerprints()[0],
            address=address,
            port=self.socket.getsockname()[1],
            audio_ssrc=random.randrange(1, 1 << 32),
            video_ssrc=random.randrange(1, 1 << 32),
            rtx_ssrc=random.randrange(1, 1 << 32),
        )
        self.remote: Remote | None = None
        self.consent_at = 0.0
        self._controlling, self._nominated = True, False
        self._ice = _IceStandIn(self)
        self._dtls = RTCDtlsTransport(cast("RTCIceTransport", self._ice), [certificate])
        known = {profile.openssl_profile.decode(): profile for profile in SRTP_PROFILES}
        self._dtls._srtp_profiles = [known[name] for name in profiles]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def connect(self, remote: Remote, *, controlling: bool = True) -> None:
        """Do ICE and DTLS with the server that said ``remote``.

        Raises:
            TimeoutError: not connected in time.
            ConnectionError: the handshake failed.
        """
        self.remote, self._controlling = remote, controlling or remote.ice_lite
        self._dtls._set_role("client" if remote.setup == "passive" else "server")
        if remote.setup == "actpass":
            self._dtls._set_role("client")
        loop = asyncio.get_running_loop()
        self.socket.connect((remote.address, remote.port))
        loop.add_reader(self.fd, self._read)
        try:
            async with asyncio.timeout(_SETUP_S):
                await self._check()
                await self._dtls.start(remote.dtls)
        finally:
            loop.remove_reader(self.fd)
        if self._dtls.state != "connected":
            raise ConnectionError(f"DTLS is {self._dtls.state}")

    async def _check(self) -> None:
        while not self._nominated:
            self.send_check(time.monotonic())
            await asyncio.sleep(_CHECK_S)

    def _read(self) -> None:
        with suppress(BlockingIOError, ConnectionRefusedError):
            while True:
                self.got_control(self.socket.recv(2_048))

    def got_control(self, data: bytes) -> None:
        """Take a datagram that is neither RTP nor RTCP (RFC 7983)."""
        if data[0] < 4:
            self._got_stun(data)
        elif 19 < data[0] < 64:
            self._ice.arrived.put_nowait(data)

    def _got_stun(self, data: bytes) -> None:
        try:
            message = stun.parse_message(data)
        except ValueError:
            return
        if message.message_class == stun.Class.RESPONSE:
            # Controlled, we are connected when the other side's own check succeeded.
            self._nominated = self._nominated or self._controlling
        elif message.message_class == stun.Class.REQUEST:
            assert self.remote is not None
            answer = stun.Message(message.message_method, stun.Class.RESPONSE, message.transaction_id)
            answer.attributes["XOR-MAPPED-ADDRESS"] = (self.remote.address, self.remote.port)
            answer.add_message_integrity(self.local.password.encode())
            self.send(bytes(answer))
            self._nominated = self._nominated or "USE-CANDIDATE" in message.attributes

    def send_check(self, now: float) -> None:
        """Send a connectivity check that nominates; also renews consent."""
        assert self.remote is not None
        self.consent_at = now + CONSENT_S
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self.remote.ufrag}:{self.local.ufrag}"
        request.attributes["PRIORITY"] = _PRIORITY
        if self._controlling:
            request.attributes["ICE-CONTROLLING"] = 1 << 63
            request.attributes["USE-CANDIDATE"] = None
        else:
            request.attributes["ICE-CONTROLLED"] = 1
        request.add_message_integrity(self.remote.password.encode())
        self.send(bytes(request))

    def send(self, data: bytes) -> None:
        """Send one datagram; one that is refused, or comes after the end, is lost as on a network."""
        if self.socket.fileno() >= 0:
            with suppress(BlockingIOError, ConnectionRefusedError):
                self.socket.send(data)

    @property
    def profile(self) -> str:
        """The SRTP profile that was negotiated."""
        assert self._dtls._ssl is not None
        return str(self._dtls._ssl.get_selected_srtp_profile().decode())

    @property
    def outgoing(self) -> Any:
        """The pylibsrtp session that protects what this party sends."""
        return self._dtls._tx_srtp

    @property
    def incoming(self) -> Any:
        """The pylibsrtp session that unprotects what this party gets."""
        return self._dtls._rx_srtp

    async def close(self) -> None:
        """Say goodbye and close the socket. Idempotent."""
        if self.socket.fileno() >= 0:
            await self._dtls.stop()
            self.socket.close()
