"""Fixtures of the end-to-end tests: real server processes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from teller.demo.peer import use_loopback
from tests.e2e.server import ROOT, Server, running


@pytest.fixture(name="pack_settings", scope="session")
def _pack_settings() -> dict[str, str]:
    """Return the settings that choose the open pack where its files are at hand, else none.

    They are looked for where TEST_MODELS_DIR says, then in shared/models beside the project.
    """
    folder = Path(os.environ.get("TEST_MODELS_DIR", ROOT.parent / "shared" / "models"))
    return {"kyc.models_dir": str(folder)} if folder.is_dir() else {}


@pytest.fixture(name="_loopback_peers", scope="session", autouse=True)
def _loopback() -> None:
    """Let the headless peers talk over 127.0.0.1."""
    use_loopback()


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory, pack_settings: dict[str, str]) -> Iterator[Server]:
    """Yield a running server with demo data, one for each module."""
    data = tmp_path_factory.mktemp("teller") / "data"
    with running(Server(data, pack_settings)) as server:
        yield server
