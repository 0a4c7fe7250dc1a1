"""Two lanes before the model process: jobs that somebody waits for, and looks that are only worth having new.

A job goes first, but after JOBS_IN_A_ROW of them one look has its turn: two gesture challenges have jobs
waiting all the time, and nobody would look at the other calls. So a job waits for the look that runs, and for
one more with every JOBS_IN_A_ROW jobs before it. Jobs are served in order and refused when too many wait; of
the looks of one key only the newest waits, and keys take turns.
"""

import asyncio
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from contract.errors import Busy, ModelError
from kyc.pipes import Job, LiveJob

# One look a party; more parties than a machine's calls have are somebody's fault.
_KEYS_MAX = 256
# A stretch of a gesture challenge is three jobs in half a second, a look takes some 30 ms (detection 17,
# recognition 6, decoding): a process that never rests does three looks a second, in a tenth of its time.
JOBS_IN_A_ROW = 2


@dataclass(slots=True, eq=False)
class Waiting:
    """A piece of work and the future of its answer."""

    job: Job[Any]
    answer: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def done(self, reply: Any) -> None:
        """Give the answer, unless nobody waits for it any more."""
        if not self.answer.done():
            self.answer.set_result(reply)

    def fail(self, error: Exception) -> None:
        """Give an error as the answer, unless nobody waits for it any more."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Lanes:
    """The work that waits; at most ``jobs_max`` jobs. Belongs to one event loop."""

    def __init__(self, jobs_max: int) -> None:
        self._jobs_max = jobs_max
        self._jobs: deque[Waiting] = deque()
        self._looks: dict[Hashable, Waiting] = {}
        self._came = asyncio.Event()
        self._in_a_row = 0

    @property
    def jobs(self) -> int:
        """Return how many jobs wait."""
        return len(self._jobs)

    def put(self, job: Job[Any]) -> Waiting:
        """Let a job wait. Raises Busy: ``kyc_busy``, too many do."""
        if len(self._jobs) >= self._jobs_max:
            raise Busy("too many identity checks wait", code="kyc_busy")
        waiting = Waiting(job)
        self._jobs.append(waiting)
        self._came.set()
        return waiting

    def put_look(self, look: LiveJob[Any]) -> tuple[Waiting, Waiting | None]:
        """Let a look wait; the second value is what it pushed out, answered by None."""
        key, waiting = look.key, Waiting(look)
        pushed = self._looks.get(key)
        if pushed is None and len(self._looks) >= _KEYS_MAX:
            pushed = self._looks.pop(next(iter(self._looks)))
        # An old key keeps its turn: a party with many frames must not wait for ever behind others.
        self._looks[key] = waiting
        self._came.set()
        if pushed is not None:
            pushed.done(None)
        return waiting, pushed

    async def next(self) -> Waiting:
        """Return what is to be done next, as soon as there is something."""
        while True:
            if self._jobs and not (self._looks and self._in_a_row >= JOBS_IN_A_ROW):
                self._in_a_row += 1
                return self._jobs.popleft()
            if self._looks:
                self._in_a_row = 0
                return self._looks.pop(next(iter(self._looks)))
            self._came.clear()
            await self._came.wait()

    def fail_all(self, text: str) -> None:
        """Answer everything that waits with a ModelError."""
        everything = (*self._jobs, *self._looks.values())
        self._jobs.clear()
        self._looks.clear()
        for waiting in everything:
            waiting.fail(ModelError(text))
