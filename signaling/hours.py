"""When a desk is open: weekly hours in a time zone, without holidays. Pure; times are seconds UTC."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_DAY_MIN = 24 * 60
# Minutes after local midnight, the end exclusive.
_Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Hours:
    """Opening hours. ``week`` holds the spans of each weekday, Monday first; ``text`` is as configured."""

    text: str
    zone: ZoneInfo
    week: tuple[_Spans, ...]
    holidays: frozenset[date] = frozenset()

    @classmethod
    def parse(cls, text: str, zone: str, holidays: Iterable[str] = ()) -> "Hours":
        """Read ``Mon-Fri 09:00-12:00, 13:00-18:00; Sat 10:00-16:00`` of an IANA ``zone``.

        Holidays are dates such as ``2026-10-01``, on which the desk stays closed.

        Raises:
            ValueError: which part is wrong, and how.
        """
        week: list[list[tuple[int, int]]] = [[] for _ in _DAYS]
        for rule in filter(None, (part.strip() for part in text.split(";"))):
            days, spans = _read_rule(rule)
            for day in days:
                week[day] += spans
        if not any(week):
            raise ValueError("opening hours: none are given")
        found = tuple(_in_order(day, spans) for day, spans in enumerate(week))
        return cls(text.strip(), _read_zone(zone), found, frozenset(map(_read_date, holidays)))

    def is_open(self, now: float) -> bool:
        """Tell whether the desk is open at ``now``."""
        return self.opens_at(now) is None

    def opens_at(self, now: float) -> float | None:
        """Return when the desk opens next; None while it is open."""
        begins, _ = next((begins, ends) for begins, ends in self._spans_from(now) if now < ends)
        return None if begins <= now else begins

    def day_ends_at(self, now: float, later: int) -> float:
        """Return when the ``later``-th working day after that of ``now`` ends, at the close of its last span.

        With 0 today, or the next working day once today is over or is none.
        """
        day = today = datetime.fromtimestamp(now, self.zone).date()
        while True:
            spans = () if day in self.holidays else self.week[day.weekday()]
            later -= bool(spans) and day != today
            if spans and later <= 0 and now < (ends := max(self._at(day, spans[-1][1]))):
                return ends
            day += timedelta(days=1)

    def _spans_from(self, now: float) -> Iterator[tuple[float, float]]:
        # Endless: some weekday has hours, and there is only so long a list of holidays.
        day = datetime.fromtimestamp(now, self.zone).date()
        while True:
            if day not in self.holidays:
                for begins, ends in self.week[day.weekday()]:
                    yield self._at(day, begins)[0], max(self._at(day, ends))
            day += timedelta(days=1)

    def _at(self, day: date, minutes: int) -> tuple[float, float]:
        """Return when the clock shows this time: the first and the second time, where it is put back."""
        shown = (datetime.combine(day, time()) + timedelta(minutes=minutes)).replace(tzinfo=self.zone)
        return shown.timestamp(), shown.replace(fold=1).timestamp()


def _read_rule(rule: str) -> tuple[list[int], list[tuple[int, int]]]:
    cut = re.search(r"\d", rule)
    if cut is None:
        raise ValueError(f"opening hours: {rule!r} has no times")
    names, times = rule[: cut.start()].strip(), rule[cut.start() :]
    if not names:
        raise ValueError(f"opening hours: {rule!r} has no weekdays")
    days = [day for part in names.split(",") for day in _read_days(part.strip())]
    return days, [_read_span(part.strip()) for part in times.split(",")]


def _read_days(part: str) -> list[int]:
    first, *rest = (_read_day(name.strip()) for name in part.split("-", 1))
    # Sat-Mon goes over the end of the week.
    return [(first + step) % 7 for step in range((rest[0] - first) % 7 + 1)] if rest else [first]


def _read_day(name: str) -> int:
    if name.lower() not in _DAYS:
        raise ValueError(f"opening hours: {name!r} is not one of Mon, Tue, Wed, Thu, Fri, Sat, Sun")
    return _DAYS.index(name.lower())


def _read_span(part: str) -> tuple[int, int]:
    match = _SPAN.fullmatch(part)
    if match is None:
        raise ValueError(f"opening hours: {part!r} is not like 09:00-18:00")
    begin_h, begin_m, end_h, end_m = map(int, match.groups())
    begins, ends = begin_h * 60 + begin_m, end_h * 60 + end_m
    if begin_m > 59 or end_m > 59 or ends > _DAY_MIN:
        raise ValueError(f"opening hours: {part!r} has a time that no clock shows")
    if begins >= ends:
        raise ValueError(f"opening hours: {part!r} ends before it begins; split it at midnight (24:00)")
    return begins, ends


def _in_order(day: int, spans: list[tuple[int, int]]) -> _Spans:
    spans.sort()
    if any(second[0] < first[1] for first, second in pairwise(spans)):
        raise ValueError(f"opening hours: those of {_DAYS[day].capitalize()} overlap")
    return tuple(spans)


def _read_zone(zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"opening hours: {zone!r} is not a known time zone") from error


def _read_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"opening hours: the holiday {text!r} is not a date like 2026-10-01") from error
