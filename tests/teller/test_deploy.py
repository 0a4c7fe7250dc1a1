"""The example of a coturn configuration: coturn takes it, and it relays to the media server alone."""

import re
import ssl
import time
from pathlib import Path

import pytest

from media.relay_probe import RelayError, RelayServer, measure_relay
from teller.turn import Turn, TurnUri
from tests.coturn import SECRET, Coturn, running_coturn

EXAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "turnserver.conf"
# Set by the test itself, for its own ports, address and certificate.
_OURS = re.compile(r"^(listening-|tls-listening-|relay-ip|cert|pkey|static-auth-secret|realm|syslog|no-cli)")


def words() -> list[str]:
    """Return the example's lines as words of the command, which refuses those that it does not know."""
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    kept = [line.replace("203.0.113.20", "127.0.0.1") for line in lines if not _OURS.match(line)]
    return [f"--{line}" for line in kept]


async def measure(coturn: Coturn, uri: str, *peers: str) -> float:
    way = TurnUri.parse(uri)
    (told,) = Turn((way,), SECRET, 60.0).servers("doctor", time.time())
    server = RelayServer(way.host, way.port, way.transport, told.username or "", told.credential or "")
    return await measure_relay(server, ssl.create_default_context(cafile=coturn.certificate.cert), peers)


async def test_the_example_relays_to_the_media_server_alone(tmp_path: Path) -> None:
    """Over each way a datagram passes to and from it; any other address is refused."""
    with running_coturn(tmp_path, *words()) as coturn:
        for uri in (coturn.udp, coturn.tcp, coturn.tls):
            assert await measure(coturn, uri) > 0
        for elsewhere in ("192.0.2.1", "10.0.0.1", "127.0.0.2"):
            with pytest.raises(RelayError, match=f"forbids to relay to {elsewhere}"):
                await measure(coturn, coturn.udp, elsewhere)


def test_the_example_names_no_secret() -> None:
    """The secret must be replaced; every line of the example is explained by a comment above it."""
    text = EXAMPLE.read_text()

    assert "static-auth-secret=CHANGE-ME" in text
    assert all(block.startswith("#") for block in text.strip().split("\n\n"))
