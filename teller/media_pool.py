"""The media workers as the server starts them."""

import os
import sys
from functools import partial

from media.frame_relay import FrameTaker
from media.pool import Pool
from recordings.finalise import seal_call
from recordings.journal import FileJournal
from recordings.spool import Spool
from teller.clock import AnchoredClock
from teller.config import Config

# What python runs as a media worker; a test may put a guard in front of it.
MODULE = "teller"


def make_pool(
    config: Config,
    arguments: tuple[str, ...],
    journal: FileJournal,
    spool: Spool,
    frames: FrameTaker,
    clock: AnchoredClock,
) -> Pool:
    """Return the pool, which goes by ``clock``; ``arguments`` are the command line's words before the
    subcommand."""
    seal = partial(seal_call, spool, journal)
    return Pool(journal, partial(_words, arguments), seal, config.media.workers, frames, lambda: clock.offset)


def _words(arguments: tuple[str, ...], number: int, descriptor: int) -> tuple[str, ...]:
    own = ("media-worker", "--number", str(number), "--link", str(descriptor))
    return (sys.executable, "-m", MODULE, *arguments, *own, "--with-parent", str(os.getpid()))
