"""``teller bench ocr``: how many fields of documents are read exactly.

The folder: pictures, in folders or not, each with a JSON file of the same name that says what is printed:
``{"condition": "glare", "fields": {"name": "...", "number": "..."}}``. The names of fields are those of
:class:`kyc.card_fields.CardReading`; without a condition the picture's folder is one.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from contract.errors import UserError
from kyc.bench.charts import histograms
from kyc.bench.pictures import PICTURES, read_bytes, refuse
from kyc.bench.rates import Scores, rising
from kyc.bench.report import RATE_HEAD, Report, Table, pack_facts, rate_row, share
from kyc.calibration import Rate
from kyc.card_fields import Field
from kyc.card_jobs import ReadCard
from kyc.card_reading import answer_read_card
from kyc.models import Models
from kyc.registry import Task

# The console marks fields below it.
_SURE = 0.9
# With fewer documents a rate of 1 % shows no error more often than not.
_DOCUMENTS_WANTED = 100


@dataclass(frozen=True, slots=True)
class _Read:
    """One field of one document: ``confidence`` is None when it was not read at all."""

    condition: str
    name: str
    right: bool
    confidence: float | None


def bench_ocr(models: Models, folder: Path, on: date) -> Report:
    """Read every document in ``folder`` as of the day ``on`` and compare with what is printed.

    Raises:
        UserError: ``dataset``: a picture has no truth beside it, or there is none.
    """
    documents = list(_documents(folder))
    if not documents:
        raise refuse(f"{folder} has no picture with a JSON file beside it")
    found = [field for document in documents for field in _read(models, *document, on)]
    return Report(
        title="Documents",
        facts=(
            ("folder", folder.name),
            *pack_facts(models.pack, Task.OCR),
            ("documents", str(len(documents))),
            ("fields read exactly", share(sum(field.right for field in found) / len(found))),
        ),
        tables=(
            Table("By field", RATE_HEAD, _rows(found, "name")),
            Table("By condition", RATE_HEAD, _rows(found, "condition")),
            _matrix(found),
        ),
        warnings=tuple(_warnings(found, len(documents))),
        charts=(
            (
                "confidence",
                histograms(
                    "Documents: the reader's confidence",
                    "confidence of a field",
                    {"right": _confidence(found, right=True), "wrong": _confidence(found, right=False)},
                    {"sure": _SURE},
                ),
            ),
        )
        if any(field.confidence is not None for field in found)
        else (),
        rates=tuple(_rates(found, "name")) + tuple(_rates(found, "condition")),
    )


def _documents(folder: Path) -> Iterator[tuple[bytes, str, dict[str, str]]]:
    if not folder.is_dir():
        raise refuse(f"{folder} is no folder")
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in PICTURES:
            truth = path.with_suffix(".json")
            condition, fields = _truth(truth)
            yield read_bytes(path), condition or path.parent.name, fields


def _truth(path: Path) -> tuple[str, dict[str, str]]:
    try:
        truth = json.loads(read_bytes(path))
        fields = {str(name): str(value) for name, value in truth["fields"].items()}
        condition = str(truth.get("condition", ""))
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise refuse(f"{path}: an object with fields is wanted") from error
    if not fields:
        raise refuse(f"{path}: it names no field")
    return condition, fields


def _read(models: Models, data: bytes, condition: str, truth: Mapping[str, str], on: date) -> Iterator[_Read]:
    read: Mapping[str, Field]
    try:
        read = answer_read_card(models, ReadCard(data, on)).reading.fields
    except UserError:
        # A picture that is refused has none of its fields right.
        read = {}
    for name, value in truth.items():
        field = read.get(name)
        if field is None:
            yield _Read(condition, name, right=False, confidence=None)
        else:
            yield _Read(condition, name, field.value == value, field.confidence)


def _rates(found: Sequence[_Read], by: str) -> Iterator[Rate]:
    counted: dict[str, list[bool]] = defaultdict(list)
    for field in found:
        counted[getattr(field, by)].append(field.right)
    for name, right in sorted(counted.items()):
        yield Rate.counted("wrong", name, len(right) - sum(right), len(right))


def _rows(found: Sequence[_Read], by: str) -> tuple[tuple[str, ...], ...]:
    return tuple(map(rate_row, _rates(found, by)))


def _matrix(found: Sequence[_Read]) -> Table:
    names = sorted({field.name for field in found})
    rows = []
    for condition in sorted({field.condition for field in found}):
        cells = [
            [field.right for field in found if (field.condition, field.name) == (condition, name)]
            for name in names
        ]
        rows.append((condition, *(f"{sum(cell)} of {len(cell)}" if cell else "-" for cell in cells)))
    return Table("Right, by field and condition", ("", *names), tuple(rows))


def _confidence(found: Sequence[_Read], *, right: bool) -> Scores:
    return rising(
        [field.confidence for field in found if field.right is right and field.confidence is not None]
    )


def _warnings(found: Sequence[_Read], documents: int) -> Iterator[str]:
    if documents < _DOCUMENTS_WANTED:
        yield f"{documents} documents are few: a field without an error may be wrong in {_most(documents)}"
    sure = sum(not field.right and (field.confidence or 0.0) >= _SURE for field in found)
    if sure:
        yield f"wrong although the reader was {_SURE:g} sure or more: {sure} fields"


def _most(documents: int) -> str:
    return f"up to {share(Rate.counted('wrong', 'none', 0, documents).high)} of all documents"
