"""GB 11643 numbers."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.phases import CheckVerdict
from kyc.documents import (
    EARLIEST_BIRTH,
    PROVINCES,
    Validity,
    age_on,
    check_character,
    check_id_number,
    normalise,
    number_sex,
    read_validity,
    upgraded,
    validity_failures,
)

TODAY = date(2026, 11, 22)
# The worked example of the standard and three published ones; none belongs to a living person.
EXAMPLES = (
    ("11010519491231002X", "北京市", date(1949, 12, 31)),
    ("440524188001010014", "广东省", date(1880, 1, 1)),
    ("513101198201130014", "四川省", date(1982, 1, 13)),
    ("370101190102039973", "山东省", date(1901, 2, 3)),
)
DIGITS = "0123456789"


def number_of(region: str, born: date, serial: str = "001") -> str:
    """Return a number with the right check character."""
    first = f"{region}{born:%Y%m%d}{serial}"
    return first + check_character(first)


@pytest.mark.parametrize(("number", "region", "born"), EXAMPLES)
def test_published_examples_pass(number: str, region: str, born: date) -> None:
    """Every published example passes, with its province and birth date."""
    finding = check_id_number(number, TODAY)
    assert finding.verdict is CheckVerdict.PASSED
    assert (finding.number, finding.failures) == (number, ())
    assert (finding.region, finding.birth_date) == (region, born)


@pytest.mark.parametrize(
    "written",
    [
        "11010519491231002x",
        " 110105 1949 1231 002X ",
        "110105-19491231-002X",
        "110105·19491231·002x",
        "１１０１０５１９４９１２３１００２Ｘ",
        "１１０１０５\u300019491231002ｘ",
        "\t11010519491231002X\n",
    ],
)
def test_ways_of_writing_a_number(written: str) -> None:
    """Full-width characters, spaces, dashes and a small x mean the same number."""
    assert normalise(written) == "11010519491231002X"
    assert check_id_number(written, TODAY).verdict is CheckVerdict.PASSED


@pytest.mark.parametrize(
    "number",
    [
        "", "1", "X" * 18, "1101051949123100", "11010519491231002", "11010519491231002XX",
        "1101051949123100X2", "01010519491231002X", "11010519491231002Y", "1101051949１23100２",
        "姓名", "١١٠١٠٥١٩٤٩١٢٣١٠٠٢X",
        "11010519491231002X0", "-1010519491231002X", "1e0105194912310020", "11010519491231002①X",
    ],
)  # fmt: skip
def test_wrong_form(number: str) -> None:
    """What is not 17 digits and a digit or X fails for its form alone, and nothing else is claimed."""
    finding = check_id_number(number, TODAY)
    assert finding.verdict is CheckVerdict.FAILED
    assert finding.failures == ("form",)
    assert (finding.region, finding.birth_date) == ("", None)


@pytest.mark.parametrize(
    ("number", "failures"),
    [
        ("110105194912310029", ("check_digit",)),
        (number_of("910105", date(1949, 12, 31)), ("region",)),
        ("11010519490231002X", ("birth_date", "check_digit")),
        (number_of("110105", date(2026, 11, 23)), ("birth_in_future",)),
        (number_of("110105", date(1849, 12, 31)), ("birth_too_early",)),
    ],
)
def test_each_failure_has_its_word(number: str, failures: tuple[str, ...]) -> None:
    """Each rule fails by its own word."""
    finding = check_id_number(number, TODAY)
    assert finding.verdict is CheckVerdict.FAILED
    assert finding.failures == failures


def test_all_failures_are_told_at_once() -> None:
    """A number that breaks several rules names them all."""
    assert check_id_number("990105999912310020", TODAY).failures == (
        "region",
        "birth_in_future",
        "check_digit",
    )


def test_29_february_exists_in_leap_years_only() -> None:
    """The date must be a day that was."""
    assert check_id_number(number_of("110105", date(2000, 2, 29)), TODAY).verdict is CheckVerdict.PASSED
    first = "11010519000229001"
    assert check_id_number(first + check_character(first), TODAY).failures == ("birth_date",)


def test_fifteen_digits_go_to_a_person() -> None:
    """An old number is upgraded to 18 characters and never passes by itself."""
    finding = check_id_number("110105491231002", TODAY)
    assert finding.number == "11010519491231002X"
    assert finding.verdict is CheckVerdict.REVIEW
    assert finding.failures == ("fifteen_digits",)
    assert finding.birth_date == date(1949, 12, 31)


def test_unsound_fifteen_digits_fail() -> None:
    """An old number with an impossible date fails like any other."""
    finding = check_id_number("110105490231002", TODAY)
    assert finding.verdict is CheckVerdict.FAILED
    assert finding.failures == ("fifteen_digits", "birth_date")


def test_the_day_of_birth_is_not_in_the_future() -> None:
    """A child born today has a valid number, one born tomorrow has not."""
    number = number_of("110105", TODAY)
    assert check_id_number(number, TODAY).verdict is CheckVerdict.PASSED
    assert check_id_number(number, TODAY - timedelta(days=1)).failures == ("birth_in_future",)


def test_there_are_34_provinces_and_the_residence_permits() -> None:
    """All 31 mainland provinces, Taiwan, Hong Kong, Macao, and the permit code 83 are known."""
    assert len(PROVINCES) == 35
    assert all(len(code) == 2 and code.isdigit() for code in PROVINCES)


births = st.dates(EARLIEST_BIRTH, TODAY)
regions = st.builds(str.__add__, st.sampled_from(sorted(PROVINCES)), st.text(DIGITS, min_size=4, max_size=4))
serials = st.text(DIGITS, min_size=3, max_size=3)


@given(regions, births, serials)
def test_every_well_made_number_passes(region: str, born: date, serial: str) -> None:
    """Any province, day and serial with its check character passes and gives the date back."""
    finding = check_id_number(number_of(region, born, serial), TODAY)
    assert finding.verdict is CheckVerdict.PASSED
    assert finding.birth_date == born


@given(regions, births, serials, st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_never_passes(region: str, born: date, serial: str, at: int, step: int) -> None:
    """MOD 11-2 finds every single wrong digit."""
    number = number_of(region, born, serial)
    wrong = number[:at] + str((int(number[at]) + step) % 10) + number[at + 1 :]
    assert check_id_number(wrong, TODAY).verdict is CheckVerdict.FAILED


@given(regions, births, serials, st.integers(0, 15))
def test_two_swapped_neighbours_never_pass(region: str, born: date, serial: str, at: int) -> None:
    """MOD 11-2 finds every swap of two different neighbours."""
    number = number_of(region, born, serial)
    swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    if swapped != number:
        assert check_id_number(swapped, TODAY).verdict is CheckVerdict.FAILED


@given(regions, st.dates(date(1900, 1, 1), date(1999, 12, 31)), serials)
def test_upgrading_puts_the_century_in(region: str, born: date, serial: str) -> None:
    """An upgraded number is the 18-character number of the same person."""
    assert upgraded(f"{region}{born:%y%m%d}{serial}") == number_of(region, born, serial)


@given(st.text(max_size=40))
def test_any_text_gets_a_verdict(text: str) -> None:
    """No text at all breaks the check."""
    finding = check_id_number(text, TODAY)
    assert (finding.verdict is CheckVerdict.PASSED) == (finding.failures == ())


@pytest.mark.parametrize(
    ("born", "on", "age"),
    [
        (date(2000, 2, 29), date(2018, 2, 28), 17),
        (date(2000, 2, 29), date(2018, 3, 1), 18),
        (date(2000, 2, 29), date(2020, 2, 29), 20),
        (date(2010, 11, 22), TODAY, 16),
        (date(2010, 11, 23), TODAY, 15),
        (TODAY, TODAY, 0),
    ],
)
def test_ages(born: date, on: date, age: int) -> None:
    """A year is completed on the birthday, not before."""
    assert age_on(born, on) == age


@given(st.dates(date(1850, 1, 1), TODAY), st.integers(0, 120))
def test_age_grows_by_one_on_birthdays(born: date, years: int) -> None:
    """On the birthday the age is the difference of the years, the day before it is one less."""
    day = date(born.year + years, born.month, min(born.day, 28))
    assert age_on(born.replace(day=day.day), day) == years
    assert age_on(born.replace(day=day.day), day - timedelta(1)) == years - 1


@given(regions, births, st.integers(0, 999))
def test_the_sex_digit(region: str, born: date, serial: int) -> None:
    """Odd serials are men's."""
    assert number_sex(number_of(region, born, f"{serial:03}")) == ("M" if serial % 2 else "F")


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("2016.05.10-2026.05.10", Validity(date(2016, 5, 10), date(2026, 5, 10))),
        ("2016.05.10 - 2026.05.10", Validity(date(2016, 5, 10), date(2026, 5, 10))),
        ("２０１６．０５．１０－２０２６．０５．１０", Validity(date(2016, 5, 10), date(2026, 5, 10))),
        ("2016.05.10—长期", Validity(date(2016, 5, 10), None)),
        ("20160510长期", Validity(date(2016, 5, 10), None)),
        ("2016.05.10-", None),
        ("2016.13.10-2026.05.10", None),
        ("2016.05.10-2026.02.30", None),
        ("长期", None),
        ("", None),
    ],
)
def test_terms_are_read(text: str, term: Validity | None) -> None:
    """Both ways of printing a term, and nothing else."""
    assert read_validity(text) == term


@given(st.text(max_size=30))
def test_any_text_is_a_term_or_none(text: str) -> None:
    """No text at all breaks the reader of terms."""
    term = read_validity(text)
    assert term is None or term.issued.year >= 1


def holder(born: date, region: str = "110101") -> str:
    """Return the number of somebody ``born`` then."""
    return number_of(region, born)


@pytest.mark.parametrize(
    ("issued", "expires", "born", "words"),
    [
        # Article 5 of the law: the term follows from the age on the day of issue.
        (date(2022, 1, 2), date(2027, 1, 2), date(2006, 1, 3), ()),
        (date(2020, 1, 2), date(2030, 1, 2), date(2004, 1, 2), ()),
        (date(2010, 1, 2), date(2030, 1, 2), date(1984, 1, 2), ()),
        (date(2010, 1, 2), None, date(1964, 1, 2), ()),
        (date(2020, 1, 2), date(2040, 1, 2), date(2004, 1, 2), ("term_unlike_age",)),
        (date(2020, 1, 2), date(2030, 1, 2), date(2004, 1, 3), ("term_unlike_age",)),
        (date(2010, 1, 2), None, date(1964, 1, 3), ("term_unlike_age",)),
        (date(2010, 1, 2), date(2030, 1, 2), date(1964, 1, 2), ("term_unlike_age",)),
        (date(2020, 1, 2), date(2027, 1, 2), date(2004, 1, 2), ("term_unusual",)),
        (date(2020, 1, 2), date(2030, 1, 3), date(2004, 1, 2), ("term_unusual",)),
        (date(2016, 2, 29), date(2036, 2, 28), date(1985, 1, 1), ()),
        (date(2016, 2, 29), date(2036, 3, 1), date(1985, 1, 1), ()),
        (date(2016, 2, 29), date(2036, 3, 2), date(1985, 1, 1), ("term_unusual",)),
        (date(2003, 12, 31), None, date(1930, 1, 1), ("issued_too_early",)),
        (date(2026, 11, 23), None, date(1930, 1, 1), ("issued_in_future",)),
        (date(2022, 1, 1), date(2027, 1, 1), date(2022, 1, 2), ("issued_before_birth",)),
        (date(2016, 11, 22), date(2026, 11, 22), date(2000, 1, 1), ()),
        (date(2016, 11, 21), date(2026, 11, 21), date(2000, 1, 1), ("expired",)),
        (
            date(2016, 11, 21), date(2006, 11, 21), date(2000, 1, 1),
            ("expires_before_issue", "expired", "term_unusual"),
        ),
    ],
)  # fmt: skip
def test_terms_are_judged(
    issued: date, expires: date | None, born: date, words: tuple[str, ...]
) -> None:  # fmt: skip
    """Every rule has its word, and the last day still counts."""
    assert validity_failures(Validity(issued, expires), TODAY, holder(born)) == words


def test_what_a_term_is_not_judged_by() -> None:
    """Without a number no age is known; a residence permit always runs five years."""
    term = Validity(date(2022, 1, 2), date(2027, 1, 2))
    assert validity_failures(term, TODAY, holder(date(1980, 1, 1))) == ("term_unlike_age",)
    assert validity_failures(term, TODAY) == ()
    assert validity_failures(term, TODAY, "110101") == ()
    assert validity_failures(term, TODAY, holder(date(1980, 1, 1), "810000")) == ()
