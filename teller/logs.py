"""The log: structured events on standard error, personal data masked.

Every key that starts with ``pii_`` is personal data, and so is the text of every exception. Fields that
belong to a whole connection are bound with ``structlog.contextvars.bound_contextvars``.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from teller.config import LogSection

MASK = "***"
PII_PREFIX = "pii_"
# Libraries that tell of every packet or request at INFO, with addresses in the text.
_CHATTY = ("aioice", "aiortc", "aiohttp.access", "alembic", "sqlalchemy", "urllib3", "asyncio")
# Innermost frames of an exception that are worth a line: our own code and the library call below it.
_PLACES = 8


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to what ``sys.stderr`` is at that moment, not to what it was at set-up."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _stream: TextIO) -> None:
        """Ignore the stream that the base class remembers."""


def setup_logs(section: LogSection) -> None:
    """Send our events and those of the standard library's loggers to standard error, in one form."""
    level = logging.getLevelNamesMapping()[section.level.upper()]
    show = section.show_personal_data and section.level == "debug"
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        exception_text,
        *([] if show else [mask_personal_data]),
    ]
    handler = _Stderr()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(section)],
        )
    )
    _route_stdlib(handler, level)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


def _renderers(section: LogSection) -> list[Processor]:
    if section.format == "json":
        return [structlog.processors.JSONRenderer(ensure_ascii=False)]
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]


def _route_stdlib(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def mask_personal_data(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Replace every value under a ``pii_`` key, at any depth."""
    return _masked(event)


def _masked(fields: MutableMapping[str, Any]) -> dict[str, Any]:
    return {
        key: MASK if str(key).startswith(PII_PREFIX) and value is not None else _masked_inside(value)
        for key, value in fields.items()
    }


def _masked_inside(value: Any) -> Any:
    if isinstance(value, MutableMapping):
        return _masked(value)
    if isinstance(value, list | tuple):
        return [_masked_inside(item) for item in value]
    return value


def exception_text(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Replace ``exc_info`` by ``error_type``, ``error_at`` and, as personal data, ``pii_error``."""
    error = _error_of(event.pop("exc_info", None))
    if error is not None:
        event["error_type"] = type(error).__qualname__
        event["error_at"] = _places(error)
        event.setdefault("pii_error", str(error))
    return event


def _error_of(info: Any) -> BaseException | None:
    if info is True:
        info = sys.exc_info()
    if isinstance(info, tuple):
        info = info[1]
    return info if isinstance(info, BaseException) else None


def _places(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-_PLACES:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
