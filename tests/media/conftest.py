"""Every peer of these tests talks over loopback and leaves frames encoded."""

from collections.abc import AsyncIterator

import aiortc.rtcrtpreceiver
import pytest

from media.plane import Plane
from media.settings import MediaSettings
from tests.media.scripted import KeepingDecoder, KeepingReceiver, ListJournal, Stage, SystemClock

BIND = ("127.0.0.1",)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda use_ipv4, use_ipv6: list(BIND))
    monkeypatch.setattr(aiortc.rtcrtpreceiver, "get_decoder", lambda codec: KeepingDecoder())


@pytest.fixture
def settings() -> MediaSettings:
    """Return settings with short promises."""
    return MediaSettings(bind_addresses=BIND, promise_s=5.0, quality_interval_s=1.0)


@pytest.fixture
async def stage(settings: MediaSettings) -> AsyncIterator[Stage]:
    """Return a plane with one open call."""
    journal, receiver = ListJournal(), KeepingReceiver()
    async with Plane(journal, SystemClock(), settings, [receiver]) as plane:
        staged = Stage(plane, journal, receiver)
        await plane.open_call(staged.case, staged.call)
        yield staged
