"""Passive liveness looked at again on what the recorder wrote."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract.errors import NotFound
from contract.facts import GENESIS, Entry, seal_entry
from contract.identity_facts import LivenessMeasured, LivenessStarted
from contract.ids import AccountId
from contract.phases import CheckVerdict, LivenessKind
from kyc.calibration import Card, OperatingPoint
from kyc.frames import FrameDecoder
from kyc.registry import Task
from kyc.traces import PassiveLook, Traced, TraceFrames
from teller.relook import Relooked, relook
from tests.kyc.encoding import START
from tests.teller.test_relight import CHECK, Recorded

POINTS = (OperatingPoint("accept", 0.5, ()), OperatingPoint("review", 0.25, ()))
CARD = Card("pad", Task.PASSIVE, (), "score", "sample", "limits", POINTS, "2026-11-01", "bank")
BEGAN_S, ENDED_S = 1.5, 5.5


class Looks:
    """The model process, which finds every frame as live as it is told."""

    def __init__(self, score: float) -> None:
        self.score = score
        self.seen: list[float] = []

    async def ask(self, job: Any) -> Any:
        assert isinstance(job, TraceFrames)
        assert job.looks_only
        assert job.frames[0].keyframe
        decoder = FrameDecoder(job.codec, job.origin)
        shown = [decoder.push(frame, show=frame.timestamp >= job.since) for frame in job.frames]
        at = [one.arrived_at - START for one in shown if one is not None]
        self.seen += at
        return Traced((), tuple(PassiveLook(one, self.score, 0.3) for one in at))


class Checked:
    """A passive check on a recorded track, from BEGAN_S to ENDED_S."""

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self.call = recorded.info.call
        self.was = LivenessMeasured(
            self.call, CHECK, 12, 0.9, 0.1, 0.5, 0.25, CheckVerdict.PASSED, "", ()
        )  # fmt: skip

    async def journal(self) -> list[Entry]:
        started = LivenessStarted(self.call, CHECK, LivenessKind.PASSIVE, 1, False, AccountId("acct-a"))
        told = [(START, fact) for fact in await self.recorded.record()]
        told += [(START + BEGAN_S, started), (START + ENDED_S, self.was)]
        case = self.recorded.info.case
        return [seal_entry(seq, at, case, fact, GENESIS) for seq, (at, fact) in enumerate(told, 1)]

    async def again(self, entries: Sequence[Entry], looks: Looks, *, demo_only: bool = False) -> Relooked:
        return await relook(entries, self.was, looks, self.recorded.fetch, CARD, demo_only=demo_only)


async def test_the_same_seconds_are_looked_at_again(tmp_path: Path) -> None:
    """No frame before the check or behind it counts; models for demos pass nothing."""
    checked = Checked(Recorded(tmp_path, "VP8"))
    entries = await checked.journal()
    looks = Looks(0.9)
    assert await checked.again(entries, looks) == Relooked(CheckVerdict.PASSED, 0.9)
    assert BEGAN_S <= min(looks.seen) < BEGAN_S + 0.2
    assert ENDED_S - 0.2 < max(looks.seen) <= ENDED_S + 0.1
    assert (await checked.again(entries, Looks(0.1))).verdict is CheckVerdict.FAILED
    assert (await checked.again(entries, Looks(0.9), demo_only=True)).verdict is CheckVerdict.REVIEW


async def test_what_cannot_be_looked_at_again_says_why(tmp_path: Path) -> None:
    """The verdict of then stands beside the reason."""
    checked = Checked(Recorded(tmp_path, "VP8"))
    entries = await checked.journal()
    unbegun = [entry for entry in entries if not isinstance(entry.fact, LivenessStarted)]
    assert await checked.again(unbegun, Looks(0.1)) == Relooked(CheckVerdict.PASSED, None, "not_started")
    assert (await checked.again(entries[-2:], Looks(0.1))).why == "not_recorded"

    async def gone(file: str) -> bytes:
        raise NotFound("released")

    checked.recorded.fetch = gone  # type: ignore[method-assign]
    assert (await checked.again(entries, Looks(0.1))).why == "not_found"


@pytest.mark.parametrize("reason", ["declined", "agent", "call_ended"])
async def test_a_run_that_was_ended_is_passed_over(tmp_path: Path, reason: str) -> None:
    """It found nothing that could be found again."""
    checked = Checked(Recorded(tmp_path, "VP8"))
    checked.was = replace(checked.was, verdict=CheckVerdict.REVIEW, reason=reason)
    assert await checked.again((), Looks(0.9)) == Relooked(CheckVerdict.REVIEW, None, reason)
