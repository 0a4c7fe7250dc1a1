"""The house keeps its shape: what the import contract and the type checkers do not see."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINES_MAX = 600
# These are written by programs or are one table each.
LONG_BY_NATURE = {"web_kit/wire.d.ts", "package-lock.json"}
ROOMS = ("contract", "signaling", "media", "kyc", "recordings", "store", "web_kit", "teller")
VAGUE = re.compile(r"(^|_)(utils?|helpers?|managers?|common|misc)(_|$)")
HOMES = {
    "aiortc": ("media/", "teller/demo/peer.py"),
    "aioice": ("media/", "teller/demo/peer.py"),
    "onnxruntime": ("kyc/",),
    "insightface": ("kyc/insight_models.py",),
    "dlib": ("kyc/",),
    "rapidocr": ("kyc/",),
    "minio": ("recordings/",),
    "sqlalchemy": ("store/",),
}


def tracked(*patterns: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def product() -> list[str]:
    return [name for name in tracked("*.py") if name.split("/")[0] in ROOMS]


def imported(name: str) -> set[str]:
    tree = ast.parse((ROOT / name).read_text())
    roots: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            roots.add(node.module.split(".")[0])
    return roots


def test_no_file_is_long() -> None:
    """Code and styles stay within 600 lines a file."""
    names = [n for n in tracked("*.py", "*.js", "*.css", "*.ts") if n not in LONG_BY_NATURE]
    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in names}

    assert len(names) > 200
    assert {name: length for name, length in lengths.items() if length > LINES_MAX} == {}


def test_no_file_has_a_vague_name() -> None:
    """A name says what is inside."""
    assert [name for name in tracked("*.py", "*.js") if VAGUE.search(Path(name).stem)] == []


@pytest.mark.parametrize("library", HOMES)
def test_heavy_libraries_stay_at_home(library: str) -> None:
    """Each is imported in its own room only, wherever in a file the import stands."""
    users = [name for name in product() if library in imported(name)]

    assert users
    assert [name for name in users if not name.startswith(HOMES[library])] == []


def test_a_browser_is_no_part_of_the_server() -> None:
    """Browsers are driven by tests and benchmarks, which no room imports, and installed for them alone."""
    users = [name for name in tracked("*.py") if "playwright" in imported(name)]

    assert users
    assert [name for name in users if not name.startswith(("tests/", "benchmarks/"))] == []
    assert [name for name in product() if {"tests", "benchmarks"} & imported(name)] == []
    locks = {name: (ROOT / name).read_text() for name in tracked("requirements/*.lock")}
    assert [name for name, text in locks.items() if "\nplaywright==" in text] == ["requirements/dev.lock"]


def test_the_server_never_loads_the_demo() -> None:
    """Serving, working and the rooms know nothing of the scripted callers; only demo and doctor do.

    The equipment loads made-up answers when the configuration asks for them, which production refuses.
    """
    users = [name for name in product() if "teller.demo" in (ROOT / name).read_text()]

    known = {"teller/cli.py", "teller/doctor.py", "teller/equipment.py"}
    assert {n for n in users if not n.startswith("teller/demo/")} == known


def test_no_weights_and_no_foreign_media_are_committed() -> None:
    """Models are imported by users; pictures in the repository are our own drawings."""
    assert tracked("*.onnx", "*.dat", "*.tflite", "*.pth", "*.caffemodel", "*.mp4", "*.jpg") == []
    assert [name for name in tracked("*.png") if not name.startswith("docs/images/")] == []


def test_pages_hold_no_markup_in_code() -> None:
    """No innerHTML and no inline style anywhere in the browser's code."""
    forbidden = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|setAttribute\(\"style\"|document\.write")
    found = [n for n in tracked("*.js") if forbidden.search((ROOT / n).read_text())]

    assert found == []
