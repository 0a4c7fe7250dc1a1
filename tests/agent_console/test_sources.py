"""What must hold for the source of the console and the player, without running it."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from tests.agent_console.stand_in import APPS, ROOT

_SCRIPT_FOLDERS = (*APPS.values(), ROOT / "web_kit" / "record")
SCRIPTS = sorted(path for root in _SCRIPT_FOLDERS for path in root.rglob("*.js"))
_TABLE_LINE = re.compile(r'"([A-Za-z0-9_.-]+)":\s*"((?:[^"\\]|\\.)*)"')
_KEY = re.compile(r"""\bt\(\s*"([a-z_]+(?:\.[A-Za-z_]+)*)\"""")
_HOLES = re.compile(r"\{(\w+)\}")
_FORBIDDEN = re.compile(
    r"innerHTML|outerHTML\s*=|insertAdjacentHTML|document\.write|setAttribute\(\s*[\"']style|"
    r"\bstyle:\s|\beval\(|new Function|createElement\(\s*[\"']style"
)
FOLDERS = {
    "record": (ROOT / "web_kit" / "record", "zh_CN.js", "en.js"),
    "identity": (ROOT / "web_kit" / "record" / "identity", "zh_CN.js", "en.js"),
    "console": (ROOT / "agent_console" / "strings", "zh_CN.js", "en.js"),
    "checks": (ROOT / "agent_console" / "checks" / "strings", "zh_CN.js", "en.js"),
    "supervisor": (ROOT / "agent_console" / "supervisor" / "strings", "zh_CN.js", "en.js"),
    "player": (ROOT / "recordings" / "player" / "strings", "zh_CN.js", "en.js"),
}


def table(path: Path) -> dict[str, str]:
    """Return the strings of a table file."""
    return dict(_TABLE_LINE.findall(path.read_text("utf-8")))


def shared(language: str) -> set[str]:
    """Return the keys that web_kit has in a language."""
    text = (ROOT / "web_kit" / "strings.js").read_text("utf-8")
    chinese, _, english = text.partition("\n  en: {")
    return set(dict(_TABLE_LINE.findall(chinese if language == "zh_CN" else english)))


def record_words() -> dict[str, str]:
    """Return the Chinese words of a case's record."""
    record = ROOT / "web_kit" / "record"
    return table(record / "zh_CN.js") | table(record / "identity" / "zh_CN.js")


@pytest.mark.parametrize("name", FOLDERS)
def test_both_languages_have_the_same_keys(name: str) -> None:
    """zh-CN and en say the same things."""
    folder, chinese, english = FOLDERS[name]
    assert table(folder / chinese).keys() == table(folder / english).keys()


@pytest.mark.parametrize("name", FOLDERS)
def test_both_languages_use_the_same_values(name: str) -> None:
    """A sentence has the same holes in both languages."""
    folder, chinese, english = FOLDERS[name]
    in_english = table(folder / english)
    for key, text in table(folder / chinese).items():
        assert set(_HOLES.findall(text)) == set(_HOLES.findall(in_english[key])), key


@pytest.mark.parametrize(("language", "title"), [("zh_CN", "zh-CN"), ("en", "en")])
def test_coloured_light_has_one_name(language: str, title: str) -> None:
    """The check, the ways of liveness and the step of the policy that comes along call it the same."""
    words = table(ROOT / "web_kit" / "record" / "identity" / f"{language}.js")
    name = words["identity_check.light"]
    policy = yaml.safe_load((ROOT / "policies" / "cn-account-opening.yaml").read_text("utf-8"))
    (step,) = [step for step in policy["steps"] if step.get("check") == "light"]
    assert words["liveness.light"] == (name if language == "zh_CN" else name.lower())
    assert name.lower() in step["title"][title].lower()


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_every_key_in_the_code_has_words(language: str) -> None:
    """No screen shows a key instead of words."""
    known = shared(language)
    for folder, *_ in FOLDERS.values():
        known |= table(folder / f"{language}.js").keys()
    asked = {key for path in SCRIPTS for key in _KEY.findall(path.read_text("utf-8"))}
    assert len(asked) > 100
    assert asked - known == set()


def test_every_fact_has_words() -> None:
    """Whatever the journal can hold, the story of a case can tell."""
    from contract.facts import FACTS

    told = record_words()
    assert [name for name in FACTS if f"fact.{name}" not in told] == []


def test_every_server_word_of_a_check_has_words() -> None:
    """Failures and reasons of the identity checks are told in words."""
    told = record_words()
    failures = (
        "form",
        "region",
        "birth_date",
        "birth_in_future",
        "birth_too_early",
        "check_digit",
        "fifteen_digits",
    )
    reasons = ("no_face_on_card", "no_face_on_still", "several_faces_on_still", "portrait_too_small")
    wanted = [f"failure.{word}" for word in failures] + [f"face_reason.{word}" for word in reasons]
    assert [key for key in wanted if key not in told] == []


def test_every_word_of_an_identity_check_has_words() -> None:
    """Events, kinds, gestures, channels, fields, services, limits and what the policy asks for."""
    from contract.phases import CheckVerdict, CodeChannel, DocumentKind, LivenessKind, WatchEvent
    from kyc.traces import Gesture

    policy = (ROOT / "policies" / "cn-account-opening.yaml").read_text("utf-8")
    limits = re.findall(r"(\w+): \d+", " ".join(re.findall(r"limits: \{([^}]*)\}", policy)))
    families: dict[str, Iterable[str]] = {
        "watch": WatchEvent,
        "liveness": LivenessKind,
        "gesture": Gesture,
        "channel": CodeChannel,
        "document_kind": DocumentKind,
        "answered": CheckVerdict,
        "limit": limits,
        "external": ("registry", "bound_card", "sanctions", "negative_list"),
        "external_code": ("match", "mismatch", "not_found", "listed", "unclear"),
    }
    wanted = {f"{name}.{word}" for name, words in families.items() for word in words}
    assert len(limits) == 9
    assert wanted - record_words().keys() == set()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_scripts_make_no_markup_from_text(path: Path) -> None:
    """No innerHTML, no inline style, no evaluation; files stay short."""
    text = path.read_text("utf-8")
    assert _FORBIDDEN.findall(text) == []
    assert text.count("\n") <= 400


@pytest.mark.parametrize("app", APPS)
def test_pages_hold_no_inline_script_or_style(app: str) -> None:
    """The page names files only."""
    page = (APPS[app] / "index.html").read_text("utf-8")
    assert re.findall(r"<style|style=|\son[a-z]+=|<script(?![^>]*src=)", page) == []
