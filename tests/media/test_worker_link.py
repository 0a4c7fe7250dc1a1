"""Commands, answers and errors over a real socket pair; what is not of the protocol breaks the link."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest

from contract import errors
from contract.errors import InternalError, MediaError, ProtocolError, StorageError, TellerError
from media import worker_link, worker_process
from media.worker_link import LINE_MAX, Link, LinkLost
from media.worker_process import Worker
from tests.media.scripted import until


@asynccontextmanager
async def ends(*, keeps_working: bool = True) -> AsyncIterator[tuple[Link, Link]]:
    """Yield both ends of a link."""
    links = []
    for sock in socket.socketpair():
        reader, writer = await asyncio.open_unix_connection(sock=sock, limit=LINE_MAX)
        links.append(Link(reader, writer, keeps_working=keeps_working))
    async with links[0] as near, links[1] as far:
        yield near, far


@asynccontextmanager
async def raw_end() -> AsyncIterator[tuple[Link, asyncio.StreamReader, asyncio.StreamWriter]]:
    """Yield a link whose other end the test plays."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_unix_connection(sock=ours, limit=LINE_MAX)
    other_reader, other_writer = await asyncio.open_unix_connection(sock=theirs)
    async with Link(reader, writer, keeps_working=True) as link:
        try:
            yield link, other_reader, other_writer
        finally:
            other_writer.close()
            with suppress(OSError):
                await other_writer.wait_closed()


async def echo(values: dict[str, Any]) -> Any:
    return values


async def test_commands_go_both_ways_at_once() -> None:
    """Each end answers the other's; a slow command holds up no later one."""
    slow = asyncio.Event()

    async def wait(_: dict[str, Any]) -> str:
        await slow.wait()
        return "waited"

    async with ends() as (near, far), asyncio.TaskGroup() as tasks:
        far.serve({"echo": echo, "wait": wait})
        near.serve({"echo": echo})
        waiting = tasks.create_task(near.call("wait"))
        assert await near.call("echo", text="视频\n柜员", numbers=[1, 2.5]) == {
            "text": "视频\n柜员",
            "numbers": [1, 2.5],
        }
        assert await far.call("echo") == {}
        slow.set()
        assert await waiting == "waited"


@pytest.mark.parametrize(
    "kind",
    [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, TellerError)],
)
async def test_every_error_of_the_contract_crosses(kind: type[TellerError]) -> None:
    """Its class, its word and its text arrive."""

    async def fail(_: dict[str, Any]) -> None:
        raise kind("the reason", code="a_word")

    async with ends() as (near, far):
        far.serve({"fail": fail})
        with pytest.raises(kind) as raised:
            await near.call("fail")
    assert (type(raised.value), raised.value.code, str(raised.value)) == (kind, "a_word", "the reason")


async def test_a_bug_crosses_without_its_text() -> None:
    """An unforeseen error is told as internal, by its class alone; an unknown command is refused."""

    async def crash(_: dict[str, Any]) -> None:
        raise KeyError("secret")

    async with ends() as (near, far):
        far.serve({"crash": crash})
        with pytest.raises(InternalError, match=r"^KeyError$"):
            await near.call("crash")
        with pytest.raises(ProtocolError):
            await near.call("unheard_of")


async def test_a_deadline_cancels_the_work() -> None:
    """Whoever waits no longer lets the other end stop, too."""
    stopped = asyncio.Event()

    async def wait(_: dict[str, Any]) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with ends() as (near, far):
        far.serve({"wait": wait})
        with pytest.raises(MediaError, match="too long"):
            await near.call("wait", 0.01)
        await asyncio.wait_for(stopped.wait(), 10)


async def test_the_waiting_learn_of_the_loss() -> None:
    """Every command under way fails as lost, and so does every later one."""
    async with ends(keeps_working=False) as (near, far), asyncio.TaskGroup() as tasks:
        far.serve({"wait": lambda _: asyncio.Event().wait()})
        waiting = [tasks.create_task(_lost(near)) for _ in range(3)]
        await until("the commands", lambda: len(far._work) == 3)
        far.cut()
        far.cut()
        assert [await task for task in waiting] == ["media_unavailable"] * 3
        assert await _lost(near) == "media_unavailable"


async def _lost(link: Link) -> str:
    with pytest.raises(LinkLost) as lost:
        await link.call("wait")
    return lost.value.code


async def test_what_had_come_is_carried_out() -> None:
    """A worker's last facts are written although it is gone."""
    begun, go, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def append(_: dict[str, Any]) -> None:
        begun.set()
        await go.wait()
        done.set()

    async with ends() as (near, far), asyncio.TaskGroup() as tasks:
        near.serve({"append": append})
        telling = tasks.create_task(_told(far))
        await begun.wait()
        far.cut()
        await near.lost.wait()
        go.set()
        await telling
    assert done.is_set()


async def _told(link: Link) -> None:
    with pytest.raises(LinkLost):
        await link.call("append")


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense\n",
        b"[]\n",
        b'{"id": 1}\n',
        b'{"id": "1", "do": "x", "with": {}}\n',
        b'{"id": 1, "do": "x", "with": 5}\n',
        b'{"id": 1, "failed": {"kind": "MediaError"}}\n',
        b'{"id": 1, "do": "wait", "with": {}}\n{"id": 1, "do": "wait", "with": {}}\n',
        b"\xff\xfe\n",
        b"x" * (LINE_MAX + 1),
        b'{"id": 1, "do"',
    ],
)
async def test_what_is_no_line_breaks_the_link(line: bytes) -> None:
    """It is cut, once and for all; nobody waits on."""
    async with raw_end() as (link, reader, writer):
        link.serve({"wait": lambda _: asyncio.sleep(0.1)})
        writer.write(line)
        writer.write_eof()
        await asyncio.wait_for(link.lost.wait(), 10)
        await _lost(link)
        await reader.read()


async def test_answers_that_nobody_waits_for_are_dropped() -> None:
    """Late ones, unknown ones and cancels of what is done do no harm; an unknown class is internal."""
    async with raw_end() as (link, reader, writer):
        writer.write(
            b'{"id": 99, "done": 1}\n{"id": 98, "failed": {"kind": "X", "code": "c", "text": "t"}}\n'
        )
        writer.write(
            b'{"cancel": 97}\n{"id": 1, "failed": {"kind": "Exception", "code": "c", "text": "t"}}\n'
        )
        with pytest.raises(InternalError) as raised:
            await link.call("anything")
        assert raised.value.code == "c"
        assert await reader.readline() == b'{"id":1,"do":"anything","with":{}}\n'
        assert not link.lost.is_set()


async def test_only_so_many_commands_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is refused here, and breaks the link there."""
    monkeypatch.setattr(worker_link, "UNDER_WAY_MAX", 2)
    async with raw_end() as (link, _, writer), asyncio.TaskGroup() as tasks:
        link.serve({"wait": lambda _: asyncio.sleep(0.1)})
        waiting = [tasks.create_task(_lost(link)) for _ in range(2)]
        await until("the commands", lambda: len(link._waiting) == 2)
        with pytest.raises(MediaError, match="too many"):
            await link.call("wait")
        writer.writelines(b'{"id": %d, "do": "wait", "with": {}}\n' % number for number in range(3))
        assert [await task for task in waiting] == ["media_unavailable"] * 2


async def test_a_reader_that_stops_holds_up_one_line() -> None:
    """What is not read waits with its sender, not in memory, and its deadline holds."""
    async with raw_end() as (link, _, _), asyncio.TaskGroup() as tasks:
        for write in [tasks.create_task(_slow(link, "x" * 500_000)) for _ in range(4)]:
            await write
        assert link._writer.transport.get_write_buffer_size() < 500_100


async def _slow(link: Link, text: str) -> None:
    with pytest.raises(MediaError, match="too long"):
        await link.call("take", 0.2, text=text)


class Undying:
    """A process in the kernel's hands: it is killed, and stays."""

    def __init__(self) -> None:
        self.kills = 0

    def kill(self) -> None:
        self.kills += 1


async def test_a_worker_that_outlives_its_kill_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its link is cut a moment later, so that its calls can go on elsewhere."""
    monkeypatch.setattr(worker_process, "PING_S", 0.01)
    monkeypatch.setattr(worker_process, "_CUT_S", 0.05)
    process = Undying()
    async with raw_end() as (link, _, _):
        worker = Worker(0, cast(asyncio.subprocess.Process, process), link)
        await asyncio.wait_for(worker.watch(), 10)
        assert not worker.alive
    assert process.kills == 1


async def test_storage_errors_stay_storage_errors() -> None:
    """The recorder tells them from all others."""

    async def full(_: dict[str, Any]) -> None:
        raise StorageError("disk is full")

    async with ends() as (near, far):
        near.serve({"append": full})
        with pytest.raises(StorageError, match="disk is full"):
            await far.call("append")
