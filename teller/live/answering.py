"""What is heard and seen of one customer while questions stand, and what may mean that somebody prompts.

Sound is listened to before the first question, until enough of the customer's voice is known, and while a
question stands. It is turned into numbers in stretches of a few seconds; neither sound nor numbers are kept
beyond the call.
"""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from contract.errors import Busy, ModelError
from contract.fact import Fact
from contract.identity_facts import PromptingNoticed
from contract.ids import CallId, CheckId, SeatId
from contract.phases import VoiceWord
from contract.ports import Clock, EncodedFrame
from kyc.answer_jobs import AnswerFinding, HeardSound, HearSound, JudgeAnswer
from kyc.continuity import Change, Trouble
from kyc.pipes import Gaze, Job, Watched
from kyc.prompting import PromptingLimits, Spell, beside_s, gaze_off, prompting_signs
from kyc.registry import Task
from teller.live.hearing import RATE, Hearing
from teller.live.run import Models

_log = structlog.get_logger(__name__)

_R = TypeVar("_R")

Listen = Callable[[CallId, float], Awaitable[None]]
"""Asks for a call's sound for so many seconds. Raises MediaError."""

# Sound is asked for so long ahead, and again after a third of it, as frames of a challenge are.
_LISTEN_S, _RENEWED_S = 30.0, 10.0
# A stretch of both microphones takes the models 90 ms.
_STRETCH_S, _LEAD_S = 4.0, 0.08
# One packet.
HOP_S = 0.02
# A voice that was heard for so long is known; nobody is listened to for longer than that before a question.
EARLIER_VOICE_S, _EARLIER_MAX_S = 20.0, 180.0
# A question that stands for longer is judged by its beginning.
QUESTION_MAX_S = 180.0
# Looks before a question from which the usual is taken, the newest.
_USUAL_MAX = 20
# A stretch takes 45 ms, a model process that is started anew a few seconds.
_ASK_S = 10.0
_JUDGES = (Task.DETECTION, Task.MESH)


@dataclass(slots=True, eq=False)
class _Ear:
    """One microphone: what is to be described, from ``until`` on, and what was."""

    until: float
    hearing: Hearing = field(default_factory=Hearing)
    heard: list[HeardSound] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Question:
    """One that stands."""

    check: CheckId
    put_at: float
    agent: _Ear
    customer: _Ear
    gazes: list[Gaze] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Answering:
    """Listens to and looks at one customer. ``note`` takes the facts."""

    call: CallId
    seat: SeatId
    models: Models
    clock: Clock
    note: Callable[[Fact], None]
    listen: Listen
    limits: PromptingLimits
    _before: _Ear = field(init=False)
    _since: float = field(init=False)
    _usual: deque[Gaze] = field(default_factory=lambda: deque(maxlen=_USUAL_MAX))
    _spells: list[Spell] = field(default_factory=list)
    _question: _Question | None = None
    _renewed_at: float = -math.inf
    _busy: bool = False
    _hears: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._since = self.clock.now()
        self._before = _Ear(self._since)

    # --- what comes ---

    def put(self, check: CheckId) -> None:
        """The question ``check`` stands from now on."""
        now = self.clock.now()
        self._question = _Question(check, now, _Ear(now), _Ear(now))
        self._renewed_at = -math.inf

    def take(self, seat: SeatId, packet: EncodedFrame) -> None:
        """Take a packet of the customer's microphone, or else of the agent's."""
        own, question = seat == self.seat, self._question
        if question is not None:
            (question.customer if own else question.agent).hearing.push(packet)
        elif own:
            self._before.hearing.push(packet)

    def saw(self, watched: Watched, changes: Sequence[Change]) -> None:
        """Take what a look showed, and what changed by it."""
        if watched.gaze is not None:
            (self._usual if self._question is None else self._question.gazes).append(watched.gaze)
        for change in changes:
            if change.trouble is not Trouble.SECOND_FACE:
                continue
            if change.began:
                self._spells.append(Spell(change.since))
            elif self._spells:
                self._spells[-1] = Spell(self._spells[-1].began, change.since)

    @property
    def wants_gaze(self) -> bool:
        """Tell whether a look is to say where the customer looks."""
        return self._question is not None or len(self._usual) < _USUAL_MAX

    # --- what is done ---

    def begin(self) -> bool:
        """Tell whether to ``work`` now; who is told so does it."""
        if self._busy or not (self._listens and (self._to_renew or self._ripe)):
            return False
        self._busy = True
        return True

    async def work(self) -> None:
        """Ask for sound, describe what came. Never raises."""
        try:
            if self._to_renew:
                self._renewed_at = self.clock.monotonic()
                await self.listen(self.call, _LISTEN_S)
            async with self._hears:
                for ear in filter(self._is_ripe, self._ears):
                    await self._hear(ear)
        finally:
            self._busy = False

    def judged(self, check: CheckId) -> bool:
        """The question stands no more; tell whether to ``conclude``, which takes it over."""
        return self._question is not None and self._question.check == check

    async def conclude(self) -> None:
        """Note what there was of the question that stood. Never raises."""
        question, self._question = self._question, None
        if question is None:
            return
        until = min(self.clock.now(), question.put_at + QUESTION_MAX_S)
        answer = await self._answer(question, until)
        gaze = gaze_off(self._usual, question.gazes)
        face_s = beside_s(self._spells, question.put_at, until)
        signs = prompting_signs(answer, gaze, face_s, self.limits)
        if signs:
            used = self.models.pack.used(*_JUDGES)
            self.note(
                PromptingNoticed(
                    self.call, question.check, self.seat, question.put_at, until, signs, answer.voice, used
                )
            )

    # --- inside ---

    @property
    def _ears(self) -> tuple[_Ear, ...]:
        question = self._question
        return (self._before,) if question is None else (question.customer, question.agent)

    @property
    def _listens(self) -> bool:
        now = self.clock.now()
        if self._question is not None:
            return now - self._question.put_at < QUESTION_MAX_S
        voice_s = sum(one.voice_s for one in self._before.heard)
        return voice_s < EARLIER_VOICE_S and now - self._since < _EARLIER_MAX_S

    @property
    def _to_renew(self) -> bool:
        return self.clock.monotonic() - self._renewed_at >= _RENEWED_S

    @property
    def _ripe(self) -> bool:
        return any(map(self._is_ripe, self._ears))

    @staticmethod
    def _is_ripe(ear: _Ear) -> bool:
        return ear.hearing.newest_at >= ear.until + _STRETCH_S

    async def _hear(self, ear: _Ear) -> None:
        """Describe what came and was not; what the models are too busy for now waits for the next time."""
        packets, at = ear.hearing.since(ear.until - _LEAD_S)
        if not packets:
            return
        try:
            heard = await self._ask(HearSound(packets, at, max(0.0, ear.until - at)))
        except Busy:
            return
        ear.until = at + (packets[-1].timestamp - packets[0].timestamp) / RATE + HOP_S
        if heard is not None:
            ear.heard.append(heard)

    async def _answer(self, question: _Question, until: float) -> AnswerFinding:
        customer, agent = question.customer, question.agent
        async with self._hears:
            for ear in (customer, agent):
                await self._hear(ear)
        heard = tuple(customer.heard), tuple(agent.heard), tuple(self._before.heard)
        try:
            found = await self._ask(JudgeAnswer(question.put_at, until, *heard)) if customer.heard else None
        except Busy:
            found = None
        return found or AnswerFinding(None, VoiceWord.NOT_HEARD)

    async def _ask(self, job: Job[_R]) -> _R | None:
        """Return the reply, None when the models fail. Raises Busy."""
        try:
            async with asyncio.timeout(_ASK_S):
                return await self.models.ask(job)
        except (ModelError, TimeoutError) as error:
            _log.warning("an answer was not listened to", call=self.call, pii_error=repr(error))
            return None
