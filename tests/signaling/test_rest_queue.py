"""REST of the auditors' queue: what comes next, for whom, and for how long."""

from typing import Any

from contract import facts
from contract.ids import CaseId
from contract.phases import CasePhase, Outcome
from signaling.rest_queue import CLAIM_S
from tests.signaling.asking import person, refused
from tests.signaling.house import BANK, Browser, House
from tests.signaling.test_rest_audit import under_audit


async def waits(house: House, number: int, due_at: float, *told: facts.Fact) -> CaseId:
    """Return a case that waits for auditors, without a call."""
    case = CaseId(f"case-{number:016}")
    drawn = facts.AuditDrawn(True, 1.0, "00", (), "default", 1, due_at)
    moved = facts.CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.UNDER_AUDIT)
    for fact in (facts.CaseCreated(BANK, "account", "default", ""), *told, drawn, moved):
        await house.journal.append(case, fact)
    return case


async def handed(browser: Browser, *but: str) -> Any:
    status, told = await browser.request("POST", "/api/audits/next", json={"but": but})
    assert status == 200, told
    return told["case"] and told["case"]["case"]


async def claims(browser: Browser, case: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await browser.request("GET", f"/api/cases/{case}"))[1]["claims"]
    return found


async def test_each_auditor_gets_another_case(house: House) -> None:
    """The first due first; passed over ones last; nothing when nothing is left."""
    late, soon = await waits(house, 1, 200.0), await waits(house, 2, 100.0)
    audrey, abel, ralf = [await person(house, login) for login in ("audrey", "abel", "ralf")]
    assert await handed(audrey) == soon
    assert await handed(abel) == late
    assert await handed(ralf) is None
    # His own stays his; passed over, there is nothing else.
    assert await handed(audrey) == soon
    assert await handed(audrey, soon) is None
    [claim] = await claims(abel, soon)
    assert (claim["name"], claim["until"]) == ("Audrey", house.clock.now() + CLAIM_S)
    _, page = await abel.request("POST", "/api/cases/search", json={})
    assert {one["case"]: one["name"] for one in page["claims"]} == {soon: "Audrey", late: "Abel"}
    house.clock.advance(CLAIM_S)
    assert await handed(abel, late) == soon


async def test_nobody_is_handed_what_he_may_not_sign(house: House) -> None:
    """His own calls, his own proposals, and what the search calls under audit but is not any more."""
    audrey, abel = await person(house, "audrey"), await person(house, "abel")
    me = (await audrey.request("GET", "/api/me"))[1]["account"]
    own = await waits(house, 1, 100.0, facts.AgentDecided(me, Outcome.PASSED, "", ""))
    proposed = await waits(house, 2, 200.0)
    await house.journal.append(proposed, facts.OverrideProposed(me, "why", ("check_failed",), ""))
    assert await handed(audrey) is None
    assert await handed(abel) == own
    assert await handed(abel, own) == proposed


async def test_a_claim_is_kept_given_back_and_ends_with_the_signature(house: House) -> None:
    """Somebody else's is not taken; it hinders nobody from signing."""
    case = await under_audit(house)
    audrey, abel = await person(house, "audrey"), await person(house, "abel")
    path = f"/api/cases/{case}/claim"
    assert await handed(audrey) == case
    assert await refused(abel, "POST", path, json={"on": True}) == (409, "claimed")
    house.clock.advance(60.0)
    status, told = await audrey.request("POST", path, json={"on": True})
    assert (status, [one["until"] for one in told["claims"]]) == (200, [house.clock.now() + CLAIM_S])
    await abel.request("POST", path, json={"on": False})
    assert await claims(abel, case) != []
    await audrey.request("POST", path, json={"on": False})
    assert await claims(abel, case) == []
    assert (await abel.request("POST", path, json={"on": True}))[0] == 200
    body = {"verdict": "rejected", "reason": "face"}
    assert (await audrey.request("POST", f"/api/cases/{case}/verdict", json=body))[0] == 200
    assert await claims(abel, case) == []
    assert await refused(audrey, "POST", path, json={"on": True}) == (409, "wrong_phase")


async def test_the_queue_is_the_auditors(house: House) -> None:
    """Agents and supervisors get nothing out of it; an agent is not told who looks at his cases."""
    case = await under_audit(house)
    for login in ("anna", "sue"):
        browser = await person(house, login)
        assert await refused(browser, "POST", "/api/audits/next", json={}) == (403, "wrong_role")
        path = f"/api/cases/{case}/claim"
        assert await refused(browser, "POST", path, json={"on": True}) == (403, "wrong_role")
    await handed(await person(house, "audrey"))
    assert await claims(await person(house, "anna"), case) == []
    assert len(await claims(await person(house, "sue"), case)) == 1
