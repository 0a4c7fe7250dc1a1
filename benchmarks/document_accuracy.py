"""How many fields of specimen documents are read exactly, per kind, condition and field.

``python -m benchmarks.document_accuracy COUNT FILE [--seed N] [--jobs N]`` reads specimens 0 to COUNT - 1
through the job that the model process does, on one thread in each of so many processes, and keeps a line for
each in FILE. Cut off, it goes on where FILE ends; with COUNT already there it only prints the tables.
"""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2

from contract.errors import UserError
from kyc.bench.report import RATE_HEAD, rate_row
from kyc.calibration import Rate
from kyc.card_fields import Field
from kyc.card_jobs import ReadCard
from kyc.card_reading import answer_read_card
from kyc.models import Models
from kyc.packs import find_pack
from teller.demo.specimens import specimen

ON = date(2026, 11, 22)
_TOLD_EVERY = 100


def main(count: int, file: Path, seed: int, jobs: int) -> None:
    """Read what ``file`` does not hold yet, then print the tables."""
    there = sum(1 for _ in lines(file, seed))
    # Started anew: a process that was forked has no models of its own.
    pool = ProcessPoolExecutor(jobs, get_context("spawn"))
    with pool, file.open("a", encoding="utf-8") as out:
        for place, row in enumerate(pool.map(partial(read, seed), range(there, count)), there):
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            out.flush()
            if place % _TOLD_EVERY == 0:
                print(f"{place} of {count}", file=sys.stderr)
    report(list(lines(file, seed))[:count])


@cache
def loaded() -> Models:
    """Return this process's models."""
    cv2.setNumThreads(1)
    return Models(find_pack(None, "base"))


def lines(file: Path, seed: int) -> Iterator[dict[str, Any]]:
    """Yield what was read so far; a last line that was cut off is cut away.

    Raises:
        SystemExit: The file was made with another seed, or its places are not in order.
    """
    if not file.exists():
        return
    data = file.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        os.truncate(file, len(whole))
    for place, line in enumerate(whole.splitlines()):
        row = json.loads(line)
        if (row["seed"], row["place"]) != (seed, place):
            sys.exit(f"{file}: line {place + 1} is not specimen {place} of seed {seed}")
        yield row


def read(seed: int, place: int) -> dict[str, Any]:
    """Draw one specimen and read it; fields that were not read, or otherwise, are in ``wrong``."""
    drawn = specimen(seed, place)
    found: dict[str, Field]
    try:
        found = dict(answer_read_card(loaded(), ReadCard(drawn.picture, ON)).reading.fields)
    except UserError:
        found = {}
    wrong = {
        name: found[name].value if name in found else None
        for name, value in drawn.truth.items()
        if name not in found or found[name].value != value
    }
    return {
        "seed": seed,
        "place": place,
        "kind": drawn.kind,
        "condition": drawn.condition,
        "fields": list(drawn.truth),
        "wrong": wrong,
    }


def report(rows: list[dict[str, Any]]) -> None:
    """Print errors by condition, by kind and condition, and by kind and field."""
    tables: dict[str, tuple[Counter[str], Counter[str]]] = {
        title: (Counter(), Counter()) for title in ("condition", "kind and condition", "kind and field")
    }
    for row in rows:
        for field in row["fields"]:
            names = row["condition"], f"{row['kind']} {row['condition']}", f"{row['kind']} {field}"
            for (asked, wrong), name in zip(tables.values(), names, strict=True):
                asked[name] += 1
                wrong[name] += field in row["wrong"]
    print(f"{len(rows)} specimens")
    for title, (asked, wrong) in tables.items():
        print(f"\nBy {title}: {', '.join(RATE_HEAD[2:])}")
        for name in sorted(asked):
            print(
                f"  {name:28}", "  ".join(rate_row(Rate.counted("wrong", name, wrong[name], asked[name]))[2:])
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    main(given.count, given.file, given.seed, given.jobs)
