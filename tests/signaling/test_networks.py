"""Where customers' pages come from: noted at the door and whenever it is another address."""

from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import pytest
import pytest_asyncio

from contract import facts, wire
from contract.ids import CaseId
from contract.phases import CallPhase, NetworkKind, Outcome
from contract.ports import NetworkFinding
from signaling.networks import doubts_about
from tests.signaling.house import Browser, House, open_house, until

HOME, STREET, AWAY, VPN, CLOUD = "1.2.4.8", "1.2.4.9", "8.8.8.8", "5.6.7.8", "9.9.9.9"
CN = frozenset({"CN"})


class _Book:
    """A lookup by heart."""

    def __init__(self) -> None:
        self.known = {
            HOME: NetworkFinding("CN", NetworkKind.RESIDENTIAL, "A carrier", ("Test 2026-11-01",)),
            STREET: NetworkFinding("CN", NetworkKind.MOBILE, "", ("Test 2026-11-01",)),
            AWAY: NetworkFinding("US", NetworkKind.UNLISTED, "", ("Test 2026-11-01",)),
            VPN: NetworkFinding("", NetworkKind.VPN, "", ("Test 2026-11-01",)),
            CLOUD: NetworkFinding("CN", NetworkKind.HOSTING, "", ("Test 2026-11-01",)),
        }
        self.asked: list[str] = []

    def look_up(self, address: str) -> NetworkFinding:
        self.asked.append(address)
        return self.known.get(address, NetworkFinding())


@pytest.mark.parametrize(
    ("now", "before", "doubts"),
    [
        (HOME, None, ()),
        (AWAY, None, ("abroad",)),
        (VPN, None, ("anonymiser",)),
        (CLOUD, None, ("hosting",)),
        (STREET, HOME, ()),
        (AWAY, HOME, ("abroad", "changed")),
        (VPN, HOME, ("anonymiser", "changed")),
        (HOME, VPN, ("changed",)),
        (HOME, "somewhere", ()),
    ],
)
def test_doubts(now: str, before: str | None, doubts: tuple[str, ...]) -> None:
    """Abroad, behind an anonymiser, or in another country than before; Wi-Fi to mobile is no doubt."""
    book = _Book()
    earlier = book.look_up(before) if before else None
    assert doubts_about(book.look_up(now), earlier, CN) == doubts


def test_nothing_is_abroad_without_a_home() -> None:
    """Nor is what no database knows."""
    book = _Book()
    assert doubts_about(book.look_up(AWAY), None, frozenset()) == ()
    assert doubts_about(NetworkFinding(), None, CN) == ()


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    """A house behind a proxy on this machine, with a database of networks."""
    proxies = (ip_network("127.0.0.0/8"),)
    async with open_house(networks=_Book(), home_countries=CN, trusted_proxies=proxies) as house:
        yield house


async def enter(page: Browser, address: str, **proof: Any) -> wire.Welcome:
    """Come to the door from ``address``."""
    await page.connect(**{"X-Forwarded-For": f"203.0.113.77, {address}"})
    await page.send(wire.Hello(wire.VERSION, **proof))
    page.welcome = await page.wait(wire.Welcome)
    return page.welcome


def seen(house: House, case: CaseId) -> list[facts.NetworkSeen]:
    return [fact for fact in house.facts(case) if isinstance(fact, facts.NetworkSeen)]


async def come_back(page: Browser, address: str) -> None:
    resume = page.welcome.resume if page.welcome else None
    await page.drop()
    await enter(page, address, resume=resume)


async def visit(house: House, address: str) -> tuple[Browser, CaseId]:
    case, ticket = await house.walk_in()
    page = await house.browser()
    await enter(page, address, ticket=ticket)
    await house.noted(case, facts.NetworkSeen)
    return page, case


async def test_the_network_is_noted_at_the_door(house: House) -> None:
    """With the address that the trusted proxy tells, what is known of it, and by which database."""
    page, case = await visit(house, AWAY)
    [fact] = seen(house, case)
    assert page.welcome is not None
    assert fact == facts.NetworkSeen(
        page.welcome.seat,  # type: ignore[arg-type]
        AWAY,
        "US",
        NetworkKind.UNLISTED,
        "",
        ("abroad",),
        ("Test 2026-11-01",),
    )


async def test_the_customer_is_let_in_whatever_is_found(house: House) -> None:
    """Doubts are for the agent; the page is not told of them."""
    page, case = await visit(house, VPN)
    assert page.welcome is not None
    await page.send(wire.Consent(True, True, True, page.welcome.consent_version, "zh-CN"))
    await page.send(wire.JoinQueue())
    await page.wait(wire.QueuePosition)
    assert seen(house, case)[0].doubts == ("anonymiser",)
    facts_told = [m.entry.fact for m in page.messages if isinstance(m, wire.FactNoted)]
    assert not any(isinstance(fact, facts.NetworkSeen) for fact in facts_told)


async def test_only_another_address_is_noted_again(house: House) -> None:
    """Each return is looked at; what has not changed is not repeated."""
    page, case = await visit(house, HOME)
    await come_back(page, HOME)
    await come_back(page, STREET)
    await come_back(page, AWAY)
    await until(lambda: "" if len(seen(house, case)) == 3 else "the third network")
    assert [(fact.pii_address, fact.doubts) for fact in seen(house, case)] == [
        (HOME, ()),
        (STREET, ()),
        (AWAY, ("abroad", "changed")),
    ]


async def test_a_return_into_the_call_is_looked_at_and_told_to_the_agent() -> None:
    """The console has it as a fact at once; after the end nothing is noted any more."""
    proxies = (ip_network("127.0.0.0/8"),)
    async with open_house(networks=_Book(), home_countries=CN, trusted_proxies=proxies) as house:
        page, anna, case = await house.call()
        await come_back(page, VPN)
        told = await anna.wait(
            wire.FactNoted,
            lambda m: isinstance(f := m.entry.fact, facts.NetworkSeen) and f.pii_address == VPN,
        )
        assert isinstance(told.entry.fact, facts.NetworkSeen)
        assert told.entry.fact.doubts == ("anonymiser", "changed")
        await house.finish(anna, Outcome.FAILED)
        await page.state(lambda m: m.phase is CallPhase.ENDED)
        noted = len(seen(house, case))
        await come_back(page, HOME)
        assert len(seen(house, case)) == noted


async def test_a_phone_between_two_networks_is_noted_at_a_pace(house: House) -> None:
    """A journal is no log of a bad line; the last of it is noted when there is room again."""
    page, case = await visit(house, HOME)
    for number in range(12):
        await come_back(page, (STREET, HOME)[number % 2])
    assert len(seen(house, case)) <= 11
    noted = len(seen(house, case))
    house.clock.advance(10)
    await come_back(page, CLOUD)
    await until(lambda: "" if len(seen(house, case)) > noted else "the newest network")
    assert seen(house, case)[-1].pii_address == CLOUD


async def test_without_a_database_the_address_alone_is_noted() -> None:
    """Nothing is made up about it, and there is nothing to think about."""
    async with open_house() as house:
        page = await house.customer()
        assert page.welcome is not None and page.welcome.case is not None
        fact: Any = await house.noted(page.welcome.case, facts.NetworkSeen)
        assert (fact.pii_address, fact.country, fact.kind) == ("127.0.0.1", "", NetworkKind.UNKNOWN)
        assert (fact.doubts, fact.source) == ((), ())


async def test_the_page_is_told_how_often_to_tell_its_place() -> None:
    """Customers, not consoles."""
    async with open_house(location_s=120.0) as house:
        page = await house.customer()
        anna = await house.browser()
        await anna.as_staff("anna")
        assert page.welcome is not None and page.welcome.location_s == 120.0
        assert anna.welcome is not None and anna.welcome.location_s is None
