"""Runs a light challenge: draws colours, samples the face while they are shown, judges what came back."""

from contract.identity_facts import LightDrawn, LightMeasured
from contract.phases import CheckVerdict
from kyc.light_sequence import JudgeLight, LightFinding, LightSample, draw_sequence
from teller.live.chain import STRETCH_S
from teller.live.gestures import READY_S
from teller.live.looking import sample_light
from teller.live.run import Over, Run

_NONCE_BYTES = 32
# From the message to the first colour the page needs half a second; a phone in a poor network ten times that.
SHOWN_S = 10.0
# The light comes back within half a second, and its frame within as much.
_AFTER_S = 0.8
# What the models may need for what had come by then.
_LATE_S = 5.0
# The last stretch is judged however short it is.
_LEAST_S = 0.0


async def run_light(run: Run) -> LightMeasured:
    """Run the challenge to its end. Raises Over."""
    await run.until_ready(READY_S)
    nonce = run.random(_NONCE_BYTES)
    sequence = draw_sequence(nonce)
    wanted = run.wanted
    run.note(LightDrawn(wanted.call, wanted.check, nonce.hex(), sequence.symbols, sequence.step_s))
    run.reader.skip()
    samples, started_at = await _shown(run)
    samples = await _sampled(run, samples, started_at + sequence.seconds + _AFTER_S)
    finding = await run.ask(JudgeLight(sequence, tuple(samples), started_at))
    if finding is None:
        raise Over("model_failed")
    # Of too few frames nothing was measured, so no camera failed to answer.
    if finding.reason != "too_few_frames":
        run.signs.lit(finding)
    return _measured(run, started_at, finding)


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
    while run.clock.now() < until:
        samples = await _more(run, samples)
    while run.reader.next(_LEAST_S) is not None and run.clock.now() < until + _LATE_S:
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
    )
