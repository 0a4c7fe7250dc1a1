"""What every command has: the words before it, its configuration, its errors and its way to print."""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import click
from rich.console import Console

from contract.errors import TellerError
from teller.config import Config, ConfigError, load
from teller.logs import setup_logs

_P = ParamSpec("_P")
# Wider than any line.
_UNBROKEN = 100_000


@dataclass(frozen=True, slots=True)
class Call:
    """What stood before the subcommand."""

    config_file: Path | None
    data: Path | None
    sets: tuple[str, ...]

    def load(self, below: dict[str, Any] | None = None) -> Config:
        """Return the configuration; ``below`` are defaults of the subcommand."""
        overrides = dict(below or {})
        for text in self.sets:
            _put(overrides, text)
        if self.data:
            overrides["data_dir"] = str(self.data)
        config = load(self.config_file, overrides)
        setup_logs(config.log)
        return config

    def arguments(self) -> tuple[str, ...]:
        """Return the same words for a child process."""
        named = ("--config", str(self.config_file)) if self.config_file else ()
        data = ("--data", str(self.data)) if self.data else ()
        return (*named, *data, *(part for text in self.sets for part in ("--set", text)))


def _put(overrides: dict[str, Any], text: str) -> None:
    """Set one ``section.key=value``; the value is JSON, or a plain text when it is not."""
    path, found, value = text.partition("=")
    if not found:
        raise ConfigError((f"--set {text}: section.key=value is wanted",))
    *sections, key = path.split(".")
    for section in sections:
        overrides = overrides.setdefault(section, {})
    try:
        overrides[key] = json.loads(value)
    except ValueError:
        overrides[key] = value


def console() -> Console:
    """Print for whoever reads: a terminal wraps; names, links and hashes in a file or a pipe stay whole."""
    return Console(width=None if sys.stdout.isatty() else _UNBROKEN)


def guarded(function: Callable[_P, int | None]) -> Callable[_P, None]:
    """Turn our errors into one line on standard error and an exit code."""

    @wraps(function)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            code = function(*args, **kwargs) or 0
        except ConfigError as error:
            for line in error.lines:
                click.echo(line, err=True)
            code = error.exit_code
        except TellerError as error:
            click.echo(f"{error.code}: {error}", err=True)
            code = 1
        except KeyboardInterrupt:
            code = 130
        sys.exit(code)

    return wrapper


def run(work: Coroutine[Any, Any, int | None]) -> int | None:
    """Do the work of a command in an event loop."""
    return asyncio.run(work)
