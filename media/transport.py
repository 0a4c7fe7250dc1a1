"""One peer connection as the wire sees it: who it is, where it is, and its keys."""

import asyncio
import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
from aiortc import RTCCertificate, RTCIceCandidate
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from prometheus_client import Counter

from media import ice_lite
from media.batch_socket import DATAGRAM_MAX, PlainSocket, unpack_address
from media.dtls_srtp import Dtls, Slots, Srtp, why_refused

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
        self._known: dict[bytes, Port] = {}
        self._ssrcs: set[bytes] = set()
        self._srtp: Srtp | None = None
        self._checked = asyncio.Event()
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
        say ``a=setup:active``. Raises RuntimeError when called twice.
        """
        if self.state != "new":
            raise RuntimeError("a transport connects once")
        self._username = f"{self.ufrag}:{ufrag}"
        self._set_state("connecting")
        tasks.create_task(self._connect(dtls))

    def send_rtp(self, header: bytes, packet: bytes, offset: int) -> bool:
        """Encrypt and queue ``header`` and ``packet[offset:]``; False: not connected, or too long."""
        raise NotImplementedError

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt and queue a compound RTCP packet; dropped and counted like RTP."""
        raise NotImplementedError

    async def close(self) -> None:
        """Say goodbye (close_notify) and forget every address. Idempotent."""
        raise NotImplementedError
