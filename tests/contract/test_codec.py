"""The codec lets through what fits and names the place of what does not."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, NewType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import codec
from contract.codec import Number, Text
from contract.errors import ProtocolError

Name = NewType("Name", str)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Inner:
    count: Annotated[int, Number(0, 9)]


@dataclass(frozen=True, slots=True)
class Outer:
    name: Name
    text: Annotated[str, Text(5, min=1)]
    ratio: float
    sure: bool
    colour: Colour
    inner: Inner
    items: tuple[Inner, ...] = ()
    note: str | None = None
    short: Annotated[str, Text(3)] | None = None


GOOD = {
    "name": "n", "text": "abc", "ratio": 0.5, "sure": True, "colour": "red", "inner": {"count": 3},
    "items": [{"count": 0}, {"count": 9}], "note": None, "short": "abc",
}  # fmt: skip


def test_a_fitting_object_loads() -> None:
    """Every supported kind of field arrives with its type."""
    loaded = codec.load(Outer, GOOD)

    assert loaded == Outer(
        Name("n"), "abc", 0.5, True, Colour.RED, Inner(3), (Inner(0), Inner(9)), None, "abc"
    )


def test_defaults_fill_missing_keys() -> None:
    """A field with a default may be left out."""
    short = {key: value for key, value in GOOD.items() if key not in ("items", "note", "short")}

    assert codec.load(Outer, short).items == ()


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [
        ("name", 1, "Outer.name"),
        ("name", None, "Outer.name"),
        ("text", "", "Outer.text"),
        ("text", "abcdef", "Outer.text"),
        ("ratio", "1", "Outer.ratio"),
        ("ratio", True, "Outer.ratio"),
        ("ratio", float("nan"), "Outer.ratio"),
        ("ratio", float("inf"), "Outer.ratio"),
        ("sure", 1, "Outer.sure"),
        ("colour", "green", "Outer.colour"),
        ("colour", ["red"], "Outer.colour"),
        ("inner", None, "Outer.inner"),
        ("inner", {"count": 10}, "Outer.inner.count"),
        ("inner", {"count": 1.5}, "Outer.inner.count"),
        ("inner", {}, "Outer.inner.count"),
        ("inner", {"count": 1, "x": 1}, "Outer.inner"),
        ("items", {}, "Outer.items"),
        ("items", [{"count": 1}, 5], "Outer.items[1]"),
        ("items", [{"count": 1}] * 1001, "Outer.items"),
        ("note", 5, "Outer.note"),
        ("short", "abcd", "Outer.short"),
        ("extra", 1, "Outer"),
    ],
)
def test_a_wrong_value_is_refused_by_place(key: str, value: object, place: str) -> None:
    """The error names the field, never the value."""
    with pytest.raises(ProtocolError, match=place.replace("[", r"\[").replace("]", r"\]")):
        codec.load(Outer, GOOD | {key: value})


@pytest.mark.parametrize("value", [None, 1, "x", [], True])
def test_only_objects_load(value: object) -> None:
    """Anything but an object is refused at once."""
    with pytest.raises(ProtocolError, match="object"):
        codec.load(Outer, value)


def test_huge_integers_as_floats_are_refused() -> None:
    """An integer beyond a float's range is a protocol error, not a crash."""
    with pytest.raises(ProtocolError):
        codec.load(Outer, GOOD | {"ratio": 10**400})


@given(
    st.builds(
        Outer,
        name=st.text().map(Name),
        text=st.text(min_size=1, max_size=5),
        ratio=st.floats(allow_nan=False, allow_infinity=False),
        sure=st.booleans(),
        colour=st.sampled_from(Colour),
        inner=st.builds(Inner, st.integers(0, 9)),
        items=st.lists(st.builds(Inner, st.integers(0, 9)), max_size=4).map(tuple),
        note=st.none() | st.text(),
        short=st.none() | st.text(max_size=3),
    )
)
def test_dump_and_load_are_inverse(value: Outer) -> None:
    """Whatever was dumped loads to an equal value, through JSON text."""
    assert codec.load(Outer, json.loads(json.dumps(codec.dump(value)))) == value


def test_canonical_is_one_form() -> None:
    """Key order does not change the bytes; Chinese stays readable."""
    assert codec.canonical({"b": 1, "a": "柜"}) == codec.canonical({"a": "柜", "b": 1})
    assert codec.canonical({"a": "柜"}) == '{"a":"柜"}'.encode()


def test_canonical_refuses_nan() -> None:
    """NaN has no JSON form, so it cannot be hashed."""
    with pytest.raises(ValueError, match="JSON compliant"):
        codec.canonical({"a": float("nan")})
