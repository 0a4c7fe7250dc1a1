"""Opening hours: what is open when, in the bank's time zone, and what a wrong text is told."""

import random
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from signaling.hours import Hours

WEEK = "Mon-Fri 09:00-12:00, 13:30-18:00; Sat 10:00-16:00"
SHANGHAI = "Asia/Shanghai"


def at(text: str, zone: str = SHANGHAI, fold: int = 0) -> float:
    """Return the UTC seconds of a local time such as ``2026-11-23 09:00``, a Monday."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-11-23 09:00", None),
        ("2026-11-23 11:59:59", None),
        ("2026-11-23 12:00", "2026-11-23 13:30"),
        ("2026-11-23 08:59:59", "2026-11-23 09:00"),
        ("2026-11-23 18:00", "2026-11-24 09:00"),
        ("2026-11-27 20:00", "2026-11-28 10:00"),
        ("2026-11-28 16:00", "2026-11-30 09:00"),
        ("2026-11-29 12:00", "2026-11-30 09:00"),
    ],
)
def test_the_desk_opens_and_closes_on_the_minute(now: str, opens: str | None) -> None:
    """The first second is open, the last minute's end is closed; the next opening may be days away."""
    hours = Hours.parse(WEEK, SHANGHAI)
    assert hours.is_open(at(now)) is (opens is None)
    assert hours.opens_at(at(now)) == (at(opens) if opens else None)


def test_holidays_are_closed() -> None:
    """All day long, however many there are."""
    holidays = [f"2026-10-{day:02}" for day in range(1, 9)]
    hours = Hours.parse(WEEK, SHANGHAI, holidays)
    assert hours.is_open(at("2026-09-30 17:59"))
    assert hours.opens_at(at("2026-10-01 10:00")) == at("2026-10-09 09:00")
    sundays = Hours.parse("Sun 10:00-11:00", SHANGHAI, ["2026-11-29", "2026-12-06", "2026-12-13"])
    assert sundays.opens_at(at("2026-11-23 10:00")) == at("2026-12-20 10:00")


def test_the_day_is_that_of_the_time_zone() -> None:
    """Monday morning in Shanghai is Sunday night in New York."""
    now = at("2026-11-23 09:30")
    assert Hours.parse("Mon 09:00-10:00", SHANGHAI).is_open(now)
    assert not Hours.parse("Mon 09:00-10:00", "America/New_York").is_open(now)
    assert Hours.parse("Sun 20:00-21:00", "America/New_York").is_open(now)


def test_always_open() -> None:
    """Midnight is 24:00 of the day that ends; no second is missing."""
    hours = Hours.parse("Mon-Sun 00:00-24:00", SHANGHAI)
    for now in ("2026-11-22 23:59:59", "2026-11-23 00:00", "2026-11-23 12:00"):
        assert hours.is_open(at(now))


def test_days_may_be_listed_and_go_over_the_weekend() -> None:
    """Spaces and capitals do not matter; the text is kept as written."""
    hours = Hours.parse("  sat - MON, wed 9:00 - 10:00 ;; Tue 12:00-13:00;", SHANGHAI)
    days = [at(f"2026-11-{day} 09:00") for day in range(23, 30)]
    assert [hours.is_open(day) for day in days] == [True, False, True, False, False, True, True]
    assert hours.is_open(at("2026-11-24 12:30"))
    assert hours.text == "sat - MON, wed 9:00 - 10:00 ;; Tue 12:00-13:00;"


def test_the_clock_is_put_forward_and_back() -> None:
    """A shift over the change lasts an hour less or more; opening times stay on the wall."""
    berlin = "Europe/Berlin"
    night = Hours.parse("Sun 01:00-04:00", berlin)
    assert night.opens_at(at("2026-03-28 12:00", berlin)) == at("2026-03-29 01:00", berlin)
    spring = at("2026-03-29 01:00", berlin)
    assert night.is_open(spring + 2 * 3600 - 1)
    assert not night.is_open(spring + 2 * 3600)
    autumn = at("2026-10-25 01:00", berlin)
    assert night.is_open(autumn + 4 * 3600 - 1)
    assert not night.is_open(autumn + 4 * 3600)
    twice = Hours.parse("Sun 02:15-02:45", berlin)
    assert twice.is_open(at("2026-10-25 02:30", berlin, fold=1))
    assert twice.opens_at(at("2026-03-28 12:00", berlin)) == at("2026-03-29 03:15", berlin)


def test_the_next_opening_is_the_first_moment_that_is_open() -> None:
    """At random moments of two years: closed before the opening, open at it, and no gap in between."""
    chance = random.Random(7)
    hours = Hours.parse(WEEK, "America/New_York", ["2026-12-25", "2027-01-01"])
    for _ in range(2_000):
        now = at("2026-01-01 00:00") + chance.randrange(2 * 365 * 86_400)
        opens = hours.opens_at(now)
        assert hours.is_open(now) is (opens is None)
        if opens is not None:
            assert now < opens
            assert hours.is_open(opens)
            assert not hours.is_open(chance.uniform(now, opens - 1e-3))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "none are given"),
        (" ; ", "none are given"),
        ("Mon-Fri", "'Mon-Fri' has no times"),
        ("09:00-18:00", "'09:00-18:00' has no weekdays"),
        ("Mo 09:00-18:00", "'Mo' is not one of Mon, Tue"),
        ("Mon-Fry 09:00-18:00", "'Fry' is not one of"),
        ("Mon-Tue-Wed 09:00-18:00", "'Tue-Wed' is not one of"),
        ("Mon,, 09:00-18:00", "'' is not one of"),
        ("Mon 9-18", "'9-18' is not like 09:00-18:00"),
        ("Mon 09:00-18:00,", "'' is not like"),
        ("Mon 09:00-18:60", "a time that no clock shows"),
        ("Mon 09:75-18:00", "a time that no clock shows"),
        ("Mon 09:00-24:01", "a time that no clock shows"),
        ("Mon 22:00-02:00", "split it at midnight"),
        ("Mon 09:00-09:00", "ends before it begins"),
        ("Mon-Fri 09:00-18:00; Fri 17:00-20:00", "those of Fri overlap"),
    ],
)
def test_a_wrong_text_is_told_what_is_wrong(text: str, complaint: str) -> None:
    """The part in question is quoted."""
    with pytest.raises(ValueError, match=complaint):
        Hours.parse(text, SHANGHAI)


@pytest.mark.parametrize("zone", ["Asia/Peking", "Asia", "../etc/passwd", "", "/usr"])
def test_a_wrong_time_zone_is_told(zone: str) -> None:
    """Whatever the library says of it."""
    with pytest.raises(ValueError, match="is not a known time zone"):
        Hours.parse(WEEK, zone)


@pytest.mark.parametrize("holiday", ["1 October", "2026-02-30", ""])
def test_a_wrong_holiday_is_told(holiday: str) -> None:
    """Dates are written as ISO 8601 wants them."""
    with pytest.raises(ValueError, match="is not a date like 2026-10-01"):
        Hours.parse(WEEK, SHANGHAI, [holiday])


@pytest.mark.parametrize(
    ("now", "later", "ends"),
    [
        ("2026-11-23 10:00", 1, "2026-11-24 18:00"),
        ("2026-11-23 23:30", 1, "2026-11-24 18:00"),
        ("2026-11-26 10:00", 2, "2026-11-28 16:00"),
        ("2026-11-28 10:00", 1, "2026-11-30 18:00"),
        ("2026-11-29 10:00", 1, "2026-11-30 18:00"),
        ("2026-11-23 10:00", 0, "2026-11-23 18:00"),
        ("2026-11-23 18:00", 0, "2026-11-24 18:00"),
        ("2026-11-29 10:00", 0, "2026-11-30 18:00"),
        ("2026-09-30 10:00", 1, "2026-10-03 16:00"),
    ],
)
def test_what_is_due_is_due_when_a_working_day_ends(now: str, later: int, ends: str) -> None:
    """T+n counts the days on which the desk is open, after that of the moment; T+0 is what is left of it."""
    hours = Hours.parse(WEEK, SHANGHAI, ("2026-10-01", "2026-10-02"))
    assert hours.day_ends_at(at(now), later) == at(ends)
