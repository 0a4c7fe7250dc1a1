"""The log: what is shown, what is masked, who is quieted."""

import json
import logging
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from teller.config import LogSection
from teller.logs import MASK, setup_logs

JSON = LogSection(format="json")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield
    root.handlers[:], level = before
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_event_has_name_level_time_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    """One line per event, in UTC, on standard error."""
    setup_logs(JSON)
    structlog.get_logger("media.peer").info("peer connected", seat="seat-1", took_s=0.5)
    (line,) = _lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "peer connected", "seat": "seat-1", "took_s": 0.5, "level": "info", "logger": "media.peer",
    }  # fmt: skip


@pytest.mark.parametrize("section", [JSON, LogSection(), LogSection(level="debug")])
def test_personal_data_is_masked_at_any_depth(
    section: LogSection, capsys: pytest.CaptureFixture[str]
) -> None:
    """In both forms and at every level the values under pii_ keys do not appear."""
    setup_logs(section)
    structlog.get_logger("x").warning(
        "case found", pii_name="王芳", case="case-1", inner={"pii_phone": "13800000000"},
        rows=[{"pii_id": "11010519491231002X", "kept": 7}],
    )  # fmt: skip
    text = capsys.readouterr().err
    assert "case-1" in text
    assert "7" in text
    for secret in ("王芳", "13800000000", "11010519491231002X"):
        assert secret not in text
    assert text.count(MASK) == 3


def test_personal_data_bound_to_a_connection_is_masked_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Fields bound for a whole connection appear in every line, personal ones masked."""
    setup_logs(JSON)
    with structlog.contextvars.bound_contextvars(call="call-1", pii_name="王芳"):
        structlog.get_logger("x").info("said")
        logging.getLogger("other.library").warning("heard")
    structlog.get_logger("x").info("later")
    said, heard, later = _lines(capsys)
    assert (said["call"], said["pii_name"]) == (heard["call"], heard["pii_name"]) == ("call-1", MASK)
    assert "call" not in later


def test_personal_data_is_shown_only_when_asked_for_at_debug(capsys: pytest.CaptureFixture[str]) -> None:
    """The switch alone does nothing; with level debug it shows."""
    setup_logs(LogSection(format="json", show_personal_data=True))
    structlog.get_logger("x").info("a", pii_name="王芳")
    setup_logs(LogSection(format="json", level="debug", show_personal_data=True))
    structlog.get_logger("x").info("b", pii_name="王芳")
    assert [line["pii_name"] for line in _lines(capsys)] == [MASK, "王芳"]


def _break(what: str) -> None:
    raise ValueError(what)


@pytest.mark.parametrize("by_stdlib", [True, False])
def test_exception_text_is_personal_data(by_stdlib: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Type and place of an exception are shown, its text is masked; no traceback with values is printed."""
    setup_logs(JSON)
    try:
        _break("card of 王芳")
    except ValueError:
        if by_stdlib:
            logging.getLogger("some.library").exception("it broke")
        else:
            structlog.get_logger("x").exception("it broke")
    (line,) = _lines(capsys)
    assert (line["event"], line["level"], line["error_type"]) == ("it broke", "error", "ValueError")
    assert line["pii_error"] == MASK
    assert line["error_at"].endswith(f"{_break.__name__}")
    assert "王芳" not in json.dumps(line, ensure_ascii=False)


def test_error_text_given_by_the_caller_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """A caller that says pii_error itself knows better; an exception object may be given as well."""
    setup_logs(LogSection(format="json", level="debug", show_personal_data=True))
    structlog.get_logger("x").error("it broke", exc_info=ValueError("mine"), pii_error="theirs")
    structlog.get_logger("x").error("it broke", exc_info=(None, None, None))
    first, second = _lines(capsys)
    assert (first["pii_error"], first["error_type"]) == ("theirs", "ValueError")
    assert "error_type" not in second


@pytest.mark.parametrize("name", ["aioice.ice", "aiortc.rtcrtpsender", "aiohttp.access"])
def test_chatty_libraries_are_quieted(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Their information with addresses is dropped even at debug; their warnings come through."""
    setup_logs(LogSection(format="json", level="debug"))
    logging.getLogger(name).info("packet from 192.0.2.7")
    logging.getLogger(name).warning("trouble")
    assert [line["event"] for line in _lines(capsys)] == ["trouble"]


def test_level_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """What is below the level is not written, whoever says it."""
    setup_logs(LogSection(format="json", level="warning"))
    structlog.get_logger("x").info("no")
    logging.getLogger("some.library").info("no")
    structlog.get_logger("x").warning("yes")
    assert [line["event"] for line in _lines(capsys)] == ["yes"]


def test_set_up_twice_writes_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A second set-up replaces the first."""
    setup_logs(JSON)
    setup_logs(JSON)
    structlog.get_logger("x").info("once")
    assert len(_lines(capsys)) == 1


def test_standard_error_may_be_replaced_later(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream is looked up when a line is written."""
    setup_logs(JSON)
    monkeypatch.setattr(sys, "stderr", sys.stdout)
    structlog.get_logger("x").info("there")
    assert "there" in capsys.readouterr().out


def test_warnings_of_python_go_to_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """A deprecation in production is a log line."""
    setup_logs(JSON)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old", stacklevel=1)
    assert "old" in _lines(capsys)[0]["event"]
