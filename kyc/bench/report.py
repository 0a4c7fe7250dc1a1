"""What a measurement leaves behind: one page, its charts, its numbers, and the calibration card."""

import base64
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from contract.codec import dump
from kyc.calibration import Card, Rate, write_card
from kyc.images import Picture
from kyc.packs import Pack

# What a card has room for.
_LIMITS = 2_000


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under ``head``."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """``facts`` say what was measured, ``warnings`` what it does not carry; ``charts`` by file name.

    ``rates`` are for programs. ``card`` is None when nothing can be calibrated by it.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    warnings: tuple[str, ...]
    charts: tuple[tuple[str, Picture], ...]
    rates: tuple[Rate, ...]
    card: Card | None = None


def share(value: float) -> str:
    """Return a rate for people: per cent with three figures."""
    return f"{100 * value:.3g} %"


def rate_row(rate: Rate) -> tuple[str, ...]:
    """Return a row of :data:`RATE_HEAD`."""
    bounds = f"{share(rate.low)} to {share(rate.high)}"
    return rate.name, rate.on, f"{rate.errors} of {rate.trials}", share(rate.rate), bounds


RATE_HEAD = ("rate", "on", "errors", "share", "95 % bounds (Clopper-Pearson)")


def pack_facts(pack: Pack, *tasks: str) -> tuple[tuple[str, str], ...]:
    """Return which models were measured."""
    used = [model for model in pack.models if model.task in tasks]
    return (("pack", pack.name), *((model.task.value, f"{model.file} {model.sha256[:16]}") for model in used))


def write_report(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write ``report`` into ``folder``, what is there is replaced; return the files, the page first."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "report.html"
    written = [page]
    pictures: dict[str, bytes] = {}
    for name, chart in report.charts:
        pictures[name] = bytes(cv2.imencode(".png", chart)[1])
        written.append(folder / f"{name}.png")
        written[-1].write_bytes(pictures[name])
    written.append(folder / "report.json")
    written[-1].write_text(json.dumps(_numbers(report), indent=1, ensure_ascii=False) + "\n", "utf-8")
    if report.card is not None:
        written.append(write_card(report.card, folder))
    page.write_text(_page(report, pictures), "utf-8")
    return tuple(written)


def _numbers(report: Report) -> dict[str, object]:
    return {
        "title": report.title,
        "facts": dict(report.facts),
        "warnings": list(report.warnings),
        "rates": [dump(rate) for rate in report.rates],
        "tables": [{"title": t.title, "head": t.head, "rows": t.rows} for t in report.tables],
    }


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{padding:.2rem .8rem;text-align:left;"
    "border-bottom:1px solid #ddd}img{max-width:100%}.warning{border-left:4px solid #d55e00;"
    "padding-left:1rem}"
)


def _page(report: Report, pictures: dict[str, bytes]) -> str:
    parts = [f"<h1>{_safe(report.title)}</h1>", _table(Table("", ("", ""), report.facts))]
    parts += [f'<p class="warning">{_safe(warning)}</p>' for warning in report.warnings]
    parts += [_table(table) for table in report.tables]
    parts += [
        f'<p><img alt="{_safe(name)}" src="data:image/png;base64,{base64.b64encode(data).decode()}"></p>'
        for name, data in pictures.items()
    ]
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{_safe(report.title)}</title>'
        f"<style>{_STYLE}</style>\n{body}\n</html>\n"
    )


def _table(table: Table) -> str:
    title = f"<h2>{_safe(table.title)}</h2>" if table.title else ""
    head = "".join(f"<th>{_safe(text)}</th>" for text in table.head)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{_safe(text)}</td>" for text in row) + "</tr>" for row in table.rows
    )
    return f"{title}<table><tr>{head}</tr>\n{rows}</table>"


def _safe(text: str) -> str:
    return html.escape(text)


def limits_text(warnings: Sequence[str]) -> str:
    """Return ``warnings`` as a card's limits, cut where a card has no room."""
    text = ". ".join(warning[:1].upper() + warning[1:] for warning in warnings) + "."
    return text if len(text) <= _LIMITS else f"{text[: _LIMITS - 1]}…"
