"""``teller bench pad``: how often pictures of a face pass for a face, and faces do not (ISO/IEC 30107-3).

The folder: ``live`` with one entry an instrument, ``attack`` with one folder a species and in it one entry an
instrument. An entry is a clip, a folder of its frames, or one picture. ``references`` may hold one picture a
person; an instrument whose name begins with that person's, up to ``--``, is then also compared with it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from contract.errors import UserError
from kyc.bench.charts import histograms, trade_off
from kyc.bench.pictures import CLIPS, PICTURES, folders, pictures, read_frames, read_picture, refuse
from kyc.bench.rates import PAD, Calibration, Samples, Targets, calibrate, curve, rising
from kyc.bench.report import RATE_HEAD, Report, Table, limits_text, pack_facts, rate_row, share
from kyc.calibration import Card, Rate
from kyc.faces import Vector
from kyc.images import Picture
from kyc.models import Models
from kyc.passive import Passive
from kyc.passive_verdict import FRAMES_MIN
from kyc.registry import Task
from kyc.tracing import find_faces, load_passive

_LIVE = "live people"


@dataclass(frozen=True, slots=True)
class _Instrument:
    """One live person or one attack: ``species`` is empty for the living.

    ``score`` is the median over ``frames`` frames with one face, None without any; ``likeness`` that to
    the reference of the person it is meant to be, None without one.
    """

    species: str
    frames: int
    score: float | None
    likeness: float | None


def bench_pad(models: Models, folder: Path, targets: Targets, made: tuple[str, str]) -> Report:
    """Measure passive liveness on ``folder``; ``made`` are the card's date (ISO 8601) and author.

    Raises:
        UserError: ``dataset``: the folder has another shape, or no instrument of one side shows a face;
            ``no_model``: the pack has nothing for it.
    """
    passive = models.once(load_passive)
    if passive is None:
        raise UserError(f"the pack {models.pack.name} has no passive liveness", code="no_model")
    found = _look(models, passive, folder)
    samples = _samples(found)
    known = models.pack.card(Task.PASSIVE)
    calibration = calibrate(samples, targets, PAD, known)
    warnings = (
        *(calibration.warnings if calibration else (_NO_CARD,)),
        *_warnings(found),
    )
    extra = tuple(_full_system(found, calibration, models.pack.threshold)) if calibration else ()
    return Report(
        title="Passive liveness",
        facts=(
            ("folder", folder.name),
            *pack_facts(models.pack, Task.DETECTION, Task.PASSIVE),
            ("instruments", f"{len(found)}, of them {sum(not one.species for one in found)} live"),
            *_riapar(extra),
        ),
        tables=(*_tables(calibration, extra), _non_response(found)),
        warnings=warnings,
        charts=_charts(samples, calibration),
        rates=(*calibration.rates, *extra) if calibration else (),
        card=_card(models, calibration, found, warnings, made) if calibration else None,
    )


_NO_CARD = (
    "too few instruments for a threshold, and no card of these models to take one from: none is written"
)


def _charts(samples: Samples, calibration: Calibration | None) -> tuple[tuple[str, Picture], ...]:
    names, live = (PAD.false_accept, PAD.false_reject), samples.accept[_LIVE]
    points = {species: curve(scores, live) for species, scores in samples.refuse.items()}
    scores = {**samples.refuse, _LIVE: live}
    thresholds = calibration.thresholds if calibration else {}
    return (
        ("det", trade_off("Passive liveness: error trade-off", names, points)),
        ("scores", histograms("Passive liveness: medians of instruments", "how live", scores, thresholds)),
    )


def _look(models: Models, passive: Passive, folder: Path) -> list[_Instrument]:
    references = _references(models, folder / "references")
    species = [("", folder / "live"), *((path.name, path) for path in folders(folder / "attack"))]
    return [
        _measure(models, passive, name, entry, references)
        for name, place in species
        for entry in _entries(place)
    ]


def _entries(folder: Path) -> list[Path]:
    files = (
        [path for path in folder.iterdir() if path.suffix.lower() in PICTURES | CLIPS]
        if folder.is_dir()
        else []
    )
    return sorted([*folders(folder), *files])


def _references(models: Models, folder: Path) -> dict[str, Vector]:
    found = {}
    for path in pictures(folder) if folder.is_dir() else ():
        picture = read_picture(path)
        faces = models.faces.detect(picture)
        if len(faces) != 1:
            raise refuse(f"{path}: one face is wanted, {len(faces)} were found")
        found[path.stem] = models.faces.embed(picture, faces[0])
    return found


def _measure(
    models: Models, passive: Passive, species: str, entry: Path, references: dict[str, Vector]
) -> _Instrument:
    scores, alike = [], []
    reference = references.get(entry.stem.split("--")[0])
    for picture in read_frames(entry, FRAMES_MIN):
        faces = find_faces(models.faces, picture)
        if len(faces) != 1:
            continue
        scores.append(passive.score(picture, faces[0]))
        if reference is not None:
            alike.append(models.faces.score(reference, models.faces.embed(picture, faces[0])))
    return _Instrument(
        species, len(scores), median(scores) if scores else None, median(alike) if alike else None
    )


def _samples(found: Sequence[_Instrument]) -> Samples:
    scores: dict[str, list[float]] = {}
    for one in found:
        if one.score is not None:
            scores.setdefault(one.species, []).append(one.score)
    live = scores.pop("", [])
    if not live or not scores:
        raise refuse("faces are wanted in live, and in one species of attack at least")
    return Samples({species: rising(given) for species, given in scores.items()}, {_LIVE: rising(live)})


def _full_system(found: Sequence[_Instrument], calibration: Calibration, alike: float) -> Iterator[Rate]:
    """Yield IAPAR of each species and FRR: passive liveness and recognition together."""
    accept = calibration.thresholds["accept"]
    compared: dict[str, list[bool]] = {}
    for one in found:
        if one.score is not None and one.likeness is not None:
            compared.setdefault(one.species, []).append(one.score >= accept and one.likeness >= alike)
    live = compared.pop("", [])
    for species, passed in compared.items():
        yield Rate.counted("IAPAR", species, sum(passed), len(passed))
    if live:
        yield Rate.counted("FRR", _LIVE, len(live) - sum(live), len(live))


def _riapar(rates: Sequence[Rate]) -> Iterator[tuple[str, str]]:
    """Yield the sum of the worst species' IAPAR and FRR: an attack passes or a person is turned away."""
    attacks = [rate for rate in rates if rate.name == "IAPAR"]
    people = [rate for rate in rates if rate.name == "FRR"]
    if attacks and people:
        worst = max(attacks, key=lambda rate: rate.rate)
        bounds = f"{share(worst.low + people[0].low)} to {share(min(1.0, worst.high + people[0].high))}"
        yield (
            "RIAPAR",
            f"{share(worst.rate + people[0].rate)}, worst species {worst.on} (bounds added: {bounds})",
        )


def _warnings(found: Sequence[_Instrument]) -> Iterator[str]:
    short = sum(one.score is not None and one.frames < FRAMES_MIN for one in found)
    if short:
        yield f"{short} instruments have less than {FRAMES_MIN} frames, which is what the service decides by"
    silent = sum(one.score is None for one in found)
    if silent:
        yield f"{silent} instruments show no single face and count nowhere: see the table of non-response"
    names = ", ".join(sorted({one.species for one in found if one.species}))
    yield f"only these species were tried: {names}; nothing is known of others, and none of injected video"


def _tables(calibration: Calibration | None, extra: Sequence[Rate]) -> Iterator[Table]:
    for point in calibration.points if calibration else ():
        yield Table(f"{point.name}: {point.threshold:g}", RATE_HEAD, tuple(map(rate_row, point.rates)))
    if extra:
        yield Table("With recognition, at accept", RATE_HEAD, tuple(map(rate_row, extra)))


def _non_response(found: Sequence[_Instrument]) -> Table:
    rows = []
    for species in sorted({one.species for one in found}):
        those = [one for one in found if one.species == species]
        name = "APNRR" if species else "BPNRR"
        silent = sum(one.score is None for one in those)
        rows.append(rate_row(Rate.counted(name, species or _LIVE, silent, len(those))))
    return Table("Non-response: no single face in any frame", RATE_HEAD, tuple(rows))


def _card(
    models: Models,
    calibration: Calibration,
    found: Sequence[_Instrument],
    warnings: Sequence[str],
    made: tuple[str, str],
) -> Card:
    live = sum(not one.species for one in found)
    date, by = made
    return Card(
        name=f"{models.pack.name}-pad-{date}",
        task=Task.PASSIVE,
        sha256=tuple(model.sha256 for model in models.pack.of(Task.PASSIVE)),
        score=f"median over up to {FRAMES_MIN} frames of one instrument, 0 to 1; higher is more live",
        sample=f"{live} live instruments and {len(found) - live} attacks, clips and pictures of a folder",
        limits=limits_text(warnings),
        points=calibration.points,
        date=date,
        by=by,
    )
