"""Garbage is collected seldom and by the clock; everything is as before afterwards."""

import asyncio
import gc
import sys
import weakref

import pytest

from media import pauses
from media.pauses import short_pauses
from tests.media.scripted import until


class Knot:
    """Refers to itself, so that only the collector can end it."""

    def __init__(self) -> None:
        self.me = self


async def test_cycles_are_collected_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cycle that grew old is gone after the next collection, although none starts by itself."""
    monkeypatch.setattr(pauses, "_SELDOM_S", 0.02)
    monkeypatch.setattr(pauses, "_SHARE", 1.0)
    async with short_pauses():
        assert gc.get_threshold()[2] == 1_000_000
        assert gc.get_freeze_count() > 10_000
        knot = Knot()
        gone = weakref.ref(knot)
        gc.collect(1)
        del knot
        await until("the collection", lambda: gone() is None, 10)


async def test_everything_is_as_before() -> None:
    """Also when the block failed."""
    before = gc.get_threshold(), sys.getswitchinterval(), gc.get_freeze_count()
    with pytest.raises(ExceptionGroup):
        async with short_pauses():
            assert sys.getswitchinterval() < before[1]
            await asyncio.sleep(0)
            raise ValueError("on purpose")
    assert (gc.get_threshold(), sys.getswitchinterval(), gc.get_freeze_count()) == before
