"""The soak run sees what is left over, and what is not."""

import dataclasses

from benchmarks.forwarding.ours import running_ours
from benchmarks.forwarding.servers import BROWSER, Conditions
from benchmarks.soak import Soak, Standing

STANDING = Standing(calls=200, rss=100_000_000, files=9, threads=11, tasks=3)


async def test_calls_come_and_go() -> None:
    """Calls are played in batches with media both ways, and nothing of them stays."""
    async with running_ours(Conditions("127.0.0.1", 0, BROWSER, "", bare=True)) as server:
        playing = Soak(server, at_once=2)
        await playing.play(2)
        before = await playing.stand()
        await playing.play(5)
        after = await playing.stand(before.tasks)

    assert (before.calls, after.calls) == (2, 5)
    assert playing.packets > 5 * 40
    assert (after.files, after.threads, after.tasks) == (before.files, before.threads, before.tasks)


def test_leftovers_are_named() -> None:
    """Growth of 2 % and anything that stays open is told; less, and less of it, is fine."""
    worse = Standing(calls=400, rss=102_100_000, files=10, threads=11, tasks=4)
    fine = dataclasses.replace(STANDING, rss=101_900_000, files=8)

    assert worse.leftovers(STANDING) == ["descriptors: 9 -> 10", "tasks: 3 -> 4", "memory: +2.1%"]
    assert fine.leftovers(STANDING) == []
    assert "102.1 MB (+2.1%), 10 descriptors" in worse.line(STANDING)
