"""The set-up: what is pinned, that it is explained, and that nothing unwanted came in."""

import json
import os
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DEMO = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["demo"]]
DEMO += PROJECT["project"]["optional-dependencies"]["postgres"]
DEV = [*DEMO, *PROJECT["dependency-groups"]["dev"]]
LOCKS = ("demo", "dev", "uv")


def _text(lock: str) -> str:
    return (ROOT / "requirements" / f"{lock}.lock").read_text()


def _pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", _text(lock), re.MULTILINE))


@pytest.mark.parametrize(("lock", "wanted"), [("demo", DEMO), ("dev", DEV)])
def test_lock_files_satisfy_the_project(lock: str, wanted: list[str]) -> None:
    """A dependency that was added or raised without `make lock` is named."""
    pins = _pins(lock)
    for requirement in map(Requirement, wanted):
        version = pins.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not in {lock}.lock"
        assert requirement.specifier.contains(version), f"{requirement.name} {version} is not {requirement}"


def test_tests_run_with_what_the_demo_installs() -> None:
    """Each package of the demo has the same version in the tests' environment."""
    assert _pins("demo").items() <= _pins("dev").items()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_no_host(lock: str) -> None:
    """Any mirror serves; what it serves is checked."""
    text = _text(lock)
    assert "://" not in text
    for block in re.split(r"\n(?=\w)", text.strip()):
        assert "--hash=sha256:" in block, block


@pytest.mark.parametrize("lock", ["demo", "dev"])
def test_gui_build_of_opencv_stays_out(lock: str) -> None:
    """insightface asks for it; it would break the headless one."""
    assert "opencv-python-headless" in _pins(lock)
    assert not {"opencv-python", "opencv-contrib-python"} & _pins(lock).keys()


def test_type_checker_is_pinned_without_hosts() -> None:
    """package-lock.json names versions and hashes, no registry."""
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    wanted = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    assert set(wanted) == {"typescript"}
    assert packages["node_modules/typescript"]["version"] == wanted["typescript"]
    for name, package in packages.items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-")


def test_every_dependency_is_explained() -> None:
    """One page in docs/decisions for each, with its present pin; no page for what is gone."""
    pages = {page.stem: page.read_text() for page in (ROOT / "docs" / "decisions").glob("*.md")}
    for requirement in map(Requirement, DEV):
        page = pages.pop(canonicalize_name(requirement.name), None)
        assert page is not None, f"docs/decisions/{requirement.name}.md is missing"
        stated = re.search(r"^\| pin \| `([^`]*)`", page, re.MULTILINE)
        assert stated is not None, f"{requirement.name}: the page has no pin"
        if stated[1] != "any release":
            assert Requirement(f"x{stated[1]}").specifier == requirement.specifier, requirement.name
    assert set(pages) == {"README", "hatchling", "typescript", "uv"}


def test_continuous_integration_runs_the_tests() -> None:
    """.ci/run is what a person would type."""
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-1] == "exec make test"
