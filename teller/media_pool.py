"""The media workers as the server starts them."""

import asyncio
import sys
from functools import partial

from contract.ids import CallId, CaseId
from media.pool import Pool
from recordings import finalise
from recordings.journal import FileJournal
from recordings.spool import Spool
from teller.config import Config

# What python runs as a media worker; a test may put a guard in front of it.
MODULE = "teller"


def make_pool(config: Config, arguments: tuple[str, ...], journal: FileJournal, spool: Spool) -> Pool:
    """Return the pool; ``arguments`` are the command line's words before the subcommand."""
    return Pool(
        journal, partial(_words, arguments), partial(_seal_call, spool, journal), config.media.workers
    )


def _words(arguments: tuple[str, ...], number: int, descriptor: int) -> tuple[str, ...]:
    own = ("media-worker", "--number", str(number), "--link", str(descriptor), "--with-parent")
    return (sys.executable, "-m", MODULE, *arguments, *own)


async def _seal_call(spool: Spool, journal: FileJournal, case: CaseId, call: CallId) -> None:
    left = finalise._look_back(await journal.read(case))
    for segment in await asyncio.to_thread(lambda: list(finalise._unjournaled(spool, case, left))):
        await journal.append(case, segment)
        finalise._fold(left, (await journal.read(case))[-1])
    for fact in finalise._stops(left):
        if getattr(fact, "call", call) == call:
            await journal.append(case, fact)
