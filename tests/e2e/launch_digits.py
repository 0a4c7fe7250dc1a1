"""As ``tests.e2e.launch``, for customers who were asked every order that does not begin with digits."""

from collections.abc import Collection, Sequence
from itertools import permutations

from kyc.challenge import Draw, Order, draw
from kyc.traces import Gesture
from teller.live import gestures
from tests.e2e.launch import run

_FORMER = {order for order in permutations(Gesture, 2) if order[0] is not Gesture.SAY_DIGITS}


def _draw(seed: bytes, former: Collection[Order], pool: Sequence[Gesture]) -> Draw:
    return draw(seed, {*former, *_FORMER}, pool)


if __name__ == "__main__":
    vars(gestures)["draw"] = _draw
    run("tests.e2e.launch_digits")
