"""Whether somebody gets a file of a record now, and as what: looked at in the page, or taken away. Pure.

A browser says what it wants a file for (``Sec-Fetch-Dest``, W3C Fetch Metadata), and a page cannot say it
otherwise: a picture, a video and a sound are shown; all else is taken away. A program that is no browser can
claim anything, so this keeps people honest and not attackers out: what is shown can always be filmed.
"""

from enum import StrEnum
from pathlib import PurePosixPath

from contract.errors import Denied
from contract.viewing import Viewer


class FileSort(StrEnum):
    """What a file of the record is to somebody who wants it."""

    FILM = "film"
    SEGMENT = "segment"
    PICTURE = "picture"
    FIGURES = "figures"
    PAPER = "paper"


_SHOWN_AS = {
    FileSort.FILM: frozenset({"video", "audio"}),
    FileSort.PICTURE: frozenset({"image"}),
    FileSort.FIGURES: frozenset({"empty"}),
}
_PICTURES = frozenset({".jpg", ".png", ".webp"})


def sort_of(name: str) -> FileSort:
    """Return what a file is, by its name relative to the case's folder."""
    path = PurePosixPath(name)
    match path.suffix:
        case ".mp4":
            return FileSort.FILM
        case ".mkv":
            return FileSort.SEGMENT
        case suffix if suffix in _PICTURES:
            return FileSort.PICTURE
        # What the merge found stands in the case's folder; an outside source's answer is a paper.
        case ".json" if len(path.parts) == 1:
            return FileSort.FIGURES
        case _:
            return FileSort.PAPER


def admit(viewer: Viewer, sort: FileSort, destination: str, viewing_until: float, now: float) -> bool:
    """Return whether this is a download: anything else is looked at in the page.

    ``destination`` is the request's ``Sec-Fetch-Dest``, empty where there is none.

    Raises:
        Denied: ``reason_wanted`` when nothing says why the record is looked at, ``download_denied`` when
            the file is to be taken away by somebody who may not.
    """
    if viewer.at_work and sort in {FileSort.PICTURE, FileSort.PAPER}:
        return False
    if viewing_until <= now:
        raise Denied("say first why you look at this record", code="reason_wanted")
    if destination in _SHOWN_AS.get(sort, frozenset()):
        return False
    if not viewer.may_download:
        raise Denied("this account may not take files away", code="download_denied")
    return True
