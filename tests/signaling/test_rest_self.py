"""Self-service over REST: a face check without an agent, then with one, and back: one case throughout."""

from asyncio import gather
from dataclasses import replace
from typing import Any

import pytest

from contract.facts import CaseAdvanced, ConsentGiven
from contract.identity_facts import ExternalAnswered, PortraitsCompared, SelfChecked, SelfCheckStarted
from contract.ids import CaseId
from contract.phases import CasePhase, CheckVerdict
from tests.signaling.asking import person, refused
from tests.signaling.equipped import FakeDocuments, FakeList, FakeLive, FakeMessenger, equipped
from tests.signaling.house import JPEG, Browser, House, open_house

CONSENT = {"text_version": "app-1", "return_to": "bank://face"}
FAILED, PASSED = CheckVerdict.FAILED, CheckVerdict.PASSED


async def opened(house: House, ref: str = "c-1", name: str = "") -> tuple[Browser, str, str]:
    """Return the app, the path of its case's checks, and the customer's ticket."""
    app = await person(house, "anna")
    _, told = await app.request("POST", "/api/cases", json={"customer_ref": ref, "customer_name": name})
    return app, f"/api/cases/{told['case']}/self-checks", told["ticket"]


async def tried(app: Browser, path: str) -> dict[str, Any]:
    """Make a whole try; return what the app is told of it."""
    status, told = await app.request("POST", path, json=CONSENT)
    assert status == 201, told
    return await ended(app, f"{path}/{told['check']}")


async def ended(app: Browser, attempt: str) -> dict[str, Any]:
    """Send the pictures of a try that is open; return what the app is told of it."""
    for what in ("card", "still", "reference"):
        status, body = await app.request("POST", f"{attempt}/pictures/{what}", data=JPEG)
        assert status == 201, body
    status, told = await app.request("POST", f"{attempt}/verdict")
    assert status == 200, told
    assert isinstance(told, dict)
    return told


async def test_the_round_trip() -> None:
    """Three tries fail without a word why, the agent finds everything there, the app gets the result."""
    documents = FakeDocuments([FAILED, CheckVerdict.REVIEW, FAILED])
    async with open_house(equipment=equipped(documents, FakeLive(), FakeMessenger())) as house:
        app, path, ticket = await opened(house)
        case = CaseId(path.split("/")[3])
        assert [await tried(app, path) for _ in range(3)] == [
            {"word": "again", "left": 2},
            {"word": "again", "left": 1},
            {"word": "agent_helps", "left": 0},
        ]
        assert await refused(app, "POST", path, json=CONSENT) == (429, "checks_used_up")
        names = house.names(case)
        assert names.count("SelfCheckStarted") == names.count("SelfChecked") == 3
        verdicts = [fact.verdict for fact in house.facts(case) if isinstance(fact, SelfChecked)]
        assert verdicts == [FAILED, CheckVerdict.REVIEW, FAILED]
        page = await house.browser()
        await page.hello(ticket=ticket)
        visit = house.signaling._front._floor._hall.visits[case]
        entered = visit.who.memory.entered
        assert sum(isinstance(fact, PortraitsCompared) for fact in entered) == 3
        assert await refused(app, "POST", path, json=CONSENT) == (409, "wrong_phase")
        _, result = await app.request("GET", path)
        assert result == {
            "phase": CasePhase.PRE_CALL, "tries": 3, "check": None, "self_check": "failed", "return_to": "bank://face",
            "outcome": None, "account_class": None,
        }  # fmt: skip


async def test_a_customer_who_passes_needs_no_agent() -> None:
    """The app goes on with thanks; consent and pictures stand in the journal."""
    async with open_house(equipment=equipped(FakeDocuments(), FakeLive(), FakeMessenger())) as house:
        app, path, _ = await opened(house)
        assert await tried(app, path) == {"word": "thanks", "left": 2}
        case = CaseId(path.split("/")[3])
        facts = house.facts(case)
        assert [fact.text_version for fact in facts if isinstance(fact, ConsentGiven)] == ["app-1"]
        assert [fact.attempt for fact in facts if isinstance(fact, SelfCheckStarted)] == [1]
        assert house.cases.rows[case].phase is CasePhase.AGENT_DONE
        assert house.jobs.kinds(case) == ["merge"]
        assert await refused(app, "POST", path, json=CONSENT) == (409, "wrong_phase")


@pytest.mark.parametrize(("found", "status"), [(PASSED, 200), (FAILED, 409)])
async def test_an_auditor_signs_off_what_no_agent_saw(found: CheckVerdict, status: int) -> None:
    """Self-service that was passed may be approved; a check that failed may not, whoever moved the case."""
    documents = FakeDocuments([found])
    async with open_house(equipment=equipped(documents, FakeLive(), FakeMessenger())) as house:
        app, path, _ = await opened(house)
        await tried(app, path)
        case = CaseId(path.split("/")[3])
        await house.journal.append(case, CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.UNDER_AUDIT))
        auditor = await person(house, "audrey")
        body = {"verdict": "approved", "reason": "the pictures agree"}
        answered, _ = await auditor.request("POST", f"/api/cases/{case}/verdict", json=body)
        assert answered == status


async def test_tries_count_over_all_cases() -> None:
    """A fresh case is no fresh luck; after a day there is one again."""
    documents = FakeDocuments([FAILED] * 3)
    async with open_house(equipment=equipped(documents, FakeLive(), FakeMessenger())) as house:
        for left in (2, 1, 0):
            app, path, _ = await opened(house)
            assert (await tried(app, path))["left"] == left
        app, path, _ = await opened(house)
        assert await refused(app, "POST", path, json=CONSENT) == (429, "checks_used_up")
        house.clock.advance(24 * 3600 + 1)
        app, path, _ = await opened(house)
        assert (await tried(app, path))["word"] == "thanks"
        other, path, _ = await opened(house, "c-2")
        assert (await tried(other, path))["left"] == 2


async def test_what_does_not_fit_is_refused() -> None:
    """Another bank's case, a try that is none, pictures that are missing or none."""
    async with open_house(equipment=equipped(FakeDocuments(), FakeLive(), FakeMessenger())) as house:
        app, path, _ = await opened(house)
        stranger = await person(house, "rita")
        assert await refused(stranger, "POST", path, json=CONSENT) == (404, "not_found")
        assert await refused(app, "POST", f"{path}/check-x/verdict") == (404, "not_found")
        _, told = await app.request("POST", path, json=CONSENT)
        assert await refused(app, "POST", path, json=CONSENT) == (409, "wrong_phase")
        mine = f"{path}/{told['check']}"
        assert await refused(app, "POST", f"{mine}/verdict") == (409, "wrong_phase")
        assert await refused(app, "POST", f"{mine}/pictures/shoe", data=JPEG) == (404, "not_found")


async def test_a_house_without_the_means_says_so(house: House) -> None:
    """The pictures are kept, and the verdict is refused by name."""
    app, path, _ = await opened(house)
    _, told = await app.request("POST", path, json=CONSENT)
    for what in ("card", "still"):
        await app.request("POST", f"{path}/{told['check']}/pictures/{what}", data=JPEG)
    verdict = f"{path}/{told['check']}/verdict"
    assert await refused(app, "POST", verdict) == (422, "not_available")


async def test_whom_a_list_names_goes_to_an_agent() -> None:
    """His face was right, and another picture would not help; the journal says why, the app is not told."""
    listed = FakeList(frozenset({"listed"}))
    whole = equipped(FakeDocuments(), FakeLive(), FakeMessenger())
    equipment = replace(whole, external={"refused": listed}, screening=("refused",))
    async with open_house(equipment=equipment) as house:
        app, path, _ = await opened(house, name="listed")
        assert await tried(app, path) == {"word": "agent_helps", "left": 2}
        facts = house.facts(CaseId(path.split("/")[3]))
        assert [fact.verdict for fact in facts if isinstance(fact, SelfChecked)] == [CheckVerdict.REVIEW]
        assert [fact.verdict for fact in facts if isinstance(fact, ExternalAnswered)] == [FAILED]
        app, path, _ = await opened(house, "c-2", name="clean")
        assert (await tried(app, path))["word"] == "thanks"
        assert listed.asked == ["listed", "clean"]


async def test_an_app_that_lost_its_place_finds_it() -> None:
    """The result names the open try, which goes on as if nothing had been."""
    async with open_house(equipment=equipped(FakeDocuments(), FakeLive(), FakeMessenger())) as house:
        app, path, _ = await opened(house)
        _, told = await app.request("POST", path, json=CONSENT)
        _, result = await app.request("GET", path)
        assert (result["check"], result["tries"]) == (told["check"], 1)
        await ended(app, f"{path}/{result['check']}")
        _, result = await app.request("GET", path)
        assert (result["check"], result["self_check"]) == (None, "passed")


async def test_one_request_at_a_time_for_a_customer() -> None:
    """Many at once are not many looks at one try, nor more tries than there are."""
    documents = FakeDocuments([FAILED] * 9)
    async with open_house(equipment=equipped(documents, FakeLive(), FakeMessenger())) as house:
        app, path, _ = await opened(house)
        _, other, _ = await opened(house)
        begun = await gather(*(app.request("POST", each, json=CONSENT) for each in (path, other, path)))
        assert sorted(status for status, _ in begun) in ([201, 409, 429], [201, 429, 429], [201, 201, 409])
        names = [house.names(CaseId(each.split("/")[3])).count("SelfCheckStarted") for each in (path, other)]
        assert sum(names) == sum(status == 201 for status, _ in begun)
