"""TURN servers as the doctor and the service's watch report them, with a real coturn."""

import asyncio
import io
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from rich.console import Console
from structlog.testing import capture_logs

from teller import doctor, relays
from teller.config import load
from tests.coturn import SECRET, Coturn, running_coturn


@pytest.fixture(name="coturn", scope="module")
def _coturn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coturn]:
    with running_coturn(tmp_path_factory.mktemp("coturn"), "--denied-peer-ip=10.0.0.0-10.255.255.255") as it:
        yield it


@pytest.fixture(name="_relays_only")
def _no_other_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "CHECKS", {})


async def examined(**media: Any) -> tuple[int, str]:
    """Return the doctor's exit code and what it printed."""
    out = io.StringIO()
    code = await doctor.examine(load(None, {"media": media}), Console(file=out, width=300))
    return code, out.getvalue()


def gauge(uri: str) -> float | None:
    return REGISTRY.get_sample_value("teller_turn_round_trip_seconds", {"server": uri})


@pytest.mark.usefixtures("_relays_only")
async def test_doctor_times_every_way(coturn: Coturn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each URI has a line with its round trip; the system's trust decides on the certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(coturn.certificate.cert))
    code, told = await examined(turn=[coturn.udp, coturn.tcp, coturn.tls], turn_secret=SECRET)

    assert code == 0, told
    assert told.count(" there and back in ") == 3
    assert all(uri in told for uri in (coturn.udp, coturn.tcp, coturn.tls))


@pytest.mark.usefixtures("_relays_only")
async def test_doctor_says_what_is_wrong_with_which(coturn: Coturn) -> None:
    """The bad one is named with its cause, the good one stays good, the code is 1, no secret is printed."""
    code, told = await examined(turn=[coturn.udp, coturn.tls], turn_secret=SECRET)

    good, bad = told.splitlines()
    assert code == 1
    assert good.startswith("✓ turn")
    assert bad.startswith(f"✗ turn         {coturn.tls}: the certificate is not accepted: self")
    assert SECRET not in told


@pytest.mark.usefixtures("_relays_only")
@pytest.mark.parametrize(
    ("settings", "cause"),
    [
        ({"turn_secret": "another"}, "the server refuses the credentials"),
        ({"turn_secret": SECRET, "advertised": ("10.1.2.3",)}, "forbids to relay to 10.1.2.3"),
        ({"turn_secret_file": "/nonexistent"}, "media.turn_secret_file: No such file or directory"),
    ],
)
async def test_doctor_names_the_cause(coturn: Coturn, settings: dict[str, str], cause: str) -> None:
    """Another secret, an advertised address that is denied, a secret that cannot be read."""
    code, told = await examined(turn=[coturn.udp], **settings)

    assert code == 1
    assert cause in told


@pytest.mark.usefixtures("_relays_only")
async def test_doctor_mentions_that_there_is_none() -> None:
    """Without TURN the code is 0, with a word on who cannot call."""
    code, told = await examined()

    assert code == 0
    assert "! turn         none" in told


@pytest.mark.usefixtures("_relays_only")
async def test_doctor_prints_ipv6_addresses_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Brackets are text, not markup."""

    async def passes(*_: Any) -> float:
        return 0.012

    monkeypatch.setattr(doctor, "try_relay", passes)
    _, told = await examined(turn=["turn:[fd00::1]:3478"], turn_secret=SECRET)

    assert "turn:[fd00::1]:3478: there and back in 12 ms" in told


async def test_the_service_watches_its_relays(
    coturn: Coturn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once and again and again: a line in the log and a gauge for each way, also when one fails."""
    monkeypatch.setattr(relays, "_EVERY_S", 0.01)
    media = {"turn": [coturn.udp, coturn.tls], "turn_secret": SECRET}
    config = load(None, {"data_dir": str(tmp_path), "media": media})
    with capture_logs() as lines:
        watching = asyncio.create_task(relays.watch_relays(config))
        deadline = time.monotonic() + 20
        while len(lines) < 4:
            assert time.monotonic() < deadline, f"only {lines}"
            await asyncio.sleep(0.01)
        watching.cancel()

    assert [line["event"] for line in lines[:4]] == ["relay_usable", "relay_not_usable"] * 2
    assert 0 < (gauge(coturn.udp) or 0) < 1
    assert math.isnan(gauge(coturn.tls) or 0)
    assert SECRET not in str(lines)


async def test_without_relays_nothing_is_watched() -> None:
    """The watch ends at once."""
    await asyncio.wait_for(relays.watch_relays(load()), 5)
