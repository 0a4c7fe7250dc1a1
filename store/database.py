"""The database as one thing with a lifetime."""

import time
from types import TracebackType
from typing import Self

from contract.ports import Clock
from store.accounts import Accounts
from store.audits import Audits
from store.cases import Cases
from store.engine import Engine
from store.jobs import Jobs
from store.keepings import Keepings
from store.migrate import migrate
from store.tickets import Tickets
from store.views import Views


class _WallClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class Database:
    """Accounts, cases, audits, jobs and more behind one URL; entering brings the schema up to date.

    ``url`` is ``sqlite+aiosqlite:///path`` or ``postgresql+asyncpg://user:password@host/name``.
    ``search_key`` hashes the words by which cases are found; whoever projects or searches gives the house's.
    Several processes may use it at once; every method raises StorageError when it fails.
    """

    def __init__(self, url: str, clock: Clock | None = None, search_key: bytes = b"") -> None:
        clock = clock or _WallClock()
        self._engine = Engine(url)
        self.accounts = Accounts(self._engine)
        self.tickets = Tickets(self._engine, clock)
        self.cases = Cases(self._engine, search_key)
        self.audits = Audits(self._engine)
        self.views = Views(self._engine)
        self.jobs = Jobs(self._engine, clock)
        self.keepings = Keepings(self._engine)

    async def __aenter__(self) -> Self:
        try:
            await migrate(self._engine)
        except BaseException:
            await self._engine.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._engine.close()
