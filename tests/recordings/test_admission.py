"""Who gets a file of a record, and as what."""

import pytest

from contract.errors import Denied
from contract.ids import AccountId
from contract.viewing import Viewer
from recordings.admission import FileSort, admit, sort_of

ANNA = AccountId("acct-0000000000000001")
AUDITOR, KEEPER = Viewer(ANNA), Viewer(ANNA, may_download=True)
AGENT = Viewer(ANNA, at_work=True)


@pytest.mark.parametrize(
    ("name", "sort"),
    [
        ("merged.mp4", FileSort.FILM), ("call-1/track-1/00000.mkv", FileSort.SEGMENT),
        ("evidence/ev-1.jpg", FileSort.PICTURE), ("poster.jpg", FileSort.PICTURE),
        ("evidence/ev-1.png", FileSort.PICTURE), ("shared/ev-1.webp", FileSort.PICTURE),
        ("findings.json", FileSort.FIGURES), ("evidence/ev-1.json", FileSort.PAPER),
        ("shared/ev-1.pdf", FileSort.PAPER), ("x", FileSort.PAPER),
    ],
)  # fmt: skip
def test_sorts(name: str, sort: FileSort) -> None:
    """By ending, and by where it lies."""
    assert sort_of(name) is sort


@pytest.mark.parametrize(
    ("viewer", "sort", "destination", "until", "answer"),
    [
        (AUDITOR, FileSort.FILM, "video", 10, "shown"), (AUDITOR, FileSort.FILM, "audio", 10, "shown"),
        (AUDITOR, FileSort.FILM, "video", 5, "reason_wanted"),
        (KEEPER, FileSort.FILM, "", 5, "reason_wanted"),
        (AUDITOR, FileSort.FILM, "document", 10, "download_denied"),
        (AUDITOR, FileSort.FILM, "empty", 10, "download_denied"),
        (AUDITOR, FileSort.FILM, "", 10, "download_denied"),
        (KEEPER, FileSort.FILM, "", 10, "taken"), (KEEPER, FileSort.FILM, "video", 10, "shown"),
        (AUDITOR, FileSort.PICTURE, "image", 10, "shown"),
        (AUDITOR, FileSort.PICTURE, "empty", 10, "download_denied"),
        (AUDITOR, FileSort.FIGURES, "empty", 10, "shown"),
        (AUDITOR, FileSort.PAPER, "empty", 10, "download_denied"),
        (AUDITOR, FileSort.SEGMENT, "video", 10, "download_denied"),
        (KEEPER, FileSort.SEGMENT, "video", 10, "taken"),
        (AGENT, FileSort.PICTURE, "", 0, "shown"), (AGENT, FileSort.PAPER, "", 0, "shown"),
        (AGENT, FileSort.FILM, "video", 0, "reason_wanted"), (AGENT, FileSort.FILM, "video", 10, "shown"),
    ],
)  # fmt: skip
def test_admission(viewer: Viewer, sort: FileSort, destination: str, until: float, answer: str) -> None:
    """A reason first; shown as what it is; taken away only with the right to it."""
    if answer in {"shown", "taken"}:
        assert admit(viewer, sort, destination, until, 5.0) is (answer == "taken")
    else:
        with pytest.raises(Denied) as refused:
            admit(viewer, sort, destination, until, 5.0)
        assert refused.value.code == answer
