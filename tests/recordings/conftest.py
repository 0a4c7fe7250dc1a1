"""What the tests of the recordings share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.ids import CallId, CaseId, new_call_id, new_case_id
from recordings.journal import FileJournal
from recordings.spool import Spool
from tests.recordings.ceph import Gateway, running_gateway
from tests.recordings.encoded import MovedClock
from tests.recordings.s3_servers import running_moto


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


@pytest.fixture
def journal(tmp_path: Path, clock: MovedClock) -> FileJournal:
    return FileJournal(tmp_path / "journal", clock)


@pytest.fixture
def case() -> CaseId:
    return new_case_id()


@pytest.fixture
def call() -> CallId:
    return new_call_id()


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running_moto(tmp_path_factory.mktemp("moto")) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def ceph_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running_gateway(tmp_path_factory.mktemp("ceph")) as gateway:
        yield gateway
