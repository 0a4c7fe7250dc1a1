"""The model process: owns every model, takes one job after another from its standard input.

It ends when its input ends, so it cannot outlive a server that was killed.
"""

import functools
import importlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import cv2

from contract.errors import ModelError, UserError
from kyc.models import Models
from kyc.pipes import PREFIX, Broke, Job, Load, Ready, Refused, body_length, packed, unpacked


def main() -> None:
    """Serve jobs until standard input ends."""
    # Ctrl-C reaches the whole group; the server decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Live calls on the same cores come first.
    os.nice(5)
    cv2.setNumThreads(1)
    with os.fdopen(os.dup(1), "wb") as replies:
        # Native libraries print to file descriptor 1; that must not land between replies.
        os.dup2(2, 1)
        serve(sys.stdin.buffer, replies)


def serve(jobs: BinaryIO, replies: BinaryIO) -> None:
    """Read a Load, then jobs from ``jobs``; write one reply each to ``replies``."""
    wanted: Load = _read(jobs)
    try:
        models = Models(wanted.pack, wanted.providers)
        # Every pack has these, and a start that fails is better than the first check of the day.
        _ = models.faces
    except ModelError as error:
        _write(replies, Broke(f"{wanted.pack.name} cannot be loaded: {error}"))
        return
    except Exception as error:
        _write(replies, Broke(f"{wanted.pack.name} cannot be loaded: {type(error).__name__}"))
        return
    _write(replies, Ready())
    while (job := _read(jobs)) is not None:
        _write(replies, _answer(models, job))


def _answer(models: Models, job: Job[Any]) -> Any:
    try:
        return handler(job.HANDLER)(models, job)
    except UserError as error:
        return Refused(error.code, str(error))
    except ModelError as error:
        return Broke(str(error))
    except Exception as error:
        return Broke(f"{type(job).__name__}: {type(error).__name__}")


@functools.cache
def handler(name: str) -> Callable[[Models, Any], Any]:
    """Return the function that ``name``, "module:function", stands for."""
    module, _, function = name.partition(":")
    found: Callable[[Models, Any], Any] = getattr(importlib.import_module(module), function)
    return found


def _read(stream: BinaryIO) -> Any:
    prefix = stream.read(PREFIX)
    if len(prefix) < PREFIX:
        return None
    body = stream.read(body_length(prefix))
    return unpacked(body)


def _write(stream: BinaryIO, message: Any) -> None:
    stream.write(packed(message))
    stream.flush()


if __name__ == "__main__":
    main()
