"""REST around the call: is the desk open, how fast is the line, who wants to be called back, how was it."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest

from contract import facts, wire
from contract.facts import CallbackMade, CaseCreated, ServiceRated
from contract.ids import CaseId, new_case_id
from contract.phases import CallPhase, CasePhase
from signaling.front import Front
from signaling.hours import Hours
from tests.signaling.asking import bearer, person, refused
from tests.signaling.house import Browser, House, open_house

# The house's clock stands at 2027-01-15, a Friday, 16:00 in Shanghai.
HOURS = "Mon-Fri 09:00-15:00"
PHONE = "+86 138 0013 8000"


# --- the desk ---


async def test_the_desk_tells_whether_it_is_open(house: House) -> None:
    """To anybody, with the bank's name and nothing else about it."""
    visitor = await house.browser()
    assert await visitor.request("GET", "/api/desk?b=demo") == (
        200,
        {
            "bank": "示范银行", "open": True, "opens_at": None, "hours": "", "waiting": 0,
            "estimated_wait_s": None,
        },
    )  # fmt: skip
    await house.queued()
    _, told = await visitor.request("GET", "/api/desk?b=demo")
    assert told["waiting"] == 1
    for code in ("nowhere", "", "x" * 500, "%00"):
        assert await refused(visitor, "GET", f"/api/desk?b={code}") == (404, "not_found")


async def test_a_closed_desk_says_when_it_opens() -> None:
    """Monday morning; the hours as the bank wrote them."""
    async with open_house(hours=Hours.parse(HOURS, "Asia/Shanghai")) as house:
        visitor = await house.browser()
        _, told = await visitor.request("GET", "/api/desk?b=demo")
        assert (told["open"], told["hours"]) == (False, HOURS)
        # From Friday 16:00 to Monday 09:00.
        assert told["opens_at"] - house.clock.now() == 65 * 3600


# --- the line ---


async def test_a_probe_is_counted_and_forgotten(house: House) -> None:
    """Up to 1 MiB of anything; the byte over it is refused."""
    page = await house.browser()
    mib = 1024 * 1024
    assert await page.request("POST", "/api/probe", data=io.BytesIO(bytes(mib))) == (
        200, {"bytes": mib, "seconds": 0.0},
    )  # fmt: skip
    assert await page.request("POST", "/api/probe", data=b"") == (200, {"bytes": 0, "seconds": 0.0})
    large = io.BytesIO(bytes(mib + 1))
    assert await refused(page, "POST", "/api/probe", data=large) == (413, "too_large")
    evil = {"Origin": "https://evil.example"}
    assert await refused(page, "POST", "/api/probe", data=b"x", headers=evil) == (403, "origin")


async def test_a_probe_takes_the_time_that_the_bytes_take(house: House) -> None:
    """From the first to the last of them, by the server's clock."""
    page = await house.browser()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"x" * 1_000
        house.clock.advance(2.5)
        yield b"x" * 1_000

    _, told = await page.request("POST", "/api/probe", data=slowly())
    assert told["bytes"] == 2_000
    assert 0.0 <= told["seconds"] <= 2.5


async def test_desk_and_probe_are_bounded_by_address() -> None:
    """Each of the two by itself."""
    async with open_house(per_ip_burst=2.0, per_ip_per_minute=1.0) as house:
        page = await house.browser()
        for method, path in (("POST", "/api/probe"), ("GET", "/api/desk?b=demo")):
            answers = [(await page.request(method, path))[0] for _ in range(3)]
            assert answers == [200, 200, 429]


# --- called back ---


async def asked(house: House, **body: Any) -> CaseId:
    """A case opened with a link, whose customer left a number."""
    agent = await person(house, "anna")
    _, opened = await agent.request("POST", "/api/cases", json=body)
    page = await house.browser()
    await page.hello(ticket=opened["ticket"])
    await page.send(wire.RequestCallback(PHONE, "after six"))
    case = CaseId(opened["case"])
    await house.noted(case, facts.CallbackRequested)
    return case


async def test_those_who_left_a_number_are_listed(house: House) -> None:
    """For agents and supervisors of the bank, oldest first, nobody else."""
    first = await asked(house, customer_name="王芳")
    house.clock.advance(60)
    second = await asked(house, customer_name="李雷")
    for login in ("ben", "sue", "anna"):
        browser = await person(house, login)
        status, told = await browser.request("GET", "/api/callbacks")
        assert (status, [row["case"] for row in told["callbacks"]]) == (200, [first, second])
    _, told = await (await person(house, "anna")).request("GET", "/api/callbacks")
    assert told["callbacks"][0] == {
        "case": first, "name": "王芳", "phone": PHONE, "wish": "after six",
        "asked_at": house.clock.now() - 60,
    }  # fmt: skip
    rita, audrey, ada = [await person(house, login) for login in ("rita", "audrey", "ada")]
    assert (await rita.request("GET", "/api/callbacks"))[1] == {"callbacks": []}
    for browser in (audrey, ada):
        assert await refused(browser, "GET", "/api/callbacks") == (403, "wrong_role")
    stranger = await house.browser()
    assert await refused(stranger, "GET", "/api/callbacks") == (401, "not_logged_in")


async def test_calling_back_opens_the_case_for_it(house: House) -> None:
    """With all that was known of the customer, a fresh link, and the request off the list."""
    wanted = {"customer_name": "王芳", "customer_ref": "c-77", "skill": "wealth", "vip": True}
    case = await asked(house, purpose="loan", **wanted)
    ben = await person(house, "ben")
    status, told = await ben.request("POST", f"/api/callbacks/{case}")
    assert status == 201
    assert set(told) == {"case", "ticket", "url", "expires_at", "qr"}
    created = house.facts(CaseId(told["case"]))[0]
    assert isinstance(created, CaseCreated)
    assert (created.purpose, created.pii_customer_name, created.pii_customer_ref) == ("loan", "王芳", "c-77")
    assert (created.skill, created.vip) == ("wealth", True)
    made = await house.noted(case, CallbackMade)
    me = (await ben.request("GET", "/api/me"))[1]["account"]
    assert made == CallbackMade(me, CaseId(told["case"]))
    assert (await ben.request("GET", "/api/callbacks"))[1] == {"callbacks": []}
    page = await house.browser()
    assert (await page.hello(ticket=told["ticket"])).phase is CasePhase.PRE_CALL


async def test_one_calls_back(house: House) -> None:
    """Of several at once one gets the case; the others are told."""
    case = await asked(house)
    browsers = [await person(house, login) for login in ("anna", "ben", "sue")]
    path = f"/api/callbacks/{case}"
    answers = await asyncio.gather(*(browser.request("POST", path) for browser in browsers))
    assert sorted(status for status, _ in answers) == [201, 409, 409]
    assert await refused(browsers[0], "POST", path) == (409, "called_back")
    assert house.names(case).count("CallbackMade") == 1


async def test_who_did_not_ask_is_not_called_back(house: House) -> None:
    """Nor another bank's customer, nor a case that is not there; and a cookie alone does nothing."""
    case = await asked(house)
    other, _ = await house.walk_in()
    anna, rita = await person(house, "anna"), await person(house, "rita")
    assert await refused(anna, "POST", f"/api/callbacks/{other}") == (409, "called_back")
    assert await refused(rita, "POST", f"/api/callbacks/{case}") == (404, "not_found")
    for strange in (new_case_id(), "x" * 300, "..%2f"):
        assert await refused(anna, "POST", f"/api/callbacks/{strange}") == (404, "not_found")
    headers = {"X-CSRF-Token": ""}
    assert await refused(anna, "POST", f"/api/callbacks/{case}", headers=headers) == (403, "csrf")
    assert "CallbackMade" not in house.names(case)


# --- rated ---


async def rate(page: Browser, case: CaseId, **body: Any) -> tuple[int, Any]:
    headers = bearer(page, "application/json")
    return await page.request("POST", f"/api/cases/{case}/rating", json=body, headers=headers)


async def over(house: House) -> tuple[Browser, Browser, CaseId]:
    page, console, case = await house.call()
    await page.send(wire.HangUp())
    await house.noted(case, facts.CallEnded)
    return page, console, case


async def test_the_service_is_rated_once(house: House) -> None:
    """After the call, before or after the agent's result; several at once leave one."""
    page, _, case = await over(house)
    answers = await asyncio.gather(*(rate(page, case, stars=5, comment="很好") for _ in range(3)))
    assert sorted(status for status, _ in answers) == [201, 409, 409]
    assert await house.noted(case, ServiceRated) == ServiceRated(5, "很好")
    status, told = await rate(page, case, stars=1)
    assert (status, told["code"]) == (409, "rated")
    assert house.names(case).count("ServiceRated") == 1


async def test_who_rates_before_the_end_is_written_is_waited_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page tells the end as soon as it is decided; the journal may be a moment behind."""
    page, _, case = await house.call()
    waited_for = asyncio.Event()
    append, settled = house.journal.append, Front.settled

    async def late(of: CaseId, fact: facts.Fact) -> facts.Entry:
        if isinstance(fact, facts.CallAdvanced) and fact.now is CallPhase.ENDED:
            await waited_for.wait()
        return await append(of, fact)

    async def waits(front: Front, of: CaseId) -> None:
        waited_for.set()
        await settled(front, of)

    monkeypatch.setattr(house.journal, "append", late)
    monkeypatch.setattr(Front, "settled", waits)
    await page.send(wire.HangUp())
    await page.wait(wire.CallState, lambda m: m.phase is CallPhase.ENDED)
    status, _ = await rate(page, case, stars=4)
    waited_for.set()
    assert status == 201


async def test_only_a_call_that_was_is_rated(house: House) -> None:
    """Not while it goes on, not from the queue, not after leaving it."""
    page, _, case = await house.call()
    assert (await rate(page, case, stars=5))[1]["code"] == "wrong_phase"
    waiting, _ = await house.queued()
    assert waiting.welcome is not None and waiting.welcome.case is not None
    assert (await rate(waiting, waiting.welcome.case, stars=5))[1]["code"] == "wrong_phase"
    await waiting.send(wire.LeaveQueue())
    await house.noted(waiting.welcome.case, facts.CaseAdvanced, "was=<CasePhase.QUEUED")
    assert (await rate(waiting, waiting.welcome.case, stars=5))[1]["code"] == "wrong_phase"


@pytest.mark.parametrize(
    "body",
    [{}, {"stars": 0}, {"stars": 6}, {"stars": 4.5}, {"stars": "5"}, {"stars": True},
     {"stars": 5, "comment": "x" * 1_001}, {"stars": 5, "agent": "anna"}],
)  # fmt: skip
async def test_a_rating_that_does_not_fit_is_refused(house: House, body: dict[str, Any]) -> None:
    """One to five whole stars and a bounded comment."""
    page, _, case = await over(house)
    status, told = await rate(page, case, **body)
    assert (status, told["code"]) == (400, "protocol")
    assert "ServiceRated" not in house.names(case)


async def test_only_the_customer_rates(house: House) -> None:
    """No staff, no other customer."""
    _, console, case = await over(house)
    path = f"/api/cases/{case}/rating"
    assert await refused(console, "POST", path, json={"stars": 5}) == (401, "upload_denied")
    stranger = await house.customer()
    assert (await rate(stranger, case, stars=1))[0] == 404
    assert "ServiceRated" not in house.names(case)
