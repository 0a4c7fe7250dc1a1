"""Which pack the configuration means, whether production takes it, and ``teller models``."""

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from contract.errors import ModelError
from kyc.calibration import SHIPPED
from kyc.registry import BASE_MODELS, FETCHED, OPEN_CLOSED_EYE, OPEN_FILES, SFACE, YUNET
from teller.cli import main
from teller.config import Config, ConfigError
from teller.doctor import CHECKS, Mark
from teller.models import admitted_pack, models_dir
from tests.kyc.conftest import open_models_dir

__all__ = ["open_models_dir"]


def config(folder: Path, **kyc: object) -> Config:
    """Return a configuration with these keys of [kyc]."""
    return Config(data_dir=folder, kyc=kyc)  # type: ignore[arg-type]


def told(folder: Path, *words: str) -> Result:
    """Run ``teller models``."""
    return CliRunner(env={"COLUMNS": "200"}).invoke(main, ["--data", str(folder), "models", *words])


# --- the gate ----------------------------------------------------------------------------------


def test_production_refuses_what_is_for_demos(tmp_path: Path) -> None:
    """It is the default; the text says what is wrong and how to go on."""
    with pytest.raises(ConfigError) as caught:
        admitted_pack(config(tmp_path))
    assert caught.value.lines[0] == "kyc: the pack base is for demonstrations"
    assert "kyc.production = false" in caught.value.lines[-1]
    assert "teller models pull" in caught.value.lines[-1]


def test_elsewhere_it_is_said_and_used(tmp_path: Path) -> None:
    """The demo goes on with a line in the log."""
    with capture_logs() as lines:
        pack = admitted_pack(config(tmp_path, production=False))
    assert pack.name == "base"
    assert [line["why"] for line in lines] == ["the pack base is for demonstrations"]


@pytest.mark.models
def test_production_takes_the_open_pack(open_models_dir: Path, tmp_path: Path) -> None:
    """With its licences allowed; when a bank allows fewer, every file that is concerned is named."""
    with capture_logs() as lines:
        assert admitted_pack(config(tmp_path, models_dir=open_models_dir)).name == "open"
    assert lines == []
    with pytest.raises(ConfigError) as caught:
        admitted_pack(config(tmp_path, models_dir=open_models_dir, licences=["Apache-2.0"]))
    (line, _) = caught.value.lines
    assert line == f"kyc: {YUNET.file} has the licence MIT, which kyc.licences does not name"


def test_a_pack_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Whether in production or not: a named pack is never replaced by another."""
    with pytest.raises(ModelError, match=OPEN_FILES[0].file):
        admitted_pack(config(tmp_path, pack="open", production=False))
    with pytest.raises(ModelError, match="must be an existing folder"):
        admitted_pack(config(tmp_path, pack="insightface", production=False))


def test_models_lie_in_the_data_folder(tmp_path: Path) -> None:
    """Unless another folder is set."""
    assert models_dir(config(tmp_path)) == tmp_path / "models"
    assert models_dir(config(tmp_path, models_dir=tmp_path / "other")) == tmp_path / "other"


async def test_the_doctor_tells_the_packs_state(tmp_path: Path) -> None:
    """Bad where the service would not start, a warning where it starts all the same; cards are named."""
    look = CHECKS["models"]
    refused = await look(config(tmp_path))
    assert refused.mark is Mark.BAD
    assert "the service will not start: the pack base is for demonstrations" in refused.text
    allowed = await look(config(tmp_path, production=False))
    assert allowed.mark is Mark.WARNING
    assert "dlib-lfw" in allowed.text
    assert "teller models pull" in allowed.advice
    broken = await look(config(tmp_path, pack="open"))
    assert (broken.mark, OPEN_FILES[0].file in broken.text) == (Mark.BAD, True)


@pytest.mark.models
async def test_the_doctor_is_content_with_the_open_pack(open_models_dir: Path, tmp_path: Path) -> None:
    """Its cards stand in the line."""
    found = await CHECKS["models"](config(tmp_path, models_dir=open_models_dir))
    assert found.mark is Mark.GOOD
    assert "mobilefacenet-lfw" in found.text
    assert "minifasnet-pair" in found.text


# --- the commands ------------------------------------------------------------------------------


def test_list_names_every_model(tmp_path: Path) -> None:
    """Licence, source and caveat of each, what is in use, and why that is not for production."""
    result = told(tmp_path, "list")
    assert result.exit_code == 0, result.output
    for model in FETCHED:
        assert f"{model.file}: {model.source}" in result.output
    assert all(model.file in result.output for model in BASE_MODELS)
    assert "in use: base" in result.output
    assert "not for production: the pack base is for demonstrations" in result.output


def test_a_piped_list_cuts_nothing(tmp_path: Path) -> None:
    """Whatever the width of the terminal that it does not go to: a row a model, with its whole name."""
    result = CliRunner(env={"COLUMNS": "40"}).invoke(main, ["--data", str(tmp_path), "models", "list"])
    rows = [line.split() for line in result.output.splitlines()]
    for model in (*FETCHED, *BASE_MODELS[:2]):
        (row,) = [row for row in rows if row[1:2] == [model.file]]
        assert set(f"{model.licence} {model.card or '-'}".split()) <= set(row)
    assert "…" not in result.output


@pytest.mark.models
def test_import_brings_the_open_pack(open_models_dir: Path, tmp_path: Path) -> None:
    """After it list and verify show the open pack with its cards and their limits."""
    result = told(tmp_path, "import", str(open_models_dir))
    assert result.exit_code == 0, result.output
    assert result.output.count("✓") == len(OPEN_FILES)
    listed = told(tmp_path, "list")
    assert "in use: open" in listed.output
    assert "passive liveness: card minifasnet-pair" in listed.output
    assert "37 %" in listed.output
    verified = told(tmp_path, "verify")
    assert (verified.exit_code, "✗" in verified.output) == (0, False)
    assert verified.output.count("✓") == len(OPEN_FILES) + len(BASE_MODELS)


@pytest.mark.models
def test_verify_finds_an_altered_model(open_models_dir: Path, tmp_path: Path) -> None:
    """Every file is looked at, the bad one is named with both hashes, and the code is 1."""
    assert told(tmp_path, "import", str(open_models_dir)).exit_code == 0
    (tmp_path / "models" / OPEN_CLOSED_EYE.file).write_bytes(b"altered")
    result = told(tmp_path, "verify")
    assert result.exit_code == 1
    assert f"✗ {OPEN_CLOSED_EYE.file} has SHA-256" in result.output
    assert OPEN_CLOSED_EYE.sha256 in result.output
    assert result.output.count("✓") == len(OPEN_FILES) + len(BASE_MODELS) - 1


def test_an_empty_folder_has_nothing_to_import(tmp_path: Path) -> None:
    """The files that are wanted are named, without a traceback."""
    result = told(tmp_path, "import", str(tmp_path))
    assert result.exit_code == 1
    assert OPEN_FILES[0].file in result.output


@pytest.fixture
def mirror(open_models_dir: Path) -> Iterator[str]:
    """Run a bank's mirror: a plain web server over a folder; give its URL."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = partial(Quiet, directory=str(open_models_dir.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{open_models_dir.name}/"
        server.shutdown()
        thread.join()


@pytest.mark.models
def test_pull_brings_the_open_pack_from_a_mirror(mirror: str, tmp_path: Path) -> None:
    """All files, or those that are named; what is here is not fetched again."""
    result = told(tmp_path, "pull", OPEN_CLOSED_EYE.file, "--from", mirror)
    assert result.exit_code == 0, result.output
    assert [path.name for path in (tmp_path / "models").glob("*.*x")] == [OPEN_CLOSED_EYE.file]
    result = told(tmp_path, "pull", "--from", mirror)
    assert result.exit_code == 0, result.output
    assert result.output.count("was here") == 1
    assert "in use: open" in told(tmp_path, "list").output


@pytest.mark.models
def test_pull_tells_what_it_did_not_get(mirror: str, tmp_path: Path) -> None:
    """A file that the mirror lacks, a name that nobody knows, and an URL that is none."""
    for words, text in (
        ((SFACE.file, "--from", mirror), "HTTP 404"),
        (("other.onnx",), "no such model: other.onnx"),
        (("--from", "mirror"), "no URL of HTTP"),
    ):
        result = told(tmp_path, "pull", *words)
        assert result.exit_code == 1
        assert text in result.output
        assert "Traceback" not in result.output


def test_cards_come_along() -> None:
    """They are data of the package: a wheel without them would decide nothing."""
    assert sorted(path.name for path in SHIPPED.glob("*")) == [
        "dlib-lfw.json",
        "facemesh-turns.json",
        "minifasnet-pair.json",
        "mobilefacenet-lfw.json",
        "open-closed-eye-blinks.json",
        "rapidocr-fronts.json",
    ]
