"""Which question is asked next: drawn by lot, and never the same order twice for a customer. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import perm

from contract.errors import UserError

Order = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the bank's bank; ``about`` says where its answer stands: ``""`` or ``transactions``.

    For ``transactions`` the texts may hold ``{day}``, of a movement that the bank knows; what the agent
    is to hear then is who was paid, or who paid, and how much.
    """

    id: str
    zh: str
    en: str
    about: str = ""


def candidates(known: Collection[str], former: Collection[Order], asked: Order, wanted: int) -> Order:
    """Return the questions that may come after ``asked``, sorted; each is as likely as another.

    ``former`` are the orders of this customer's earlier calls, ``wanted`` how many make a whole order.
    First those with which nothing began before; when there is none, those with which some whole order
    is left. Raises UserError ``no_questions`` when no order is left.
    """
    left = sorted(set(known) - set(asked))
    fresh = [one for one in left if not _begin(former, (*asked, one))]
    open_still = [one for one in left if not _used_up(former, (*asked, one), len(known), wanted)]
    found = tuple(fresh or open_still)
    if not found:
        raise UserError("every order of questions was asked before", code="no_questions")
    return found


def _begin(former: Collection[Order], order: Order) -> bool:
    return any(one[: len(order)] == order for one in former)


def _used_up(former: Collection[Order], order: Order, known: int, wanted: int) -> bool:
    more = max(wanted - len(order), 0)
    used = {one[: len(order) + more] for one in former if len(one) >= len(order) + more}
    return sum(one[: len(order)] == order for one in used) >= perm(known - len(order), more)


def chosen(found: Sequence[str], random_hex: str) -> str:
    """Return the one that ``random_hex`` (at least 128 bits of the server's) picks out of ``found``."""
    return found[int(random_hex, 16) % len(found)]
