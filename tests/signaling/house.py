"""A front door on a free loopback port with in-memory rooms behind it, and browsers that come to it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Self, TypeVar

import aiohttp
import argon2
from aiohttp import web

from contract import wire
from contract.facts import Fact
from contract.ids import AccountId, CallId, CaseId, TenantId, new_account_id
from contract.phases import CallPhase, EvidenceKind, Outcome, Presence, Role
from contract.ports import Account, Tenant
from contract.wire import Message
from signaling import Signaling
from signaling.equipment import Equipment
from signaling.settings import SignalingSettings
from tests.signaling.fakes import (
    FakeCall,
    FakeClock,
    FakeIdentity,
    FakePlane,
    FakeRecorder,
    MemoryAccounts,
    MemoryAudits,
    MemoryCases,
    MemoryEvidence,
    MemoryJobs,
    MemoryJournal,
    MemoryLedger,
    MemoryViews,
)

# Of the plan that a house without a policy goes by.
REASONS = {Outcome.FAILED: "checks", Outcome.INCOMPLETE: "picture"}
PASSWORD = "correct horse battery"
JPEG = b"\xff\xd8\xff\xe0 a picture"
BANK = TenantId("tenant-aaaaaaaaaaaaaaaa")
RIVAL = TenantId("tenant-bbbbbbbbbbbbbbbb")
# Real argon2id, with the least memory it accepts, so that a test costs milliseconds.
HASHER = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
_HASH = HASHER.hash(PASSWORD)

SETTINGS = SignalingSettings(
    app_schemes=("bank",),
    secret=b"s" * 32, policy="default", walk_in_ticket_s=900.0, link_ticket_s=86_400.0,
    upload_token_s=7_200.0, ring_s=30.0, grace_s=20.0, heartbeat_s=5.0, absolute_s=43_200.0,
    tick_s=0.01, hello_s=1.0, per_ip_burst=1_000.0, per_ip_per_minute=6_000.0,
)  # fmt: skip
M = TypeVar("M", bound=Message)


async def until(missing: Callable[[], str], within_s: float = 30.0) -> None:
    """Wait until ``missing`` returns an empty text; fail with the text otherwise."""
    deadline = time.monotonic() + within_s
    while what := missing():
        if time.monotonic() > deadline:
            raise AssertionError(f"still missing: {what}")
        await asyncio.sleep(0.005)


class Browser:
    """A page: cookies, REST, one socket."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.csrf = ""
        self.me = AccountId("")
        self.messages: list[Message] = []
        self.welcome: wire.Welcome | None = None
        self.ws: aiohttp.ClientWebSocketResponse | None = None
        self.close_code: int | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: Any) -> None:
        await self.drop()
        await self.http.close()

    async def request(self, method: str, path: str, **kwargs: Any) -> tuple[int, Any]:
        headers = {"X-CSRF-Token": self.csrf} if self.csrf else {}
        headers |= kwargs.pop("headers", {})
        async with self.http.request(method, self.base + path, headers=headers, **kwargs) as answer:
            return answer.status, await answer.json()

    async def login(self, login: str, password: str = PASSWORD) -> Any:
        status, body = await self.request("POST", "/api/login", json={"login": login, "password": password})
        if status != 200:
            raise AssertionError(f"login: {status} {body}")
        self.csrf = body["csrf"]
        return body

    async def connect(self, **headers: str) -> None:
        self.close_code = None
        self.ws = await self.http.ws_connect(self.base.replace("http", "ws") + "/ws", headers=headers)
        self._reader = asyncio.create_task(self._read(self.ws))

    async def hello(self, **fields: Any) -> wire.Welcome:
        await self.connect()
        await self.send(wire.Hello(wire.VERSION, **fields))
        self.welcome = await self.wait(wire.Welcome)
        return self.welcome

    async def as_staff(self, login: str) -> wire.Welcome:
        if not self.csrf:
            self.me = AccountId((await self.login(login))["account"])
        return await self.hello(csrf=self.csrf)

    async def send(self, message: Message) -> None:
        assert self.ws is not None
        await self.ws.send_str(wire.dump(message))

    async def drop(self) -> None:
        """Lose the socket without a word of the protocol."""
        if self.ws is not None:
            await self.ws.close()
        if self._reader is not None:
            await self._reader
        self.ws = None

    async def wait(self, cls: type[M], fits: Callable[[M], bool] = lambda message: True) -> M:
        """Take the first matching message out of what came."""
        found: list[M] = []

        def missing() -> str:
            for message in self.messages:
                if isinstance(message, cls) and fits(message):
                    self.messages.remove(message)
                    found.append(message)
                    return ""
            kinds = [message.tag for message in self.messages]
            return f"{cls.__name__}; came: {kinds}, close code {self.close_code}"

        await until(missing)
        return found[0]

    async def refused(self, message: Message) -> str:
        """Send what is not granted; return why."""
        await self.send(message)
        return (await self.wait(wire.Failed, lambda m: m.about == message.tag)).code

    async def state(self, fits: Callable[[wire.CallState], bool]) -> wire.CallState:
        return await self.wait(wire.CallState, fits)

    async def fact(self, cls: type[Fact]) -> wire.FactNoted:
        return await self.wait(wire.FactNoted, lambda m: isinstance(m.entry.fact, cls))

    async def closed(self, code: str, close_code: int) -> None:
        bye = await self.wait(wire.Bye)
        assert code == bye.code
        await until(lambda: "" if self.close_code is not None else "the close")
        assert close_code == self.close_code

    async def _read(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in ws:
            self.messages.append(wire.parse(frame.data, wire.SERVER_MESSAGES))
        self.close_code = ws.close_code


class House:
    """Everything behind and before the door."""

    def __init__(self, settings: SignalingSettings, equipment: Equipment | None = None) -> None:
        self.settings = settings
        self.clock = FakeClock()
        self.cases = MemoryCases()
        self.journal = MemoryJournal(self.clock, self.cases.project)
        self.media = FakePlane(self.journal)
        self.recorder = FakeRecorder()
        self.evidence = MemoryEvidence(self.journal)
        self.identity = FakeIdentity()
        self.accounts = MemoryAccounts()
        self.ledger = MemoryLedger()
        self.audits = MemoryAudits(self.cases)
        self.views = MemoryViews()
        self.jobs = MemoryJobs()
        self.base = ""
        self.signaling = Signaling(
            settings, self.journal, self.media, self.recorder, self.evidence, self.identity, self.accounts,
            self.ledger, self.cases, self.audits, self.views, self.jobs, self.clock, equipment,
        )  # fmt: skip
        self._browsers: list[Browser] = []

    async def furnish(self) -> None:
        await self.accounts.add_tenant(Tenant(BANK, "demo", "示范银行", walk_in=True))
        await self.accounts.add_tenant(Tenant(RIVAL, "rival", "别的银行", walk_in=False))
        for login, tenant, role, *skills in (
            ("anna", BANK, Role.AGENT),
            ("ben", BANK, Role.AGENT),
            ("carl", BANK, Role.AGENT, "wealth"),
            ("audrey", BANK, Role.AUDITOR),
            ("abel", BANK, Role.AUDITOR),
            ("sue", BANK, Role.SUPERVISOR),
            ("rita", RIVAL, Role.AGENT),
            ("rolf", RIVAL, Role.SUPERVISOR),
            ("ralf", RIVAL, Role.AUDITOR),
            ("ada", BANK, Role.ADMIN),
        ):
            account = Account(
                new_account_id(), tenant, login, login.title(), role, _HASH, skills=tuple(skills)
            )
            await self.accounts.add_account(account)

    async def browser(self) -> Browser:
        browser = Browser(self.base)
        self._browsers.append(browser)
        return browser

    async def close_browsers(self) -> None:
        for browser in self._browsers:
            await browser.__aexit__()

    async def walk_in(self) -> tuple[CaseId, str]:
        browser = await self.browser()
        status, body = await browser.request("POST", "/api/walk-in", json={"tenant": "demo"})
        assert status == 201, body
        return CaseId(body["case"]), body["ticket"]

    async def customer(self, *, consent: bool = True) -> Browser:
        """A customer who came with a ticket, and agreed."""
        _, ticket = await self.walk_in()
        page = await self.browser()
        welcome = await page.hello(ticket=ticket)
        if consent:
            await page.send(wire.Consent(True, True, True, welcome.consent_version, "zh-CN"))
        return page

    async def ready_agent(self, login: str = "anna") -> Browser:
        console = await self.browser()
        await console.as_staff(login)
        await console.send(wire.SetPresence(Presence.READY))
        ready = {Presence.READY, Presence.RINGING}
        await console.wait(wire.PresenceSet, lambda m: m.presence in ready)
        return console

    async def supervisor(self, login: str = "sue") -> Browser:
        console = await self.browser()
        await console.as_staff(login)
        return console

    async def queued(self) -> tuple[Browser, CallId]:
        page = await self.customer()
        await page.send(wire.JoinQueue())
        place = await page.wait(wire.QueuePosition)
        await page.send(wire.Offer(place.call, "v=0 customer"))
        await page.wait(wire.Answer)
        return page, place.call

    async def call(self) -> tuple[Browser, Browser, CaseId]:
        """A call that is active and recorded."""
        console = await self.ready_agent()
        page, call = await self.queued()
        await console.wait(wire.Ring)
        await console.send(wire.Offer(call, "v=0 agent"))
        await console.wait(wire.Answer)
        await console.send(wire.Accept(call))
        for browser in (page, console):
            await browser.wait(wire.CallState, lambda m: m.phase is CallPhase.ACTIVE)
            if self.media.records:
                await browser.wait(wire.CallState, lambda m: m.kyc_unlocked)
        assert page.welcome is not None and page.welcome.case is not None
        return page, console, page.welcome.case

    async def answer(self, console: Browser, call: CallId) -> wire.Ring:
        """Let the rung ``console`` connect and accept; return its ring."""
        ring = await console.wait(wire.Ring, lambda m: m.call == call)
        await console.send(wire.Offer(call, "v=0 staff"))
        await console.wait(wire.Answer)
        await console.send(wire.Accept(call))
        return ring

    async def joined(self, host: Browser, guest: Browser, **invitation: Any) -> CallId:
        """Let ``host`` invite ``guest`` by name, who comes and connects."""
        call = self.call_of(host)
        await host.send(wire.Invite(guest.me, **invitation))
        await self.answer(guest, call)
        await host.state(lambda m: any(party.account == guest.me for party in m.parties))
        return call

    def call_of(self, console: Browser) -> CallId:
        """The media call in which this console sits."""
        calls = self.media.calls.items()
        return next(call for call, state in calls if self._sits(state, console) and not state.closed)

    def _sits(self, state: FakeCall, console: Browser) -> bool:
        return any(party.account == console.me for party in state.parties.values())

    def heard(self, page: Browser, console: Browser, listener: Browser) -> set[str]:
        """Whose sound the media plane sends to ``listener`` in the call of these two: names of parties."""
        state = self.media.calls[self.call_of(console)]
        customer = page.welcome.seat if page.welcome else None
        mine = next(
            seat
            for seat, party in state.parties.items()
            if (seat == customer if listener is page else party.account == listener.me)
        )
        heard = [state.parties[seat] for seat in state.heard(mine) if seat in state.parties]
        return {party.name or "customer" for party in heard}

    async def still(self, page: Browser, console: Browser, kind: EvidenceKind) -> Any:
        await console.send(wire.RequestStill(kind))
        wanted = await page.wait(wire.StillWanted, lambda m: m.kind is kind)
        assert page.welcome is not None
        status, body = await page.request(
            "POST",
            f"/api/cases/{page.welcome.case}/stills/{wanted.request}",
            data=JPEG,
            headers={"Authorization": f"Bearer {page.welcome.upload}", "Content-Type": "image/jpeg"},
        )
        assert status == 201, body
        return body

    async def checked(self, page: Browser, console: Browser) -> None:
        """Card, still and faces."""
        card = await self.still(page, console, EvidenceKind.ID_CARD)
        still = await self.still(page, console, EvidenceKind.FACE_STILL)
        await console.send(wire.MatchFaces(card["evidence"], still["evidence"]))

    async def finish(self, console: Browser, outcome: Outcome = Outcome.PASSED) -> None:
        await console.send(wire.Finish(outcome, REASONS.get(outcome, "")))

    def facts(self, case: CaseId) -> list[Fact]:
        return self.journal.facts(case)

    def names(self, case: CaseId) -> list[str]:
        return [type(fact).__name__ for fact in self.facts(case)]

    async def noted(self, case: CaseId, cls: type[Fact], text: str = "") -> Fact:
        """Wait for a fact, whose form contains ``text``."""

        def found() -> list[Fact]:
            return [fact for fact in self.facts(case) if isinstance(fact, cls) and text in repr(fact)]

        await until(lambda: "" if found() else f"{cls.__name__} {text}; has {self.names(case)[-30:]}")
        return found()[-1]


@asynccontextmanager
async def open_house(equipment: Equipment | None = None, **changes: Any) -> AsyncIterator[House]:
    """Open a house on a free port with ``changes`` to the settings."""
    house = House(replace(SETTINGS, **changes), equipment)
    await house.furnish()
    app = web.Application()
    async with house.signaling:
        house.signaling.add_to(app)
        runner = web.AppRunner(app, shutdown_timeout=2.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        house.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield house
        finally:
            await runner.cleanup()
            await house.close_browsers()
