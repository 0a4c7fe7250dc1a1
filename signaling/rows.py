"""The rows of a desk, kept in the order in which they are served."""

from bisect import bisect_left, insort
from collections.abc import Iterator

from contract.errors import NotFound, WrongPhase
from contract.ids import AccountId, CallId
from contract.phases import Role
from signaling.routing import Row

_Order = tuple[int, float, int]


class Rows:
    """Demands by call and role; iterating gives them first first. ``customers`` counts customers' own."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[CallId, Role], Row] = {}
        self._order: list[Row] = []
        self.customers = 0

    def __iter__(self) -> Iterator[Row]:
        return iter(self._order)

    def add(self, row: Row) -> None:
        """Put a row at its place. Raises WrongPhase when its call waits for this role already."""
        if self._by_key.setdefault(_key(row), row) is not row:
            raise WrongPhase("already waiting")
        insort(self._order, row, key=by_order)
        self.customers += not row.demand.summons

    def remove(self, row: Row) -> None:
        """Take out a row that is held."""
        del self._by_key[_key(row)]
        self._take_out(row)
        self.customers -= not row.demand.summons

    def reorder(self, row: Row) -> None:
        """Put a row that is held, and has changed, at its new place."""
        self._take_out(row)
        row.place()
        insort(self._order, row, key=by_order)

    def find(self, call: CallId, role: Role) -> Row | None:
        """Return the row of this demand."""
        return self._by_key.get((call, role))

    def customer(self, call: CallId) -> Row | None:
        """Return the row of the call's customer."""
        row = self.find(call, Role.AGENT)
        return None if row is None or row.demand.summons else row

    def require_customer(self, call: CallId) -> Row:
        """Return the row of the call's customer. Raises NotFound when he does not wait."""
        row = self.customer(call)
        if row is None:
            raise NotFound("this customer does not wait")
        return row

    def holds(self, row: Row) -> bool:
        """Tell whether this very row is here."""
        return self._by_key.get(_key(row)) is row

    def waiting_for(self, agent: AccountId) -> list[Row]:
        """Return the rows that only this agent may take, first first."""
        return [row for row in self._order if row.only == agent]

    def _take_out(self, row: Row) -> None:
        del self._order[bisect_left(self._order, row.order, key=by_order)]


def by_order(row: Row) -> _Order:
    """Return what rows are sorted by."""
    return row.order


def _key(row: Row) -> tuple[CallId, Role]:
    return row.demand.call, row.demand.role
