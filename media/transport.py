"""One peer connection as the wire sees it: who it is, where it is, and its keys."""

import asyncio
import base64
import secrets
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from aiortc import RTCCertificate, RTCIceCandidate
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from prometheus_client import Counter

from media import ice_lite
from media.aiortc_seam import Dtls, Slots, Srtp, why_refused
from media.batch_socket import DATAGRAM_MAX, PlainSocket, unpack_address

_log = structlog.get_logger(__name__)
_bad = Counter("teller_media_bad_datagrams", "Datagrams that were dropped unanswered", ["why"])

# Local addresses times interfaces of a phone that roams; each is one dictionary entry.
_ADDRESSES_MAX = 16
# Six streams of a browser with their retransmissions are twelve; libsrtp keeps state for each.
_SSRC_MAX = 64
# Consent expires after 30 s (RFC 7675), but a browser that lives is heard every 2.5 s.
_OWNED_S = 5.0


class Tap(Protocol):
    """Takes what arrives on one transport. ``now`` is the wake-up's time.monotonic()."""

    def got_rtp(self, packet: bytes, now: float) -> None:
        """Take a decrypted RTP packet: version 2, its header complete."""
        ...

    def got_rtcp(self, packet: bytes, now: float) -> None:
        """Take a decrypted compound RTCP packet, at least 8 bytes."""
        ...

    def got_state(self, state: str) -> None:
        """Take a change: ``connecting``, ``connected``, and last ``failed`` or ``closed``."""
        ...


def dropped(why: str) -> None:
    """Count a datagram that is of no use."""
    _bad.labels(why).inc()
    _log.debug("datagram dropped", why=why)


@dataclass(slots=True, eq=False)
class Port:
    """One bound socket, with the transports that live at the far addresses it hears from."""

    socket: PlainSocket
    arriving: Slots
    leaving: Slots
    transports: dict[bytes, "Transport"] = field(default_factory=dict)


class Home(Protocol):
    """What a transport needs of its endpoint."""

    awake: bool

    def flush_soon(self) -> None:
        """Send what is queued before the loop sleeps."""
        ...

    def forget(self, transport: "Transport") -> None:
        """Route nothing to ``transport`` any more."""
        ...


class Transport:
    """ICE-lite, DTLS and SRTP of one peer connection. Made by ``Endpoint.open``.

    ``heard_at`` is the monotonic time of the last authenticated datagram; ``packets_dropped`` counts
    what was to be sent and could not.
    """

    def __init__(
        self,
        home: Home,
        tap: Tap,
        certificate: RTCCertificate,
        candidates: list[RTCIceCandidate],
        promise_s: float,
    ) -> None:
        self.ufrag, self.password = _ice_chars(6), _ice_chars(18)
        self.state = "new"
        self.heard_at = float("-inf")
        self.packets_dropped = 0
        self._home, self._tap, self._certificate = home, tap, certificate
        self._candidates, self._promise_s = candidates, promise_s
        self._username = ""
        self._key = self.password.encode()
        self._port: Port | None = None
        self._address = b""
        self._known: list[tuple[Port, bytes]] = []
        self._ssrcs: set[bytes] = set()
        self._srtp: Srtp | None = None
        self._checked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._dtls = Dtls(certificate, self._send_dtls, self._ended)

    def fingerprints(self) -> list[RTCDtlsFingerprint]:
        """Return the fingerprints of our certificate, for ``a=fingerprint``."""
        return self._certificate.getFingerprints()

    def candidates(self) -> list[RTCIceCandidate]:
        """Return the host candidates, the advertised addresses first."""
        return list(self._candidates)

    def connect(self, tasks: asyncio.TaskGroup, ufrag: str, password: str, dtls: RTCDtlsParameters) -> None:
        """Begin to answer checks of the remote ``ufrag`` and to shake hands once one has come.

        ``password`` is the remote's; a lite agent sends no checks and never needs it. The answer must
        say ``a=setup:passive``. Raises RuntimeError when called twice.
        """
        if self.state != "new":
            raise RuntimeError("a transport connects once")
        self._username = f"{self.ufrag}:{ufrag}"
        self._set_state("connecting")
        self._task = tasks.create_task(self._connect(dtls))

    def send_rtp(self, header: bytes, packet: bytes, offset: int) -> bool:
        """Encrypt and queue ``header`` and ``packet[offset:]``; False: not connected, or too long.

        What is queued leaves at the end of the wake-up; what the kernel then has no room for is counted
        in ``teller_media_unsent_datagrams``.
        """
        srtp, port = self._srtp, self._port
        if srtp is None or port is None:
            self.packets_dropped += 1
            return False
        socket = port.socket
        slot = socket.free
        length = socket.fill(header, packet, offset)
        if length:
            length = srtp.protect(port.leaving.pointers[slot], length)
        if not length:
            self.packets_dropped += 1
            return False
        socket.queue(length, self._address)
        if not self._home.awake:
            self._home.flush_soon()
        return True

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt and queue a compound RTCP packet; dropped and counted like RTP."""
        srtp, port = self._srtp, self._port
        length = 0
        if srtp is not None and port is not None:
            slot = port.socket.free
            length = port.socket.fill(packet, b"", 0)
            if length:
                length = srtp.protect_rtcp(port.leaving.pointers[slot], length)
            if length:
                self._queue(port, length, self._address)
        if not length:
            self.packets_dropped += 1

    def got_check(self, port: Port, address: bytes, datagram: bytes, now: float) -> None:
        """Take a binding request with our user name: answer it and follow its nomination."""
        if not self._username:
            dropped("early")
            return
        check = ice_lite.verify(datagram, self._username, self._key)
        if isinstance(check, str):
            dropped(check)
            return
        if not self._own(port, address, now):
            dropped("taken")
            return
        self.heard_at = now
        if check.nominates or self._port is None:
            self._port, self._address = port, address
        answer = ice_lite.answer(check, *unpack_address(address), self._key)
        port.socket.fill(answer, b"", 0)
        self._queue(port, len(answer), address)
        self._checked.set()

    def got_dtls(self, datagram: bytes) -> None:
        """Take a DTLS datagram from an address that passed a check."""
        if not self._dtls.push(datagram):
            dropped("dtls_queue")

    def got_srtp(self, port: Port, slot: int, length: int, now: float) -> None:
        """Take an SRTP or SRTCP packet from an address that passed a check; decrypt it where it lies."""
        srtp = self._srtp
        if srtp is None or length < 12:
            dropped("early" if srtp is None else "short")
            return
        received, at, pointer = port.socket.received, slot * DATAGRAM_MAX, port.arriving.pointers[slot]
        if 192 <= port.socket.octets[at + 1] <= 223:  # RFC 5761 section 4
            length = srtp.unprotect_rtcp(pointer, length)
            if length > 0:
                self.heard_at = now
                self._tap.got_rtcp(received[at : at + length], now)
            else:
                dropped(why_refused(length))
            return
        ssrc = received[at + 8 : at + 12]
        if ssrc not in self._ssrcs and len(self._ssrcs) >= _SSRC_MAX:
            dropped("ssrcs")
            return
        length = srtp.unprotect(pointer, length)
        if length <= 0:
            dropped(why_refused(length))
            return
        self.heard_at = now
        self._ssrcs.add(ssrc)
        packet = received[at : at + length]
        if _is_whole(packet):
            self._tap.got_rtp(packet, now)
        else:
            dropped("rtp_header")

    def lose(self, port: Port, address: bytes) -> None:
        """Forget an address, which another transport has proved to be its own now."""
        self._known.remove((port, address))
        if (port, address) == (self._port, self._address):
            self._port = None

    async def close(self) -> None:
        """Say goodbye (close_notify) and forget every address. Idempotent."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._dtls.close()
        self._end("closed")

    async def _connect(self, remote: RTCDtlsParameters) -> None:
        keys = None
        try:
            async with asyncio.timeout(self._promise_s):
                await self._checked.wait()
                keys = await self._dtls.handshake(remote)
        except TimeoutError:
            _log.info("no connection in time", checked=self._checked.is_set())
        except Exception as error:
            _log.warning("handshake failed", error=type(error).__name__, pii_error=str(error))
        if keys is None:
            self._end("failed")
        else:
            self._srtp = keys
            self._set_state("connected")

    def _ended(self) -> None:
        self._end("closed")

    def _end(self, state: str) -> None:
        if self.state in ("failed", "closed"):
            return
        self._srtp = self._port = None
        for port, address in self._known:
            del port.transports[address]
        self._known.clear()
        self._home.forget(self)
        self._set_state(state)

    def _own(self, port: Port, address: bytes, now: float) -> bool:
        """Route what comes from ``address`` to us, unless it belongs to another who lives."""
        owner = port.transports.get(address)
        if owner is self:
            return True
        if owner is not None:
            if owner.heard_at > now - _OWNED_S:
                return False
            owner.lose(port, address)
        if len(self._known) == _ADDRESSES_MAX:
            oldest = next(known for known in self._known if known != (self._port, self._address))
            self._known.remove(oldest)
            del oldest[0].transports[oldest[1]]
        self._known.append((port, address))
        port.transports[address] = self
        return True

    def _send_dtls(self, datagram: bytes) -> None:
        port = self._port
        if port is not None and port.socket.fill(datagram, b"", 0):
            self._queue(port, len(datagram), self._address)

    def _queue(self, port: Port, length: int, address: bytes) -> None:
        port.socket.queue(length, address)
        if not self._home.awake:
            self._home.flush_soon()

    def _set_state(self, state: str) -> None:
        _log.debug("transport", old=self.state, new=state)
        self.state = state
        self._tap.got_state(state)


def _is_whole(packet: bytes) -> bool:
    """Tell whether the header, contributing sources and extension included, lies inside (RFC 3550)."""
    size = len(packet)
    end = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        end += 4
        if end <= size:
            end += 4 * (packet[end - 2] << 8 | packet[end - 1])
    return end <= size


def _ice_chars(count: int) -> str:
    """Return random text of the characters that ICE allows (RFC 8839 section 5.4), 4 for 3 bytes."""
    return base64.b64encode(secrets.token_bytes(count)).decode()
