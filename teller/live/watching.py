"""Continuous looking at one party: frames to looks, looks to facts within three seconds."""

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from contract.errors import ModelError
from contract.fact import Fact
from contract.identity_facts import PersonWatched
from contract.ids import CallId, SeatId
from contract.phases import WatchEvent
from contract.ports import Clock
from kyc.continuity import Change, Continuity, Trouble, is_frontal, look_of
from kyc.pipes import Watch, Watched
from kyc.registry import Task
from teller.live.answering import Answering
from teller.live.chain import FrameChain
from teller.live.run import Models

_log = structlog.get_logger(__name__)

# One runs, one waits for the models and is replaced by the next: more looks than that are old.
_LOOKING_MAX = 3
_JUDGES = {
    Trouble.LEFT_PICTURE: (Task.DETECTION,),
    Trouble.SECOND_FACE: (Task.DETECTION,),
    Trouble.DIFFERENT_PERSON: (Task.DETECTION, Task.EMBEDDING),
}
# A look that comes a little early is not another one's.
_EARLY = 0.8


@dataclass(slots=True, eq=False)
class Watcher:
    """Looks at one party. ``note`` takes the facts; ``reference`` is whom the first good look showed."""

    call: CallId
    seat: SeatId
    chain: FrameChain
    models: Models
    clock: Clock
    note: Callable[[Fact], None]
    answering: Answering
    continuity: Continuity = field(init=False)
    reference: bytes | None = None
    _looking: int = 0
    _looked_at: float = float("-inf")

    def __post_init__(self) -> None:
        self.continuity = Continuity(self.models.pack.review_threshold, self.models.pack.threshold)

    def begin(self) -> bool:
        """Tell whether to ``look`` at the newest frame now; who is told so does it."""
        now = self.clock.monotonic()
        early = now - self._looked_at < _EARLY * self.continuity.next_look_s
        if early or self._looking >= _LOOKING_MAX or self.chain.newest is None:
            return False
        self._looked_at = now
        self._looking += 1
        return True

    async def look(self) -> None:
        """Look at the newest frame, and note what changed by it. Never raises."""
        newest = self.chain.newest
        frames = self.chain.since(newest.timestamp) if newest is not None else ()
        try:
            gaze = self.answering.wants_gaze
            watch = Watch(self.call, self.seat, self.chain.codec, frames, self.reference, gaze)
            watched = await self.models.watch(watch)
        except ModelError as error:
            _log.warning("nobody looked at a party", call=self.call, pii_error=str(error))
        else:
            if watched is not None:
                self._saw(watched)
        finally:
            self._looking -= 1

    def _saw(self, watched: Watched) -> None:
        changes = self.continuity.push(look_of(watched))
        self.answering.saw(watched, changes)
        for change in changes:
            models = self.models.pack.used(*_JUDGES[change.trouble])
            event = event_of(change)
            self.note(PersonWatched(self.call, self.seat, event, change.since, change.likeness, models))
        # Whom the first good look shows is who is to stay.
        if self.reference is None and len(watched.faces) == 1 and is_frontal(watched.faces[0]):
            self.reference = watched.template


def event_of(change: Change) -> WatchEvent:
    """Return the fact's word for a change."""
    return WatchEvent(change.trouble.value if change.began else f"ended_{change.trouble.value}")
