"""Looks at a passive liveness check again, on the recorded track between its beginning and its end.

The frames are others of the same seconds: which of them were looked at that day is not kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from contract.errors import NotFound, TellerError
from contract.facts import Entry
from contract.identity_facts import LivenessMeasured, LivenessStarted
from contract.phases import CheckVerdict
from kyc.calibration import Card
from kyc.passive_verdict import PassiveFinding, passive_verdict
from kyc.traces import PassiveLook, TraceFrames
from teller.recorded_track import Asked, Fetch, recorded
from teller.relight import CUT_OFF


@dataclass(frozen=True, slots=True)
class Relooked:
    """A passive check now. ``why`` says what kept it from being made again, else empty."""

    verdict: CheckVerdict
    median: float | None
    why: str = ""


async def relook(
    entries: Sequence[Entry],
    was: LivenessMeasured,
    models: Asked,
    fetch: Fetch,
    card: Card | None,
    *,
    demo_only: bool,
) -> Relooked:
    """Judge the check that ``was`` ends again, by the thresholds of ``card``.

    Never raises for what is missing or altered: ``why`` is then the error's code. A run that was ended is
    passed over with its own reason. With models for demos (``demo_only``) nothing passes.
    """
    if was.reason in CUT_OFF:
        return Relooked(was.verdict, None, was.reason)
    try:
        found = await _judged(entries, was, models, fetch, card)
    except TellerError as error:
        return Relooked(was.verdict, None, error.code)
    passed_for_show = demo_only and found.verdict is CheckVerdict.PASSED
    verdict = CheckVerdict.REVIEW if passed_for_show else found.verdict
    return Relooked(verdict, round(found.median, 4))


async def _judged(
    entries: Sequence[Entry], was: LivenessMeasured, models: Asked, fetch: Fetch, card: Card | None
) -> PassiveFinding:
    since, until = _times(entries, was)
    facts = [entry.fact for entry in entries]
    looks: list[PassiveLook] = []
    seen = False
    async for chunks in recorded(facts, was.call, since, until, fetch):
        for chunk in chunks:
            seen = True
            job = TraceFrames(chunk.codec, chunk.frames, chunk.origin, chunk.since, looks_only=True)
            looks += (await models.ask(job)).looks
    if not seen:
        raise NotFound("nothing of this was recorded", code="not_recorded")
    return passive_verdict([look.score for look in looks], [look.share for look in looks], card)


def _times(entries: Sequence[Entry], was: LivenessMeasured) -> tuple[float, float]:
    began = [
        entry.at
        for entry in entries
        if isinstance(entry.fact, LivenessStarted) and entry.fact.check == was.check
    ]
    ended = [entry.at for entry in entries if entry.fact is was]
    if not began or not ended:
        raise NotFound("when it began is not journaled", code="not_started")
    return began[0], ended[0]
