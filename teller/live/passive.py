"""Runs a passive liveness check: a few seconds of frames, and nothing is asked of anybody."""

from contract.identity_facts import LivenessMeasured
from contract.phases import CheckVerdict
from kyc.passive_verdict import FRAMES_MIN, passive_verdict
from kyc.registry import Task
from kyc.traces import PassiveLook
from teller.live.looking import trace
from teller.live.run import Run

# One look in 0.4 s, so 5 s of a face that is to be seen half of the time; a poor line gets as long again.
LOOKS = FRAMES_MIN + 2
PASSIVE_S = 12.0


async def run_passive(run: Run) -> LivenessMeasured:
    """Look until there is enough, or for PASSIVE_S. Raises Over."""
    looks: list[PassiveLook] = []
    until = run.clock.monotonic() + PASSIVE_S
    while len(looks) < LOOKS and run.clock.monotonic() < until:
        found = await trace(run, looks_only=True)
        if found is not None:
            looks += found[1].looks
    return _measured(run, looks)


def _measured(run: Run, looks: list[PassiveLook]) -> LivenessMeasured:
    pack = run.models.pack
    card = pack.card(Task.PASSIVE)
    found = passive_verdict([look.score for look in looks], [look.share for look in looks], card)
    verdict, reason = found.verdict, found.reason
    if verdict is CheckVerdict.PASSED and pack.demo_only:
        verdict, reason = CheckVerdict.REVIEW, "demo_pack"
    return LivenessMeasured(
        call=run.wanted.call,
        check=run.wanted.check,
        frames=len(looks),
        median=round(found.median, 4),
        spread=round(found.spread, 4),
        threshold=card.point("accept").threshold if card else 0.0,
        review_threshold=card.point("review").threshold if card else 0.0,
        verdict=verdict,
        reason=reason,
        models=pack.used(Task.DETECTION, Task.PASSIVE),
    )
