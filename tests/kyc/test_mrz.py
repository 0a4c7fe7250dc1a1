"""Machine-readable zones: the specimens of ICAO Doc 9303 and what a recogniser makes of them."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from contract.errors import UserError
from kyc.mrz import Mrz, MrzFormat, check_digit, find_mrz, parse_mrz

TODAY = date(2010, 6, 1)
# Doc 9303 part 4 appendix B, part 6 appendix B, part 5 appendix B.
TD3 = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
TD2 = ("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6")
TD1 = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")
# Part 5 appendix B: a document number of more than nine characters.
TD1_LONG = (
    "I<UTOD23145890<7349<<<<<<<<<<<",
    "3407127M9507122UTO<<<<<<<<<<<2",
    "STEVENSON<<PETER<JOHN<<<<<<<<<",
)
ANNA = Mrz(
    format=MrzFormat.TD3,
    document_code="P",
    issuer="UTO",
    number="L898902C3",
    surname="ERIKSSON",
    given_names="ANNA MARIA",
    nationality="UTO",
    sex="F",
    born=date(1974, 8, 12),
    expires=date(2012, 4, 15),
    optional=("ZE184226B",),
    errors=(),
)
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<"
SPECIMENS = (TD1, TD1_LONG, TD2, TD3)


def parsed(lines: tuple[str, ...]) -> Mrz:
    return parse_mrz("\n".join(lines), TODAY)


def changed(lines: tuple[str, ...], line: int, at: int, text: str) -> tuple[str, ...]:
    old = lines[line]
    return (*lines[:line], old[:at] + text + old[at + len(text) :], *lines[line + 1 :])


def test_the_passport_of_the_standard() -> None:
    """Every field of the TD3 specimen is read, and nothing is wrong with it."""
    assert parsed(TD3) == ANNA


def test_the_cards_of_the_standard() -> None:
    """TD2 and TD1 name the same person; a number that is too long for its field is put together."""
    card = replace(ANNA, format=MrzFormat.TD2, document_code="I", number="D23145890", optional=("",))
    assert parsed(TD2) == card
    assert parsed(TD1) == replace(card, format=MrzFormat.TD1, optional=("", ""))
    stevenson = parsed(TD1_LONG)
    assert (stevenson.number, stevenson.surname, stevenson.given_names) == (
        "D23145890734", "STEVENSON", "PETER JOHN",
    )  # fmt: skip
    assert (stevenson.sex, stevenson.born, stevenson.expires) == ("M", date(1934, 7, 12), date(1995, 7, 12))
    assert stevenson.errors == ()


def test_the_check_digits_of_the_standard() -> None:
    """Doc 9303 part 3 section 4.9 works out two examples."""
    assert check_digit("520727") == "3"
    assert check_digit("AB2134<<<") == "5"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (changed(TD3, 0, 0, "X"), {"document_code"}),
        (changed(TD1, 0, 0, "P"), {"document_code"}),
        (changed(TD3, 0, 2, "U0O"), {"issuer"}),
        (changed(TD3, 1, 10, "U<O"), {"nationality"}),
        (changed(TD3, 0, 5, "<<<<<<<<<"), {"name"}),
        (changed(TD3, 0, 5, "ER1KSS0N"), {"name"}),
        (changed(TD3, 1, 20, "Q"), {"sex"}),
        (changed(TD3, 1, 0, "M"), {"number_check", "composite_check"}),
        (changed(TD3, 1, 13, "750812"), {"birth_check", "composite_check"}),
        (changed(TD3, 1, 13, "741312"), {"birth_check", "birth_date", "composite_check"}),
        (changed(TD3, 1, 13, "74<<<<"), {"birth_check", "birth_date", "composite_check"}),
        (changed(TD3, 1, 21, "130415"), {"expiry_check", "composite_check"}),
        (changed(TD3, 1, 21, "120431"), {"expiry_check", "expiry_date", "composite_check"}),
        (changed(TD3, 1, 28, "AB"), {"optional_check", "composite_check"}),
        (changed(TD3, 1, 43, "7"), {"composite_check"}),
        (changed(TD1_LONG, 0, 15, "8"), {"number_check", "composite_check"}),
        (changed(TD1, 0, 14, "<"), {"number_check", "composite_check"}),
    ],
)
def test_each_error_has_its_word(lines: tuple[str, ...], words: set[str]) -> None:
    """One wrong field gives its own word, and the composite's where that covers it."""
    assert {*parsed(lines).errors} == words


def test_an_empty_optional_field_needs_no_digit() -> None:
    """Part 4 lets the passport's optional check digit be 0 or a filler when the field is empty."""
    for check in "0<":
        # The composite's fields sum up to 478.
        line = f"L898902C36UTO7408122F1204159{'<' * 14}{check}8"
        assert parsed((TD3[0], line)).errors == ()


def test_sexes() -> None:
    """Unspecified is a filler, in old prints an X."""
    assert [parsed(changed(TD3, 1, 20, mark)).sex for mark in "MFX<"] == ["M", "F", "", ""]


def test_one_name_only() -> None:
    """Who has a single name has no given names."""
    alone = parsed((f"P<UTOARKFREITH{'<' * 31}"[:44], TD3[1]))
    assert (alone.surname, alone.given_names, alone.errors) == ("ARKFREITH", "", ())


def test_german_documents() -> None:
    """D<< is Germany's code."""
    zone = parsed((TD3[0].replace("UTO", "D<<"), TD3[1].replace("UTO", "D<<")))
    assert (zone.issuer, zone.nationality, zone.errors) == ("D", "D", ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P<UTO",
        TD3[0],
        "\n".join(TD1[:2]),
        "\n".join((*TD3, TD3[0])),
        TD3[0] + TD3[1],
        "\n".join((TD3[0], TD3[1][:-1] + "é")),
    ],
)
def test_what_is_no_zone(text: str) -> None:
    """Another shape or other characters are refused, not guessed at."""
    with pytest.raises(UserError, match="no machine-readable zone") as caught:
        parse_mrz(text, TODAY)
    assert caught.value.code == "not_an_mrz"


@given(st.dates(date(1950, 1, 1), date(2049, 12, 31)), st.integers(0, 99 * 365), st.integers(-17_000, 17_000))
def test_centuries(on: date, age: int, left: int) -> None:
    """Births lie within a hundred years before the day, expiries within fifty around it."""
    born, expires = on - timedelta(age), on + timedelta(left)
    zone = parse_mrz("\n".join(zone_of("ERIKSSON", "ANNA", "L898902C3", born, "F", expires)), on)
    assert (zone.born, zone.expires, zone.errors) == (born, expires, ())


def zone_of(
    surname: str, given: str, number: str, born: date, sex: str, expires: date
) -> tuple[str, str]:  # fmt: skip
    """Return the two lines of a passport of Utopia with every check digit right."""
    first = f"P<UTO{surname}<<{given}"[:44].ljust(44, "<")
    fields = [number.ljust(9, "<"), f"{born:%y%m%d}", f"{expires:%y%m%d}"]
    held, birth, end = (field + check_digit(field) for field in fields)
    personal = "<" * 14 + "0"
    return first, f"{held}UTO{birth}{sex}{end}{personal}{check_digit(held + birth + end + personal)}"


names = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=16)
numbers = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=6, max_size=9)
births = st.dates(date(1920, 1, 1), TODAY)
ends = st.dates(date(2000, 1, 1), date(2030, 12, 31))


@given(names, names, numbers, births, st.sampled_from("MF"), ends)
def test_what_is_written_is_read(
    surname: str, given: str, number: str, born: date, sex: str, expires: date
) -> None:  # fmt: skip
    """Any person comes back out of a passport's zone."""
    zone = parsed(zone_of(surname, given, number, born, sex, expires))
    assert (zone.surname, zone.given_names, zone.number) == (surname, given, number)
    assert (zone.born, zone.sex, zone.expires, zone.errors) == (born, sex, expires, ())


@given(st.sampled_from(SPECIMENS), st.data())
def test_a_changed_digit_never_passes(lines: tuple[str, ...], data: st.DataObject) -> None:
    """A digit that becomes another one is always found: 7, 3 and 1 are prime to 10."""
    places = [(n, at) for n, line in enumerate(lines) for at, c in enumerate(line) if c.isdigit()]
    line, at = data.draw(st.sampled_from(places))
    digit = data.draw(st.sampled_from("0123456789"))
    assume(digit != lines[line][at])
    assert parsed(changed(lines, line, at, digit)).errors


@given(
    st.one_of(
        st.text(max_size=100),
        st.lists(st.text(ALPHABET, min_size=44, max_size=44), min_size=2, max_size=2).map("\n".join),
        st.lists(st.text(ALPHABET, min_size=30, max_size=30), min_size=3, max_size=3).map("\n".join),
    )
)
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """No text at all breaks the parser."""
    try:
        zone = parse_mrz(text, TODAY)
    except UserError:
        return
    assert zone.format in MrzFormat


@pytest.mark.parametrize("lines", SPECIMENS)
def test_a_zone_is_found_between_other_lines(lines: tuple[str, ...]) -> None:
    """Lines without a filler are no part of the zone; spaces and other brackets do not matter."""
    spoiled = [line.replace("<<", "«<").replace("<", " < ") for line in lines]
    assert find_mrz(["PASSPORT", "UTOPIA " * 5, *spoiled, "x"], TODAY) == parsed(lines)


def test_an_almost_empty_passport_is_no_card() -> None:
    """With few names and no optional data TD3 could be squeezed into TD2; it is not."""
    lines = zone_of("LI", "LEI", "L898902C3", date(1974, 8, 12), "F", date(2012, 4, 15))
    assert find_mrz(lines, TODAY) == parsed(lines)
    assert parsed(lines).format is MrzFormat.TD3


@given(st.sampled_from(SPECIMENS), st.lists(st.integers(-6, 12), min_size=3, max_size=3))
@example(TD3, [-2, 3, 0])
@example(TD2, [-3, -6, 0])
def test_miscounted_fillers(lines: tuple[str, ...], lost: list[int]) -> None:
    """Fillers that were lost or doubled in the longest run of a line are put right."""
    spoiled = []
    for line, count in zip(lines, lost, strict=False):
        *others, longest = sorted(re.findall("<+", line), key=len)
        kept = max(len(longest) - count, 1 + max(map(len, others), default=0))
        spoiled.append(line.replace(longest, "<" * kept, 1))
    assert find_mrz(spoiled, TODAY) == parsed(lines)


def test_letters_among_digits_and_digits_among_letters() -> None:
    """Where only one kind can stand, the other is a misreading."""
    spoiled = ("P<UT0ER1K55ON<<ANNA<MAR1A<<<<<<<<<<<<<<<<<<<", "L898902C36UT07A08I22FI2O4IS9ZE184226B<<<<<1O")
    assert find_mrz([spoiled[0], spoiled[1].replace("7A0", "740")], TODAY) == ANNA


@pytest.mark.parametrize(("number", "read"), [("L898902C3", "L8989O2C3"), ("L898902C3", "L898902X3")])
def test_one_confusion_in_the_number(number: str, read: str) -> None:
    """The check digits decide between look-alikes; other misreadings stay wrong and are said."""
    found = find_mrz([TD3[0], TD3[1].replace(number, read)], TODAY)
    assert found is not None
    if "O" in read:
        assert found == replace(ANNA, errors=("number_repaired",))
    else:
        assert (found.number, {*found.errors}) == (read, {"number_check", "composite_check"})


def test_ambiguous_confusions_stay_as_they_were_read() -> None:
    """Two exchanges that both fit prove nothing."""
    # Weight 7 at both places: exchanging either changes both sums alike.
    lines = zone_of("ERIKSSON", "ANNA", "0AA0AA0AA", date(1974, 8, 12), "F", date(2012, 4, 15))
    read = lines[1].replace("0AA0AA0AA", "OAA0AA0AA")
    found = find_mrz([lines[0], read], TODAY)
    assert found is not None
    assert found.number in {"0AA0AA0AA", "OAA0AA0AA"}
    assert (found.number == "0AA0AA0AA") == (found.errors == ("number_repaired",))


@given(st.lists(st.text(ALPHABET + "<<<<<<<<", min_size=24, max_size=48), max_size=4))
@example(["<" * 44, "<" * 44])
@example(["A" * 40 + "<", "B" * 20 + "<" * 30])
def test_noise_is_no_zone(texts: list[str]) -> None:
    """What is found has at least two right check digits."""
    found = find_mrz(texts, TODAY)
    assert found is None or len({"number_check", "birth_check", "expiry_check"} & {*found.errors}) <= 1
