"""What the policy pack says of identity checks in a conversation."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from contract.worksheet import Worksheet
from signaling.questions import Question

# Three tries a day of whatever can be guessed or forged (ETSI TS 119 461 asks for a ceiling and leaves the
# number to the bank); reading a card again is no attack and allowed oftener.
TRIES: Mapping[str, int] = {
    "passive": 6,
    "gestures": 3,
    "light": 3,
    "document": 12,
    "portraits": 6,
    "code": 3,
    "self_check": 3,
}
COOL_DOWN_S = 24 * 3600.0
# Who did not get a text waits this long for the next.
RESEND_S = 60.0


@dataclass(frozen=True, slots=True)
class IdentityPlan:
    """The bank of ``questions``, how many make an order, how many right answers pass and wrong ones fail.

    ``tries`` fall into any ``cool_down_s`` of one customer, over all his cases.
    """

    questions: tuple[Question, ...] = ()
    questions_wanted: int = 3
    questions_right: int = 2
    questions_wrong_max: int = 1
    tries: Mapping[str, int] = field(default_factory=lambda: TRIES)
    cool_down_s: float = COOL_DOWN_S
    resend_s: float = RESEND_S
    worksheet: Worksheet = field(default_factory=Worksheet)
