"""When a job will be done, and whether anybody works on it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from contract.ids import new_case_id, new_job_id
from contract.ports import Job
from signaling.job_outlook import Outlook, outlook

RUNNING = Job(
    new_job_id(), "merge", new_case_id(), "running", 1, 5, 0.25, "merging", "", 0.0, "w", 100.0,
    lease_until=180.0,
)  # fmt: skip


def test_a_job_that_runs() -> None:
    """At the pace so far; of the first moments, of one never started and of a lost worker nothing is told."""
    assert outlook(RUNNING, 130.0) == Outlook(90.0, 50.0)
    assert outlook(replace(RUNNING, progress=0.01), 130.0) == Outlook(None, 50.0)
    assert outlook(replace(RUNNING, started_at=None), 130.0) == Outlook(None, 50.0)
    assert outlook(RUNNING, 181.0) == Outlook(None, 0.0)


def test_a_job_that_does_not_run() -> None:
    """Waiting, done or dead: there is nothing to expect."""
    for state in ("ready", "done", "dead"):
        assert outlook(replace(RUNNING, state=state), 130.0) == Outlook(None, None)


@given(st.floats(0.02, 1), st.floats(100, 179))
def test_the_end_stands_still_at_an_even_pace(progress: float, now: float) -> None:
    """Time gone and time to go are as what is done to what is not."""
    told = outlook(replace(RUNNING, progress=progress), now).eta_s
    assert told is not None and abs(told * progress - (now - 100) * (1 - progress)) <= 0.051
