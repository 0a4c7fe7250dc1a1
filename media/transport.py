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
# Six streams of a browser with their retransmissions are twelve, and its reports have one more number;
# libsrtp keeps state for each, of RTP or RTCP, and looks for it one by one.
_SSRC_MAX = 64
# Consent expires after 30 s (RFC 7675), but a browser that lives is heard every 2.5 s. An address from which
# nothing came for so long may be another's now, and gives way to one that lives.
_STALE_S = 5.0
# Consent is checked every 4 to 6 s (RFC 7675 section 5.1) by a browser that has nothing else to say: where
# nothing came for two checks, nobody wants what we send.
_SILENT_S = 12.0
# Checks from new addresses: a browser sends one every 20 to 50 ms until the first is answered. Then, from
# known ones, as many for each pair that it keeps. At 60 us each all of it is 0.4 % of a core.
_NEW_CHECKS_PER_S, _KNOWN_CHECKS_PER_S = 20.0, 50.0


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
    """One bound socket, with the paths to the far addresses that it hears from."""

    socket: PlainSocket
    arriving: Slots
    leaving: Slots
    paths: dict[bytes, "Path"] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Path:
    """A far address that passed a check, and when the last authenticated datagram came from there."""

    transport: "Transport"
    port: Port
    address: bytes
    heard_at: float


class Bucket:
    """Lets ``per_s`` pass in a second, as many at once."""

    def __init__(self, per_s: float) -> None:
        self._per_s = self._left = per_s
        self._at = float("-inf")

    def take(self, now: float) -> bool:
        """Tell whether one more may pass; ``now`` is monotonic, and may go back a little."""
        if now > self._at:
            self._left = min(self._per_s, self._left + (now - self._at) * self._per_s)
            self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


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
    what was to be sent and could not. ``new_checks`` and ``known_checks`` say how many checks are parsed,
    from addresses not yet ours and from ours.
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
        self.new_checks, self.known_checks = Bucket(_NEW_CHECKS_PER_S), Bucket(_KNOWN_CHECKS_PER_S)
        # Where we send to, and all that passed a check.
        self._path: Path | None = None
        self._paths: list[Path] = []
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
        srtp, path = self._srtp, self._path
        if srtp is None or path is None:
            self.packets_dropped += 1
            return False
        port = path.port
        socket = port.socket
        slot = socket.free
        length = socket.fill(header, packet, offset)
        if length:
            length = srtp.protect(port.leaving.pointers[slot], length)
        if not length:
            self.packets_dropped += 1
            return False
        socket.queue(length, path.address)
        if not self._home.awake:
            self._home.flush_soon()
        return True

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt and queue a compound RTCP packet; dropped and counted like RTP."""
        srtp, path = self._srtp, self._path
        length = 0
        if srtp is not None and path is not None:
            socket = path.port.socket
            slot = socket.free
            length = socket.fill(packet, b"", 0)
            if length:
                length = srtp.protect_rtcp(path.port.leaving.pointers[slot], length)
            if length:
                self._queue(path, length)
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
        path = self._own(port, address, now)
        if path is None:
            dropped("taken")
            return
        path.heard_at = self.heard_at = now
        if check.nominates:
            self._path = path
        else:
            self._prefer(path, now)
        answer = ice_lite.answer(check, *unpack_address(address), self._key)
        port.socket.fill(answer, b"", 0)
        self._queue(path, len(answer))
        self._checked.set()

    def got_dtls(self, datagram: bytes) -> None:
        """Take a DTLS datagram from an address that passed a check."""
        if not self._dtls.push(datagram):
            dropped("dtls_queue")

    def got_srtp(self, path: Path, slot: int, length: int, now: float) -> None:
        """Take an SRTP or SRTCP packet from an address that passed a check; decrypt it where it lies."""
        srtp = self._srtp
        if srtp is None or length < 12:
            dropped("early" if srtp is None else "short")
            return
        port = path.port
        received, at, pointer = port.socket.received, slot * DATAGRAM_MAX, port.arriving.pointers[slot]
        is_rtcp = 192 <= port.socket.octets[at + 1] <= 223  # RFC 5761 section 4
        ssrc = received[at + 4 : at + 8] if is_rtcp else received[at + 8 : at + 12]
        if ssrc not in self._ssrcs and len(self._ssrcs) >= _SSRC_MAX:
            dropped("ssrcs")
            return
        length = (srtp.unprotect_rtcp if is_rtcp else srtp.unprotect)(pointer, length)
        if length <= 0:
            dropped(why_refused(length))
            return
        path.heard_at = self.heard_at = now
        if path is not self._path:
            self._prefer(path, now)
        self._ssrcs.add(ssrc)
        packet = received[at : at + length]
        if is_rtcp:
            self._tap.got_rtcp(packet, now)
        elif _is_whole(packet):
            self._tap.got_rtp(packet, now)
        else:
            dropped("rtp_header")

    def stop_if_unheard(self, now: float) -> None:
        """Send nothing more to an address from which nothing authenticated comes any more."""
        if self._path is not None and self._path.heard_at < now - _SILENT_S:
            self._path = None

    def lose(self, path: Path) -> None:
        """Forget an address, which another transport has proved to be its own now."""
        self._paths.remove(path)
        if path is self._path:
            self._path = None

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
        self._srtp = self._path = None
        for path in self._paths:
            del path.port.paths[path.address]
        self._paths.clear()
        self._home.forget(self)
        self._set_state(state)

    def _prefer(self, path: Path, now: float) -> None:
        """Send to ``path``, which was heard just now, unless where we send to lives too."""
        if self._path is None or self._path.heard_at < now - _STALE_S:
            self._path = path

    def _own(self, port: Port, address: bytes, now: float) -> Path | None:
        """Route what comes from ``address`` to us, unless another transport is heard from there."""
        path = port.paths.get(address)
        if path is not None:
            if path.transport is self:
                return path
            if path.heard_at > now - _STALE_S:
                return None
            path.transport.lose(path)
        if len(self._paths) == _ADDRESSES_MAX:
            oldest = min((one for one in self._paths if one is not self._path), key=lambda one: one.heard_at)
            self._paths.remove(oldest)
            del oldest.port.paths[oldest.address]
        path = port.paths[address] = Path(self, port, address, now)
        self._paths.append(path)
        return path

    def _send_dtls(self, datagram: bytes) -> None:
        path = self._path
        if path is not None and path.port.socket.fill(datagram, b"", 0):
            self._queue(path, len(datagram))

    def _queue(self, path: Path, length: int) -> None:
        path.port.socket.queue(length, path.address)
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
