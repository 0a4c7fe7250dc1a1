"""One whole case over real sockets: what the callers see, what the archive holds."""

import asyncio
import itertools
import json
import shutil
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from contract.ids import CaseId
from recordings.verify_sealed import verify_sealed_folder
from teller.demo.caller import Rest
from teller.demo.data import FPS, LOGINS, VIDEO_SIZE, make_props
from teller.demo.script import Play, Report
from teller.demo.sound import Speaker
from tests.e2e.measure import Merged, measure
from tests.e2e.server import Server
from tests.e2e.stage import Quiet

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]


def play(server: Server, *, mismatch: bool = False, talk_s: float = 10.0) -> Report:
    script = Play(lambda: Rest(server.url), LOGINS, make_props(mismatch=mismatch), Quiet(), talk_s=talk_s)
    return asyncio.run(script.run())


@pytest.fixture(name="minute", scope="module")
def _minute(server: Server) -> tuple[Report, Merged]:
    """Play a call of a minute and measure its merged file."""
    report = play(server, talk_s=60.0)
    return report, measure(server.archived(report.case), VIDEO_SIZE)


def test_the_case_is_approved(minute: tuple[Report, Merged]) -> None:
    """Ticket, consent, queue, ring, call, checks, merge, archive and signature all happened."""
    report, _ = minute

    assert report.verdict == "approved"
    # The base pack never approves by itself: it leaves the decision to the agent.
    assert report.face_verdict == ("passed" if report.pack == "open" else "review")
    assert report.face_score is not None
    assert report.pack == "base" or report.face_score >= report.face_threshold
    assert report.click_to_first_frame_s is not None


def test_the_merged_file_is_as_long_as_the_call(minute: tuple[Report, Merged]) -> None:
    """Merged duration is the call's wall time within half a second, on the fixed canvas."""
    report, merged = minute

    assert report.call_s >= 60
    assert abs(merged.seconds - report.call_s) <= 0.5
    assert merged.size == (1280, 720)


# The journal's own times wait for the disk; a segment that was lost at the end has twice as much on average.
TAIL_MAX_S = 1.0


def test_no_tail_is_cut_off_at_hang_up(server: Server, minute: tuple[Report, Merged]) -> None:
    """Of both people every picture and packet of sound that came is on disk, up to the end of the call."""
    case = minute[0].case
    (call_ended,) = (fact["at"] for fact in server.told(case, "CallEnded"))
    sealed = server.told(case, "SegmentSealed")
    ended = {fact["track"]: fact for fact in server.told(case, "TrackEnded")}

    assert len(ended) == 4
    for track, fact in ended.items():
        mine = [one for one in sealed if one["track"] == track]
        assert sum(one["frames"] for one in mine) >= fact["frames"] > 0, (track, fact)
        last = max(one["last_at"] for one in mine)
        assert min(fact["at"], call_ended) - last <= TAIL_MAX_S, (track, fact, last)


@pytest.mark.parametrize("side", ["customer", "agent"])
def test_the_counter_only_grows(minute: tuple[Report, Merged], side: str) -> None:
    """Each person's picture advances, never jumps back, and keeps the camera's pace."""
    seen = minute[1].sides[side]
    numbers = [number for _, number in seen.counters]

    assert len(numbers) > 0.9 * 60 * FPS
    assert all(later >= earlier for earlier, later in itertools.pairwise(numbers))
    pace = (numbers[-1] - numbers[0]) / (seen.counters[-1][0] - seen.counters[0][0])
    assert abs(pace - FPS) < 0.1 * FPS


@pytest.mark.parametrize(("side", "speaker"), [("customer", Speaker.CUSTOMER), ("agent", Speaker.AGENT)])
def test_sound_and_picture_coincide(minute: tuple[Report, Merged], side: str, speaker: Speaker) -> None:
    """Flash and beep of the same second lie within 80 ms in the merged file."""
    skews = minute[1].skews(side, speaker)

    assert len(skews) > 45
    assert float(np.median(np.abs(skews))) <= 0.080
    assert float(np.quantile(np.abs(skews), 0.95)) <= 0.080


def test_the_merged_file_seeks(server: Server, minute: tuple[Report, Merged]) -> None:
    """Ten points of the file can be opened directly and show the picture of that time."""
    report, merged = minute
    with av.open(str(server.archived(report.case))) as file:
        for second in np.linspace(1, merged.seconds - 2, 10):
            file.seek(int(second * av.time_base))
            frame = next(file.decode(video=0))
            assert frame.time is not None
            assert second - 2.5 <= frame.time <= second + 0.1


def test_the_archive_verifies_and_the_spool_is_gone(server: Server, minute: tuple[Report, Merged]) -> None:
    """``teller verify`` passes on the archived case, and nothing of it is left in the spool."""
    report, _ = minute
    words = [sys.executable, "-m", "teller", *server.arguments, "verify", report.case, "--json"]
    told = subprocess.run(
        words, capture_output=True, text=True, timeout=60, check=False, cwd=server.data.parent
    )

    assert told.returncode == 0, told.stdout + told.stderr
    assert json.loads(told.stdout)["intact"] is True
    left = [
        path for path in (server.data / "spool").rglob("*") if path.is_file() and report.case in str(path)
    ]
    assert left == []


def test_an_altered_archive_is_found(server: Server, minute: tuple[Report, Merged], tmp_path: Path) -> None:
    """One changed byte in a copy of the archive is named, by anybody, without the record's key."""
    report, _ = minute
    copy = tmp_path / report.case
    shutil.copytree(next((server.data / "archive").glob(f"*/{report.case}")), copy)
    whole = verify_sealed_folder(copy, CaseId(report.case))
    assert whole.intact
    assert len(whole.files) > 10
    victim = copy / "merged.mp4"
    victim.chmod(0o600)
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    words = [sys.executable, "-m", "teller", "verify", str(copy)]
    told = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)

    assert told.returncode == 1
    assert "merged.mp4" in told.stdout


def test_another_face_on_the_card_is_found(server: Server) -> None:
    """With somebody else's portrait the check fails, the agent refuses and the auditor rejects."""
    report = play(server, mismatch=True)

    assert report.face_verdict == "failed"
    assert report.face_score is not None
    assert report.face_score < report.face_threshold
    assert report.verdict == "rejected"
