"""The merged film once more, with the customer's place veiled while a card may be seen in it.

The same film and the same boxes give the same bytes. Functions here block.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path

import cv2

from contract.phases import TrackSource
from recordings.compose import FPS, Plane, planes_of
from recordings.layout import Place
from recordings.merge import CallPlan, MergePlan, next_picture
from recordings.overview import SAMPLES
from recordings.repaint import Paint, repaint_film
from recordings.scene import Seating
from recordings.veils import CardShown

VEILED_FILE = "merged-veiled.mp4"


@dataclass(frozen=True, slots=True)
class Box:
    """A place of the film that is veiled in the pictures ``first`` to ``last``, both included."""

    first: int
    last: int
    place: Place


def boxes(plan: MergePlan) -> tuple[Box, ...]:
    """Return what is to be veiled in the film of ``plan``, in order. Pure."""
    found: list[Box] = []
    before = 0
    for call in plan.calls:
        count = round(call.timeline.axis.seconds * FPS)
        for one in plan.cards:
            if one.call == call.timeline.call:
                found += _boxes(plan, call, one, before, count)
        before += count
    return tuple(found)


def _boxes(plan: MergePlan, call: CallPlan, shown: CardShown, before: int, count: int) -> Iterator[Box]:
    axis = call.timeline.axis
    screens = {t.recorded.info.track for t in call.tracks if t.recorded.info.source is TrackSource.SCREEN}
    seating = Seating(call.timeline, screens, plan.template)
    first = max(0, floor((shown.since - axis.start) * FPS) - 1)
    last = min(count - 1, ceil(next_picture(call, shown.until - axis.start) * FPS) + 1)
    places = ((tick, seating.customer(tick / FPS)) for tick in range(first, last + 1))
    for place, run in itertools.groupby(places, key=lambda one: one[1]):
        ticks = [tick for tick, _ in run]
        yield Box(before + ticks[0], before + ticks[-1], place)


def veil_film(film: Path, out: Path, veiled: Sequence[Box], progress: Callable[[float], None]) -> None:
    """Write ``film`` with these places veiled to ``out``; see :func:`recordings.repaint.repaint_film`."""
    repaint_film(film, out, _paint(veiled), progress)


def _paint(veiled: Sequence[Box]) -> Paint:
    def touches(first: int, last: int) -> bool:
        return any(box.first <= last and first <= box.last for box in veiled)

    def veil(number: int, planes: Plane) -> None:
        for place in (box.place for box in veiled if box.first <= number <= box.last):
            _veil(planes, place)

    return Paint(touches, veil)


def _veil(planes: Plane, place: Place) -> None:
    for plane, half in zip(planes_of(planes), (1, 2, 2), strict=True):
        rows = slice(place.top // half, (place.top + place.height) // half)
        pane = plane[rows, place.left // half : (place.left + place.width) // half]
        few = (SAMPLES, max(1, SAMPLES * pane.shape[0] // pane.shape[1]))
        coarse = cv2.resize(pane, few, interpolation=cv2.INTER_AREA)
        pane[:] = cv2.resize(coarse, pane.shape[::-1], interpolation=cv2.INTER_LINEAR)
