"""The model process: owns every model, takes one job after another from its standard input.

It ends when its input ends, so it cannot outlive a server that was killed.
"""

import os
import signal
import sys
from typing import Any, BinaryIO

import cv2

from contract.errors import ModelError, UserError
from kyc.faces import FaceModels
from kyc.matching import inspect_image, load_models, match_faces
from kyc.pipes import PREFIX, Broke, Inspect, Job, Match, Ready, Refused, body_length, packed, unpacked
from kyc.registry import Pack


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
    """Read a Pack, then jobs from ``jobs``; write one reply each to ``replies``."""
    pack: Pack = _read(jobs)
    try:
        models = load_models(pack)
    except Exception as error:
        _write(replies, Broke(f"{pack.name} cannot be loaded: {type(error).__name__}"))
        return
    _write(replies, Ready())
    while (job := _read(jobs)) is not None:
        _write(replies, _answer(models, pack, job))


def _answer(models: FaceModels, pack: Pack, job: Job) -> Any:
    try:
        match job:
            case Inspect():
                return inspect_image(job.data)
            case Match():
                return match_faces(models, pack, job.card, job.still)
    except UserError as error:
        return Refused(error.code, str(error))
    except ModelError as error:
        return Broke(str(error))
    except Exception as error:
        return Broke(f"{type(job).__name__}: {type(error).__name__}")


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
