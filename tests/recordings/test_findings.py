"""What a machine notices, without a film; and what it is noticed by."""

import cv2
import numpy as np
from av.video.frame import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from contract.facts import GENESIS, Entry, Fact, IdNumberChecked, StepMarked, seal_entry
from contract.identity_facts import PersonWatched, SourceJudged
from contract.ids import SeatId, new_account_id, new_call_id, new_case_id, new_check_id, new_seat_id
from contract.phases import CheckVerdict, Role, StepResult, WatchEvent
from recordings.chapters import ScriptStep
from recordings.compose import FPS
from recordings.findings import (
    BLACK_S,
    FROZEN_S,
    SILENT_S,
    FaceFindings,
    StepFinding,
    faces_counted,
    faces_watched,
    lane_findings,
    missing_steps,
)
from recordings.looks import SAMPLES_MAX, Looks, Shown
from recordings.scene import Seen
from recordings.stays import Span, Stay
from recordings.timeline import Axis

CUSTOMER = (SeatId("seat-c"), Role.CUSTOMER)
CALL, OTHER = new_call_id(), new_call_id()
CALLS = [(CALL, Axis(100, 160)), (OTHER, Axis(500, 540))]
A, N, M, B, F = Shown.ABSENT, Shown.NOTHING, Shown.MOVING, Shown.BLACK, Shown.FROZEN


def _entries(*told: tuple[float, Fact]) -> list[Entry]:
    case = new_case_id()
    return [seal_entry(n + 1, at, case, fact, GENESIS) for n, (at, fact) in enumerate(told)]


def _watched(at: float, event: WatchEvent) -> tuple[float, Fact]:
    return at, PersonWatched(CALL, new_seat_id(), event, at, None)


def test_stretches_of_each_kind() -> None:
    """Black, frozen and silent stretches where they are, none that is shorter than is worth a look."""
    shown = bytes([M, B, B, M, B, B, B, M, F, F, F, M, F, F, F, F, N, N, A, A])
    [found] = lane_findings({CUSTOMER: bytes([9] * 6 + [2] * 30)}, 2, {CUSTOMER: shown})

    assert (found.seat, found.role) == CUSTOMER
    assert (found.black, found.black_s) == (((4.0, 7.0),), 3.0)
    assert (found.frozen, found.frozen_s) == (((11.0, 16.0),), 5.0)
    # Silent to the end of the pictures' notes, where nobody is there any more.
    assert (found.silent, found.silent_s) == (((3.0, 18.0),), 15.0)


def test_no_sound_at_all_is_silence_and_absence_is_not() -> None:
    """A party without a microphone was silent while it was there."""
    [found] = lane_findings({}, FPS, {CUSTOMER: bytes([A] * 20 + [M] * 12)})

    assert found.silent == ((20.0, 32.0),)


@given(st.lists(st.sampled_from(list(Shown)), max_size=60), st.binary(max_size=120))
def test_stretches_are_apart_in_order_and_long_enough(shown: list[Shown], peaks: bytes) -> None:
    """Of whatever was noted; none reaches beyond the notes."""
    [found] = lane_findings({CUSTOMER: peaks}, 2, {CUSTOMER: bytes(shown)})
    for stretches, least in (
        (found.silent, SILENT_S), (found.black, BLACK_S), (found.frozen, FROZEN_S)
    ):  # fmt: skip
        ends = [0.0, *(at for stretch in stretches for at in stretch), float(len(shown))]
        assert ends == sorted(ends)
        assert all(until - since >= least for since, until in stretches)


def test_faces_on_samples() -> None:
    """The share of samples with a face; neighbours with several are one stretch."""
    found = faces_counted([(0, 1), (3, 2), (6, 3), (9, 0), (15, 2)])

    assert found == FaceFindings("samples", 5, 0.8, ((3, 9), (15, 18)))
    assert faces_counted([]) == FaceFindings("none", 0, None, ())
    assert faces_counted([(4, 2)]).more_than_one == ((4, 5.0),)


def test_faces_as_they_were_noticed_in_the_call() -> None:
    """Only calls that were watched count; what did not end lasts to the end; other facts say nothing."""
    told = [
        (101.0, SourceJudged(CALL, new_seat_id(), (), 0.0)),
        (101.0, SourceJudged(new_call_id(), new_seat_id(), (), 0.0)),
        _watched(110, WatchEvent.LEFT_PICTURE),
        _watched(111, WatchEvent.LEFT_PICTURE),
        _watched(122, WatchEvent.ENDED_LEFT_PICTURE),
        _watched(123, WatchEvent.ENDED_LEFT_PICTURE),
        _watched(130, WatchEvent.SECOND_FACE),
        (130.0, PersonWatched(new_call_id(), new_seat_id(), WatchEvent.LEFT_PICTURE, 130, None)),
    ]

    assert faces_watched(_entries(*told), CALLS) == FaceFindings("facts", 60, 0.8, ((30.0, 100.0),))
    assert faces_watched([], CALLS) == FaceFindings("none", 0, None, ())


def test_missing_steps_are_mandatory_and_were_asked_for() -> None:
    """A branch that the answers did not take is not missing."""
    script = (
        ScriptStep("purpose", "用途", "Purpose"),
        ScriptStep("scam", "反诈", "Scam", when=(("purpose", "others"),)),
        ScriptStep("salary", "工资", "Salary", when=(("purpose", "salary"),)),
        ScriptStep("code", "验证码", "Code", mandatory=False),
        ScriptStep("done", "已办", "Done"),
    )
    agent = new_account_id()
    entries = _entries(
        (1, StepMarked("purpose", StepResult.PASSED, "others", "", agent)),
        (2, IdNumberChecked(new_check_id(), "", CheckVerdict.PASSED, (), "", "", agent)),
    )
    missing = missing_steps(script, ["purpose", "scam", "salary", "code"], entries)

    assert missing == (StepFinding("purpose", "用途", "Purpose"), StepFinding("scam", "反诈", "Scam"))


def _camera(luma: np.ndarray) -> VideoFrame:
    planes = np.full((360, 320), 128, np.uint8)
    planes[:240] = luma
    return VideoFrame.from_ndarray(planes, format="yuv420p")


def test_pictures_are_noted_once_a_second() -> None:
    """Moving, still, dark, none and away, each as what it is; samples hold what the customer showed."""
    rng = np.random.default_rng(1)
    noise = [rng.integers(60, 200, (240, 320), np.uint8) for _ in range(3)]
    dark = np.full((240, 320), 18, np.uint8)
    dim = np.full((240, 320), 18, np.uint8)
    dim[::16, ::16] = 90
    stay = Stay(Role.CUSTOMER, Span(0, 20), "张三", SeatId("seat-c"))
    pictures = [noise[0], noise[1], noise[1], dark, dim, None, noise[2], "away", noise[2]]
    looks = Looks(9.0)
    for one in pictures:
        nobody = isinstance(one, str)
        picture = _camera(one) if isinstance(one, np.ndarray) else None
        for tick in range(FPS):
            seen = Seen(None if nobody else stay, picture if not tick else None, fresh=picture is not None)
            looks.saw([seen])

    assert list(looks.notes()) == [CUSTOMER]
    assert list(looks.notes()[CUSTOMER]) == [M, M, F, B, M, N, M, A, M]
    assert [sample.at_s for sample in looks.samples] == [0.0, 2.0, 4.0, 6.0, 8.0]
    shot = cv2.imdecode(np.frombuffer(looks.samples[0].jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert shot is not None and shot.shape == (240, 320, 3)


def test_a_long_call_has_no_more_samples() -> None:
    """The face finder has as much to do after two hours as after a quarter of one."""
    looks, stay = Looks(7200.0), Stay(Role.CUSTOMER, Span(0, 7200), "", SeatId("seat-c"))
    seen = [Seen(stay, VideoFrame(16, 16, "yuv420p"), fresh=True)]
    for _ in range(400 * FPS):
        looks.saw(seen)

    assert len(looks.samples) == 23 <= SAMPLES_MAX * 400 / 7200 + 1
