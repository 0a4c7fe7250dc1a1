"""Self-service over REST: a check without an agent, then with one, and back: one case throughout."""

import asyncio
from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pytest

from contract import wire
from contract.facts import CaseAdvanced, ConsentGiven, Entry
from contract.identity_facts import (
    Decided,
    DocumentJudged,
    DocumentRead,
    ExternalAnswered,
    PortraitsCompared,
    SelfChecked,
    SelfCheckStarted,
)
from contract.identity_ports import DocumentFinding, ExternalAnswer, PortraitsFinding, Subject
from contract.ids import CaseId, new_check_id
from contract.phases import AccountClass, CasePhase, CheckVerdict
from kyc.decision import ClassRule, DecisionRules, Need, decide
from signaling.equipment import Equipment
from tests.signaling.asking import person, refused
from tests.signaling.equipped import FakeDocuments, FakeList, FakeLive, FakeMessenger, equipped
from tests.signaling.house import JPEG, Browser, House, open_house, until

CONSENT = {"text_version": "app-1", "return_to": "bank://face"}
FAILED, PASSED, REVIEW = CheckVerdict.FAILED, CheckVerdict.PASSED, CheckVerdict.REVIEW
# A bank that opens class III by card and face alone.
ALONE = DecisionRules(
    policy="alone",
    version=1,
    needs=(Need("living", (("gestures",),)),),
    classes=(ClassRule(AccountClass.III, ()),),
    self_service=(Need("document", (("document",),)), Need("face", (("portraits",),))),
)


def alone(documents: FakeDocuments, rules: DecisionRules = ALONE) -> Equipment:
    """Return the equipment of a bank that decides by these rules."""

    def decided(entries: Sequence[Entry]) -> Decided:
        return decide((entry.fact for entry in entries), rules)

    return replace(equipped(documents, FakeLive(), FakeMessenger()), decide=decided)


def told_of(house: House, path: str) -> list[tuple[CheckVerdict, int, str]]:
    """Return what the journal says of the tries that are over."""
    facts = house.facts(CaseId(path.split("/")[3]))
    return [(fact.verdict, fact.left, fact.reason) for fact in facts if isinstance(fact, SelfChecked)]


async def opened(house: House, ref: str = "c-1") -> tuple[Browser, str, str]:
    """Return the app, the path of its case's checks, and the customer's ticket."""
    app = await person(house, "anna")
    _, told = await app.request("POST", "/api/cases", json={"customer_ref": ref, "customer_name": ""})
    return app, f"/api/cases/{told['case']}/self-checks", told["ticket"]


async def tried(app: Browser, path: str) -> dict[str, Any]:
    """Make a whole try; return what the app is told of it."""
    status, told = await app.request("POST", path, json=CONSENT)
    assert status == 201, told
    return await ended(app, f"{path}/{told['check']}")


async def sent(app: Browser, attempt: str) -> None:
    """Send the pictures of a try that is open."""
    for what in ("card", "card_back", "still", "reference"):
        status, body = await app.request("POST", f"{attempt}/pictures/{what}", data=JPEG)
        assert status == 201, body


async def ended(app: Browser, attempt: str) -> dict[str, Any]:
    """Send the pictures of a try that is open; return what the app is told of it."""
    await sent(app, attempt)
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
        # Read once, when an agent is named: both sides, and judged.
        assert [
            sum(isinstance(fact, kind) for fact in entered) for kind in (DocumentRead, DocumentJudged)
        ] == [
            2,
            1,
        ]
        assert await refused(app, "POST", path, json=CONSENT) == (409, "wrong_phase")
        _, result = await app.request("GET", path)
        assert result == {
            "phase": CasePhase.PRE_CALL, "tries": 3, "check": None, "self_check": "failed", "return_to": "bank://face",
            "outcome": None, "account_class": None,
        }  # fmt: skip


async def test_a_customer_who_passes_needs_no_agent() -> None:
    """Where the pack says what suffices: read, compared and decided, each of which stands in the journal."""
    async with open_house(equipment=alone(FakeDocuments())) as house:
        app, path, _ = await opened(house)
        assert await tried(app, path) == {"word": "thanks", "left": 2}
        case = CaseId(path.split("/")[3])
        facts = house.facts(case)
        assert [fact.text_version for fact in facts if isinstance(fact, ConsentGiven)] == ["app-1"]
        assert [fact.attempt for fact in facts if isinstance(fact, SelfCheckStarted)] == [1]
        assert sum(isinstance(fact, DocumentRead) for fact in facts) == 2
        assert [fact.verdict for fact in facts if isinstance(fact, DocumentJudged)] == [PASSED]
        (decided,) = [fact for fact in facts if isinstance(fact, Decided)]
        assert (decided.verdict, decided.reasons) == (PASSED, ("self_service",))
        names = house.names(case)
        assert names.index("Decided") < names.index("SelfChecked") < names.index("MergeQueued")
        assert told_of(house, path) == [(PASSED, 2, "")]
        assert house.cases.rows[case].phase is CasePhase.AGENT_DONE
        assert house.jobs.kinds(case) == ["merge"]
        assert await refused(app, "POST", path, json=CONSENT) == (409, "wrong_phase")


@pytest.mark.parametrize(
    "equipment",
    [
        alone(FakeDocuments(), replace(ALONE, self_service=())),
        alone(FakeDocuments(), replace(ALONE, self_service=(Need("living", (("passive",),)),))),
        replace(alone(FakeDocuments()), decide=None),
    ],
)
async def test_a_photograph_alone_opens_no_account(equipment: Equipment) -> None:
    """Card and face agree, but nobody saw a living person: without the pack's word an agent goes on."""
    async with open_house(equipment=equipment) as house:
        app, path, ticket = await opened(house)
        assert await tried(app, path) == {"word": "agent_helps", "left": 0}
        case = CaseId(path.split("/")[3])
        assert told_of(house, path) == [(REVIEW, 0, "decision")]
        assert house.cases.rows[case].phase is CasePhase.CREATED
        assert house.jobs.kinds(case) == []
        page = await house.browser()
        await page.hello(ticket=ticket)
        assert house.cases.rows[case].phase is CasePhase.PRE_CALL


@pytest.mark.parametrize("found", [FAILED, REVIEW])
async def test_a_document_in_doubt_is_tried_again(found: CheckVerdict) -> None:
    """The face was right; the card was not, or could not be read. The next try stands for itself."""
    async with open_house(equipment=alone(FakeDocuments(documents=[found]))) as house:
        app, path, _ = await opened(house)
        assert await tried(app, path) == {"word": "again", "left": 2}
        assert told_of(house, path) == [(found, 2, "document")]
        assert (await tried(app, path))["word"] == "thanks"


@pytest.mark.parametrize(("kept", "status"), [("both", 200), ("check", 409), ("decision", 409)])
async def test_an_auditor_signs_off_what_no_agent_saw(kept: str, status: int) -> None:
    """Self-service takes a check and a decision that passed, whoever moved the case."""
    documents = FakeDocuments([] if kept != "decision" else [FAILED])
    whole = alone(documents)
    equipment = whole if kept != "check" else replace(whole, decide=None)
    async with open_house(equipment=equipment) as house:
        app, path, _ = await opened(house)
        await tried(app, path)
        case = CaseId(path.split("/")[3])
        if kept == "check":
            await house.journal.append(case, SelfChecked(new_check_id(), PASSED, 2))
        elif kept == "decision":
            await house.journal.append(case, decide([], replace(ALONE, needs=(), self_service=())))
        await house.journal.append(case, CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.UNDER_AUDIT))
        auditor = await person(house, "audrey")
        body = {"verdict": "approved", "reason": "the pictures agree"}
        answered, _ = await auditor.request("POST", f"/api/cases/{case}/verdict", json=body)
        assert answered == status


async def test_tries_count_over_all_cases() -> None:
    """A fresh case is no fresh luck; after a day there is one again."""
    async with open_house(equipment=alone(FakeDocuments([FAILED] * 3))) as house:
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


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "javascript://bank/%0aalert(1)", "data:text/html,x", "http://bank.example/",
     "//bank", "/here", "other://face", "https:", "https://[", "file:///etc"],
)  # fmt: skip
async def test_the_way_back_is_the_banks(address: str, house: House) -> None:
    """HTTPS or the app's own scheme; nothing a browser would run, and nothing is begun."""
    app, path, _ = await opened(house)
    body = CONSENT | {"return_to": address}
    assert await refused(app, "POST", path, json=body) == (422, "return_to")
    assert "SelfCheckStarted" not in house.names(CaseId(path.split("/")[3]))
    for fine in ("https://bank.example/face", ""):
        assert (await app.request("POST", path, json=CONSENT | {"return_to": fine}))[0] in {201, 409}


async def test_a_house_without_the_means_says_so(house: House) -> None:
    """The pictures are kept, and the verdict is refused by name."""
    app, path, _ = await opened(house)
    _, told = await app.request("POST", path, json=CONSENT)
    for what in ("card", "still"):
        await app.request("POST", f"{path}/{told['check']}/pictures/{what}", data=JPEG)
    verdict = f"{path}/{told['check']}/verdict"
    assert await refused(app, "POST", verdict) == (422, "not_available")


async def test_more_cases_than_anybody_remembers_are_counted() -> None:
    """Cases that were only opened push no try out of what is counted."""
    async with open_house(equipment=alone(FakeDocuments([FAILED] * 3))) as house:
        app, path, _ = await opened(house)
        for left in (2, 1, 0):
            assert (await tried(app, path))["left"] == left
        for _ in range(25):
            app, path, _ = await opened(house)
        assert await refused(app, "POST", path, json=CONSENT) == (429, "checks_used_up")


@pytest.mark.parametrize(
    ("external", "screening"),
    [
        ({"refused": FakeList(frozenset({"listed"}))}, ("refused",)),
        ({"refused": FakeList(broken=True)}, ("refused",)),
        ({}, ("refused",)),
        ({"first": FakeList(), "refused": FakeList(broken=True)}, ("first", "refused")),
    ],
)
async def test_only_a_clean_answer_of_every_list_lets_pass(
    external: dict[str, FakeList], screening: tuple[str, ...]
) -> None:
    """A list that names the customer, gives no answer or is not there hands him to an agent."""
    equipment = replace(alone(FakeDocuments(name="listed")), external=external, screening=screening)
    async with open_house(equipment=equipment) as house:
        app, path, _ = await opened(house)
        assert await tried(app, path) == {"word": "agent_helps", "left": 0}
        assert told_of(house, path) == [(REVIEW, 0, "screening")]
        assert house.cases.rows[CaseId(path.split("/")[3])].phase is CasePhase.CREATED


async def test_a_hit_is_told_like_tries_that_are_used_up() -> None:
    """By the answer, by the next try, and by another case; who is on no list passes."""
    listed = FakeList(frozenset({"listed"}))
    documents = FakeDocuments(name="listed")
    equipment = replace(alone(documents), external={"refused": listed}, screening=("refused",))
    async with open_house(equipment=equipment) as house:
        app, on_list, _ = await opened(house)
        hit = await tried(app, on_list)
        _, used_up, _ = await opened(house, "c-2")
        documents.verdicts[:] = [FAILED] * 3
        last = [await tried(app, used_up) for _ in range(3)][-1]
        assert hit == last == {"word": "agent_helps", "left": 0}
        for path, ref in ((on_list, "c-1"), (used_up, "c-2")):
            _, fresh, _ = await opened(house, ref)
            for one in (path, fresh):
                assert await refused(app, "POST", one, json=CONSENT) == (429, "checks_used_up")
        documents.name = "clean"
        app, path, _ = await opened(house, "c-3")
        assert (await tried(app, path))["word"] == "thanks"
        facts = house.facts(CaseId(path.split("/")[3]))
        assert [fact.verdict for fact in facts if isinstance(fact, ExternalAnswered)] == [PASSED]
        assert listed.asked == ["listed", "clean"]


@dataclass
class Slow(FakeDocuments):
    """Waits at ``where``: for ever, or until it is let ``go``."""

    where: str = ""
    came: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def _wait(self, where: str) -> None:
        if where == self.where:
            self.came.set()
            await self.go.wait()

    async def read_document(self, data: bytes, on: date) -> DocumentFinding:
        await self._wait("document")
        return await super().read_document(data, on)

    async def compare_portraits(
        self, card: bytes, stills: Sequence[bytes], reference: bytes | None, video: bytes | None = None
    ) -> PortraitsFinding:
        await self._wait("portraits")
        return await super().compare_portraits(card, stills, reference)


class SilentList(FakeList):
    """Answers nobody, ever."""

    async def ask(self, subject: Subject) -> ExternalAnswer:
        await asyncio.Event().wait()
        return await super().ask(subject)


@pytest.mark.parametrize("where", ["portraits", "document"])
async def test_models_that_hang_are_a_doubt(where: str) -> None:
    """The try ends within a command's limit, the journal says why, and the customer may try again."""
    documents = Slow(where=where)
    async with open_house(equipment=alone(documents), command_s=0.2) as house:
        app, path, _ = await opened(house)
        assert await tried(app, path) == {"word": "again", "left": 2}
        assert told_of(house, path) == [(REVIEW, 2, "timeout")]
        documents.go.set()
        assert (await tried(app, path))["word"] == "thanks"


async def test_a_list_that_hangs_is_a_doubt() -> None:
    """As one that gave no answer."""
    equipment = replace(alone(FakeDocuments()), external={"refused": SilentList()}, screening=("refused",))
    async with open_house(equipment=equipment, command_s=0.2) as house:
        app, path, _ = await opened(house)
        assert await tried(app, path) == {"word": "agent_helps", "left": 0}
        assert told_of(house, path) == [(REVIEW, 0, "screening")]


async def test_app_and_link_do_not_both_take_the_case() -> None:
    """The link waits for the verdict that is under way, and finds the case closed; no seat is taken."""
    documents = Slow(where="portraits")
    async with open_house(equipment=alone(documents)) as house:
        app, path, ticket = await opened(house)
        case = CaseId(path.split("/")[3])
        _, told = await app.request("POST", path, json=CONSENT)
        attempt = f"{path}/{told['check']}"
        await sent(app, attempt)
        page = await house.browser()
        verdict = asyncio.create_task(app.request("POST", f"{attempt}/verdict"))
        await documents.came.wait()
        await page.connect()
        await page.send(wire.Hello(wire.VERSION, ticket=ticket))
        await until(lambda: "" if house.ledger.used else "the ticket's use")
        documents.go.set()
        assert (await verdict)[1]["word"] == "thanks"
        await page.closed("ticket_used", 1008)
        moved = [(fact.was, fact.now) for fact in house.facts(case) if isinstance(fact, CaseAdvanced)]
        assert moved == [(CasePhase.CREATED, CasePhase.AGENT_DONE)]
        assert "TicketRedeemed" not in house.names(case)


async def test_an_app_that_lost_its_place_finds_it() -> None:
    """The result names the open try, which goes on as if nothing had been."""
    async with open_house(equipment=alone(FakeDocuments())) as house:
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
