"""Charts as pictures: error trade-off and histograms. OpenCV draws them, text included: no other library.

Colours are told apart by people who see no red or no green (Okabe and Ito, 2008).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from kyc.images import Picture

Points = Sequence[tuple[float, float]]

# Twice what a page shows, for sharp letters on any screen.
_WIDTH, _HEIGHT = 1280, 880
_LEFT, _RIGHT, _TOP, _BOTTOM = 130, 40, 90, 110
_TEXT, _GRID = (60, 60, 60), (225, 225, 225)
# Blue, vermilion, green, purple, orange, sky; BGR.
_COLOURS = ((178, 114, 0), (0, 94, 213), (115, 158, 0), (167, 121, 204), (0, 159, 230), (233, 180, 86))
_RATES = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
# Rates of nothing and of all lie nowhere on the axes of a trade-off.
_RATE_MIN, _RATE_MAX = 5e-5, 0.9
_BARS = 40


@dataclass(frozen=True, slots=True)
class _Axis:
    """From values to shares of the way along an axis, and the values that are written on it."""

    place: Callable[[float], float]
    ticks: tuple[tuple[float, str], ...]


class _Plot:
    """A picture with two axes."""

    def __init__(self, title: str, x: tuple[str, _Axis], y: tuple[str, _Axis]) -> None:
        self.picture = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)
        self._x, self._y = x[1], y[1]
        self._legend = self._uprights = 0
        self.text(title, (_LEFT, 50), 30)
        self.text(x[0], (_LEFT, _HEIGHT - 25), 24)
        self.text(y[0], (10, _TOP - 15), 24)
        for value, label in self._x.ticks:
            at = self._at(value, None)[0]
            cv2.line(self.picture, (at, _TOP), (at, _HEIGHT - _BOTTOM), _GRID, 2)
            self.text(label, (at - 7 * len(label), _HEIGHT - _BOTTOM + 34), 22)
        for value, label in self._y.ticks:
            at = self._at(None, value)[1]
            cv2.line(self.picture, (_LEFT, at), (_WIDTH - _RIGHT, at), _GRID, 2)
            self.text(label, (_LEFT - 14 - 13 * len(label), at + 8), 22)

    def text(self, text: str, at: tuple[int, int], size: int) -> None:
        """Write ``text`` from its lower left corner on."""
        cv2.putText(self.picture, text, at, _TEXT, cv2.FontFace("sans"), size)

    def line(self, points: Points, name: str) -> None:
        """Draw a line through ``points`` and its name."""
        places = np.array([self._at(x, y) for x, y in points], np.int32)
        cv2.polylines(self.picture, [places], False, self._name(name), 4, cv2.LINE_AA)

    def bars(self, heights: NDArray[np.float64], edges: NDArray[np.float64], name: str) -> None:
        """Draw the outline of bars and fill them lightly."""
        colour = self._name(name)
        steps = [
            self._at(x, y) for x, y in zip(np.repeat(edges, 2)[1:-1], np.repeat(heights, 2), strict=True)
        ]
        floor = [self._at(float(edges[-1]), 0.0), self._at(float(edges[0]), 0.0)]
        outline = np.array([*steps, *floor], np.int32)
        filled = cv2.fillPoly(self.picture.copy(), [outline], colour)
        self.picture[:] = cv2.addWeighted(filled, 0.25, self.picture, 0.75, 0)
        cv2.polylines(self.picture, [outline], True, colour, 3, cv2.LINE_AA)

    def upright(self, value: float, name: str) -> None:
        """Draw a dashed line at ``value`` of the x axis."""
        at = self._at(value, None)[0]
        for top in range(_TOP, _HEIGHT - _BOTTOM, 24):
            cv2.line(self.picture, (at, top), (at, top + 12), _TEXT, 2)
        # Two thresholds may lie close to each other.
        self._uprights += 1
        self.text(name, (at + 8, _TOP + 26 * self._uprights), 20)

    def _name(self, name: str) -> tuple[int, int, int]:
        colour = _COLOURS[self._legend % len(_COLOURS)]
        at = _TOP + 60 + 34 * self._legend
        cv2.rectangle(self.picture, (_WIDTH - 420, at - 18), (_WIDTH - 392, at + 4), colour, -1)
        self.text(name[:32], (_WIDTH - 380, at), 22)
        self._legend += 1
        return colour

    def _at(self, x: float | None, y: float | None) -> tuple[int, int]:
        across = 0.0 if x is None else min(max(self._x.place(float(x)), 0.0), 1.0)
        up = 0.0 if y is None else min(max(self._y.place(float(y)), 0.0), 1.0)
        width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        return round(_LEFT + across * width), round(_HEIGHT - _BOTTOM - up * height)


def trade_off(title: str, names: tuple[str, str], curves: Mapping[str, Points]) -> Picture:
    """Return a DET chart (Martin et al., Eurospeech 1997): both axes in deviations of the normal.

    ``names`` of the errors across and up; ``curves`` by the part of the sample.
    """
    axis = _normal_axis()
    plot = _Plot(title, (names[0], axis), (names[1], axis))
    for name, points in curves.items():
        plot.line(points, name)
    return plot.picture


def _normal_axis() -> _Axis:
    probit = NormalDist().inv_cdf
    low, high = probit(_RATE_MIN), probit(_RATE_MAX)

    def place(rate: float) -> float:
        return (probit(min(max(rate, _RATE_MIN), _RATE_MAX)) - low) / (high - low)

    return _Axis(place, tuple((rate, f"{100 * rate:g}%") for rate in _RATES))


def histograms(
    title: str, score: str, scores: Mapping[str, NDArray[np.float64]], thresholds: Mapping[str, float]
) -> Picture:
    """Return the shares of each group of ``scores`` by score, and ``thresholds`` over them."""
    given = {name: values for name, values in scores.items() if len(values)}
    everything = np.concatenate([*given.values(), np.array([*thresholds.values()])])
    low, high = float(everything.min()), float(everything.max())
    margin = 0.05 * (high - low) or 0.05
    low, high = low - margin, high + margin
    counted = {
        name: np.histogram(values, _BARS, (low, high))[0] / len(values) for name, values in given.items()
    }
    top = max((float(heights.max()) for heights in counted.values()), default=1.0)
    plot = _Plot(title, (score, _even_axis(low, high)), ("share", _even_axis(0.0, 1.1 * top)))
    edges = np.linspace(low, high, _BARS + 1)
    for name, heights in counted.items():
        plot.bars(heights, edges, f"{name} ({len(given[name])})")
    for name, threshold in thresholds.items():
        plot.upright(threshold, f"{name} {threshold:g}")
    return plot.picture


def _even_axis(low: float, high: float) -> _Axis:
    step = 10.0 ** np.floor(np.log10((high - low) / 2))
    step = next(step * factor for factor in (0.1, 0.2, 0.5, 1, 2) if (high - low) / (step * factor) <= 8)
    ticks = np.arange(np.ceil(low / step), high / step) * step
    return _Axis(
        lambda value: (value - low) / (high - low),
        tuple((float(t), f"{round(float(t), 6):g}") for t in ticks),
    )
