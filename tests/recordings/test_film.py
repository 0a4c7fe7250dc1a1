"""What stands in the merged file beside sound and picture, and that the same inputs give the same bytes."""

import json
from pathlib import Path

import av
import pytest

from contract.facts import EvidenceStored, StillRequested
from contract.ids import new_evidence_id
from contract.phases import EvidenceKind, Template
from recordings.beside import write_beside
from recordings.chapters import ScriptStep
from recordings.findings import FaceFindings, Findings
from recordings.layout import STRIP
from recordings.merge import MergePlan, MergeResult, merge_call, plan_merge
from recordings.spool import sha256_of
from tests.recordings.measured import measure
from tests.recordings.staged import Stage, stage_call

SCRIPT = (ScriptStep("card", "拍摄身份证", "The card", "evidence_id_card"),)
NOTHING_FOUND = Findings(1, 7.0, FaceFindings("none", 0, None, ()), (), ())
DIGEST = "3f9a12c4" + "0" * 56


def _render(staged: Stage, out: Path, template: Template = Template.ROLES) -> tuple[MergePlan, MergeResult]:
    plan = plan_merge(staged.spool, staged.case, staged.entries, 28800, script=SCRIPT, template=template)
    return plan, merge_call(plan, out, lambda *_: None)


@pytest.fixture(name="staged", scope="module")
def _staged(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A call of 7 s in which a picture of the card is asked for at 2.5 s and stored at 4 s."""
    staged = stage_call(tmp_path_factory.mktemp("film"), 7.0)
    still = new_evidence_id()
    staged.note(2.5, StillRequested(staged.call, still, EvidenceKind.ID_CARD))
    file = ("evidence/card.jpg", "image/jpeg", DIGEST, 9)
    staged.note(4.0, EvidenceStored(still, EvidenceKind.ID_CARD, *file, 1, 1, 1.0, "phone"))
    return staged


def test_chapters_and_codes_stand_in_the_film(staged: Stage, tmp_path: Path) -> None:
    """Chapters as a player reads them; the still's code from its second on; what goes beside the film."""
    plan, result = _render(staged, tmp_path / "merged.mp4")
    with av.open(str(tmp_path / "merged.mp4")) as file:
        told = [(c["start"] * float(c["time_base"] or 0), c["metadata"]["title"]) for c in file.chapters()]
    strip = [luma[:STRIP, 1040:].astype(int).max() for luma in measure(tmp_path / "merged.mp4").luma]
    made = {one.kind: one for one in write_beside(tmp_path, plan, result, NOTHING_FOUND)}

    assert told == [(0.0, "通话开始 / The call begins"), (2.5, "拍摄身份证 / The card")]
    assert max(strip[: 4 * 15 - 1]) < 60 and min(strip[4 * 15 + 1 :]) > 180
    assert [*made] == ["poster", "thumbnails", "thumbnail_index", "waveform", "chapters", "findings"]
    for one in made.values():
        assert sha256_of(tmp_path / one.file) == (one.sha256, one.bytes)
    index, waveform, chapters = (
        json.loads((tmp_path / made[kind].file).read_bytes())
        for kind in ("thumbnail_index", "waveform", "chapters")
    )
    assert index["count"] == 4
    assert sorted(lane["role"] for lane in waveform["lanes"]) == ["agent", "customer"]
    assert chapters["chapters"][1] == {"since_s": 2.5, "until_s": 7.0, "zh": "拍摄身份证", "en": "The card"}


def test_same_inputs_same_bytes(staged: Stage, tmp_path: Path) -> None:
    """Two renders are equal to the bit; two people without a screen stand side by side in two templates."""
    first, again, side, share = (
        _render(staged, tmp_path / "film.mp4", template)[1]
        for template in (Template.ROLES, Template.ROLES, Template.SIDE_BY_SIDE, Template.SHARE_FIRST)
    )

    assert (first.sha256, first.bytes) == (again.sha256, again.bytes) == (side.sha256, side.bytes)
    assert first.overview.waveform() == share.overview.waveform()
    assert first.overview.sprite() == again.overview.sprite() != share.overview.sprite()
    assert share.sha256 != first.sha256
