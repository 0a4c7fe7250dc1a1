"""Runs a light challenge: draws colours, samples the face while they are shown, judges what came back."""

import asyncio

from contract.identity_facts import LightAsked, LightDrawn, LightMeasured
from contract.phases import CheckVerdict
from kyc.light_sequence import (
    LAG_MAX_S,
    JudgeLight,
    LightFinding,
    LightSample,
    LightSequence,
    draw_sequence,
)
from kyc.registry import Task
from teller.live.chain import STRETCH_S
from teller.live.gestures import READY_S
from teller.live.looking import sample_light
from teller.live.run import Over, Run

_NONCE_BYTES = 32
# From the message to the first colour the page needs half a second; a phone in a poor network ten times that.
SHOWN_S = 10.0
# A lag is counted up to a frame's arrival, so later ones tell nothing; a tenth is for jitter.
_AFTER_S = LAG_MAX_S + 0.1
# What the models may need for what had come by then.
_LATE_S = 5.0
# What is told before the first colour is shown, and then in pieces. A piece is on its way for so long before
# it is due: through the journal, down to the phone, and the phone's word that it began up to here. So nobody
# ever knows more than two seconds of what comes.
_FIRST, _PIECE = 4, 2
AHEAD_S = 1.6
# Towards the end stretches are short, so that little is left to do at it; the last one as short as it is.
_ENDING_S, _ENDING_STRETCH_S, _LEAST_S = 0.8, 0.3, 0.0


async def run_light(run: Run) -> LightMeasured:
    """Run the challenge to its end. Raises Over."""
    await run.until_ready(READY_S)
    nonce = run.random(_NONCE_BYTES)
    sequence = draw_sequence(nonce)
    wanted = run.wanted
    run.note(LightDrawn(wanted.call, wanted.check, nonce.hex(), sequence.symbols, sequence.step_s))
    run.reader.skip()
    # A page that says so before it knows a colour would have all of them at once.
    run.shown_at = None
    _ask(run, sequence, 0, _FIRST)
    samples, started_at = await _shown(run)
    asking = asyncio.ensure_future(_ask_in_time(run, sequence, started_at))
    try:
        samples = await _sampled(run, samples, started_at + sequence.seconds + _AFTER_S)
    finally:
        asking.cancel()
    finding = await run.ask(JudgeLight(sequence, tuple(samples), started_at))
    if finding is None:
        raise Over("model_failed")
    # Of too few frames nothing was measured, so no camera failed to answer.
    if finding.reason != "too_few_frames":
        run.signs.lit(finding)
    return _measured(run, started_at, finding)


def _ask(run: Run, sequence: LightSequence, begin: int, end: int) -> None:
    run.note(LightAsked(run.wanted.call, run.wanted.check, begin + 1, sequence.symbols[begin:end]))


async def _ask_in_time(run: Run, sequence: LightSequence, started_at: float) -> None:
    """Tell each further piece AHEAD_S before it is due, however long the models take."""
    for begin in range(_FIRST, len(sequence.symbols), _PIECE):
        while run.clock.now() < started_at + begin * sequence.step_s - AHEAD_S:
            await run.pause()
        _ask(run, sequence, begin, begin + _PIECE)


async def _shown(run: Run) -> tuple[list[LightSample], float]:
    """Sample until the first colour is on the screen. Raises Over ``not_shown``."""
    samples: list[LightSample] = []
    until = run.clock.monotonic() + SHOWN_S
    while run.shown_at is None:
        if run.clock.monotonic() > until:
            raise Over("not_shown")
        samples = await _more(run, samples)
    return samples, run.shown_at


async def _sampled(run: Run, samples: list[LightSample], until: float) -> list[LightSample]:
    """Sample until ``until``, seconds UTC, and then what has come by then."""
    while (left_s := until - run.clock.now()) > 0:
        samples = await _more(run, samples, STRETCH_S if left_s > _ENDING_S else _ENDING_STRETCH_S)
    # While the models look at it more comes, which is no part of the challenge.
    came = run.reader.next(_LEAST_S)
    while came is not None and run.reader.waits(came) and run.clock.now() < until + _LATE_S:
        samples = await _more(run, samples, _LEAST_S)
    return samples


async def _more(run: Run, samples: list[LightSample], least_s: float = STRETCH_S) -> list[LightSample]:
    epoch = run.reader.epoch
    found = await sample_light(run, least_s)
    if found is None:
        return samples
    # Another camera's times do not go on where this one's ended.
    return [*(samples if found[0] == epoch else ()), *found[1]]


def _measured(run: Run, started_at: float, finding: LightFinding) -> LightMeasured:
    verdict, reason = finding.verdict, finding.reason
    if verdict is CheckVerdict.PASSED and run.models.pack.demo_only:
        verdict, reason = CheckVerdict.REVIEW, "demo_pack"
    return LightMeasured(
        call=run.wanted.call,
        check=run.wanted.check,
        started_at=started_at,
        r=finding.r,
        gain=finding.gain,
        lag_s=finding.lag_s,
        background_share=finding.background_share,
        frames=finding.samples,
        verdict=verdict,
        reason=reason,
        models=run.models.pack.used(Task.DETECTION),
    )
