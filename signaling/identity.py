"""What a call knows of its identity checks, learnt from facts, and what the customer's page is told. Pure."""

from collections.abc import Set
from dataclasses import replace

from contract.errors import Busy, NotFound, WrongPhase
from contract.fact import Fact
from contract.identity_facts import (
    ChallengeAsked,
    ChallengeDecided,
    ChallengeDrawn,
    ChallengeEnded,
    ChallengeTried,
    ChecksLocked,
    CodeSent,
    CodeTried,
    DocumentJudged,
    DocumentRead,
    ExternalAnswered,
    ExternalAsked,
    FieldCorrected,
    LightAsked,
    LightDrawn,
    LightMeasured,
    LivenessMeasured,
    LivenessStarted,
    PortraitsCompared,
    QuestionDrawn,
    QuestionJudged,
)
from contract.ids import CheckId
from contract.phases import CheckVerdict, CheckWord, LivenessKind
from contract.wire import (
    ChallengeStep,
    ChallengeWanted,
    CheckOver,
    CodeWanted,
    LightColours,
    LightSequence,
    Message,
)
from signaling.codes import DIGITS, OneTimeCode, try_code
from signaling.identity_plan import IdentityPlan
from signaling.memory import Memory, Order, kind_of_try, locked_until
from signaling.questions import candidates

# What the letters of ``LightAsked.symbols`` look like on a screen.
COLOURS = {
    "R": "#ff0000",
    "G": "#00ff00",
    "B": "#0000ff",
    "C": "#00ffff",
    "M": "#ff00ff",
    "Y": "#ffff00",
}
# From the message to the first colour: time for the page to go to full screen.
_LIGHT_STARTS_S = 0.5


class Identity:
    """Checks of one call; ``working`` names what a command is out for."""

    def __init__(self, plan: IdentityPlan, memory: Memory) -> None:
        self.working: set[str] = set()
        self._plan = plan
        self._memory = memory
        self._tries = {kind: list(times) for kind, times in memory.tries.items()}
        self._former_gestures = list(memory.gestures)
        self._former_questions = memory.questions
        self._found: dict[str, str] = {}
        self._runs: dict[CheckId, LivenessStarted] = {}
        self._decided: dict[CheckId, CheckVerdict] = {}
        self._running: CheckId | None = None
        self._tries_of: dict[CheckId, int] = {}
        self._light: LightDrawn | None = None
        self._fields: dict[CheckId, dict[str, str]] = {}
        self._asked: Order = ()
        self._barred: set[str] = set()
        self._open_question: CheckId | None = None
        self._answers: list[CheckVerdict] = []
        self._code: OneTimeCode | None = None
        self._sent: CodeSent | None = None
        self._sent_at = float("-inf")
        for fact in memory.entered:
            self._noted_work(fact)

    def memory(self) -> Memory:
        """Return what the customer's next call of the same case is to know."""
        asked = (self._asked,) if self._asked else ()
        return replace(
            self._memory,
            gestures=tuple(self._former_gestures),
            questions=(*self._former_questions, *asked),
            tries={kind: tuple(times) for kind, times in self._tries.items()},
        )

    # --- what may be done now ---

    def require_try(self, kind: str, now: float) -> None:
        """Raise Busy ``checks_used_up`` when this kind was tried as often as the policy allows."""
        most = self._plan.tries.get(kind)
        if most is not None and locked_until(self._tries.get(kind, ()), most, self._plan.cool_down_s, now):
            raise Busy("tried too often", code="checks_used_up")

    def begin(self, what: str) -> None:
        """A command goes out for ``what``. Raises Busy while one is out already."""
        if what in self.working:
            raise Busy("this is under way")
        self.working.add(what)

    def done(self, what: str, *, well: bool) -> None:
        """The command is over; a question that could not be put is not drawn again in this call."""
        self.working.discard(what)
        if not well and self._found.get(what) == "waiting":
            del self._found[what]
        kind, _, name = what.partition(":")
        if kind == "question" and not well:
            self._barred.add(name)
        elif kind == "code" and not well:
            self._code = None

    @property
    def running(self) -> CheckId | None:
        """The liveness check that is not over."""
        return self._running

    def start(self, check: CheckId) -> None:
        """A liveness check is about to begin. Raises Busy while one runs."""
        if self._running is not None:
            raise Busy("a liveness check is running")
        self._running = check

    def attempt(self, kind: LivenessKind) -> int:
        """Return which attempt the next liveness check of this kind is in this call, from 1."""
        return 1 + sum(run.kind is kind for run in self._runs.values())

    @property
    def former_gestures(self) -> tuple[Order, ...]:
        """The orders of gestures that the customer was ever asked."""
        return tuple(self._former_gestures)

    def require_run(self, check: CheckId) -> None:
        """Raise NotFound unless ``check`` is a liveness check of this call."""
        if check not in self._runs:
            raise NotFound("no such check in this call")

    def field_of(self, check: CheckId, field: str) -> str:
        """Return what the document says in ``field``, empty when nothing. Raises NotFound."""
        if check not in self._fields:
            raise NotFound("no such reading in this call")
        return self._fields[check].get(field, "")

    def question_candidates(self) -> Order:
        """Return what may be asked next. Raises Busy, or UserError ``no_questions``."""
        if self._open_question is not None or any(what.startswith("question:") for what in self.working):
            raise Busy("the last question is not judged yet")
        known = {one.id for one in self._plan.questions} - self._barred
        return candidates(known, self._former_questions, self._asked, self._plan.questions_wanted)

    def take_open_question(self, check: CheckId) -> None:
        """The question ``check`` is about to be judged. Raises WrongPhase or NotFound unless it waits."""
        if self._open_question is None:
            raise WrongPhase("no question is open")
        if check != self._open_question:
            raise NotFound("no such question")
        self._open_question = None

    def send(self, code: OneTimeCode, now: float) -> None:
        """``code`` is about to be sent; the one before is worth nothing any more. Raises Busy."""
        if now < self._sent_at + self._plan.resend_s:
            raise Busy("the last code was sent a moment ago")
        self.begin("code")
        self._code, self._sent, self._sent_at = code, None, now

    def enter(self, check: CheckId, entered: str, now: float) -> CodeTried | None:
        """Return the fact of an entered code; None when none is wanted, or not that one."""
        if self._code is None or self._sent is None or self._sent.check != check or self._code.left == 0:
            return None
        right, self._code = try_code(self._code, entered, now)
        return CodeTried(self._sent.call, check, right, self._code.left)

    # --- what the journal says ---

    def noted(self, fact: Fact, now: float) -> tuple[Message, ...]:
        """Learn from a fact; return what the customer's page is told of it."""
        kind = kind_of_try(fact)
        if kind is not None:
            self._tries.setdefault(kind, []).append(now)
        match fact:
            case (
                LivenessStarted()
                | LivenessMeasured()
                | ChallengeDrawn()
                | ChallengeAsked()
                | ChallengeTried()
                | ChallengeEnded()
                | LightDrawn()
                | LightAsked()
                | LightMeasured()
            ):
                return self._noted_liveness(fact)
            case CodeSent() | CodeTried():
                return self._noted_code(fact, now)
            case _:
                self._noted_work(fact)
                return ()

    def lock_by(self, fact: Fact, now: float) -> ChecksLocked | None:
        """Return the lock that a try brings which was just noted; None while another is allowed."""
        kind = kind_of_try(fact)
        most = self._plan.tries.get(kind) if kind is not None else None
        if kind is None or most is None:
            return None
        until = locked_until(self._tries.get(kind, ()), most, self._plan.cool_down_s, now)
        return ChecksLocked(kind, until) if until is not None else None

    def _noted_liveness(self, fact: Fact) -> tuple[Message, ...]:
        match fact:
            case LivenessStarted():
                self._runs[fact.check], self._running = fact, fact.check
                return (ChallengeWanted(fact.check, fact.kind, fact.elder),)
            case ChallengeDrawn():
                self._former_gestures.append(fact.steps)
                self._tries_of[fact.check] = fact.tries
            case ChallengeAsked():
                return (
                    ChallengeStep(
                        fact.check,
                        fact.step,
                        fact.index,
                        fact.of,
                        fact.seconds,
                        fact.attempt,
                        fact.digits,
                    ),
                )
            case ChallengeTried() if not fact.seen and fact.attempt < self._tries_of.get(fact.check, 0):
                return (CheckOver(fact.check, CheckWord.AGAIN),)
            case LightDrawn():
                self._light = fact
            case LightAsked():
                return self._light_asked(fact)
            case LivenessMeasured() | ChallengeEnded() | LightMeasured():
                return self._liveness_over(fact.check, fact.verdict)
            case _:
                pass
        return ()

    def _light_asked(self, fact: LightAsked) -> tuple[Message, ...]:
        drawn = self._light
        if drawn is None or drawn.check != fact.check:
            return ()
        colours = tuple(COLOURS[symbol] for symbol in fact.symbols)
        if fact.index > 1:
            return (LightColours(fact.check, colours, fact.index),)
        count = len(drawn.symbols)
        return (LightSequence(fact.check, colours, count, drawn.seconds_each, _LIGHT_STARTS_S),)

    def _liveness_over(self, check: CheckId, verdict: CheckVerdict) -> tuple[Message, ...]:
        if self._running == check:
            self._running = None
        run = self._runs.get(check)
        if run is None:
            return ()
        decided = self._decided.get(check, verdict)
        # What went wrong before the agent's word ended the check, the agent did not know.
        self._found[run.kind] = (verdict if verdict is CheckVerdict.FAILED else decided).value
        # Nobody was asked to do anything for a passive look, so nothing has gone wrong either.
        well = verdict is CheckVerdict.PASSED or run.kind is LivenessKind.PASSIVE
        return (CheckOver(check, CheckWord.THANKS if well else CheckWord.AGENT_HELPS),)

    def _noted_code(self, fact: CodeSent | CodeTried, now: float) -> tuple[Message, ...]:
        if isinstance(fact, CodeSent):
            self._sent, self._found["code"] = fact, "waiting"
            return self._code_wanted(now)
        if fact.right:
            self._found["code"] = "passed"
        elif fact.left == 0:
            self._found["code"] = "failed"
        else:
            return self._code_wanted(now)
        return (CheckOver(fact.check, CheckWord.THANKS if fact.right else CheckWord.AGENT_HELPS),)

    def _code_wanted(self, now: float) -> tuple[Message, ...]:
        code, sent = self._code, self._sent
        if code is None or sent is None or code.left == 0 or now >= code.expires_at:
            return ()
        return (CodeWanted(sent.check, DIGITS, sent.channel, code.left, code.expires_at - now),)

    def _noted_work(self, fact: Fact) -> None:
        match fact:
            case DocumentRead():
                self._fields[fact.check] = {field.name: field.pii_value for field in fact.fields}
            case FieldCorrected():
                self._fields.setdefault(fact.check, {})[fact.field] = fact.pii_after
            case DocumentJudged():
                self._found["document"] = fact.verdict.value
            case PortraitsCompared():
                self._found["portraits"] = fact.verdict.value
            case ChallengeDecided() if fact.check in self._runs:
                self._decided[fact.check] = fact.verdict
                self._found[self._runs[fact.check].kind] = fact.verdict.value
            case QuestionDrawn():
                self._asked, self._open_question = (*self._asked, fact.question), fact.check
            case QuestionJudged():
                self._judged(fact)
            case ExternalAsked():
                self._found[f"external_{fact.service}"] = "waiting"
            case ExternalAnswered():
                self._found[f"external_{fact.service}"] = fact.verdict.value
            case _:
                pass

    def _judged(self, fact: QuestionJudged) -> None:
        self._answers.append(fact.verdict)
        if self._answers.count(CheckVerdict.FAILED) > self._plan.questions_wrong_max:
            self._found["questions"] = "failed"
        elif self._answers.count(CheckVerdict.PASSED) >= self._plan.questions_right:
            self._found["questions"] = "passed"

    # --- what is shown ---

    def found(self) -> dict[str, str]:
        """Return the state of each check that is more than open, by its word; see ``Checks.found``."""
        found = dict(self._found)
        for what in self.working & _COMMANDS:
            found[what] = "waiting"
        if self._running is not None and self._running in self._runs:
            found[self._runs[self._running].kind] = "waiting"
        if self._open_question is not None:
            found.setdefault("questions", "waiting")
        return found

    def wanted(self, now: float) -> tuple[Message, ...]:
        """Return what a page that is back is to be told: the check that runs, the code that is wanted.

        A gesture or a colour that was under way comes again by itself, or its time runs out.
        """
        run = self._runs.get(self._running) if self._running else None
        told: tuple[Message, ...] = (ChallengeWanted(run.check, run.kind, run.elder),) if run else ()
        return told + self._code_wanted(now)


_COMMANDS: Set[str] = frozenset({"document", "portraits"})
