"""Fixtures of the end-to-end tests: real server processes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from teller.demo.peer import use_loopback
from tests.e2e.server import ROOT, Server, running


@pytest.fixture(name="models_dir", scope="session")
def _models_dir() -> Path:
    """Return the folder with the open pack's files: TEST_MODELS_DIR, or shared/models beside the project."""
    folder = Path(os.environ.get("TEST_MODELS_DIR", ROOT.parent / "shared" / "models"))
    if not (folder / "MobileFaceNet_foamliu.onnx").exists():
        raise pytest.UsageError(f"no models in {folder}; set TEST_MODELS_DIR")
    return folder


@pytest.fixture(name="_loopback_peers", scope="session", autouse=True)
def _loopback() -> None:
    """Let the headless peers talk over 127.0.0.1."""
    use_loopback()


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[Server]:
    """Yield a running server with demo data and the open pack, one for each module."""
    data = tmp_path_factory.mktemp("teller") / "data"
    with running(Server(data, {"kyc.models_dir": str(models_dir)})) as server:
        yield server
