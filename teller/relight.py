"""Judges a light challenge again from the recorded track, as an auditor may years later.

The nonce and the second of the first colour are in the journal; see :mod:`teller.recorded_track`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from contract.errors import NotFound, TellerError
from contract.fact import Fact
from contract.identity_facts import LightDrawn, LightMeasured
from contract.phases import CheckVerdict
from kyc.light_sequence import (
    JudgeLight,
    LightFinding,
    LightSample,
    LightSequence,
    SampleLight,
    draw_sequence,
)
from teller.recorded_track import Asked, Fetch, recorded

# As much as the live check looks at before the first colour and after the last.
_BEFORE_S, _AFTER_S = 1.0, 0.8

CUT_OFF = frozenset({"declined", "agent", "call_ended"})
"""Reasons of a run that somebody ended: it has no finding that could be made again."""


@dataclass(frozen=True, slots=True)
class Relit:
    """A light challenge now. ``why`` says what kept it from being judged again, else empty."""

    verdict: CheckVerdict
    r: float | None
    why: str = ""


async def relight(
    facts: Sequence[Fact], was: LightMeasured, models: Asked, fetch: Fetch, *, demo_only: bool
) -> Relit:
    """Judge the challenge that ``was`` ends again, from the segments that ``fetch`` returns.

    Never raises for what is missing or altered: ``why`` is then the error's code. A run that was declined
    or ended is passed over with its own reason. With models for demos (``demo_only``) nothing passes.
    """
    if was.reason in CUT_OFF:
        return Relit(was.verdict, None, was.reason)
    try:
        found = await _judged(facts, was, models, fetch)
    except TellerError as error:
        return Relit(was.verdict, None, error.code)
    passed_for_show = demo_only and found.verdict is CheckVerdict.PASSED
    return Relit(CheckVerdict.REVIEW if passed_for_show else found.verdict, found.r)


async def _judged(facts: Sequence[Fact], was: LightMeasured, models: Asked, fetch: Fetch) -> LightFinding:
    if was.started_at is None:
        raise NotFound("the first colour was never shown", code="not_shown")
    sequence = _sequence(facts, was)
    since, until = was.started_at - _BEFORE_S, was.started_at + sequence.seconds + _AFTER_S
    samples: list[LightSample] = []
    async for chunks in recorded(facts, was.call, since, until, fetch):
        of_track: list[LightSample] = []
        for chunk in chunks:
            job = SampleLight(chunk.codec, chunk.frames, chunk.origin, chunk.since)
            of_track += (await models.ask(job)).samples
        # Another camera's times do not go on where this one's ended.
        samples = of_track or samples
    if not samples:
        raise NotFound("nothing of this was recorded", code="not_recorded")
    return await models.ask(JudgeLight(sequence, tuple(samples), was.started_at))


def _sequence(facts: Sequence[Fact], was: LightMeasured) -> LightSequence:
    drawn = next((one for one in facts if isinstance(one, LightDrawn) and one.check == was.check), None)
    if drawn is None:
        raise NotFound("no nonce was journaled", code="no_nonce")
    sequence = draw_sequence(bytes.fromhex(drawn.nonce_hex), len(drawn.symbols))
    if (sequence.symbols, sequence.step_s) != (drawn.symbols, drawn.seconds_each):
        raise NotFound("the nonce gives other colours", code="other_colours")
    return sequence
