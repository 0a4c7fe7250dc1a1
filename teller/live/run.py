"""What every liveness check has while it runs: frames, models, the customer's answers, and its end."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import structlog

from contract.errors import Busy, ModelError
from contract.fact import Fact
from contract.identity_ports import LivenessRun
from contract.ports import Clock
from kyc.packs import Pack
from kyc.pipes import Job, LiveJob
from teller.live.chain import STRETCH_S, FrameChain, Reader, Stretch
from teller.live.hearing import Hearing
from teller.live.source import SourceSigns

_log = structlog.get_logger(__name__)

_R = TypeVar("_R")


class Models(Protocol):
    """The model process; see ``kyc.engine.Engine``."""

    pack: Pack

    async def ask(self, job: Job[_R]) -> _R:
        """Do a job. Raises Busy, UserError, ModelError."""
        ...

    async def watch(self, look: LiveJob[_R]) -> _R | None:
        """Look when no job waits, or after a few; None when a newer one took its place. Raises ModelError."""
        ...


class Over(Exception):
    """The run cannot go on; ``reason`` is its end's word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# A stretch takes half a second; a model process that is started anew a few.
_ASK_S = 10.0
# One failure may be a restart. What fails thrice fails by what is in the frames, or for good.
_FAILURES_MAX = 3
# Every frame is asked for this long ahead; a worker that took a call over learns of it within a third.
_CHALLENGE_S, _RENEWED_S = 30.0, 10.0


@dataclass(slots=True, eq=False)
class Run:
    """One run; ``sample(seconds)`` asks for every frame of so long, each ``tick_s`` time is looked at."""

    wanted: LivenessRun
    chain: FrameChain
    models: Models
    clock: Clock
    note: Callable[[Fact], None]
    sample: Callable[[float], Awaitable[None]]
    signs: SourceSigns
    tick_s: float
    random: Callable[[int], bytes] = secrets.token_bytes
    shown_at: float | None = None
    microphone: bool = False
    hearing: Hearing = field(default_factory=Hearing)
    reader: Reader = field(init=False)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    _ready: bool = False
    _failures: int = 0
    _renewed_at: float = float("-inf")

    def __post_init__(self) -> None:
        self.reader = Reader(self.chain)

    def got_ready(self, *, sound: bool) -> None:
        """The customer is ready; ``sound``: with the microphone on."""
        self._ready, self.microphone = True, sound
        self.came.set()

    def got_shown(self) -> None:
        """The first colour is on the screen, now."""
        self.shown_at = self.clock.now() if self.shown_at is None else self.shown_at
        self.came.set()

    async def until_ready(self, seconds: float) -> None:
        """Return when the customer is ready. Raises Over ``not_ready``."""
        until = self.clock.monotonic() + seconds
        while not self._ready:
            if self.clock.monotonic() > until:
                raise Over("not_ready")
            await self.pause()
            self.reader.skip()
        self._ready = False

    async def pause(self) -> None:
        """Return when something came, or a tick later."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.came.wait(), self.tick_s)
        self.came.clear()

    async def stretch(self, least_s: float = STRETCH_S) -> Stretch | None:
        """Return the next stretch if it is there, or None a tick later; every frame is asked for."""
        await self.keep_flowing()
        stretch = self.reader.next(least_s)
        if stretch is None:
            await self.pause()
        return stretch

    async def keep_flowing(self) -> None:
        """Ask for every frame, now and then again."""
        now = self.clock.monotonic()
        if now - self._renewed_at >= _RENEWED_S:
            self._renewed_at = now
            await self.sample(_CHALLENGE_S)

    async def ask(self, job: Job[_R]) -> _R | None:
        """Return the reply, None when there is none this time. Raises Over ``model_failed``."""
        try:
            async with asyncio.timeout(_ASK_S):
                reply = await self.models.ask(job)
        except Busy:
            await self.pause()
            return None
        except (ModelError, TimeoutError) as error:
            self._failures += 1
            _log.warning("a live check got no reply", job=type(job).__name__, pii_error=repr(error))
            if self._failures >= _FAILURES_MAX:
                raise Over("model_failed") from error
            return None
        self._failures = 0
        return reply
