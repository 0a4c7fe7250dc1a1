"""Rules that every file of the web apps keeps."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("web_kit", "customer_h5", "agent_console", "recordings/player")
SCRIPTS = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.js"))
PAGES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.html"))
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|createPolicy"
    r"|setAttribute\(\s*[\"']style|\bstyle:\s|\.on[a-z]+ = |createElement\([\"']style"
)
LINES_MAX = 400


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_script(path: Path) -> None:
    """No markup from text, no inline style or handler, no file over 400 lines."""
    text = path.read_text("utf-8")
    found = FORBIDDEN.search(text)
    assert found is None, found
    assert text.count("\n") <= LINES_MAX


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_page(path: Path) -> None:
    """Pages have no inline script, style or handler, and a language."""
    text = path.read_text("utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son\w+=", text)
    assert '<html lang="zh-CN">' in text
    assert "width=device-width" in text and "user-scalable=no" not in text


def _dictionary(path: Path, language: str) -> dict[str, str]:
    text = path.read_text("utf-8")
    start = text.index(f"{language}: {{\n")
    body = text[start : text.index("\n  }", start)]
    return dict(re.findall(r'^\s+"([^"]+)": "((?:[^"\\]|\\.)*)",$', body, re.MULTILINE))


DICTIONARIES = [
    ROOT / "web_kit/strings.js",
    ROOT / "web_kit/chooser.js",
    *sorted((ROOT / "customer_h5").glob("*strings.js")),
]


@pytest.mark.parametrize("path", DICTIONARIES, ids=_name)
def test_words_in_both_languages(path: Path) -> None:
    """Both languages have the same keys, the same parameters, and no empty words."""
    chinese, english = _dictionary(path, '"zh-CN"'), _dictionary(path, "en")
    assert len(chinese) > 5 and chinese.keys() == english.keys()
    for key, words in chinese.items():
        assert words and english[key]
        assert set(re.findall(r"\{\w+\}", words)) == set(re.findall(r"\{\w+\}", english[key])), key


@pytest.mark.parametrize("folder", ["web_kit", "customer_h5"])
def test_every_word_asked_for_exists(folder: str) -> None:
    """A literal key given to t() has words; families given to tCode() have a general sentence."""
    known = set().union(*(_dictionary(path, "en").keys() for path in DICTIONARIES))
    for path in (ROOT / folder).glob("*.js"):
        text = path.read_text("utf-8")
        for key in re.findall(r'\bt\("([^"]+)"', text):
            assert key in known, f"{path.name}: {key}"
        for family in re.findall(r'\btCode\("([^"]+)"', text):
            assert f"{family}.other" in known, f"{path.name}: {family}"
