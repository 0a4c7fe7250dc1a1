"""Tries a TURN server as a browser would: allocates a relay and sends a datagram through it and back."""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, Literal

from aioice import stun, turn

from contract.errors import MediaError

Address = tuple[str, int]
_Client = turn.TurnClientUdpProtocol | turn.TurnClientTcpProtocol

# STUN repeats a lost request after 0.5, 1.5 and 3.5 s (RFC 8489, 6.2.1): the fourth may still arrive.
_STEP_S: Final = 5.0
# A datagram may be lost. The next is sent after two round trips over a poor mobile network.
_AGAIN_S: Final = 1.0
# To let go of the relay; at a server that does not answer it expires by itself.
_DELETE_S: Final = 1.0

# What a refusal means to those who run the server (RFC 8489, 14.8 and RFC 8656, 19).
_REFUSALS: Final = {
    401: "the server refuses the credentials: it has another static-auth-secret or no use-auth-secret, "
    "or a clock is wrong, here or there",
    442: "the server does not relay UDP",
    486: "the server's quota of relays is used up: user-quota or total-quota",
    508: "the server has no port left for a relay: min-port to max-port",
}

_FORBIDDEN: Final = 403


class RelayError(MediaError):
    """The relay cannot be used; the text says the likely cause."""

    default_code = "relay"


@dataclass(frozen=True, slots=True)
class RelayServer:
    """One way to a TURN server, with credentials; ``tls`` is TLS over TCP."""

    host: str
    port: int
    transport: Literal["udp", "tcp", "tls"]
    username: str = field(repr=False)
    credential: str = field(repr=False)


class _Inbox(asyncio.DatagramProtocol):
    """Keeps the datagrams that arrive, and from where."""

    def __init__(self) -> None:
        self._datagrams: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._datagrams.put_nowait((data, addr))

    async def wait_for(self, wanted: bytes) -> Address:
        while True:
            data, sender = await self._datagrams.get()
            if data == wanted:
                return sender


class _End(asyncio.DatagramProtocol):
    """Knows when the connection to the server is closed."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    def connection_lost(self, _exc: Exception | None) -> None:
        self.reached.set()


async def measure_relay(server: RelayServer, tls: ssl.SSLContext, peers: tuple[str, ...] = ()) -> float:
    """Return the seconds from a socket here through the relay to its client and back the same way.

    The relay must be allowed to send to this machine, as the server sees it, and to ``peers``, the IP
    addresses at which browsers look for the media server. ``tls`` judges the certificate.

    Raises:
        RelayError: it does not work; the text says the likely cause.
    """
    with _explained():
        async with _allocated(server, tls) as (client, relayed):
            for peer in peers:
                if ip_address(peer).version == ip_address(relayed[0]).version:
                    await _permit(client, peer)
            async with _within(f"no datagram comes through the relay: is UDP to {relayed[0]} blocked?"):
                return await _through(client, relayed)


@asynccontextmanager
async def _allocated(server: RelayServer, tls: ssl.SSLContext) -> AsyncIterator[tuple[_Client, Address]]:
    async with _within(f"no connection: a firewall drops TCP to port {server.port}, or nothing is there"):
        client = await _connect(server, tls)
    try:
        async with _within("no TURN server answers there, or a firewall is in the way"):
            relayed = await client.connect()
        yield client, relayed
    finally:
        await _let_go(client)


async def _let_go(client: _Client) -> None:
    """Give the relay back and wait until the connection is closed: TLS says goodbye in both directions."""
    client.receiver = end = _End()
    try:
        async with asyncio.timeout(_DELETE_S):
            if client.relayed_address is not None:
                await client.delete()
            client.transport.close()
            await end.reached.wait()
    except TimeoutError:
        client.transport.abort()


async def _connect(server: RelayServer, tls: ssl.SSLContext) -> _Client:
    loop = asyncio.get_running_loop()
    address = (server.host, server.port)
    told = (
        address, server.username, server.credential,
        turn.DEFAULT_ALLOCATION_LIFETIME, turn.DEFAULT_CHANNEL_REFRESH_TIME,
    )  # fmt: skip
    client: _Client
    if server.transport == "udp":
        _, client = await loop.create_datagram_endpoint(
            lambda: turn.TurnClientUdpProtocol(*told), remote_addr=address
        )
    else:
        judge = tls if server.transport == "tls" else None
        _, client = await loop.create_connection(
            lambda: turn.TurnClientTcpProtocol(*told), *address, ssl=judge
        )
    return client


async def _permit(client: _Client, peer: str) -> None:
    request = stun.Message(stun.Method.CREATE_PERMISSION, stun.Class.REQUEST)
    # A permission is for an address; its port is ignored (RFC 8656, 9.1).
    request.attributes["XOR-PEER-ADDRESS"] = (peer, 0)
    async with _within("the server answers no more"):
        with _allowing(peer):
            await client.request_with_retry(request)


async def _through(client: _Client, relayed: Address) -> float:
    loop = asyncio.get_running_loop()
    near, far = _Inbox(), _Inbox()
    client.receiver = far
    transport, _ = await loop.create_datagram_endpoint(lambda: near, remote_addr=relayed)
    try:
        host = (client.mapped_address or relayed)[0]
        with _allowing(host):
            await client.send_data(_mark(), (host, transport.get_extra_info("sockname")[1]))
        # Behind a NAT the port that the relay sees is another than ours.
        peer = await _first_heard(transport, far)
        await client.send_data(_mark(), peer)
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN_S):
                    sent, mark = loop.time(), _mark()
                    transport.sendto(mark)
                    await client.send_data(mark, await far.wait_for(mark))
                    await near.wait_for(mark)
                    return loop.time() - sent
    finally:
        transport.close()


async def _first_heard(transport: asyncio.DatagramTransport, far: _Inbox) -> Address:
    while True:
        mark = _mark()
        transport.sendto(mark)
        with suppress(TimeoutError):
            async with asyncio.timeout(_AGAIN_S):
                return await far.wait_for(mark)


def _mark() -> bytes:
    return os.urandom(16)


@asynccontextmanager
async def _within(otherwise: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_STEP_S):
            yield
    except (TimeoutError, stun.TransactionTimeout) as error:
        raise RelayError(otherwise) from error


@contextmanager
def _allowing(peer: str) -> Iterator[None]:
    try:
        yield
    except stun.TransactionFailed as error:
        if error.response.error_code != _FORBIDDEN:
            raise
        raise RelayError(
            f"the server forbids to relay to {peer}: allow it there (allowed-peer-ip, denied-peer-ip)"
        ) from error


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except stun.TransactionFailed as error:
        code = error.response.error_code or 0
        raise RelayError(_REFUSALS.get(code, f"the server refuses with {code}")) from error
    except socket.gaierror as error:
        raise RelayError("the name does not resolve") from error
    except ssl.SSLCertVerificationError as error:
        raise RelayError(f"the certificate is not accepted: {error.verify_message}") from error
    except ssl.SSLError as error:
        raise RelayError("the server does not speak TLS there") from error
    except OSError as error:
        raise RelayError(
            f"no connection: {os.strerror(error.errno)}" if error.errno else str(error)
        ) from error
