"""How a job goes on, for whoever waits for it. Pure."""

from dataclasses import dataclass

from contract.ports import Job

# Of less nothing can be told: the first seconds go into looking at what there is.
_TOLD_FROM = 0.02


@dataclass(frozen=True, slots=True)
class Outlook:
    """``eta_s``: seconds to go at the pace so far. ``lease_left_s``: seconds until another worker takes over.

    Both are None where the job does not run; the first also while nothing can be told yet. A beat every few
    seconds keeps ``lease_left_s`` up; at 0 the worker is lost.
    """

    eta_s: float | None
    lease_left_s: float | None


def outlook(job: Job, now: float) -> Outlook:
    """Return what is to be expected of ``job`` at ``now`` (seconds UTC)."""
    if job.state != "running":
        return Outlook(None, None)
    left = max(0.0, job.lease_until - now)
    if job.started_at is None or job.progress < _TOLD_FROM or left == 0.0:
        return Outlook(None, round(left, 1))
    return Outlook(round((now - job.started_at) / job.progress * (1 - job.progress), 1), round(left, 1))
