"""Saved views: filters under a name, each person's own."""

import sqlalchemy as sa

from contract.errors import UserError
from contract.ids import AccountId
from contract.ports import SavedView
from store.engine import Engine
from store.schema import VIEWS

VIEWS_MAX = 50


class Views:
    """The ViewStore of ``contract.ports``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def views(self, account: AccountId) -> tuple[SavedView, ...]:
        """Return somebody's views, by name."""
        query = sa.select(VIEWS.c.name, VIEWS.c.filters).where(VIEWS.c.account == account)
        async with self._engine.read() as connection:
            rows = (await connection.execute(query.order_by(VIEWS.c.name))).all()
        return tuple(SavedView(**row._mapping) for row in rows)

    async def save(self, account: AccountId, view: SavedView) -> None:
        """Keep a view, in place of the one with its name. Raises UserError ``too_many_views``."""
        values = {"account": account, "name": view.name, "filters": dict(view.filters)}
        insert = self._engine.insert(VIEWS).values(values)
        replace = insert.on_conflict_do_update(
            index_elements=["account", "name"], set_={"filters": values["filters"]}
        )
        others = sa.select(sa.func.count()).where(VIEWS.c.account == account, VIEWS.c.name != view.name)
        async with self._engine.write() as connection:
            if (await connection.execute(others)).scalar_one() >= VIEWS_MAX:
                raise UserError("a person keeps a limited number of views", code="too_many_views")
            await connection.execute(replace)

    async def drop(self, account: AccountId, name: str) -> None:
        """Forget a view; one that is not there is forgotten already."""
        gone = sa.delete(VIEWS).where(VIEWS.c.account == account, VIEWS.c.name == name)
        async with self._engine.write() as connection:
            await connection.execute(gone)
