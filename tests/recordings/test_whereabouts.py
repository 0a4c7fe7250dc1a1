"""Where the customer was, by the journal, and in the merged picture."""

from pathlib import Path

import numpy as np
import pytest

from contract.facts import GENESIS, ConsentGiven, Entry, Fact, LocationTold, seal_entry
from contract.ids import CaseId, new_seat_id
from contract.phases import Role, TrackSource
from recordings.compose import Canvas
from recordings.layout import PANE_WIDTH, STRIP
from recordings.merge import clock_text, merge_call, plan_merge
from recordings.whereabouts import Whereabouts, place_text, whereabouts
from tests.recordings.measured import Luma, measure
from tests.recordings.staged import START, StagedTrack, film, stage

AGREED = ConsentGiven(("recording", "location"), "2026-3", "zh-CN")
REFUSED = ConsentGiven(("recording",), "2026-3", "zh-CN", ("location",))
BUND, RIO = LocationTold(31.23041, 121.47369, 19.2), LocationTold(-22.9068, -43.1729, 12_001.0)
BUND_TEXT, RIO_TEXT = "31.2304°N 121.4737°E ±20 m", "22.9068°S 43.1729°W ±13 km"


def _journal(*told: tuple[float, Fact]) -> list[Entry]:
    case = CaseId("case-0000000000000001")
    return [seal_entry(seq, at, case, fact, GENESIS) for seq, (at, fact) in enumerate(told)]


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (BUND, BUND_TEXT),
        (RIO, RIO_TEXT),
        (LocationTold(0.0, -0.00001, 0.0), "0.0000°N 0.0000°W ±0 m"),
        (LocationTold(1.0, 2.0, 999.5), "1.0000°N 2.0000°E ±1 km"),
    ],
)
def test_coordinates_are_told_with_their_radius(fact: LocationTold, text: str) -> None:
    """Hemispheres as letters; a radius is never told smaller than it is."""
    assert place_text(fact) == text


def test_the_newest_place_before_a_second_holds() -> None:
    """From the moment in which it was told, and not before."""
    told = whereabouts(_journal((10, AGREED), (20, BUND), (30, RIO)))
    assert [told.at(second) for second in (5, 19.9, 20, 29.9, 31)] == ["", "", BUND_TEXT, BUND_TEXT, RIO_TEXT]


def test_nothing_is_shown_without_consent() -> None:
    """None was given, or it was taken back; a new one does not bring the old place back."""
    assert whereabouts(_journal((10, REFUSED), (20, BUND))).at(25) == ""
    assert whereabouts(_journal((20, BUND))).at(25) == ""
    again = whereabouts(_journal((10, AGREED), (20, BUND), (30, REFUSED), (40, AGREED), (50, RIO)))
    assert [again.at(second) for second in (25, 35, 45, 55)] == [BUND_TEXT, "", "", RIO_TEXT]
    assert Whereabouts().at(1e10) == ""


def _strip(case: str, second: float, place: str) -> Luma:
    """Return the upper strip as it is painted, before it is encoded."""
    canvas = Canvas(case)
    canvas.stamp(clock_text(second, 0), place)
    return canvas.picture().to_ndarray()[:STRIP].astype(np.uint8)


def _shown(luma: Luma, case: str, second: float) -> str:
    """Return which of the texts the picture's strip shows: the one that differs least."""
    seen = luma[:STRIP, :PANE_WIDTH].astype(int)
    texts = ("", BUND_TEXT, RIO_TEXT)
    painted = [_strip(case, second, text)[:, :PANE_WIDTH].astype(int) for text in texts]
    return texts[int(np.argmin([np.abs(seen - one).mean() for one in painted]))]


def test_the_place_is_burnt_into_the_film(tmp_path: Path) -> None:
    """The merged file shows where the customer was told to be in each second, as the journal has it."""
    staged = stage(tmp_path)
    staged.note(-5.0, AGREED)
    staged.begin()
    seat = new_seat_id()
    staged.record(StagedTrack(Role.CUSTOMER, TrackSource.CAMERA, "VP8", film(4.0), seat))
    staged.note(0.5, BUND)
    staged.note(2.5, RIO)
    staged.end(4.0)
    plan = plan_merge(staged.spool, staged.case, staged.entries)
    out = tmp_path / "merged.mp4"
    merge_call(plan, out, lambda _share, _word: None)
    merged = measure(out)

    start = plan.calls[0].timeline.axis.start
    assert start == pytest.approx(START, abs=0.5)
    shown = [_shown(merged.luma[round(at * 15)], staged.case, start + int(at)) for at in (0.2, 1.6, 2.2, 3.6)]
    assert shown == ["", BUND_TEXT, BUND_TEXT, RIO_TEXT]
