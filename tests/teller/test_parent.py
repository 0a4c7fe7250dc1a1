"""A child ends with its parent, even when that had ended before the child could look."""

import asyncio
import os
import subprocess
import sys

import pytest

from teller.parent import following_parent


async def test_without_a_parent_nothing_is_followed() -> None:
    """A process that somebody starts by hand goes on."""
    stop = asyncio.Event()
    with following_parent(stop, None):
        await asyncio.sleep(0)
    assert not stop.is_set()


@pytest.mark.parametrize("parent", [0, os.getppid()])
async def test_a_living_parent_stops_nothing(parent: int) -> None:
    """Named or not, it is waited for."""
    stop = asyncio.Event()
    with following_parent(stop, parent):
        await asyncio.sleep(0)
    assert not stop.is_set()


async def test_a_parent_that_was_gone_before_is_noticed() -> None:
    """The child of a server that was killed at once has another parent by the time it looks."""
    ended = await asyncio.to_thread(subprocess.Popen, [sys.executable, "-c", ""])
    await asyncio.to_thread(ended.wait)
    stop = asyncio.Event()
    with following_parent(stop, ended.pid):
        assert stop.is_set()
