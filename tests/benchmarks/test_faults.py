"""A hundred kills at random seconds in one bounded run, each measured by what it lost."""

from pathlib import Path

import pytest

from benchmarks import faults

# Each of the recorders is killed while it writes four tracks.
RECORDERS, MERGES = 88, 12

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(600)]


async def test_no_kill_of_a_recorder_loses_what_was_promised(tmp_path: Path) -> None:
    """Of each track at most five seconds, and of nearly all far less than one."""
    lost = await faults.kill_recorders(tmp_path, RECORDERS)

    # A process that was killed before it had opened a track has nothing to lose of it.
    assert 3 * RECORDERS < len(lost) <= 4 * RECORDERS
    assert max(lost) <= faults.PROMISED_S
    assert sorted(lost)[len(lost) // 2] < 1.0


async def test_no_kill_of_a_merge_loses_a_record(tmp_path: Path) -> None:
    """However often it is killed, the next one goes on, and every record is whole and verified."""
    told = await faults.kill_mergers(tmp_path, MERGES)

    assert told.startswith(f"{MERGES} kills")
    assert "all whole" in told
