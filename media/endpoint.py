"""All peer connections of one worker behind one UDP port.

A wake-up costs 45 us and more before the first packet is touched (event loop, epoll, cold caches), a packet
in a batch 10 to 15. So after two wake-ups within COALESCE_S the sockets are looked at once per COALESCE_S,
until a look finds nothing. CPU per forwarded packet, unprotect to sendmmsg, one receiver, AES-128-GCM, 1,150
bytes, on a 2-core machine busy with other work (which makes batches by itself when it comes late)::

    packets/s     every packet wakes     as here
        500            110-145 us       100-190 us
      5,000             21- 36 us        21- 25 us
     15,000             18- 21 us        14- 19 us

The loop watches a selector that watches the sockets' selector: to stop and to start watching costs 16 us that
way, 42 us with the loop's own remove_reader and add_reader.
"""

import asyncio
import errno
import ipaddress
import selectors
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from types import TracebackType
from typing import Self

import ifaddr
import structlog
from aiortc import RTCCertificate, RTCIceCandidate

from contract.errors import MediaError
from media import ice_lite
from media.aiortc_seam import Slots
from media.batch_socket import (
    DATAGRAM_MAX,
    RECEIVE_SLOTS,
    SEND_SLOTS,
    SEND_STRIDE,
    PlainSocket,
    open_socket,
)
from media.settings import MediaSettings
from media.transport import Bucket, Path, Port, Tap, Transport, dropped

_log = structlog.get_logger(__name__)

# A wake-up sooner than this after the last one is followed by looking: see the table above.
COALESCE_S = 0.001
# Full reads in one go; then timers and other sockets get their turn (256 packets are 8 ms of work).
_READS_MAX = 16
# A packet that seems to have waited longer, or to come from the future: the clock was set meanwhile.
_WAITED_MAX_S = 1.0
# Checks from unknown addresses that are parsed and hashed, per second: at 60 us each 2.4 % of a core. The
# checks of 20 browsers that connect in the same second pass; what is dropped is sent again. Of one
# transport come at most 20, so that no party can use up all.
_CHECKS_PER_S = 400
# How often transports are asked whether they are still heard from where they send to.
_SWEEP_S = 1.0
# A certificate is valid for 30 days; nobody's call lasts for the other 29.
_CERTIFICATE_S = 86_400.0
# Ports tried until one is free on every address; the second finding a taken one is rare already.
_PORT_TRIES = 32


class Endpoint:
    """One UDP port number on every bind address, shared by all transports that ``open`` makes.

    An async context manager: it binds on entering (``port`` is known then) and closes every transport
    and socket on leaving. ``awake`` is for transports: the end of the present wake-up sends what is
    queued.
    """

    def __init__(self, settings: MediaSettings) -> None:
        self.port = settings.port
        self.awake = False
        self._settings = settings
        self._stack = ExitStack()
        self._listeners: list[_Listener] = []
        self._transports: dict[bytes, Transport] = {}
        self._candidates: list[RTCIceCandidate] = []
        self._certificate, self._certified_at = RTCCertificate.generateCertificate(), time.monotonic()
        self._looked_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._checks, self._swept_at = Bucket(_CHECKS_PER_S), 0.0

    async def __aenter__(self) -> Self:
        """Bind.

        Raises:
            MediaError: an address is not ours, or the port is taken; the text names both.
        """
        self._loop = asyncio.get_running_loop()
        sockets = _bind(self._settings)
        self._sockets = self._stack.enter_context(selectors.DefaultSelector())
        self._gate = self._stack.enter_context(selectors.DefaultSelector())
        self.port = sockets[0].port
        for sock in sockets:
            self._listeners.append(_Listener(self, self._stack.enter_context(closing(sock))))
            self._sockets.register(sock.fileno(), selectors.EVENT_READ)
            _log.info("listening", pii_host=sock.host, port=sock.port, buffers=sock.buffers)
        addresses = (*self._settings.advertised_addresses, *(sock.host for sock in sockets))
        self._gate.register(self._sockets.fileno(), selectors.EVENT_READ)
        self._loop.add_reader(self._gate.fileno(), self._readable)
        self._candidates = list(_candidates(dict.fromkeys(addresses), self.port))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for transport in list(self._transports.values()):
            await transport.close()
        self._flush()
        if self._timer:
            self._timer.cancel()
        self._loop.remove_reader(self._gate.fileno())
        self._stack.close()

    def open(self, tap: Tap) -> Transport:
        """Return a new transport whose packets go to ``tap``."""
        if time.monotonic() - self._certified_at > _CERTIFICATE_S:
            self._certificate, self._certified_at = RTCCertificate.generateCertificate(), time.monotonic()
        transport = Transport(self, tap, self._certificate, self._candidates, self._settings.promise_s)
        self._transports[transport.ufrag.encode()] = transport
        return transport

    def forget(self, transport: Transport) -> None:
        """Route nothing to ``transport`` any more."""
        self._transports.pop(transport.ufrag.encode(), None)

    def addressee(self, datagram: bytes, path: Path | None, now: float) -> Transport | None:
        """Return whom a STUN message is for; None when it is for nobody, or there are too many.

        ``path`` is what is known of the address that it came from.
        """
        name = ice_lite.addressed_to(datagram)
        transport = None if name is None else self._transports.get(name)
        if transport is None:
            dropped("stun" if name is None else "ufrag")
            return None
        if path is not None and path.transport is transport:
            passes = transport.known_checks.take(now)
        else:
            passes = transport.new_checks.take(now) and self._checks.take(now)
        if not passes:
            dropped("flood")
            return None
        return transport

    def flush_soon(self) -> None:
        """Send what is queued before the loop sleeps."""
        self.awake = True
        self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self.awake = False
        for listener in self._listeners:
            if listener.port.socket.free:
                listener.port.socket.flush()

    def _readable(self) -> None:
        now = time.monotonic()
        soon = now - self._looked_at < COALESCE_S
        self._look(now)
        if soon:
            self._gate.unregister(self._sockets.fileno())
            self._timer = self._loop.call_later(COALESCE_S, self._again)

    def _again(self) -> None:
        if self._look(time.monotonic()):
            self._timer = self._loop.call_later(COALESCE_S, self._again)
        else:
            self._timer = None
            self._gate.register(self._sockets.fileno(), selectors.EVENT_READ)

    def _look(self, now: float) -> bool:
        """Take what is there and send what came of it; tell whether there was anything."""
        self._looked_at = now
        if now - self._swept_at > _SWEEP_S:
            self._swept_at = now
            for transport in self._transports.values():
                transport.stop_if_unheard(now)
        found = False
        for listener in self._listeners:
            for _ in range(_READS_MAX):
                self.awake = True
                count = listener.look(now)
                self._flush()
                found = found or count > 0
                if count < RECEIVE_SLOTS:
                    break
        return found


class _Listener:
    """Takes what one socket brings and hands it to the transports."""

    def __init__(self, endpoint: Endpoint, sock: PlainSocket) -> None:
        self._endpoint = endpoint
        self.port = Port(
            sock,
            Slots(sock.received, range(0, RECEIVE_SLOTS * DATAGRAM_MAX, DATAGRAM_MAX)),
            Slots(sock.sending, range(sock.send_at(0), sock.send_at(SEND_SLOTS), SEND_STRIDE)),
        )
        self._now = self._skew = 0.0

    def look(self, now: float) -> int:
        """Take what is there, at most RECEIVE_SLOTS datagrams; return how many."""
        self._now, self._skew = now, now - time.time()
        return self.port.socket.receive(self._got)

    def _got(self, slot: int, length: int, address: bytes, stamp: float) -> None:
        port = self.port
        # When it came, not when we looked: or our own pauses would look like the line's.
        now = stamp + self._skew
        if not self._now - _WAITED_MAX_S < now < self._now:
            now = self._now
        path = port.paths.get(address)
        first = port.socket.octets[slot * DATAGRAM_MAX] if length else 255
        try:
            if first < 4:
                at = slot * DATAGRAM_MAX
                datagram = port.socket.received[at : at + length]
                addressee = self._endpoint.addressee(datagram, path, now)
                if addressee is not None:
                    addressee.got_check(port, address, datagram, now)
            elif path is None:
                dropped("address")
            elif 128 <= first < 192:
                path.transport.got_srtp(path, slot, length, now)
            elif 20 <= first < 64:
                at = slot * DATAGRAM_MAX
                path.transport.got_dtls(port.socket.received[at : at + length])
            else:
                dropped("first_byte")
        except Exception as error:
            # One datagram must not cost the others of this wake-up, which belong to other calls.
            _log.exception("datagram failed", error=type(error).__name__)


def _bind(settings: MediaSettings) -> list[PlainSocket]:
    """Return a socket for every address, all with one port number."""
    hosts = _hosts(settings.bind_addresses)
    for _ in range(_PORT_TRIES):
        sockets = _bind_all(hosts, settings.port, optional=not settings.bind_addresses)
        if sockets:
            return sockets
    raise MediaError(f"no port is free on all of {', '.join(hosts)}")


def _bind_all(hosts: list[str], port: int, optional: bool) -> list[PlainSocket]:
    """Bind all ``hosts``; nothing when ``port`` is 0 and the one found is taken on another host.

    ``optional`` ones that this machine has but cannot use (an IPv6 address not yet confirmed) are left out.
    """
    sockets: list[PlainSocket] = []
    for host in hosts:
        try:
            sockets.append(open_socket(host, port or (sockets[0].port if sockets else 0)))
        except OSError as error:
            if optional and error.errno == errno.EADDRNOTAVAIL:
                _log.warning("address left out", pii_host=host)
                continue
            number = port or (sockets[0].port if sockets else 0)
            for sock in sockets:
                sock.close()
            if sockets and not port and error.errno == errno.EADDRINUSE:
                return []
            raise MediaError(f"cannot listen on {host} port {number}: {error.strerror}") from error
    return sockets


def _hosts(wanted: tuple[str, ...]) -> list[str]:
    """Return numeric addresses; nothing wanted, ``0.0.0.0`` and ``::`` stand for all of this machine."""
    hosts: dict[str, None] = {}
    for address in wanted or ("0.0.0.0", "::"):  # noqa: S104 - replaced by the addresses themselves
        parsed = ipaddress.ip_address(address)
        hosts |= dict.fromkeys(_own_addresses(parsed.version) if parsed.is_unspecified else [str(parsed)])
    return list(hosts) or ["127.0.0.1"]


def _own_addresses(version: int) -> list[str]:
    """Return the addresses of this machine's cards, without loopback and IPv6 link-local."""
    found = [
        ip.ip if isinstance(ip.ip, str) else ip.ip[0] for card in ifaddr.get_adapters() for ip in card.ips
    ]
    parsed = [ipaddress.ip_address(text) for text in found]
    return [
        str(ip)
        for ip in parsed
        if ip.version == version and not ip.is_loopback and not (version == 6 and ip.is_link_local)
    ]


def _candidates(addresses: dict[str, None], port: int) -> Iterator[RTCIceCandidate]:
    """Yield host candidates, each a little less wanted than the one before (RFC 8445 section 5.1.2.1)."""
    for n, address in enumerate(addresses):
        yield RTCIceCandidate(
            component=1,
            foundation=str(n + 1),
            ip=address,
            port=port,
            priority=(126 << 24) | ((65_535 - n) << 8) | 255,
            protocol="udp",
            type="host",
        )
