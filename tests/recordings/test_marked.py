"""The film that leaves the house says in every picture who took it, when, and why."""

from pathlib import Path

import av
import numpy as np
import pytest

from contract.errors import StorageError
from recordings.compose import FPS
from recordings.layout import HEIGHT, STRIP
from recordings.marked import MARKED_FILE, Mark, mark_film
from recordings.merge import merge_call, plan_merge
from tests.recordings.staged import START, stage_call
from tests.recordings.test_veiled import pictures, sound

SECONDS = 14.0


@pytest.fixture(name="merged", scope="module")
def _merged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("marked")
    staged = stage_call(folder, SECONDS)
    merge_call(plan_merge(staged.spool, staged.case, staged.entries), folder / "merged.mp4", lambda *_: None)
    return folder / "merged.mp4"


def mark(name: str = "Anna 安娜") -> Mark:
    return Mark(name, START, "case-1", "court order 12/26")


def test_every_picture_bears_the_mark_and_it_wanders(merged: Path, tmp_path: Path) -> None:
    """Bright letters that were not there, elsewhere after six seconds; strip, sound and chapters stay."""
    seconds: list[float] = []
    mark_film(merged, tmp_path / MARKED_FILE, mark(), seconds.append)
    before, after = pictures(merged), pictures(tmp_path / MARKED_FILE)
    assert len(before) == len(after) == SECONDS * FPS
    rows = []
    for was, now in zip(before, after, strict=True):
        changed = np.abs(now[:HEIGHT] - was[:HEIGHT]) > 40
        assert changed.sum() > 1_500
        assert changed[:STRIP].sum() < 20
        rows.append(float(np.median(np.nonzero(changed)[0])))
    stretches = [np.mean(rows[n : n + 6 * FPS]) for n in range(0, len(rows), 6 * FPS)]
    assert np.abs(np.diff(stretches)).min() > 100
    assert np.array_equal(sound(merged), sound(tmp_path / MARKED_FILE))
    with av.open(str(merged)) as one, av.open(str(tmp_path / MARKED_FILE)) as other:
        assert one.chapters() == other.chapters() and one.duration == other.duration
    assert seconds == sorted(seconds) and seconds[-1] > SECONDS - 4


def test_the_mark_is_of_who_asks(merged: Path, tmp_path: Path) -> None:
    """Another name is another picture; the same mark gives the same bytes."""
    for file, name in (("a.mp4", "Anna"), ("b.mp4", "Anna"), ("c.mp4", "Bert")):
        mark_film(merged, tmp_path / file, mark(name), lambda _: None)
    contents = [(tmp_path / file).read_bytes() for file in ("a.mp4", "b.mp4", "c.mp4")]
    assert contents[0] == contents[1] != contents[2]


def test_a_reason_longer_than_the_picture_is_cut_off(merged: Path, tmp_path: Path) -> None:
    """And nothing breaks."""
    long = Mark("Anna", START, "case-1", "because " * 80)
    mark_film(merged, tmp_path / MARKED_FILE, long, lambda _: None)
    assert len(pictures(tmp_path / MARKED_FILE)) == SECONDS * FPS


@pytest.mark.parametrize("content", [b"", b"no film", None])
def test_a_damaged_film_is_refused(merged: Path, tmp_path: Path, content: bytes | None) -> None:
    """In a word, and nothing is left behind."""
    whole = merged.read_bytes()
    film = tmp_path / "film.mp4"
    film.write_bytes(whole[: len(whole) // 3] if content is None else content)
    with pytest.raises(StorageError) as refused:
        mark_film(film, tmp_path / MARKED_FILE, mark(), lambda _: None)
    assert refused.value.code == "film_damaged"
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]
