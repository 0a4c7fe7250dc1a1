"""The engine: its bound, its deadline, and what happens when the model process stops or dies."""

import asyncio
import contextlib
import dataclasses
import errno
import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Hashable
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from prometheus_client import REGISTRY

from contract.errors import Busy, ModelError, UserError
from contract.phases import CheckVerdict
from contract.ports import IdentityChecks, ImageFinding
from kyc import engine as engine_module
from kyc.engine import Engine
from kyc.images import encode_jpeg
from kyc.limits import BYTES_MAX
from kyc.packs import Pack, find_pack
from kyc.pipes import LiveJob

PICTURE = encode_jpeg(np.full((400, 400, 3), 90, np.uint8))


def model_processes(parent: int) -> list[int]:
    """Return the pids of the model processes that ``parent`` started and that live."""
    children: list[int] = []
    for task in Path(f"/proc/{parent}/task").iterdir():
        # A thread may end between the listing and the reading.
        with contextlib.suppress(FileNotFoundError):
            children += [int(pid) for pid in (task / "children").read_text().split()]
    return [pid for pid in children if b"kyc.child" in command_line(pid)]


def command_line(pid: int) -> bytes:
    """Return the command line of ``pid``, empty when it is gone or a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def moved(pack: Pack, folder: Path) -> Pack:
    """Return ``pack`` as if its files lay in ``folder``."""
    return dataclasses.replace(pack, paths=tuple(folder / path.name for path in pack.paths))


def only_child() -> int:
    """Return the one model process of this test."""
    (pid,) = model_processes(os.getpid())
    return pid


async def until(true: Callable[[], bool], missing: str, seconds: float = 60.0) -> None:
    """Wait until ``true()``; say what is ``missing`` when it does not come."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"still missing: {missing}"
        await asyncio.sleep(0.02)


def counted(kind: str, outcome: str) -> float:
    """Return the counter of jobs."""
    value = REGISTRY.get_sample_value("teller_kyc_jobs_total", {"kind": kind, "outcome": outcome})
    return value or 0.0


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    """Run an engine with the base pack and room for two waiting jobs."""
    async with Engine(find_pack(None), queue_max=2, look_deadline_s=60) as running:
        yield running


async def test_it_is_the_port(engine: Engine, own_card: bytes, still: bytes) -> None:
    """Through the port a picture is inspected, a number checked, and faces are matched."""
    checks: IdentityChecks = engine
    assert (await checks.inspect_image(PICTURE)).width == 400
    number = await checks.check_id_number("11010519491231002x", date(2026, 11, 22))
    assert number.verdict is CheckVerdict.PASSED
    finding = await checks.match_faces(own_card, still)
    assert (finding.pack, finding.verdict) == ("base", CheckVerdict.REVIEW)
    assert finding.portrait is not None


@pytest.mark.models
async def test_the_open_pack_runs_in_the_engine(open_models_dir: Path, own_card: bytes, still: bytes) -> None:
    """With its files at hand the engine passes the right person."""
    async with Engine(find_pack(open_models_dir)) as engine:
        assert (await engine.match_faces(own_card, still)).verdict is CheckVerdict.PASSED


async def test_broken_pictures_are_user_errors(engine: Engine) -> None:
    """The code comes through from the model process, and the engine lives on."""
    for data in (b"", b"no picture", PICTURE[:-200]):
        with pytest.raises(UserError) as caught:
            await engine.inspect_image(data)
        assert caught.value.code == "not_an_image"
    with pytest.raises(UserError):
        await engine.match_faces(PICTURE, b"no picture")
    assert (await engine.inspect_image(PICTURE)).height == 400


async def test_what_nobody_foresaw_is_a_model_error(engine: Engine) -> None:
    """An exception in the model process is told without its text, and the engine lives on."""
    nothing: Any = None
    with pytest.raises(ModelError, match="Match: TypeError"):
        await engine.match_faces(nothing, PICTURE)
    assert (await engine.inspect_image(PICTURE)).height == 400


async def test_the_largest_pictures_go_through(engine: Engine) -> None:
    """Pictures at the bound on bytes are handed over whole while the event loop keeps turning."""
    large = PICTURE + bytes(BYTES_MAX - len(PICTURE))
    assert (await engine.inspect_image(large)).width == 400
    finding = await engine.match_faces(large, large)
    assert finding.reason == "no_face_on_card"


async def test_answers_come_to_who_asked(engine: Engine) -> None:
    """Jobs asked for together are answered each with its own picture."""
    pictures = [encode_jpeg(np.zeros((400, 401 + n, 3), np.uint8)) for n in range(2)]
    findings = await asyncio.gather(*(engine.inspect_image(picture) for picture in pictures))
    assert [finding.width for finding in findings] == [401, 402]


async def test_a_full_queue_is_busy(engine: Engine) -> None:
    """One job runs, two wait, the next is refused at once; all three are answered afterwards."""
    child, busy = only_child(), counted("Inspect", "busy")
    os.kill(child, signal.SIGSTOP)
    try:
        async with asyncio.TaskGroup() as group:
            jobs = [group.create_task(engine.inspect_image(PICTURE))]
            await until(lambda: REGISTRY.get_sample_value("teller_kyc_waiting") == 0, "the first job running")
            await asyncio.sleep(0)
            jobs += [group.create_task(engine.inspect_image(PICTURE)) for _ in range(2)]
            await until(lambda: REGISTRY.get_sample_value("teller_kyc_waiting") == 2, "two waiting jobs")
            with pytest.raises(Busy) as caught:
                await engine.inspect_image(PICTURE)
            os.kill(child, signal.SIGCONT)
        assert caught.value.code == "kyc_busy"
        assert [job.result().width for job in jobs] == [400] * 3
        assert counted("Inspect", "busy") == busy + 1
    finally:
        os.kill(child, signal.SIGCONT)


async def test_number_checks_do_not_wait(engine: Engine) -> None:
    """A number is checked while the model process stands still."""
    child = only_child()
    os.kill(child, signal.SIGSTOP)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        job = group.create_task(engine.inspect_image(PICTURE))
        finding = await engine.check_id_number("11010519491231002X", date(2026, 11, 22))
        assert finding.region == "北京市"
        os.kill(child, signal.SIGCONT)
        await job


async def test_a_cancelled_caller_harms_nobody(engine: Engine) -> None:
    """A caller with a deadline leaves; running and waiting jobs of others get the right answers."""
    child = only_child()
    other = encode_jpeg(np.zeros((400, 450, 3), np.uint8))
    os.kill(child, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await engine.inspect_image(PICTURE)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await engine.inspect_image(PICTURE)
    os.kill(child, signal.SIGCONT)
    assert (await engine.inspect_image(other)).width == 450
    assert only_child() == child


async def test_a_hung_model_process_is_replaced() -> None:
    """A job over its deadline fails as a model error; the next job is served by a new process."""
    async with Engine(find_pack(None), deadline_s=0.5) as engine:
        hung = only_child()
        os.kill(hung, signal.SIGSTOP)
        with pytest.raises(ModelError, match="lost"):
            await engine.inspect_image(PICTURE)
        await until(lambda: model_processes(os.getpid()) not in ([], [hung]), "a new model process")
        assert (await engine.inspect_image(PICTURE)).width == 400
        assert only_child() != hung


async def test_a_killed_model_process_is_replaced(engine: Engine) -> None:
    """A crash costs the running job; jobs that waited are done by the new process."""
    lost = only_child()
    os.kill(lost, signal.SIGSTOP)
    jobs = asyncio.gather(*(engine.inspect_image(PICTURE) for _ in range(2)), return_exceptions=True)
    await until(lambda: REGISTRY.get_sample_value("teller_kyc_waiting") == 1, "a waiting job")
    os.kill(lost, signal.SIGKILL)
    first, second = await jobs
    assert isinstance(first, ModelError)
    assert isinstance(second, ImageFinding)
    assert only_child() != lost


async def test_closing_while_busy_does_not_hang() -> None:
    """Closing kills a process that stands still; every caller gets a model error."""
    errors: list[ModelError] = []

    async def ask(engine: Engine) -> None:
        try:
            await engine.inspect_image(PICTURE)
        except ModelError as error:
            errors.append(error)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        async with Engine(find_pack(None)) as engine:
            child = only_child()
            os.kill(child, signal.SIGSTOP)
            for _ in range(3):
                group.create_task(ask(engine))
            await until(lambda: REGISTRY.get_sample_value("teller_kyc_waiting") == 2, "two waiting jobs")
            began = time.monotonic()
        assert time.monotonic() - began < 5
    assert [str(error) for error in errors] == ["the engine was closed"] * 3
    assert not command_line(child)


async def test_a_closed_engine_refuses() -> None:
    """Asking before or after the engine runs is a model error, not a wait without end."""
    engine = Engine(find_pack(None))
    with pytest.raises(ModelError, match="not running"):
        await engine.inspect_image(PICTURE)
    async with engine:
        pass
    assert model_processes(os.getpid()) == []
    with pytest.raises(ModelError, match="not running"):
        await engine.inspect_image(PICTURE)


async def test_models_that_do_not_load_stop_the_start(tmp_path: Path) -> None:
    """Entering fails with a model error when the files vanish after they were verified."""
    gone = moved(find_pack(None), tmp_path)
    with pytest.raises(ModelError, match="base cannot be loaded"):
        async with Engine(gone):
            pytest.fail("the engine started without models")
    assert model_processes(os.getpid()) == []


async def test_a_start_that_takes_too_long_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model process that never reports is killed and told of."""
    monkeypatch.setattr(engine_module, "_START_DEADLINE_S", 0.001)
    with pytest.raises(ModelError, match="did not start: TimeoutError"):
        async with Engine(find_pack(None)):
            pytest.fail("the engine started in a millisecond")
    assert model_processes(os.getpid()) == []


async def test_while_it_cannot_restart_jobs_fail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """When the files vanish under a running engine, jobs fail at once; when they return, it recovers."""
    monkeypatch.setattr(engine_module, "_RESTART_PAUSE_S", 0.05)
    pack = find_pack(None)
    async with Engine(pack) as engine:
        engine.pack = moved(pack, tmp_path)
        os.kill(only_child(), signal.SIGKILL)
        for _ in range(2):
            with pytest.raises(ModelError):
                await engine.inspect_image(PICTURE)
        engine.pack = pack
        await until(lambda: model_processes(os.getpid()) != [], "a model process")
        async with asyncio.timeout(80):
            while True:
                try:
                    assert (await engine.inspect_image(PICTURE)).width == 400
                    break
                except ModelError:
                    await asyncio.sleep(0.05)


async def test_a_fork_that_fails_costs_jobs_and_not_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine out of processes: jobs fail as model errors, and are done once there is room again."""
    monkeypatch.setattr(engine_module, "_RESTART_PAUSE_S", 0.05)
    tried = asyncio.Event()

    async def full(*words: Any, **options: Any) -> asyncio.subprocess.Process:
        tried.set()
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    async with Engine(find_pack(None)) as engine:
        with monkeypatch.context() as patch:
            patch.setattr(asyncio, "create_subprocess_exec", full)
            os.kill(only_child(), signal.SIGKILL)
            with pytest.raises(ModelError):
                await engine.inspect_image(PICTURE)
            await tried.wait()
            with pytest.raises(ModelError, match="does not start"):
                await engine.inspect_image(PICTURE)
        await until(lambda: model_processes(os.getpid()) != [], "a model process")
        assert (await engine.inspect_image(PICTURE)).width == 400


async def test_a_fork_that_fails_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entering tells it as a model error."""

    async def full(*words: Any, **options: Any) -> asyncio.subprocess.Process:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", full)
    with pytest.raises(ModelError, match="cannot be started"):
        async with Engine(find_pack(None)):
            pytest.fail("the engine started without a process")


async def test_a_cancelled_start_leaves_nothing_behind() -> None:
    """A server stopped while models load has no process left."""
    engine = Engine(find_pack(None))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), engine:
            pytest.fail("the engine started in 0.2 s")
    await until(lambda: model_processes(os.getpid()) == [], "the end of the model process")


def test_the_server_process_loads_no_models() -> None:
    """dlib, ONNX Runtime and OpenCV stay out of the process that carries the calls."""
    code = "import sys, kyc.engine; print({'dlib', 'onnxruntime', 'cv2', 'numpy'} & set(sys.modules))"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert shown.stdout.strip() == "set()"


def test_the_model_process_dies_with_a_killed_server() -> None:
    """After kill -9 of the server no model process is left behind."""
    code = textwrap.dedent("""
        import asyncio
        from kyc.engine import Engine
        from kyc.packs import find_pack

        async def main():
            async with Engine(find_pack(None)):
                print("up", flush=True)
                await asyncio.Event().wait()

        asyncio.run(main())
    """)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        while "up" not in (line := server.stdout.readline()):
            assert line, "the server ended before its engine was up"
        (child,) = model_processes(server.pid)
        gone = os.pidfd_open(child)
        server.kill()
    try:
        assert select.select([gone], [], [], 20)[0], "the model process still runs"
    finally:
        os.close(gone)


# --- looks at live calls -----------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Glance(LiveJob[int]):
    """A look that takes ``seconds`` of the model process."""

    HANDLER: ClassVar[str] = "tests.kyc.slow_looks:glance"
    party: str
    number: int
    seconds: float = 0.0

    @property
    def key(self) -> Hashable:
        return self.party


async def test_of_a_partys_looks_the_newest_is_done(engine: Engine) -> None:
    """While the process is busy older looks are dropped and counted; other parties keep theirs."""
    dropped = REGISTRY.get_sample_value("teller_kyc_looks_dropped_total", {"kind": "Glance"}) or 0.0
    os.kill(only_child(), signal.SIGSTOP)
    try:
        async with asyncio.TaskGroup() as group:
            first = group.create_task(engine.watch(Glance("a", 0)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            later = [group.create_task(engine.watch(Glance("a", number))) for number in (1, 2, 3)]
            other = group.create_task(engine.watch(Glance("b", 9)))
            await asyncio.gather(*later[:2])
            assert not later[2].done()
            os.kill(only_child(), signal.SIGCONT)
    finally:
        os.kill(only_child(), signal.SIGCONT)
    assert [look.result() for look in (first, *later, other)] == [0, None, None, 3, 9]
    assert REGISTRY.get_sample_value("teller_kyc_looks_dropped_total", {"kind": "Glance"}) == dropped + 2


async def test_a_job_waits_for_no_more_than_the_look_that_runs(engine: Engine) -> None:
    """With looks of 0.2 s from five parties waiting, a job is done after at most one of them."""
    done: list[str] = []

    async def look(party: str) -> None:
        await engine.watch(Glance(party, 0, seconds=0.2))
        done.append(party)

    async with asyncio.TaskGroup() as group:
        for party in "abcde":
            group.create_task(look(party))
        await asyncio.sleep(0)
        assert (await engine.inspect_image(PICTURE)).width == 400
        assert len(done) <= 1
    assert sorted(done) == list("abcde")


async def test_a_look_is_done_while_jobs_never_end(engine: Engine) -> None:
    """Each of two runs asks for the next job as soon as it has the last; a look goes between."""
    looked = asyncio.Event()

    async def run() -> None:
        for _ in range(200):
            if looked.is_set():
                return
            await engine.inspect_image(PICTURE)
        pytest.fail("nobody looked while 400 jobs were done")

    async with asyncio.TaskGroup() as group:
        group.create_task(run())
        group.create_task(run())
        await asyncio.sleep(0)
        assert await engine.watch(Glance("a", 5)) == 5
        looked.set()


async def test_a_look_that_hangs_costs_no_job() -> None:
    """It fails after its own short deadline; the job that waited behind it is done by a new process."""
    async with Engine(find_pack(None), look_deadline_s=0.5) as engine:
        look = asyncio.create_task(engine.watch(Glance("a", 0, seconds=60.0)))
        await asyncio.sleep(0)
        job = asyncio.create_task(engine.inspect_image(PICTURE))
        with pytest.raises(ModelError, match="lost"):
            await look
        assert (await job).width == 400


async def test_a_closed_engine_looks_at_nothing() -> None:
    """Looks that wait fail when it closes, and are refused afterwards."""
    async with Engine(find_pack(None)) as engine:
        os.kill(only_child(), signal.SIGSTOP)
        looks = [asyncio.create_task(engine.watch(Glance(party, 0))) for party in "ab"]
        await asyncio.sleep(0.01)
    for look in looks:
        with pytest.raises(ModelError, match="closed"):
            await look
    with pytest.raises(ModelError, match="not running"):
        await engine.watch(Glance("a", 1))


async def test_an_unknown_provider_stops_the_start() -> None:
    """The text says what this ONNX Runtime has."""
    with pytest.raises(ModelError, match="CPUExecutionProvider"):
        async with Engine(find_pack(None), providers=("NoSuchExecutionProvider",)):
            pytest.fail("the engine started with a provider that is not there")
