"""Lines of text become fields, whatever the recogniser did to them."""

from dataclasses import replace
from datetime import date
from math import cos, radians, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc.card_fields import DOUBTFUL, NATIONS, CardReading, Line, Side, read_fields

TODAY = date(2010, 6, 1)


def line(text: str, left: float, y: float, confidence: float = 0.98, tilt: float = 0.0) -> Line:
    """Return a line that begins at ``left`` with its centre at ``y``, both in shares of the width."""
    width = 0.033 * sum(1 if c > "\x7f" else 0.5 for c in text)
    return Line(text, confidence, left + width / 2, y, width, 0.04, tilt)


FRONT = [
    line("姓名", 0.06, 0.11),
    line("样本人", 0.16, 0.11),
    line("性别女", 0.06, 0.18),
    line("民族汉", 0.26, 0.181),
    line("出生", 0.06, 0.26),
    line("1949年12月31日", 0.16, 0.26),
    line("住址", 0.06, 0.33),
    line("北京市朝阳区样本路1号视频", 0.16, 0.33),
    line("柜员示例楼", 0.16, 0.375, 0.9),
    line("公民身份号码", 0.06, 0.55),
    line("11010519491231002X", 0.28, 0.55),
]
BACK = [
    line("中华人民共和国", 0.32, 0.13),
    line("居民身份证", 0.33, 0.23),
    line("签发机关", 0.25, 0.48),
    line("北京市公安局", 0.4, 0.48),
    line("朝阳分局", 0.4, 0.515),
    line("有效期限2016.05.10-2026.05.10", 0.25, 0.55),
]
ZONE = [
    line("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", 0.05, 0.55),
    line("L898902C36UTO7408122F1204159ZE184226B<<<<<10", 0.05, 0.6, 0.91),
]
FRONT_VALUES = {
    "name": "样本人",
    "sex": "女",
    "nation": "汉",
    "born": "1949-12-31",
    "address": "北京市朝阳区样本路1号视频柜员示例楼",
    "number": "11010519491231002X",
}


def values(reading: CardReading) -> dict[str, str]:
    return {name: field.value for name, field in reading.fields.items()}


def without(lines: list[Line], *texts: str) -> list[Line]:
    return [line for line in lines if line.text not in texts]


def changed(lines: list[Line], old: str, new: str) -> list[Line]:
    return [replace(line, text=line.text.replace(old, new)) for line in lines]


def test_the_front() -> None:
    """Every field, with the confidence of its least sure line."""
    reading = read_fields(FRONT, TODAY)
    assert (reading.side, reading.mrz) == (Side.FRONT, None)
    assert values(reading) == FRONT_VALUES
    assert reading.fields["address"].confidence == 0.9
    assert reading.fields["name"].confidence == 0.98


@given(st.permutations(FRONT), st.floats(-30, 30))
def test_order_and_tilt_do_not_matter(lines: list[Line], degrees: float) -> None:
    """The lines of a tilted photo say the same, in any order."""
    c, s = cos(radians(degrees)), sin(radians(degrees))
    tilted = [
        replace(one, x=one.x * c - one.y * s, y=one.x * s + one.y * c, tilt=one.tilt + degrees)
        for one in lines
    ]
    assert values(read_fields(tilted, TODAY)) == FRONT_VALUES


def test_what_does_not_belong_is_left_out() -> None:
    """The overprint, a stamp across and what is seen in the portrait are no part of the address."""
    noise = [
        line("样本SPECIMEN", 0.12, 0.4),
        line("已作废", 0.2, 0.4, tilt=-8.3),
        line("川川", 0.75, 0.36),
    ]
    assert values(read_fields(FRONT + noise, TODAY)) == FRONT_VALUES


@pytest.mark.parametrize(
    ("lines", "name", "value", "doubtful"),
    [
        (changed(FRONT, "民族汉", "民族沒"), "nation", "沒", True),
        (changed(FRONT, "002X", "0021"), "number", "110105194912310021", True),
        (changed(FRONT, "110105194912310", "1IO1O51949l231O"), "number", "11010519491231002X", False),
        (changed(FRONT, "002X", "002×"), "number", "11010519491231002X", False),
        (changed(FRONT, "1949年12", "l949年I2"), "born", "1949-12-31", False),
        (changed(FRONT, "姓名", "牲名"), "name", "样本人", False),
        (without(FRONT, "姓名"), "name", "样本人", False),
        (without(FRONT, "住址"), "address", FRONT_VALUES["address"], False),
        (changed(FRONT, "住址", "任址"), "address", FRONT_VALUES["address"], False),
        (without(FRONT, "性别女"), "nation", "汉", False),
        (without(FRONT, "性别女", "民族汉"), "name", "样本人", False),
        (without(FRONT, "11010519491231002X"), "address", FRONT_VALUES["address"], False),
    ],
)
def test_misreadings(lines: list[Line], name: str, value: str, doubtful: bool) -> None:
    """Labels may be lost; a value that contradicts itself is in doubt."""
    field = read_fields(lines, TODAY).fields[name]
    assert field.value == value
    assert (field.confidence <= DOUBTFUL) is doubtful


def test_the_sound_number_comes_first() -> None:
    """A second number-like line with a wrong check character does not win."""
    lines = [line("110105194912310021", 0.28, 0.5, 0.999), *FRONT]
    assert read_fields(lines, TODAY).fields["number"].value == "11010519491231002X"


@pytest.mark.parametrize(
    ("lost", "missing"),
    [
        (("姓名", "样本人"), "name"),
        (("性别女", "民族汉"), "sex"),
        (("民族汉",), "nation"),
        (("出生", "1949年12月31日"), "born"),
        (("11010519491231002X",), "number"),
    ],
)
def test_what_was_not_read_is_missing(lost: tuple[str, ...], missing: str) -> None:
    """No field is made up."""
    assert missing not in read_fields(without(FRONT, *lost), TODAY).fields


def test_a_day_that_does_not_exist_is_not_told() -> None:
    """31 February is a misreading."""
    assert "born" not in read_fields(changed(FRONT, "12月31", "2月31"), TODAY).fields


def test_no_address_below_the_birth_date() -> None:
    """Nothing stands between birth date and number: there is no address."""
    lost = ("住址", "北京市朝阳区样本路1号视频", "柜员示例楼")
    assert "address" not in read_fields(without(FRONT, *lost), TODAY).fields


def test_a_number_alone_makes_a_front() -> None:
    """With everything else hidden the number still tells the side; it is nobody's name."""
    assert values(read_fields([FRONT[-1]], TODAY)) == {"number": "11010519491231002X"}


def test_the_back() -> None:
    """Authority over two rows, both days."""
    reading = read_fields(BACK, TODAY)
    assert reading.side is Side.BACK
    assert values(reading) == {
        "authority": "北京市公安局朝阳分局",
        "issued": "2016-05-10",
        "expires": "2026-05-10",
    }


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (changed(BACK, "2026.05.10", "长期"), {"authority", "issued", "expires"}),
        (changed(BACK, "2026.05.10", "2026.15.10"), {"authority"}),
        (changed(BACK, "有效期限", ""), {"authority", "issued", "expires"}),
        (without(BACK, BACK[-1].text), {"authority"}),
        (without(BACK, "签发机关", "北京市公安局", "朝阳分局"), {"issued", "expires"}),
        (without(BACK, "北京市公安局", "朝阳分局"), {"issued", "expires"}),
        (BACK[:2], set()),
    ],
)
def test_parts_of_a_back(lines: list[Line], expected: set[str]) -> None:
    """What is there is read."""
    reading = read_fields(lines, TODAY)
    assert reading.side is Side.BACK
    assert {*reading.fields} == expected


def test_a_term_without_end() -> None:
    """长期 becomes a word of its own."""
    assert read_fields(changed(BACK, "2026.05.10", "长期"), TODAY).fields["expires"].value == "long"


def test_a_zone() -> None:
    """The fields of a passport, sure as its less sure line."""
    reading = read_fields([line("PASSPORT", 0.1, 0.05), *ZONE], TODAY)
    assert reading.side is Side.ZONE
    assert reading.mrz is not None and reading.mrz.errors == ()
    assert values(reading) == {
        "surname": "ERIKSSON",
        "given_names": "ANNA MARIA",
        "number": "L898902C3",
        "nationality": "UTO",
        "born": "1974-08-12",
        "sex": "F",
        "expires": "2012-04-15",
    }
    assert {field.confidence for field in reading.fields.values()} == {0.91}


def test_doubts_in_a_zone() -> None:
    """A field with a wrong check digit, or put right, is in doubt; an unreadable day is missing."""
    wrong = read_fields(changed(ZONE, "L898902C3", "L898902X3"), TODAY)
    assert wrong.fields["number"].confidence == DOUBTFUL
    repaired = read_fields(changed(ZONE, "L898902C3", "L8989O2C3"), TODAY)
    assert (repaired.fields["number"].value, repaired.fields["number"].confidence) == ("L898902C3", DOUBTFUL)
    assert repaired.fields["born"].confidence == 0.91
    assert "expires" not in read_fields(changed(ZONE, "1204159", "1204319"), TODAY).fields
    assert "born" not in read_fields(changed(ZONE, "7408122", "7413122"), TODAY).fields


@pytest.mark.parametrize("lines", [[], [line("你好", 0.1, 0.1)], [line("姓名", 0.1, 0.1)]])
def test_anything_else(lines: list[Line]) -> None:
    """Too little text to tell the side."""
    assert read_fields(lines, TODAY) == CardReading(Side.UNKNOWN, {})


texts = st.text(
    "姓名性别男女民族汉出生年月日住址公民身份号码签发机关有效期限长期0123456789X<A.- ", max_size=20
)
places = st.floats(0, 1, allow_subnormal=False)
noise = st.builds(Line, texts, places, places, places, places, places, st.floats(-180, 180))


@given(st.lists(noise, max_size=12))
def test_any_lines_are_read(lines: list[Line]) -> None:
    """No lines at all break the reader, and no confidence leaves 0 to 1."""
    reading = read_fields(lines, TODAY)
    assert all(0 <= field.confidence <= 1 and field.value for field in reading.fields.values())


def test_the_nations() -> None:
    """There are 56 of them."""
    assert len(NATIONS) == 56
