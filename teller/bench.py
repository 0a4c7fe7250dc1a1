"""``teller bench``: the models of the configuration measured on a folder of the bank's own pictures."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import cv2
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from contract.errors import UserError
from kyc.bench.match import bench_match
from kyc.bench.ocr import bench_ocr
from kyc.bench.pad import bench_pad
from kyc.bench.rates import Targets
from kyc.bench.report import Report, write_report
from kyc.bench.speed import bench_speed
from kyc.models import Models
from teller.config import Config
from teller.models import configured_pack


@dataclass(frozen=True, slots=True)
class Measurement:
    """What to measure and where to put it; ``accept`` and ``review`` are rates of false accepts."""

    what: str
    dataset: Path
    out: Path
    accept: float = 0.5
    review: float = 0.5
    by: str = ""
    seed: int = 1


def measure(config: Config, wanted: Measurement, console: Console) -> int:
    """Measure, print and write. Raises ModelError without the models, UserError for another shape."""
    # As in the model process: what is measured is what runs.
    cv2.setNumThreads(1)
    models = Models(configured_pack(config), config.kyc.providers)
    report = _measured(models, wanted)
    _print(report, console)
    for path in write_report(report, wanted.out):
        console.print(f"[green]✓[/] {escape(str(path))}", highlight=False, soft_wrap=True)
    if report.card is not None:
        console.print(
            "the card counts when it lies in the folder cards of the models folder", highlight=False
        )
    return 0


def _measured(models: Models, wanted: Measurement) -> Report:
    today = datetime.now(UTC).date()
    made = today.isoformat(), wanted.by
    try:
        targets = Targets(wanted.accept, wanted.review)
    except ValueError as error:
        raise UserError(str(error), code="targets") from error
    match wanted.what:
        case "match":
            return bench_match(models, wanted.dataset, targets, made, wanted.seed)
        case "pad":
            return bench_pad(models, wanted.dataset, targets, made)
        case "ocr":
            return bench_ocr(models, wanted.dataset, today)
        case _:
            return bench_speed(models, wanted.dataset)


def _print(report: Report, console: Console) -> None:
    for name, value in report.facts:
        console.print(f"{name}: {escape(value)}", highlight=False, soft_wrap=True)
    for given in report.tables:
        head = (Column(text, overflow="fold") for text in given.head)
        table = Table(*head, box=None, title=given.title or None, title_justify="left")
        for row in given.rows:
            table.add_row(*map(escape, row))
        console.print(table)
    for warning in report.warnings:
        console.print(f"[yellow]![/] {escape(warning)}", highlight=False, soft_wrap=True)
