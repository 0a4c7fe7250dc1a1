"""Calibration cards: for exactly which files a threshold was measured, on what, and how sure that is.

A card is a JSON file of :class:`Card`. Those in ``kyc/cards`` come along; a bank's own lie in the folder
``cards`` of its models folder and win over them, so that a threshold is always that of somebody's
measurement with a date and a name, and never a number in the code.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from contract.codec import Number, Text, dump, load
from contract.errors import ModelError, ProtocolError
from kyc.bounds import clopper_pearson
from kyc.registry import Task

SHIPPED = Path(__file__).parent / "cards"
# A card is a page of text; more is no card.
_BYTES_MAX = 262_144
# A card states bounds with four figures.
_BOUND_ERROR = 5e-4
_DIGEST = re.compile(r"[0-9a-f]{64}")
_DATE = re.compile(r"20\d\d-\d\d-\d\d")

Share = Annotated[float, Number(0.0, 1.0)]
Count = Annotated[int, Number(0, 10**12)]


@dataclass(frozen=True, slots=True)
class Rate:
    """An error rate that was counted: ``errors`` of ``trials``, with 95 % bounds after Clopper and Pearson.

    ``name``: FMR, FNMR (ISO/IEC 19795-1), APCER, BPCER (ISO/IEC 30107-3). ``on`` names the part of the
    sample, as "all" or "East-Asian names".
    """

    name: Annotated[str, Text(16, 1)]
    on: Annotated[str, Text(200, 1)]
    errors: Count
    trials: Count
    low: Share
    high: Share

    @classmethod
    def counted(cls, name: str, on: str, errors: int, trials: int) -> "Rate":
        """Return the rate with its bounds worked out."""
        return cls(name, on, errors, trials, *clopper_pearson(errors, trials))

    @property
    def rate(self) -> float:
        """Return the share of errors, 0 without trials."""
        return self.errors / self.trials if self.trials else 0.0


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What one threshold stands for. ``name`` is "accept" or "review" for those that decide."""

    name: Annotated[str, Text(40, 1)]
    threshold: float
    rates: tuple[Rate, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """What was measured for the files in ``sha256``, which only count together.

    ``score`` says what is compared with the thresholds; higher is better always. ``sample`` and
    ``limits`` are for people: what the set was, and what it cannot carry. ``date`` is ISO 8601.
    """

    name: Annotated[str, Text(80, 1)]
    task: Task
    sha256: tuple[str, ...]
    score: Annotated[str, Text(400, 1)]
    sample: Annotated[str, Text(2_000, 1)]
    limits: Annotated[str, Text(2_000, 1)]
    points: tuple[OperatingPoint, ...]
    date: str
    by: Annotated[str, Text(200, 1)]

    def point(self, name: str) -> OperatingPoint:
        """Return the operating point of this name. Raises ModelError: the card has none."""
        for point in self.points:
            if point.name == name:
                return point
        raise ModelError(f"the calibration card {self.name} has no operating point {name}")


def read_card(path: Path) -> Card:
    """Return the card in ``path``.

    Raises:
        ModelError: it cannot be read, is no card, or contradicts itself; the text says where.
    """
    try:
        content = path.read_bytes()[: _BYTES_MAX + 1]
    except OSError as error:
        raise ModelError(f"the calibration card {path.name} cannot be read: {error.strerror}") from error
    try:
        if len(content) > _BYTES_MAX:
            raise ProtocolError(f"more than {_BYTES_MAX} bytes")
        card = load(Card, json.loads(content))
    except (ProtocolError, ValueError, RecursionError) as error:
        raise ModelError(f"the calibration card {path.name} is not one: {error}") from error
    for fault in faults(card):
        raise ModelError(f"the calibration card {path.name}: {fault}")
    return card


def write_card(card: Card, folder: Path) -> Path:
    """Write ``card`` into ``folder`` and return its file. Raises ValueError when it contradicts itself."""
    for fault in faults(card):
        raise ValueError(fault)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{card.name}.json"
    part = path.with_suffix(".part")
    part.write_text(json.dumps(dump(card), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)
    return path


def faults(card: Card) -> tuple[str, ...]:
    """Return what is wrong with ``card`` although every field has its type; one sentence each."""
    found = [f"{digest} is no SHA-256" for digest in card.sha256 if not _DIGEST.fullmatch(digest)]
    if not card.sha256:
        found.append("it names no model")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", card.name):
        found.append("the name has other characters than a-z, 0-9, dot and dash")
    if not _DATE.fullmatch(card.date):
        found.append(f"{card.date} is no date")
    thresholds = {point.name: point.threshold for point in card.points}
    if len(thresholds) < len(card.points):
        found.append("two operating points have one name")
    if not {"accept", "review"} <= thresholds.keys():
        found.append("the operating points accept and review are wanted")
    elif thresholds["review"] > thresholds["accept"]:
        found.append("review lies above accept")
    found += [fault for point in card.points for rate in point.rates for fault in _rate_faults(rate)]
    return tuple(found)


def _rate_faults(rate: Rate) -> Iterable[str]:
    if rate.errors > rate.trials:
        yield f"{rate.name} on {rate.on}: more errors than trials"
        return
    low, high = clopper_pearson(rate.errors, rate.trials)
    # Of a small bound four figures count, not four places.
    for stated, wanted in ((rate.low, low), (rate.high, high)):
        if abs(stated - wanted) > _BOUND_ERROR * max(wanted, 1e-9):
            yield f"{rate.name} on {rate.on}: the 95 % bounds are {low:.4g} and {high:.4g}"
            return


def find_card(task: Task, digests: Iterable[str], own: Path | None) -> Card | None:
    """Return the card for exactly these files: one in ``own``, the newest first, else a shipped one.

    Raises:
        ModelError: a file in one of the folders is not a card.
    """
    wanted = frozenset(digests)
    for folder in (own, SHIPPED) if own else (SHIPPED,):
        cards = [read_card(path) for path in sorted(folder.glob("*.json"))]
        fitting = [card for card in cards if card.task is task and frozenset(card.sha256) == wanted]
        if fitting:
            return max(fitting, key=lambda card: (card.date, card.name))
    return None
