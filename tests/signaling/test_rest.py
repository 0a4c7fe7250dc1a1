"""REST: who may do what, bounds, and nothing across tenants."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web

from contract import facts, wire
from contract.errors import StorageError, TellerError
from contract.facts import AuditSigned, CaseAdvanced
from contract.ids import CaseId, EvidenceId, new_case_id, new_evidence_id
from contract.phases import CasePhase, EvidenceKind, Outcome, Verdict
from tests.signaling.house import JPEG, PASSWORD, Browser, House, open_house


async def person(house: House, login: str) -> Browser:
    browser = await house.browser()
    await browser.login(login)
    return browser


async def refused(browser: Browser, method: str, path: str, **kwargs: Any) -> tuple[int, str]:
    status, body = await browser.request(method, path, **kwargs)
    assert set(body) == {"code", "text"}
    return status, body["code"]


# --- login ---


async def test_login_tells_who_one_is(house: House) -> None:
    """A reloaded page is told the same, by the cookie alone; after logout no more."""
    browser = await house.browser()
    body = await browser.login("anna")
    assert (body["name"], body["role"], body["bank"]) == ("Anna", "agent", "示范银行")
    assert await browser.request("GET", "/api/me") == (200, body)
    assert (await browser.request("POST", "/api/logout"))[0] == 200
    assert await refused(browser, "GET", "/api/me") == (401, "not_logged_in")


async def test_the_cookie_is_for_our_pages_only(house: House) -> None:
    """HttpOnly, SameSite=Strict, the whole host; with HTTPS also Secure and bound by its name."""
    for https, name in ((False, "teller"), (True, "__Host-teller")):
        async with open_house(https=https) as other:
            browser = await other.browser()
            credentials = {"login": "anna", "password": PASSWORD}
            async with browser.http.post(other.base + "/api/login", json=credentials) as answer:
                cookie = answer.cookies[name]
                assert cookie["httponly"]
                assert cookie["samesite"] == "Strict"
                assert cookie["path"] == "/"
                assert not cookie["domain"]
                assert bool(cookie["secure"]) is https
    assert house.settings.https is False


async def test_a_wrong_password_is_refused_in_few_words(house: House) -> None:
    """401 with the word that pages translate."""
    browser = await house.browser()
    wrong = {"login": "anna", "password": "wrong"}
    assert await refused(browser, "POST", "/api/login", json=wrong) == (401, "login_failed")


@pytest.mark.parametrize(
    "body",
    [b"", b"nonsense", b"[]", b"{}", b'{"login": 1, "password": "x"}', b"[" * 60_000, b"\xff\xfe",
     b'{"login": "a", "password": "b", "role": "admin"}',
     json.dumps({"login": "a", "password": "x" * 1_025}).encode()],
)  # fmt: skip
async def test_a_body_that_does_not_fit_is_refused(house: House, body: bytes) -> None:
    """Not JSON, wrong types, unknown keys, too long a text."""
    browser = await house.browser()
    headers = {"Content-Type": "application/json"}
    assert await refused(browser, "POST", "/api/login", data=body, headers=headers) == (400, "protocol")


async def test_bodies_have_bounds(house: House) -> None:
    """Announced or streamed, the 65,537th byte is not read; forms are no JSON."""
    browser = await house.browser()
    json_type = {"Content-Type": "application/json"}
    big = b" " * 65_537
    assert await refused(browser, "POST", "/api/login", data=big, headers=json_type) == (413, "too_large")

    async def stream() -> Any:
        for _ in range(3):
            yield b" " * 30_000

    assert await refused(browser, "POST", "/api/login", data=stream(), headers=json_type) == (
        413, "too_large",
    )  # fmt: skip
    assert await refused(browser, "POST", "/api/login", data={"login": "anna"}) == (400, "protocol")


async def test_a_foreign_page_cannot_post(house: House) -> None:
    """Neither log in, nor open cases, nor act with somebody's cookie."""
    browser = await person(house, "anna")
    evil = {"Origin": "https://evil.example"}
    for path, body in (
        ("/api/login", {"login": "anna", "password": PASSWORD}),
        ("/api/walk-in", {"tenant": "demo"}),
        ("/api/cases", {}),
        ("/api/logout", {}),
    ):
        assert await refused(browser, "POST", path, json=body, headers=evil) == (403, "origin")
    for strange in ("null", "file://", f"ftp://{house.base.removeprefix('http://')}"):
        headers = {"Origin": strange}
        assert await refused(browser, "POST", "/api/cases", json={}, headers=headers) == (403, "origin")
    ours = {"Origin": house.base}
    assert (await browser.request("POST", "/api/cases", json={}, headers=ours))[0] == 201


async def test_configured_origins_may_post() -> None:
    """The bank's own site embeds our page."""
    async with open_house(origins=("https://bank.example",)) as house:
        browser = await house.browser()
        headers = {"Origin": "https://bank.example"}
        body = {"tenant": "demo"}
        assert (await browser.request("POST", "/api/walk-in", json=body, headers=headers))[0] == 201


async def test_a_change_needs_the_csrf_token(house: House) -> None:
    """The cookie alone changes nothing, not even with another session's token."""
    browser, other = await person(house, "anna"), await person(house, "anna")
    for token in ("", other.csrf):
        headers = {"X-CSRF-Token": token}
        for path in ("/api/cases", "/api/logout"):
            assert await refused(browser, "POST", path, json={}, headers=headers) == (403, "csrf")
    assert (await browser.request("GET", "/api/me"))[0] == 200


# --- walk-in and cases ---


async def test_a_closed_front_door_is_not_found(house: House) -> None:
    """Neither a bank without walk-in nor an unknown one opens a case."""
    browser = await house.browser()
    for code in ("rival", "nobody"):
        body = {"tenant": code}
        assert await refused(browser, "POST", "/api/walk-in", json=body) == (404, "not_found")
    assert house.cases.rows == {}


async def test_walk_ins_are_bounded_by_address() -> None:
    """A script cannot fill the desk; time refills the bucket."""
    async with open_house(per_ip_burst=3.0, per_ip_per_minute=60.0) as house:
        browser = await house.browser()
        body = {"tenant": "demo"}
        answers = [(await browser.request("POST", "/api/walk-in", json=body))[0] for _ in range(4)]
        assert answers == [201, 201, 201, 429]
        forged = {"X-Forwarded-For": "198.51.100.7"}
        assert await refused(browser, "POST", "/api/walk-in", json=body, headers=forged) == (
            429, "too_fast",
        )  # fmt: skip
        house.clock.advance(1)
        assert (await browser.request("POST", "/api/walk-in", json=body))[0] == 201


async def test_a_trusted_proxy_tells_the_address() -> None:
    """The last hop that is in no proxies' network counts; what the client wrote before it does not."""
    proxies = tuple(map(ip_network, ("127.0.0.1", "10.0.0.0/24", "fd00::/8")))
    async with open_house(per_ip_burst=1.0, per_ip_per_minute=0.001, trusted_proxies=proxies) as house:
        browser = await house.browser()

        async def walk_in(forwarded: str) -> int:
            headers = {"X-Forwarded-For": forwarded} if forwarded else {}
            return (await browser.request("POST", "/api/walk-in", json={"tenant": "demo"}, headers=headers))[
                0
            ]

        assert await walk_in("198.51.100.7, 10.0.0.9") == 201
        assert await walk_in("203.0.113.1, 198.51.100.7") == 429
        assert await walk_in("198.51.100.8, fd00::1, ::ffff:10.0.0.200") == 201
        assert await walk_in("198.51.100.8") == 429
        assert await walk_in("unknown, 10.0.1.1") == 201
        assert await walk_in("10.0.0.1, nonsense") == 201
        assert await walk_in("") == 201
        assert await walk_in("10.0.0.9") == 429


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


async def test_links_start_with_the_public_address() -> None:
    """A link goes by mail or message, so it must be whole when the bank has told how it is reached."""
    async with open_house(public_url="https://video.bank.example") as house:
        agent = await person(house, "anna")
        _, told = await agent.request("POST", "/api/cases", json={})
        assert told["url"] == f"https://video.bank.example/c/#ticket={told['ticket']}"


async def test_cases_are_listed_and_searched(house: House) -> None:
    """Newest first, by text and phase, in pages."""
    supervisor = await person(house, "sue")
    for name in ("Alpha", "Beta", "Gamma"):
        await supervisor.request("POST", "/api/cases", json={"customer_name": name})

    async def names(query: str) -> list[str]:
        _, body = await supervisor.request("GET", f"/api/cases{query}")
        return [case["pii_customer_name"] for case in body["cases"]]

    assert await names("") == ["Gamma", "Beta", "Alpha"]
    assert await names("?text=et") == ["Beta"]
    assert await names("?limit=1&offset=1") == ["Beta"]
    assert await names("?phase=created&phase=queued&limit=") == ["Gamma", "Beta", "Alpha"]
    assert await names("?phase=approved") == []


@pytest.mark.parametrize("query", ["phase=nonsense", "limit=x", "limit=-1", "offset=1e3", "limit=٣"])
async def test_a_query_that_does_not_fit_is_refused(house: House, query: str) -> None:
    """400, not a server error."""
    agent = await person(house, "anna")
    assert await refused(agent, "GET", f"/api/cases?{query}") == (400, "protocol")


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
        _, body = await browser.request("GET", "/api/cases?limit=1")
        one = (await browser.request("GET", f"/api/cases/{case}"))[0]
        seen[login] = ([row["case"] for row in body["cases"]], one)
    assert seen == {
        "anna": ([case], 200), "ben": ([], 404), "sue": ([case], 200), "audrey": ([case], 200),
    }  # fmt: skip
    anna, ada = await person(house, "anna"), await person(house, "ada")
    assert await refused(anna, "GET", f"/api/cases/{other}") == (404, "not_found")
    for path in ("/api/cases", f"/api/cases/{case}"):
        assert await refused(ada, "GET", path) == (403, "wrong_role")


async def test_nothing_crosses_tenants(house: House) -> None:
    """Another bank's staff sees no case, and a forged or strange id is simply not there."""
    case, _ = await house.walk_in()
    rita, ralf = await person(house, "rita"), await person(house, "ralf")
    assert (await rita.request("GET", "/api/cases"))[1] == {"cases": []}
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


# --- verdict ---


async def under_audit(house: House, outcome: Outcome = Outcome.FAILED) -> CaseId:
    page, console, case = await house.call()
    if outcome is Outcome.PASSED:
        await console.send(wire.CheckIdNumber("11010519491231002X"))
        await console.fact(facts.IdNumberChecked)
        await house.checked(page, console)
        await console.fact(facts.FacesCompared)
    await house.finish(console, outcome)
    await house.noted(case, facts.MergeQueued)
    await house.journal.append(case, facts.CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.UNDER_AUDIT))
    return case


async def test_only_an_auditor_signs_and_only_once(house: House) -> None:
    """Agents and supervisors may not; several at the same time leave one signature."""
    case = await under_audit(house)
    path, body = f"/api/cases/{case}/verdict", {"verdict": "rejected", "reason": "face"}
    for login in ("anna", "sue"):
        browser = await person(house, login)
        assert await refused(browser, "POST", path, json=body) == (403, "wrong_role")
    auditor = await person(house, "audrey")
    answers = await asyncio.gather(*(auditor.request("POST", path, json=body) for _ in range(3)))
    assert {200} <= {status for status, _ in answers} <= {200, 409}
    assert house.names(case).count("AuditSigned") == 1
    assert house.cases.rows[case].phase is CasePhase.REJECTED
    assert house.jobs.kinds(case) == ["merge", "archive_journal"]


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.INCOMPLETE])
async def test_what_the_agent_did_not_let_pass_is_not_approved(house: House, outcome: Outcome) -> None:
    """The checker cannot be the maker: such a case can only be rejected."""
    case = await under_audit(house, outcome)
    auditor = await person(house, "audrey")
    path = f"/api/cases/{case}/verdict"
    body = {"verdict": "approved", "reason": "looks fine to me"}
    assert await refused(auditor, "POST", path, json=body) == (409, "outcome_not_passed")
    assert "AuditSigned" not in house.names(case)
    status, told = await auditor.request("POST", path, json={"verdict": "rejected", "reason": "face"})
    assert (status, told["case"]["phase"]) == (200, "rejected")


async def test_a_signature_that_was_cut_off_is_finished(house: House) -> None:
    """After a crash between signature and phase the same verdict completes it, and signs no second time."""
    case = await under_audit(house, Outcome.PASSED)
    auditor = await person(house, "audrey")
    me = (await auditor.request("GET", "/api/me"))[1]["account"]
    await house.journal.append(case, AuditSigned(me, Verdict.APPROVED, "well done", ""))
    path, body = f"/api/cases/{case}/verdict", {"verdict": "approved", "reason": "again"}
    for _ in range(2):
        status, told = await auditor.request("POST", path, json=body)
        assert (status, told["case"]["phase"]) == (200, "approved")
    assert house.names(case)[-2:] == ["AuditSigned", "CaseAdvanced"]
    assert house.jobs.kinds(case) == ["merge", "archive_journal"]


async def test_another_verdict_on_a_signed_case_is_refused(house: House) -> None:
    """The first signature counts, even when what follows it was cut off and the search lags behind."""
    case = await under_audit(house, Outcome.PASSED)
    auditor = await person(house, "audrey")
    me = (await auditor.request("GET", "/api/me"))[1]["account"]
    path = f"/api/cases/{case}/verdict"
    await house.journal.append(case, AuditSigned(me, Verdict.APPROVED, "well done", ""))
    rejected = {"verdict": "rejected", "reason": "changed my mind"}
    for _ in range(2):
        assert await refused(auditor, "POST", path, json=rejected) == (409, "wrong_phase")
        house.cases.rows[case] = replace(house.cases.rows[case], phase=CasePhase.UNDER_AUDIT)
    assert house.names(case).count("AuditSigned") == 1
    moved = [fact.now for fact in house.facts(case) if isinstance(fact, CaseAdvanced)]
    assert moved[-2:] == [CasePhase.UNDER_AUDIT, CasePhase.APPROVED]


async def test_a_case_that_is_not_under_audit_is_not_signed(house: House) -> None:
    """Neither a fresh nor an aborted case; and no verdict but the two."""
    case, _ = await house.walk_in()
    auditor = await person(house, "audrey")
    path = f"/api/cases/{case}/verdict"
    for verdict in ("approved", "rejected"):
        body = {"verdict": verdict, "reason": ""}
        assert await refused(auditor, "POST", path, json=body) == (409, "wrong_phase")
    body = {"verdict": "maybe", "reason": ""}
    assert await refused(auditor, "POST", path, json=body) == (400, "protocol")


async def test_nobody_audits_his_own_call(house: House) -> None:
    """Even an account that became auditor since."""
    case = await under_audit(house)
    auditor = await person(house, "audrey")
    me = (await auditor.request("GET", "/api/me"))[1]["account"]
    house.cases.rows[case] = replace(house.cases.rows[case], agent=me)
    body = {"verdict": "approved", "reason": ""}
    assert await refused(auditor, "POST", f"/api/cases/{case}/verdict", json=body) == (403, "same_person")


# --- stills ---


async def wanted(page: Browser, console: Browser) -> EvidenceId:
    await console.send(wire.RequestStill(EvidenceKind.ID_CARD))
    return (await page.wait(wire.StillWanted)).request


def bearer(page: Browser) -> dict[str, str]:
    assert page.welcome is not None
    return {"Authorization": f"Bearer {page.welcome.upload}", "Content-Type": "image/jpeg"}


async def test_a_still_is_taken_once(house: House) -> None:
    """Stored as evidence under the asked id; a second upload is refused."""
    page, console, case = await house.call()
    request = await wanted(page, console)
    path = f"/api/cases/{case}/stills/{request}"
    status, body = await page.request("POST", path, data=JPEG, headers=bearer(page))
    assert status == 201
    assert (body["evidence"], body["width"], body["bytes"]) == (request, 1920, len(JPEG))
    stored = await house.noted(case, facts.EvidenceStored)
    assert stored.source == "phone"  # type: ignore[attr-defined]

    async def again() -> str:
        return (await refused(page, "POST", path, data=JPEG, headers=bearer(page)))[1]

    assert await again() == "still_stored"
    assert house.evidence.files[request] == JPEG


async def test_a_still_that_is_no_picture_may_be_sent_again(house: House) -> None:
    """The refused upload does not use the request up."""
    page, console, case = await house.call()
    path = f"/api/cases/{case}/stills/{await wanted(page, console)}"
    assert await refused(page, "POST", path, data=b"GIF89a", headers=bearer(page)) == (
        422, "not_an_image",
    )  # fmt: skip
    assert (await page.request("POST", path, data=JPEG, headers=bearer(page)))[0] == 201


async def test_a_still_needs_the_right_of_this_seat_and_case(house: House) -> None:
    """No token, a ticket, another case's token, an id nobody asked for: nothing is stored."""
    page, console, case = await house.call()
    request = await wanted(page, console)
    path = f"/api/cases/{case}/stills/{request}"
    _, ticket = await house.walk_in()
    for header in ({}, {"Authorization": "Basic x"}, {"Authorization": f"Bearer {ticket}"}):
        assert await refused(page, "POST", path, data=JPEG, headers=header) == (401, "upload_denied")
    stranger = await house.customer()
    assert await refused(stranger, "POST", path, data=JPEG, headers=bearer(stranger)) == (
        404, "not_found",
    )  # fmt: skip
    assert stranger.welcome is not None
    own = f"/api/cases/{stranger.welcome.case}/stills/{request}"
    assert (await refused(stranger, "POST", own, data=JPEG, headers=bearer(stranger)))[0] == 404
    unasked = f"/api/cases/{case}/stills/{new_evidence_id()}"
    assert (await refused(page, "POST", unasked, data=JPEG, headers=bearer(page)))[0] == 404
    assert house.evidence.files == {}


async def test_a_still_has_a_bound() -> None:
    """The byte over the bound is refused."""
    async with open_house(still_max=1_000) as house:
        page, console, case = await house.call()
        path = f"/api/cases/{case}/stills/{await wanted(page, console)}"
        big = JPEG.ljust(1_001)
        assert await refused(page, "POST", path, data=big, headers=bearer(page)) == (413, "too_large")
        assert (await page.request("POST", path, data=JPEG.ljust(1_000), headers=bearer(page)))[0] == 201


async def test_a_stalled_upload_is_given_up() -> None:
    """A body that does not arrive in time is refused, and the picture may be sent again."""
    async with open_house(body_s=0.1) as house:
        page, console, case = await house.call()
        path = f"/api/cases/{case}/stills/{await wanted(page, console)}"
        stalled = asyncio.Event()

        async def stall() -> AsyncIterator[bytes]:
            yield JPEG
            await stalled.wait()

        assert await refused(page, "POST", path, data=stall(), headers=bearer(page)) == (408, "too_slow")
        stalled.set()
        assert (await page.request("POST", path, data=JPEG, headers=bearer(page)))[0] == 201


async def test_no_still_after_the_call(house: House) -> None:
    """A picture belongs to a second of the call."""
    page, console, case = await house.call()
    path = f"/api/cases/{case}/stills/{await wanted(page, console)}"
    await page.send(wire.HangUp())
    await house.noted(case, facts.CallEnded)
    assert await refused(page, "POST", path, data=JPEG, headers=bearer(page)) == (409, "wrong_phase")


# --- playback ---


async def test_files_are_for_this_tenants_staff(house: House) -> None:
    """``authorise`` lets in the case's agent, the bank's supervisors and auditors, nobody else."""
    _, _, case = await house.call()
    said: list[str] = []

    async def file(request: web.Request) -> web.Response:
        try:
            said.append(await house.signaling.authorise(request, case))
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
