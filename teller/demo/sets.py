"""Small data sets for ``teller bench``, drawn from the demo's photographs: to see its shape and to test it.

Seven people, simulated attacks, specimen documents. What is measured on them says nothing about customers.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from teller.demo.card import cut_portrait, photograph, render_card, specimen
from teller.demo.pictures import FaceVideo, Picture, Portrait, astronaut, jpeg, other_person
from teller.demo.specimens import specimen as one_specimen
from teller.demo.specimens import specimens

NAMES = ("match", "pad", "ocr", "speed")
_FRAMES = 10
# Frames of the moving picture that are apart: the face has moved and the light has changed.
_APART = 13
# Every condition of two kinds of document.
_DOCUMENTS = 14
# Every kind twice, every condition at least once; they stand in an order of seven conditions to a kind.
_TIMED_DOCUMENTS, _TO_THE_NEXT = 8, 8


def write_sets(folder: Path, seed: int, names: Sequence[str] = NAMES) -> tuple[Path, ...]:
    """Write the sets of these names into ``folder``; return where each lies.

    Raises:
        FileNotFoundError: insightface or scikit-image, whose photographs these are, is not installed.
    """
    people = {f"person-{n}": portrait for n, portrait in enumerate(_people())}
    for name in names:
        _WRITERS[name](folder / name, people, seed)
    return tuple(folder / name for name in names)


def _people() -> Iterator[Portrait]:
    yield astronaut()
    yield from (other_person(index) for index in range(6))


def _frames(portrait: Portrait, count: int) -> list[Picture]:
    video = FaceVideo(portrait)
    return [video.frame(n * _APART) for n in range(count)]


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _write_match(folder: Path, people: dict[str, Portrait], seed: int) -> None:
    for n, (name, portrait) in enumerate(people.items()):
        card = photograph(render_card(cut_portrait(portrait), specimen()), seed + n)
        _put(folder / name / "card.jpg", card)
        for place, frame in enumerate(_frames(portrait, 3)):
            _put(folder / name / f"live-{place}.jpg", jpeg(frame))
    groups = "".join(f"{name},{'one' if n % 2 else 'other'}\n" for n, name in enumerate(people))
    _put(folder / "groups.csv", groups.encode())


def _write_pad(folder: Path, people: dict[str, Portrait], seed: int) -> None:
    chance = np.random.default_rng(seed)
    for name, portrait in people.items():
        _put(folder / "references" / f"{name}.jpg", jpeg(FaceVideo(portrait, (1280, 960)).frame(5)))
        for place, frame in enumerate(_frames(portrait, _FRAMES)):
            file = f"{place:02}.jpg"
            _put(folder / "live" / f"{name}--phone" / file, jpeg(frame))
            _put(folder / "attack" / "screen" / f"{name}--tablet" / file, jpeg(_screen(frame, chance)))
            _put(folder / "attack" / "print" / f"{name}--paper" / file, jpeg(_print(frame, chance)))


def _screen(frame: Picture, chance: np.random.Generator) -> Picture:
    """Return ``frame`` on a tablet with a black rim, beaten with the camera's pixels."""
    rows, columns = np.mgrid[: frame.shape[0], : frame.shape[1]]
    beat = 1 + 0.12 * np.sin(columns / chance.uniform(2, 5) + rows / chance.uniform(5, 9))
    shown = np.clip(8 + frame * beat[..., None] * (1.06, 1.0, 0.97), 0, 255).astype(np.uint8)
    return _held(shown, (12, 12, 12), chance)


def _print(frame: Picture, chance: np.random.Generator) -> Picture:
    """Return ``frame`` on matt paper with a white rim: less chroma and contrast, and grain."""
    grey = frame.mean(axis=2, keepdims=True)
    ink = 38 + 0.75 * (grey + 0.75 * (frame - grey)) + chance.normal(0, 5, (*frame.shape[:2], 1))
    return _held(np.clip(ink, 0, 255).astype(np.uint8), (228, 228, 226), chance)


def _held(shown: Picture, rim: tuple[int, int, int], chance: np.random.Generator) -> Picture:
    """Return what a camera sees of ``shown`` in somebody's hand: smaller, slanted, before a wall."""
    height, width = shown.shape[:2]
    framed = cv2.copyMakeBorder(shown, 24, 24, 24, 24, cv2.BORDER_CONSTANT, value=rim)
    corners = np.array(((0, 0), (1, 0), (1, 1), (0, 1)), np.float32)
    source = corners * (framed.shape[1], framed.shape[0])
    target = (0.1 + 0.8 * corners + chance.uniform(-0.03, 0.03, (4, 2))) * (width, height)
    place = cv2.getPerspectiveTransform(source.astype(np.float32), target.astype(np.float32))
    wall = (150, 165, 172)
    seen = cv2.warpPerspective(framed, place, (width, height), flags=cv2.INTER_AREA, borderValue=wall)
    return np.asarray(cv2.GaussianBlur(seen, (0, 0), 0.8), np.uint8)


def _write_ocr(folder: Path, _: dict[str, Portrait], seed: int) -> None:
    for place, document in enumerate(specimens(seed, _DOCUMENTS)):
        path = folder / document.kind / f"{place:02}.jpg"
        _put(path, document.picture)
        truth = {"condition": document.condition, "fields": document.truth}
        _put(path.with_suffix(".json"), json.dumps(truth, ensure_ascii=False, indent=1).encode())


def _write_speed(folder: Path, people: dict[str, Portrait], seed: int) -> None:
    for name, portrait in people.items():
        _put(folder / "faces" / f"{name}.jpg", jpeg(FaceVideo(portrait).frame(3)))
    for n in range(_TIMED_DOCUMENTS):
        document = one_specimen(seed, n * _TO_THE_NEXT)
        _put(folder / "cards" / f"{n}-{document.kind}-{document.condition}.jpg", document.picture)


_WRITERS = {"match": _write_match, "pad": _write_pad, "ocr": _write_ocr, "speed": _write_speed}
