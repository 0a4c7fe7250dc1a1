"""``teller bench match``: how often strangers are taken for one person, and people for strangers.

The folder: one folder a person with pictures of that person alone. When some are named ``card...``, those
are compared with the others, as in a call; otherwise all with all. ``groups.csv``, lines of person and
group, has the rates counted for each group too.
"""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contract.errors import UserError
from kyc.bench.charts import Points, histograms, trade_off
from kyc.bench.pictures import folders, pictures, read_bytes, read_picture, refuse
from kyc.bench.rates import MATCH, Calibration, Samples, Targets, calibrate, curve, equal_error, rising
from kyc.bench.report import RATE_HEAD, Report, Table, limits_text, pack_facts, rate_row, share
from kyc.calibration import Card
from kyc.faces import FaceModels, Vector, find_upright, several_faces
from kyc.images import Picture
from kyc.models import Models
from kyc.portraits import find_portrait
from kyc.registry import Task

# Pairs of strangers that are compared at most: drawn evenly when there are more. Without an error they
# prove a rate of 3.7e-6, less than any sample of photographs with wrong labels can.
PAIRS_MAX = 1_000_000
_CARD = "card"
_ALL = "all pairs"


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """One face of one person."""

    person: str
    card: bool
    vector: Vector


@dataclass(frozen=True, slots=True)
class _Left:
    """Pictures that gave a face, and how many did not, by the reason."""

    seen: tuple[_Seen, ...]
    out: Counter[str]


def bench_match(models: Models, folder: Path, targets: Targets, made: tuple[str, str], seed: int) -> Report:
    """Measure the models' recognition on ``folder``.

    ``made`` are the card's date (ISO 8601) and author. ``seed`` draws pairs when there are too many.

    Raises:
        UserError: ``dataset``: the folder has another shape, or there is nothing to compare.
    """
    left = _look(models.faces, folder)
    groups = _groups(folder)
    samples = _score(models.faces, left.seen, groups, seed)
    known = models.pack.card(Task.EMBEDDING)
    calibration = calibrate(samples, targets, MATCH, known)
    warnings = (
        *(calibration.warnings if calibration else (_NO_CARD,)),
        *_warnings(left, models.pack.demo_only),
    )
    points = {part: curve(samples.refuse[part], samples.accept[part]) for part in samples.refuse}
    return Report(
        title="Recognition",
        facts=(
            ("folder", folder.name),
            *pack_facts(models.pack, Task.DETECTION, Task.EMBEDDING),
            ("people", str(len({one.person for one in left.seen}))),
            ("pictures", f"{len(left.seen)} with a face, {left.out.total()} without"),
            ("pairs", f"{len(samples.accept[_ALL])} of one person, {len(samples.refuse[_ALL])} of strangers"),
            ("equal error rate", share(equal_error(points[_ALL]))),
        ),
        tables=_tables(calibration, left),
        warnings=warnings,
        charts=_charts(samples, points, calibration),
        rates=calibration.rates if calibration else (),
        card=_card(models, calibration, samples, warnings, made) if calibration else None,
    )


_NO_CARD = "too few pairs for a threshold, and no card of these models to take one from: no card is written"


def _charts(
    samples: Samples, points: Mapping[str, Points], calibration: Calibration | None
) -> tuple[tuple[str, Picture], ...]:
    names = MATCH.false_accept, MATCH.false_reject
    scores = {"strangers": samples.refuse[_ALL], "one person": samples.accept[_ALL]}
    thresholds = calibration.thresholds if calibration else {}
    return (
        ("det", trade_off("Recognition: error trade-off", names, points)),
        ("scores", histograms("Recognition: scores", "likeness", scores, thresholds)),
    )


def _look(models: FaceModels, folder: Path) -> _Left:
    seen: list[_Seen] = []
    out: Counter[str] = Counter()
    for person in folders(folder):
        for path in pictures(person):
            card = path.stem.lower().startswith(_CARD)
            try:
                found = _card_face(models, path) if card else _face(models, path)
            except UserError as error:
                found = error.code
            if isinstance(found, str):
                out[found] += 1
            else:
                seen.append(_Seen(person.name, card, found))
    return _Left(tuple(seen), out)


def _face(models: FaceModels, path: Path) -> Vector | str:
    picture, faces = find_upright(models, read_picture(path))
    if not faces:
        return "no_face"
    return "several_faces" if several_faces(faces) else models.embed(picture, faces[0])


def _card_face(models: FaceModels, path: Path) -> Vector | str:
    portrait, reason = find_portrait(models, read_picture(path))
    if portrait is None or reason:
        return reason
    return models.embed(portrait.card, portrait.face)


def _groups(folder: Path) -> dict[str, str]:
    path = folder / "groups.csv"
    if not path.exists():
        return {}
    try:
        rows = list(csv.reader(read_bytes(path).decode("utf-8-sig").splitlines()))
        return {person.strip(): group.strip() for person, group in rows}
    except (UnicodeDecodeError, ValueError, csv.Error) as error:
        raise refuse(f"{path}: lines of person and group are wanted") from error


def _score(models: FaceModels, seen: Sequence[_Seen], groups: dict[str, str], seed: int) -> Samples:
    genuine: dict[str, list[float]] = {_ALL: []}
    strangers: dict[str, list[float]] = {_ALL: []}
    for one, other in _pairs(seen, seed):
        score = models.score(one.vector, other.vector)
        scores = genuine if one.person == other.person else strangers
        scores[_ALL].append(score)
        group = groups.get(one.person)
        if group and group == groups.get(other.person):
            scores.setdefault(f"group {group}", []).append(score)
    if not genuine[_ALL] or not strangers[_ALL]:
        raise refuse("pairs of one person and of strangers are wanted: two people, one with two pictures")
    # A group with one side only has no trade-off.
    parts = sorted(genuine.keys() & strangers.keys())
    return Samples(*({part: rising(side[part]) for part in parts} for side in (strangers, genuine)))


def _pairs(seen: Sequence[_Seen], seed: int) -> Iterator[tuple[_Seen, _Seen]]:
    """Yield all pairs of one person, and of strangers at most ``PAIRS_MAX``."""
    by_card = any(one.card for one in seen)
    people = np.unique([one.person for one in seen], return_inverse=True)[1]
    cards = np.array([one.card for one in seen], bool)
    first, second = _strangers(people, cards, by_card, np.random.default_rng(seed))
    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        yield seen[a], seen[b]
    for person in range(int(people.max(initial=-1)) + 1):
        for a, b in combinations(np.flatnonzero(people == person).tolist(), 2):
            if not by_card or cards[a] != cards[b]:
                yield seen[a], seen[b]


def _strangers(
    people: NDArray[np.intp], cards: NDArray[np.bool_], by_card: bool, chance: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    count = len(people)
    if count * (count - 1) // 2 <= PAIRS_MAX:
        first, second = np.triu_indices(count, 1)
    else:
        # Drawn with repetition: of ten million pairs one in twenty comes twice, which changes no rate.
        drawn = chance.integers(0, count, (2, 4 * PAIRS_MAX))
        first, second = drawn[0], drawn[1]
    fitting = people[first] != people[second]
    if by_card:
        fitting &= cards[first] != cards[second]
    return first[fitting][:PAIRS_MAX], second[fitting][:PAIRS_MAX]


def _warnings(left: _Left, demo_only: bool) -> Iterator[str]:
    people = len({one.person for one in left.seen})
    yield (
        f"the pairs share pictures and people: of {people} people at most {people // 2} pairs of strangers "
        "are independent, so all bounds are too narrow"
    )
    if left.out:
        yield f"{left.out.total()} pictures gave no face to compare and count nowhere: see the table"
    if demo_only:
        yield "these models are for demonstrations: whatever the card says, they never approve"


def _tables(calibration: Calibration | None, left: _Left) -> tuple[Table, ...]:
    points = calibration.points if calibration else ()
    tables = [
        Table(f"{point.name}: {point.threshold:g}", RATE_HEAD, tuple(map(rate_row, point.rates)))
        for point in points
    ]
    if left.out:
        rows = tuple((reason, str(count)) for reason, count in sorted(left.out.items()))
        tables.append(Table("Pictures without a face to compare", ("reason", "pictures"), rows))
    return tuple(tables)


def _card(
    models: Models, calibration: Calibration, samples: Samples, warnings: Sequence[str], made: tuple[str, str]
) -> Card:
    genuine, strangers = (len(side[_ALL]) for side in (samples.accept, samples.refuse))
    date, by = made
    return Card(
        name=f"{models.pack.name}-match-{date}",
        task=Task.EMBEDDING,
        sha256=(models.pack.embedder.sha256,),
        score=f"likeness as the pack {models.pack.name} tells it; higher is more alike",
        sample=f"{genuine} pairs of one person and {strangers} of strangers, from a folder of pictures",
        limits=limits_text(warnings),
        points=calibration.points,
        date=date,
        by=by,
    )
