"""REST of cases: who finds and sees which, and nothing across tenants."""

from base64 import b64decode
from typing import Any

import cv2
import numpy as np
from aiohttp import web

from contract import facts
from contract.errors import StorageError, TellerError
from contract.ids import CaseId, new_case_id
from contract.phases import Outcome
from tests.signaling.asking import person, refused
from tests.signaling.house import House, open_house


async def test_an_agent_opens_a_case_with_a_link(house: House) -> None:
    """The link's ticket seats the customer under her name; an auditor opens none."""
    agent = await person(house, "anna")
    body = {"customer_name": "王小明", "purpose": "loan"}
    status, told = await agent.request("POST", "/api/cases", json=body)
    assert status == 201
    assert told["url"] == f"/c/#ticket={told['ticket']}"
    assert told["expires_at"] == house.clock.now() + house.settings.link_ticket_s
    page = await house.browser()
    welcome = await page.hello(ticket=told["ticket"])
    assert (welcome.case, welcome.name, welcome.bank) == (told["case"], "王小明", "示范银行")
    auditor = await person(house, "audrey")
    assert await refused(auditor, "POST", "/api/cases", json={}) == (403, "wrong_role")


async def test_a_case_says_what_its_customer_needs(house: House) -> None:
    """Reference, skill and rank are journaled with the case."""
    agent = await person(house, "anna")
    wanted = {"customer_name": "王芳", "customer_ref": " c-77 ", "skill": "wealth", "vip": True}
    _, told = await agent.request("POST", "/api/cases", json=wanted)
    created = house.facts(CaseId(told["case"]))[0]
    assert isinstance(created, facts.CaseCreated)
    assert (created.pii_customer_ref, created.skill, created.vip) == ("c-77", "wealth", True)
    for wrong in ({"customer_ref": "x" * 65}, {"skill": "x" * 65}, {"vip": 1}, {"rank": "high"}):
        assert await refused(agent, "POST", "/api/cases", json=wrong) == (400, "protocol")


async def test_links_start_with_the_public_address() -> None:
    """A link goes by mail or message, so it must be whole when the bank has told how it is reached."""
    async with open_house(public_url="https://video.bank.example") as house:
        agent = await person(house, "anna")
        _, told = await agent.request("POST", "/api/cases", json={})
        assert told["url"] == f"https://video.bank.example/c/#ticket={told['ticket']}"


def scanned(told: dict[str, Any]) -> str:
    """Return what a scanner reads from the answer's picture."""
    head, _, data = told["qr"].partition(",")
    assert head == "data:image/png;base64"
    picture = cv2.imdecode(np.frombuffer(b64decode(data), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return str(cv2.QRCodeDetector().detectAndDecode(picture)[0])


async def test_a_link_comes_with_its_picture(house: House) -> None:
    """A phone scans the whole address: the public one, else the one at which the console or the bank's
    program found us."""
    async with open_house(public_url="https://video.bank.example") as known:
        _, told = await (await person(known, "anna")).request("POST", "/api/cases", json={})
        assert scanned(told) == told["url"]
    agent = await person(house, "anna")
    secure = {"Origin": house.base.replace("http://", "https://")}
    for headers, origin in ({}, house.base), (secure, secure["Origin"]):
        _, told = await agent.request("POST", "/api/cases", json={}, headers=headers)
        assert scanned(told) == origin + told["url"]


async def test_a_page_elsewhere_gets_links_to_here() -> None:
    """A page of the bank that may ask us is not where the customer's page is."""
    bank = "https://bank.example"
    async with open_house(origins=(bank,)) as house:
        agent = await person(house, "anna")
        _, told = await agent.request("POST", "/api/cases", json={}, headers={"Origin": bank})
        assert scanned(told) == house.base + told["url"]


async def test_a_case_is_told_with_journal_and_jobs(house: House) -> None:
    """Entries as the journal holds them, hashes included."""
    _, console, case = await house.call()
    await house.finish(console, Outcome.INCOMPLETE)
    await house.noted(case, facts.MergeQueued)
    agent = await person(house, "sue")
    status, body = await agent.request("GET", f"/api/cases/{case}")
    assert status == 200
    assert body["case"]["case"] == case
    assert [facts.load_entry(entry).seq for entry in body["entries"]][:3] == [1, 2, 3]
    assert [job["kind"] for job in body["jobs"]] == ["merge"]


async def test_an_agent_sees_only_the_cases_that_are_his(house: House) -> None:
    """From the moment he joins the call; a colleague's case is not there, an administrator sees none."""
    other, _ = await house.walk_in()
    _, _, case = await house.call()
    seen = {}
    for login in ("anna", "ben", "sue", "audrey"):
        browser = await person(house, login)
        _, body = await browser.request("POST", "/api/cases/search", json={"limit": 1})
        one = (await browser.request("GET", f"/api/cases/{case}"))[0]
        seen[login] = ([row["case"] for row in body["cases"]], one)
    assert seen == {
        "anna": ([case], 200), "ben": ([], 404), "sue": ([case], 200), "audrey": ([case], 200),
    }  # fmt: skip
    anna, ada = await person(house, "anna"), await person(house, "ada")
    assert await refused(anna, "GET", f"/api/cases/{other}") == (404, "not_found")
    assert await refused(ada, "POST", "/api/cases/search", json={}) == (403, "wrong_role")
    assert await refused(ada, "GET", f"/api/cases/{case}") == (403, "wrong_role")


async def test_nothing_crosses_tenants(house: House) -> None:
    """Another bank's staff sees no case, and a forged or strange id is simply not there."""
    case, _ = await house.walk_in()
    rita, ralf = await person(house, "rita"), await person(house, "ralf")
    nothing = {"cases": [], "count": 0, "more": False, "next": None, "claims": []}
    assert (await rita.request("POST", "/api/cases/search", json={}))[1] == nothing
    assert await refused(rita, "GET", f"/api/cases/{case}") == (404, "not_found")
    verdict = {"verdict": "approved", "reason": ""}
    assert await refused(ralf, "POST", f"/api/cases/{case}/verdict", json=verdict) == (404, "not_found")
    anna = await person(house, "anna")
    for strange in (new_case_id(), "..%2f..%2fetc", "x" * 500):
        assert await refused(anna, "GET", f"/api/cases/{strange}") == (404, "not_found")
    stranger = await house.browser()
    assert await refused(stranger, "GET", f"/api/cases/{case}") == (401, "not_logged_in")


async def test_our_faults_are_not_explained_to_the_public(house: House) -> None:
    """500 with a word; paths and causes stay in the log."""

    async def broken(case: CaseId, after: int = 0) -> Any:
        raise StorageError("/srv/journal: permission denied")

    case, _ = await house.walk_in()
    house.journal.read = broken  # type: ignore[method-assign]
    sue = await person(house, "sue")
    assert await sue.request("GET", f"/api/cases/{case}") == (
        500, {"code": "storage", "text": "our fault"},
    )  # fmt: skip


async def test_files_are_for_this_tenants_staff(house: House) -> None:
    """``authorise`` lets in the case's agent, the bank's supervisors and auditors, nobody else."""
    _, _, case = await house.call()
    said: list[str] = []

    async def file(request: web.Request) -> web.Response:
        try:
            said.append((await house.signaling.authorise(request, case)).account)
        except TellerError as error:
            said.append(error.code)
        return web.json_response({})

    app = web.Application()
    app.router.add_get("/file", file)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/file"
    try:
        for login, expected in (
            ("audrey", "acct-"), ("anna", "acct-"), ("sue", "acct-"), ("ben", "not_found"),
            ("ralf", "not_found"), ("ada", "wrong_role"),
        ):  # fmt: skip
            browser = await person(house, login)
            async with browser.http.get(url) as answer:
                assert answer.status == 200
            assert said.pop().startswith(expected)
        stranger = await house.browser()
        async with stranger.http.get(url) as answer:
            assert answer.status == 200
        assert said == ["not_logged_in"]
    finally:
        await runner.cleanup()
