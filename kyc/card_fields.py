"""From recognised lines of text to the fields of a document. Pure code.

The fields of the resident identity card are told by what stands where: sex above birth, birth above
address, the number at the bottom. Labels help but may be misread. A document with a machine-readable
zone gives that zone's fields.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from math import cos, radians, sin

from kyc.documents import check_character, read_validity
from kyc.mrz import Mrz, find_mrz


class Side(StrEnum):
    """Which side of which document was read."""

    FRONT = "front"
    BACK = "back"
    ZONE = "zone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Line:
    """Recognised text in a box with its centre at ``x`` and ``y``, all in shares of the picture's width.

    ``tilt`` is the writing's in degrees, clockwise from level.
    """

    text: str
    confidence: float
    x: float
    y: float
    width: float
    height: float
    tilt: float = 0.0

    @property
    def left(self) -> float:
        """Return the left edge."""
        return self.x - self.width / 2


@dataclass(frozen=True, slots=True)
class Field:
    """What a field says; ``confidence``, 0 to 1, is the recogniser's own and not calibrated."""

    value: str
    confidence: float


@dataclass(frozen=True, slots=True)
class CardReading:
    """The fields of one side.

    Front: ``name``, ``sex`` (男 or 女), ``nation``, ``born``, ``address``, ``number``. Back:
    ``authority``, ``issued``, ``expires`` (``long`` for 长期). Zone: ``surname``, ``given_names``,
    ``number``, ``nationality``, ``born``, ``sex`` (``M`` or ``F``), ``expires``; all of them are in ``mrz``
    too. Days are ISO 8601. A field that was not read is missing.
    """

    side: Side
    fields: dict[str, Field]
    mrz: Mrz | None = None


# With this the value contradicts itself, whatever the recogniser thinks of its characters.
DOUBTFUL = 0.5
LONG = "long"
# The overprint of a specimen runs across the lines; so do stamps and scratches.
_TILT_MAX = 4.0
# In shares of the width that is written on, which ends with the number: the portrait begins at 0.71, and
# what is read in there is hair and collar.
_TEXT_RIGHT = 0.7
# GB/T 3304: the 56 nations.
NATIONS = frozenset({
    "汉", "蒙古", "回", "藏", "维吾尔", "苗", "彝", "壮", "布依", "朝鲜",
    "满", "侗", "瑶", "白", "土家", "哈尼", "哈萨克", "傣", "黎", "傈僳",
    "佤", "畲", "高山", "拉祜", "水", "东乡", "纳西", "景颇", "柯尔克孜", "土",
    "达斡尔", "仫佬", "羌", "布朗", "撒拉", "毛南", "仡佬", "锡伯", "阿昌", "普米",
    "塔吉克", "怒", "乌孜别克", "俄罗斯", "鄂温克", "德昂", "保安", "裕固", "京", "塔塔尔",
    "独龙", "鄂伦春", "赫哲", "门巴", "珞巴", "基诺",
})  # fmt: skip
_FRONT_WORDS = ("姓名", "性别", "民族", "出生", "住址", "公民身份")
_BACK_WORDS = ("中华人民", "居民身份证", "签发机关", "有效期限")
_NUMBER = re.compile(r"[0-9OoIlQDZSB]{17}[0-9OoIlQDZSBXxK×]")
_LOOK_ALIKE = str.maketrans("OoIlQDZSBxK×", "001100258XXX")
_SEX = re.compile("[男女]")
_NATION = re.compile("族(.+)")
_BORN = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})")
_NAME_LABEL = re.compile(r"^(?:姓名|姓|.名(?=.{2}))")
_ADDRESS_LABEL = re.compile(r"^(?:住址|[住任往佳][址扯止]|[址扯])")


@dataclass(slots=True)
class _Row:
    """Lines side by side."""

    lines: list[Line] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return the texts from left to right."""
        return "".join(line.text for line in sorted(self.lines, key=lambda line: line.left))

    @property
    def confidence(self) -> float:
        """Return that of the least sure line."""
        return min(line.confidence for line in self.lines)

    @property
    def y(self) -> float:
        """Return the height of its centre."""
        return sum(line.y for line in self.lines) / len(self.lines)


def read_fields(lines: Sequence[Line], on: date) -> CardReading:
    """Return what ``lines``, in any order, say as of the day ``on``; simplified characters are expected."""
    level = _level(lines)
    rows = _rows(level)
    zone = find_mrz([row.text for row in rows], on)
    if zone is not None:
        return CardReading(Side.ZONE, _zone_fields(zone, level), zone)
    text = "".join(row.text for row in rows)
    front, back = (sum(word in text for word in words) for words in (_FRONT_WORDS, _BACK_WORDS))
    if back > front:
        return CardReading(Side.BACK, _back_fields(rows))
    number = _number(rows)
    if front < 2 and number is None:
        return CardReading(Side.UNKNOWN, {})
    return CardReading(Side.FRONT, _front_fields(level, number))


def _level(lines: Sequence[Line]) -> list[Line]:
    """Return the lines of usual tilt, made level, in shares of the width that is written on."""
    tilts = sorted(line.tilt for line in lines)
    usual = tilts[len(tilts) // 2] if tilts else 0.0
    wanted = (line for line in lines if "SPECIMEN" not in line.text.upper())
    level = [_rotated(line, usual) for line in wanted if abs(line.tilt - usual) <= _TILT_MAX]
    start = min((line.left for line in level), default=0.0)
    span = max((line.left + line.width for line in level), default=1.0) - start or 1.0
    return [
        replace(
            line,
            x=(line.x - start) / span,
            y=line.y / span,
            width=line.width / span,
            height=line.height / span,
        )
        for line in level
    ]


def _rotated(line: Line, degrees: float) -> Line:
    cosine, sine = cos(radians(degrees)), sin(radians(degrees))
    return replace(line, x=line.x * cosine + line.y * sine, y=line.y * cosine - line.x * sine, tilt=0.0)


def _rows(lines: Sequence[Line]) -> list[_Row]:
    rows: list[_Row] = []
    for line in sorted(lines, key=lambda line: line.y):
        near = rows[-1] if rows else None
        if near is None or line.y - near.y > 0.5 * line.height:
            near = _Row()
            rows.append(near)
        near.lines.append(line)
    return rows


def _number(rows: Sequence[_Row]) -> Field | None:
    """Return the number; one with a right check character before one without."""
    found: list[tuple[bool, Field]] = []
    for row in rows:
        for match in _NUMBER.finditer(re.sub(r"[\s.]", "", row.text)):
            number = match[0][:17].translate(_LOOK_ALIKE).replace("X", "0") + match[0][17].translate(
                _LOOK_ALIKE
            )
            right = number[:17].isdigit() and check_character(number[:17]) == number[17]
            confidence = row.confidence if right else min(row.confidence, DOUBTFUL)
            found.append((right, Field(number, confidence)))
    best = max(found, key=lambda one: one[0], default=None)
    return None if best is None else best[1]


def _front_fields(level: Sequence[Line], number: Field | None) -> dict[str, Field]:
    rows = _rows([line for line in level if line.left < _TEXT_RIGHT])
    sex = _first(rows, lambda row: re.search("性别|民族|别[男女]|[男女]民|族.$", row.text) is not None)
    born = _first(rows, lambda row: _BORN.search(_digits(row.text)) is not None)
    end = _first(rows, lambda row: _NUMBER.search(row.text) is not None or "身份号" in row.text)
    fields = _name(rows[:sex] if sex is not None else rows[:1])
    if sex is not None:
        fields |= _sex_and_nation(rows[sex])
    if born is not None:
        fields |= _born(rows[born])
        fields |= _address(rows[born + 1 : end])
    if number is not None:
        fields["number"] = number
    return fields


def _first(rows: Sequence[_Row], wanted: Callable[[_Row], bool]) -> int | None:
    return next((place for place, row in enumerate(rows) if wanted(row)), None)


def _digits(text: str) -> str:
    # Between the labels of a date nothing but digits can stand.
    return re.sub(r"[OoIlQDZSB](?=[\dOoIlQDZSB]*[年月日])", lambda m: m[0].translate(_LOOK_ALIKE), text)


def _sex_and_nation(row: _Row) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    sex, nation = _SEX.search(row.text.partition("族")[0]), _NATION.search(row.text)
    if sex is not None:
        fields["sex"] = Field(sex[0], row.confidence)
    if nation is not None:
        sure = row.confidence if nation[1] in NATIONS else min(row.confidence, DOUBTFUL)
        fields["nation"] = Field(nation[1], sure)
    return fields


def _name(rows: Sequence[_Row]) -> dict[str, Field]:
    row = next((row for row in rows if "姓名" in row.text), rows[-1] if rows else None)
    name = _NAME_LABEL.sub("", row.text) if row is not None else ""
    if row is None or not name or any(character.isdigit() for character in name):
        return {}
    return {"name": Field(name, row.confidence)}


def _born(row: _Row) -> dict[str, Field]:
    found = _BORN.search(_digits(row.text))
    try:
        born = date(*(int(group) for group in found.groups())) if found else None
    except ValueError:
        born = None
    return {"born": Field(born.isoformat(), row.confidence)} if born else {}


def _address(rows: Sequence[_Row]) -> dict[str, Field]:
    parts = [_ADDRESS_LABEL.sub("", row.text) for row in rows]
    address = "".join(parts)
    return {"address": Field(address, min(row.confidence for row in rows))} if address else {}


def _back_fields(rows: Sequence[_Row]) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    at = _first(rows, lambda row: "机关" in row.text)
    end = _first(rows, lambda row: "期限" in row.text or read_validity(_term(row)) is not None)
    if at is not None:
        part = rows[at : end if end is not None and end > at else at + 1]
        name = "".join(row.text for row in part).partition("机关")[2]
        if name:
            fields["authority"] = Field(name, min(row.confidence for row in part))
    term = read_validity(_term(rows[end])) if end is not None else None
    if term is not None and end is not None:
        fields["issued"] = Field(term.issued.isoformat(), rows[end].confidence)
        expires = term.expires.isoformat() if term.expires else LONG
        fields["expires"] = Field(expires, rows[end].confidence)
    return fields


def _term(row: _Row) -> str:
    return re.sub(r"^\D*(?=\d{4})", "", row.text)


def _zone_fields(zone: Mrz, lines: Sequence[Line]) -> dict[str, Field]:
    read = [line.confidence for line in lines if "<" in line.text]
    confidence = min(read, default=DOUBTFUL)
    values = {
        "surname": (zone.surname, "name"),
        "given_names": (zone.given_names, "name"),
        "number": (zone.number, "number_repaired" if "number_repaired" in zone.errors else "number_check"),
        "nationality": (zone.nationality, "nationality"),
        "born": (zone.born.isoformat() if zone.born else "", "birth_check"),
        "sex": (zone.sex, "sex"),
        "expires": (zone.expires.isoformat() if zone.expires else "", "expiry_check"),
    }
    doubtful = min(confidence, DOUBTFUL)
    return {
        name: Field(value, doubtful if error in zone.errors else confidence)
        for name, (value, error) in values.items()
        if value
    }
