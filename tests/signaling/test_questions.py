"""Questions by lot, never in the same order twice for a customer."""

from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.errors import UserError
from signaling.questions import Order, candidates, chosen


def test_the_first_question_is_not_that_of_before() -> None:
    """While there is one with which nothing began, it is taken; what was asked is not asked again."""
    assert candidates("abc", [("a", "b")], (), 2) == ("b", "c")
    assert candidates("abc", [("a", "b")], ("a",), 2) == ("c",)
    assert candidates("abc", [], ("a",), 2) == ("b", "c")


def test_orders_that_are_left_are_found() -> None:
    """When every question was first once, the order goes on another way."""
    former: list[Order] = [("a", "b"), ("b", "c"), ("c", "a")]
    assert candidates("abc", former, (), 2) == ("a", "b", "c")
    assert candidates("abc", former, ("a",), 2) == ("c",)
    assert candidates("abc", [*former, ("a", "c")], (), 2) == ("b", "c")


def test_used_up() -> None:
    """With no order left nothing is asked."""
    with pytest.raises(UserError) as error:
        candidates("ab", [("a", "b"), ("b", "a")], (), 2)
    assert error.value.code == "no_questions"
    with pytest.raises(UserError):
        candidates("", [], (), 2)


def test_more_than_the_order_may_be_asked() -> None:
    """An agent who wants one more gets it, and short orders of before do not stand in the way."""
    assert candidates("abc", [("a",)], ("b", "c"), 2) == ("a",)
    assert candidates("abc", [("a",)], (), 2) == ("b", "c")


@settings(max_examples=30)
@given(st.integers(2, 4), st.data())
def test_no_order_comes_twice(size: int, data: st.DataObject) -> None:
    """Call after call, until every order was asked: each is new, and none is left out."""
    wanted = data.draw(st.integers(1, min(size, 3)))
    random = Random(data.draw(st.integers()))
    known, former = "abcd"[:size], list[Order]()
    for _ in permutations(known, wanted):
        order: Order = ()
        while len(order) < wanted:
            found = candidates(known, former, order, wanted)
            order = (*order, chosen(found, f"{random.getrandbits(128):x}"))
        former.append(order)
    assert len(set(former)) == len(former)
    with pytest.raises(UserError):
        candidates(known, former, (), wanted)


def test_the_lot_is_reproducible() -> None:
    """The journal's number gives the same question again."""
    assert chosen(("a", "b", "c"), "4") == "b"
