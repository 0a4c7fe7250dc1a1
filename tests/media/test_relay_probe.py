"""The relay probe against a real coturn: what works is measured, what does not is told by its cause."""

import asyncio
import itertools
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from aioice.turn import TurnTransport, create_turn_endpoint

from media import relay_probe
from media.relay_probe import RelayError, RelayServer, measure_relay
from teller.turn import Turn, TurnUri
from tests.coturn import SECRET, Coturn, free_port, running_coturn


@pytest.fixture(name="coturn", scope="module")
def _coturn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coturn]:
    with running_coturn(tmp_path_factory.mktemp("coturn"), "--denied-peer-ip=10.0.0.0-10.255.255.255") as it:
        yield it


def server(uri: str, secret: str = SECRET, *, ttl_s: float = 60.0) -> RelayServer:
    """Return the way to a server with fresh credentials."""
    way = TurnUri.parse(uri)
    (told,) = Turn((way,), secret, ttl_s).servers("doctor", time.time())
    return RelayServer(way.host, way.port, way.transport, told.username or "", told.credential or "")


def trusting(coturn: Coturn | None = None) -> ssl.SSLContext:
    """Return what judges certificates: as the system does, or also with coturn's own."""
    return ssl.create_default_context(cafile=coturn.certificate.cert if coturn else None)


async def until_closed(transport: TurnTransport) -> None:
    """Wait for the deletion that close() began."""
    await transport._TurnTransport__close_task  # type: ignore[attr-defined]


class Greeter(asyncio.Protocol):
    """Says its greeting to whoever comes, and nothing more."""

    def __init__(self, greeting: bytes) -> None:
        self.greeting = greeting
        self.gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self.greeting)

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()


@asynccontextmanager
async def listening(
    greeting: bytes, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Listen on a port for one visitor; on leaving he must be gone."""
    greeter = Greeter(greeting)
    server = await asyncio.get_running_loop().create_server(lambda: greeter, host, 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]
        if tls is None:
            await asyncio.wait_for(greeter.gone.wait(), 5)


async def refused(way: RelayServer, tls: ssl.SSLContext, *peers: str) -> str:
    with pytest.raises(RelayError) as caught:
        await measure_relay(way, tls, peers)
    assert caught.value.code == "relay"
    assert way.credential not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "uri", [lambda c: c.udp, lambda c: c.tcp, lambda c: c.tls], ids=["udp", "tcp", "tls"]
)
async def test_a_datagram_passes_the_relay(coturn: Coturn, uri: Callable[[Coturn], str]) -> None:
    """Over UDP, TCP and TLS a datagram goes through and back, in milliseconds on one machine."""
    seconds = await measure_relay(server(uri(coturn)), trusting(coturn), ("127.0.0.1", "192.0.2.1", "::1"))

    assert 0 < seconds < 0.5


async def test_the_relay_is_let_go(tmp_path: Path) -> None:
    """The server is told that the relay is no longer wanted."""
    with running_coturn(tmp_path, "--verbose") as coturn:
        await measure_relay(server(coturn.udp), trusting())
        log = coturn.log.read_text()

    assert "ALLOCATE processed, success" in log
    assert "lifetime=0" in log


@pytest.mark.parametrize(("secret", "ttl_s"), [("another", 60.0), (SECRET, -60.0)], ids=["secret", "expired"])
async def test_bad_credentials_are_told(coturn: Coturn, secret: str, ttl_s: float) -> None:
    """Another secret and an expired name look alike to a client; both causes are named."""
    said = await refused(server(coturn.tcp, secret, ttl_s=ttl_s), trusting())

    assert "static-auth-secret" in said
    assert "clock" in said


async def test_an_address_that_is_denied_is_named(coturn: Coturn) -> None:
    """An address at which browsers look for the media server must not be denied."""
    said = await refused(server(coturn.udp), trusting(), "10.1.2.3")

    assert "forbids to relay to 10.1.2.3: allow it there" in said


async def test_a_machine_that_is_denied_is_named(tmp_path: Path) -> None:
    """Nor this machine itself, which is loopback here."""
    with running_coturn(tmp_path, loopback_peers=False) as coturn:
        said = await refused(server(coturn.udp), trusting())

    assert "forbids to relay to 127.0.0.1" in said


async def test_a_used_up_quota_is_told(tmp_path: Path) -> None:
    """The quota counts the relays of one party."""
    with running_coturn(tmp_path, "--user-quota=1") as coturn:
        way = server(coturn.udp)
        first, _ = await create_turn_endpoint(
            asyncio.DatagramProtocol, (way.host, way.port), way.username, way.credential
        )
        said = await refused(replace(way, transport="tcp"), trusting())
        first.close()
        await asyncio.wait_for(until_closed(first), 5)

    assert "quota" in said


async def test_other_refusals_are_told_by_number(tmp_path: Path) -> None:
    """A code without a cause of its own is named: here no party may have a relay at all."""
    with running_coturn(tmp_path, "--total-quota=1", "--no-udp-relay") as coturn:
        assert "does not relay UDP" in await refused(server(coturn.tcp), trusting())


async def test_a_certificate_that_nobody_vouches_for_is_told(coturn: Coturn) -> None:
    """Self-made, and trusted by no system."""
    assert "the certificate is not accepted: self" in await refused(server(coturn.tls), trusting())


async def test_a_certificate_for_another_name_is_told(coturn: Coturn) -> None:
    """The name in the URI is the one that the certificate must bear."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(coturn.certificate.cert, coturn.certificate.key)
    async with listening(b"", "127.0.0.2", context) as port:
        way = RelayServer("127.0.0.2", port, "tls", "1:a", "never shown")
        said = await refused(way, trusting(coturn))

    assert "not valid for '127.0.0.2'" in said


@pytest.mark.parametrize(
    ("transport", "cause"),
    [("udp", "no TURN server answers there"), ("tcp", "no connection: Connection refused")],
)
async def test_a_stopped_server_is_told(
    monkeypatch: pytest.MonkeyPatch, transport: Literal["udp", "tcp"], cause: str
) -> None:
    """UDP gets no answer, TCP is refused."""
    monkeypatch.setattr(relay_probe, "_STEP_S", 0.3)
    way = RelayServer("127.0.0.1", free_port(), transport, "1:a", "never shown")

    assert cause in await refused(way, trusting())


async def test_a_name_that_does_not_resolve_is_told() -> None:
    """RFC 6761 keeps .invalid without addresses."""
    way = RelayServer("turn.invalid", 3478, "udp", "1:a", "never shown")

    assert await refused(way, trusting()) == "the name does not resolve"


@pytest.mark.parametrize(
    ("transport", "greeting", "cause"),
    [
        ("tls", b"220 mail.example ESMTP\r\n", "does not speak TLS"),
        ("tls", b"", "no connection: a firewall drops TCP"),
        ("tcp", b"220 mail.example ESMTP\r\n", "no TURN server answers there"),
    ],
)
async def test_another_program_is_told(
    monkeypatch: pytest.MonkeyPatch, transport: Literal["tcp", "tls"], greeting: bytes, cause: str
) -> None:
    """Something that listens is not yet a TURN server."""
    monkeypatch.setattr(relay_probe, "_STEP_S", 0.5)
    async with listening(greeting) as port:
        assert cause in await refused(
            RelayServer("127.0.0.1", port, transport, "1:a", "never shown"), trusting()
        )


async def test_blocked_datagrams_are_told(coturn: Coturn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relay that is made but lets nothing through is a firewall between the server and this machine."""
    monkeypatch.setattr(relay_probe, "_STEP_S", 1.0)
    monkeypatch.setattr(relay_probe._Inbox, "datagram_received", lambda *_: None)

    assert "no datagram comes through the relay" in await refused(server(coturn.udp), trusting())


async def test_lost_datagrams_are_sent_again(coturn: Coturn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every third datagram is lost, the first one too, and the probe still measures."""
    received = relay_probe._Inbox.datagram_received
    count = itertools.count()

    def lossy(inbox: relay_probe._Inbox, data: bytes, addr: tuple[str, int]) -> None:
        if next(count) % 3:
            received(inbox, data, addr)

    monkeypatch.setattr(relay_probe, "_AGAIN_S", 0.05)
    monkeypatch.setattr(relay_probe._Inbox, "datagram_received", lossy)

    assert await measure_relay(server(coturn.udp), trusting()) > 0
