"""The server under test with its people, and the crowd that comes to it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from benchmarks.desk.people import PATIENCE_S, Agent, Customer, Lost, Person, Supervisor, Town
from contract import wire
from contract.ids import new_account_id
from contract.phases import Role
from contract.ports import Account
from signaling.accounts import PasswordHashes
from store import Database
from teller.config import load
from teller.demo.data import PASSWORD, TENANT
from tests.e2e.server import Server

# Logins cost a password hash each, newcomers some lines of the journal: not all at once.
_AT_ONCE = 16

_P = TypeVar("_P", bound=Person)


async def seed(data: Path, agents: int) -> None:
    """Put a bank with ``agents`` agents and a supervisor into a new database in ``data``."""
    config = load(None, {"data_dir": str(data)})
    password = await PasswordHashes().make(PASSWORD)
    logins = [(f"agent{number}", Role.AGENT) for number in range(agents)]
    async with Database(config.database_url) as database:
        await database.accounts.add_tenant(TENANT)
        for login, role in [*logins, ("supervisor", Role.SUPERVISOR)]:
            account = Account(new_account_id(), TENANT.tenant, login, login, role, password)
            await database.accounts.add_account(account)


@asynccontextmanager
async def running_bank(agents: int) -> AsyncIterator[Server]:
    """Run ``teller serve`` on free ports of this machine; its data vanish with it."""
    with TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        await asyncio.to_thread(data.mkdir, mode=0o700)
        await seed(data, agents)
        # Every browser of the load has an address of its own, as behind the bank's proxy. A media worker
        # takes 256 calls, and who waits counts: three take the 550 of the full load.
        settings = {"http.trusted_proxies": '["127.0.0.1"]', "media.workers": "3"}
        server = Server(data, settings, launcher="teller")
        await asyncio.to_thread(server.start)
        try:
            yield server
        finally:
            await asyncio.to_thread(server.stop)


# The load is no bank for real customers, and whoever gives no name stands on no list.
_EXPECTED = {"not for production", "a list gave no answer"}


def complaints(server: Server) -> list[str]:
    """Return the lines of the server's log that tell of a refusal or of something worse."""
    lines = server.log.read_text().splitlines()
    told = [json.loads(line) for line in lines if line.startswith("{")]
    bad = [line for line in told if line["level"] != "info" or line["event"] == "socket refused"]
    bad = [line for line in bad if line["event"] not in _EXPECTED]
    return [f"log: {json.dumps(line)}" for line in bad]


async def staff(town: Town, person: _P) -> _P:
    """Log a member of staff in and connect the console."""
    headers = town.address()
    who, cookie = await town.post("/api/login", {"login": person.name, "password": PASSWORD}, headers)
    await person.connect(headers | {"Cookie": f"teller={cookie}"}, wire.Hello(wire.VERSION, csrf=who["csrf"]))
    return person


class Crowd:
    """Everybody who is connected. Enter it to let people in; leaving sends all away."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.agents: list[Agent] = []
        self.supervisor = Supervisor(town, "supervisor")
        self.joined = 0
        self._placed = 0
        self._news = asyncio.Condition()
        self._customers: set[Customer] = set()
        self._group = asyncio.TaskGroup()
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._coming: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Crowd":
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        for person in (*self._customers, *self.agents, self.supervisor):
            await person.close()
        for task in self._coming:
            task.cancel()
        await self._group.__aexit__(None, None, None)

    async def employ(self, count: int) -> None:
        """Let agents and the supervisor come."""

        async def come(number: int) -> None:
            async with self._gate:
                self.agents.append(await staff(self.town, Agent(self.town, f"agent{number}")))

        async with asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(come(number))
        await staff(self.town, self.supervisor)

    def invite(self) -> None:
        """Let one more customer come, who stays until the call is over."""
        self.joined += 1
        customer = Customer(self.town, f"customer {self.joined}")
        task = self._group.create_task(self._visit(customer))
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)

    async def settled(self) -> None:
        """Return when everybody who was invited has a place, or was served already."""
        async with asyncio.timeout(PATIENCE_S + self.joined):
            async with self._news:
                await self._news.wait_for(lambda: self._placed == self.joined)

    async def _visit(self, customer: Customer) -> None:
        self._customers.add(customer)
        try:
            async with self._gate, asyncio.timeout(PATIENCE_S):
                await customer.visit()
                await customer.placed.wait()
        except (TimeoutError, Lost) as error:
            self.town.ledger.problem(f"{customer.name} got no place: {error}")
        async with self._news:
            self._placed += 1
            self._news.notify_all()
        await customer.stay()
        self._customers.discard(customer)
