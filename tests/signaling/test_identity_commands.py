"""A whole call with identity checks: from the console through the ports to the journal, and the decision."""

from dataclasses import replace

from contract import wire
from contract.errors import StorageError
from contract.facts import EvidenceStored, FacesCompared, MergeQueued
from contract.identity_facts import (
    AccountsCounted,
    ChallengeEnded,
    ChecksLocked,
    CodeSent,
    CodeTried,
    Decided,
    DocumentJudged,
    DocumentRead,
    ExternalAnswered,
    LightMeasured,
    LivenessMeasured,
    LivenessStarted,
    PortraitsCompared,
    QuestionDrawn,
)
from contract.identity_ports import Claim, LivenessRun
from contract.ids import AccountId, CaseId, EvidenceId, new_call_id, new_case_id, new_check_id, new_seat_id
from contract.phases import (
    CheckVerdict,
    CheckWord,
    CodeChannel,
    EvidenceKind,
    FeatureCategory,
    FeatureSeen,
    LivenessKind,
    Outcome,
    TiltEnd,
)
from contract.worksheet import DocumentFeatures, Feature, Worksheet
from contract.worksheet_facts import FeatureTicked, TiltEnded, TiltMeasured
from signaling.identity_commands import unmeasured
from signaling.identity_journal import stills_of_call
from signaling.identity_plan import IdentityPlan
from signaling.questions import Question
from signaling.settings import DEFAULT_PLAN
from tests.signaling.equipped import FakeDocuments, FakeList, FakeLive, FakeMessenger, FakeRegistry, equipped
from tests.signaling.house import JPEG, Browser, House, open_house, until

QUESTION = Question("payment", "{day}？", "On {day}?", "transactions")
PLAN = replace(DEFAULT_PLAN, identity=IdentityPlan((QUESTION,), 1))


async def call_of(house: House, ref: str) -> tuple[Browser, Browser, CaseId]:
    """Return page and console of an active call of this customer."""
    console = await house.ready_agent()
    body = {"customer_name": "王小明", "customer_ref": ref}
    _, told = await console.request("POST", "/api/cases", json=body)
    page = await house.browser()
    await page.hello(ticket=told["ticket"])
    await page.send(wire.Consent(True, True, True, house.settings.consent_version, "zh-CN"))
    await page.send(wire.JoinQueue())
    place = await page.wait(wire.QueuePosition)
    await page.send(wire.Offer(place.call, "v=0 customer"))
    await page.wait(wire.Answer)
    await house.answer(console, place.call)
    await console.state(lambda state: state.kyc_unlocked)
    return page, console, CaseId(told["case"])


async def pictures(house: House, page: Browser, console: Browser) -> tuple[EvidenceId, EvidenceId]:
    """Return card and still, as the page sent them."""
    card = await house.still(page, console, EvidenceKind.ID_CARD)
    still = await house.still(page, console, EvidenceKind.FACE_STILL)
    return EvidenceId(card["evidence"]), EvidenceId(still["evidence"])


async def test_every_check_leaves_its_facts() -> None:  # noqa: PLR0915  one story, told once
    """Read, compared, asked, texted, watched; decided at the end, and nothing of it on the page."""
    documents, live, messenger = FakeDocuments(), FakeLive(), FakeMessenger()
    async with open_house(equipment=equipped(documents, live, messenger), plan=PLAN) as house:
        page, console, case = await call_of(house, "c-1")
        card, still = await pictures(house, page, console)
        await console.send(wire.ReadDocument(card))
        read = await house.noted(case, DocumentRead)
        await house.noted(case, DocumentJudged)
        assert isinstance(read, DocumentRead)
        assert read.picture is not None
        assert documents.judged == [([{"name": "王小明"}], {"name": "王小明"})]
        await console.send(wire.CorrectField(read.check, "name", "王小名"))
        await console.send(wire.ComparePortraits(card, still))
        compared = await house.noted(case, PortraitsCompared)
        assert isinstance(compared, PortraitsCompared)
        assert compared.portrait is not None
        await console.send(wire.AskExternal("registry"))
        answered = await house.noted(case, ExternalAnswered)
        assert isinstance(answered, ExternalAnswered)
        assert answered.matched == ("name",)
        await console.send(wire.DrawQuestion())
        drawn = await house.noted(case, QuestionDrawn)
        assert isinstance(drawn, QuestionDrawn)
        assert (drawn.pii_en, drawn.pii_expected) == ("On 2026-11-03?", "超市 -12.50")
        await until(lambda: "" if ("question_put", drawn.check) in live.told else "the question")
        await console.send(wire.JudgeQuestion(drawn.check, CheckVerdict.PASSED))
        await until(lambda: "" if ("question_judged", drawn.check) in live.told else "its verdict")
        # The still is held against whom the video of this call shows.
        assert documents.videos == [f"template of {compared.call}".encode()]
        await console.send(wire.SendCode(CodeChannel.SMS))
        wanted = await page.wait(wire.CodeWanted)
        ((_, to, text),) = messenger.texts
        assert to == "13812345678"
        code = next(word for word in text.replace("，", " ").split() if word.isdecimal() and len(word) == 6)
        await page.send(wire.EnterCode(wanted.check, code))
        assert (await page.wait(wire.CheckOver)).word is CheckWord.THANKS
        sent = await house.noted(case, CodeSent)
        assert isinstance(sent, CodeSent)
        assert sent.pii_to_masked == "138****5678"
        assert await house.noted(case, CodeTried) == CodeTried(sent.call, sent.check, True, 0)
        assert not any(code in repr(fact) for fact in house.facts(case))
        await page.send(wire.CameraClaim("front", "user", 640, 480, 30.0))
        await console.send(wire.StartLiveness(LivenessKind.GESTURES))
        asked = await page.wait(wire.ChallengeWanted)
        await page.send(wire.ChallengeReady(asked.check))
        await until(lambda: "" if ("ready, heard", asked.check) in live.told else "ready")
        await page.send(wire.ChallengeDeclined(asked.check))
        await until(lambda: "" if ("stop: declined", asked.check) in live.told else "declined")
        await house.journal.append(
            case, ChallengeEnded(compared.call or new_call_id(), asked.check, CheckVerdict.REVIEW, "declined")
        )
        assert (await page.wait(wire.CheckOver)).word is CheckWord.AGENT_HELPS
        await house.finish(console, Outcome.FAILED)
        assert await house.noted(case, Decided) == Decided(
            CheckVerdict.REVIEW, None, (), ("agent_passed",), "test", 1, str(_decided_after(house, case))
        )
        await house.noted(case, MergeQueued)
        names = house.names(case)
        assert names.index("AccountsCounted") < names.index("Decided") < names.index("MergeQueued")
        words = [word for word, _ in live.told]
        assert (words[0], words[-1]) == ("watch", "close")
        assert {"claims", "start", "ready, heard"} <= set(words)
        shown = {message.entry.name for message in page.messages if isinstance(message, wire.FactNoted)}
        assert not shown & {"DocumentRead", "PortraitsCompared", "CodeSent", "ExternalAnswered", "Decided"}


def _decided_after(house: House, case: CaseId) -> int:
    return house.names(case).index("Decided")


async def test_what_cannot_be_done_is_said() -> None:
    """No address, no movement, no source, no models: each by its word, and the console goes on."""
    live = FakeLive(broken=True)
    async with open_house(equipment=equipped(FakeDocuments(), live, FakeMessenger()), plan=PLAN) as house:
        _, console, case = await call_of(house, "c-2")
        assert await console.refused(wire.SendCode(CodeChannel.SMS)) == "no_address"
        assert await console.refused(wire.DrawQuestion()) == "no_transactions"
        assert await console.refused(wire.DrawQuestion()) == "no_questions"
        assert await console.refused(wire.AskExternal("moon")) == "no_such_service"
        assert await console.refused(wire.StartLiveness(LivenessKind.LIGHT)) == "not_available"
        ended = await house.noted(case, LightMeasured)
        assert isinstance(ended, LightMeasured)
        assert (ended.verdict, ended.reason) == (CheckVerdict.REVIEW, "not_available")
        await house.noted(case, LivenessStarted)


async def test_the_lists_are_asked_before_the_decision() -> None:
    """Each once, whoever asked it; one that gives no answer keeps nobody, and is for the decision to miss."""
    mine, theirs, broken = FakeList(), FakeList(), FakeList(broken=True)
    equipment = replace(
        equipped(FakeDocuments(), FakeLive(), FakeMessenger()),
        external={"mine": mine, "theirs": theirs, "broken": broken},
        screening=("mine", "broken", "theirs", "moon"),
    )
    async with open_house(equipment=equipment, plan=PLAN) as house:
        _, console, case = await call_of(house, "c-1")
        await console.send(wire.AskExternal("theirs"))
        await house.noted(case, ExternalAnswered)
        await house.finish(console, Outcome.FAILED)
        await house.noted(case, Decided)
        assert (mine.asked, theirs.asked, broken.asked) == (["王小明"], ["王小明"], ["王小明"])
        answered = [fact.service for fact in house.facts(case) if isinstance(fact, ExternalAnswered)]
        assert answered == ["theirs", "mine"]
        names = house.names(case)
        assert names.index("AgentDecided") < names.index("ExternalAnswered", names.index("AgentDecided"))
        assert names[-1] != "ExternalAnswered"
        assert names.index("AccountsCounted") > len(names) - 1 - names[::-1].index("ExternalAnswered")


async def test_the_newest_live_pictures_of_a_call_are_looked_at() -> None:
    """Three at most; the best of them stands in the fact, with what each is good for. A picture of
    self-service is compared alone."""
    documents = FakeDocuments()
    equipment = equipped(documents, FakeLive(), FakeMessenger())
    async with open_house(equipment=equipment, plan=PLAN) as house:
        page, console, case = await call_of(house, "c-1")
        card, first = await pictures(house, page, console)
        later = [
            EvidenceId((await house.still(page, console, EvidenceKind.FACE_STILL))["evidence"]) for _ in "abc"
        ]
        await console.send(wire.ComparePortraits(card, later[2]))
        found = await house.noted(case, PortraitsCompared)
        assert isinstance(found, PortraitsCompared)
        assert [one.evidence for one in found.stills] == [later[2], later[1], later[0]]
        assert [one.quality.rank for one in found.stills] == [0, 2, 1]
        assert (found.still, found.frames) == (later[0], 2)
    call = found.call
    assert call is not None
    entries = house.journal.entries[case]
    assert stills_of_call(entries, call, first) == (first, later[2], later[1])
    assert stills_of_call(entries, new_call_id(), first) == (first,)
    assert stills_of_call(entries, call, card) == (card,)


async def test_what_a_source_says_is_held_against_the_document() -> None:
    """Told at the desk alone; it is judged again where that changes something, and where it was judged."""
    documents, registry = FakeDocuments(), FakeRegistry("王小朋")
    equipment = replace(
        equipped(documents, FakeLive(), FakeMessenger()), external={"registry": registry, "list": FakeList()}
    )
    async with open_house(equipment=equipment, plan=PLAN) as house:
        page, console, case = await call_of(house, "c-1")
        await console.send(wire.AskExternal("registry"))
        said = await house.noted(case, ExternalAnswered)
        assert isinstance(said, ExternalAnswered)
        assert (said.pii_asked_name, said.pii_asked_number, said.pii_name) == ("王小明", "", "王小朋")
        assert not documents.judged
        card, _ = await pictures(house, page, console)
        await console.send(wire.ReadDocument(card))
        await house.noted(case, DocumentJudged)
        assert documents.claims == (Claim("王小明", "", "王小朋", ""),)
        await console.send(wire.AskExternal("list"))
        await until(lambda: "" if len(documents.judged) == 2 else "the second judgement")
        assert house.names(case).count("DocumentJudged") == 1
        documents.documents.append(CheckVerdict.FAILED)
        registry.name = "王小明"
        await console.send(wire.AskExternal("registry"))
        await until(lambda: "" if house.names(case).count("DocumentJudged") == 2 else "the new one")
        read, *_, again = [one for one in house.facts(case) if isinstance(one, DocumentRead | DocumentJudged)]
        failures = ("back_missing",)
        assert again == DocumentJudged(said.call, read.check, CheckVerdict.FAILED, failures, ())
        assert documents.claims[0] == Claim("王小明", "", "王小明", "")
        shown = {message.entry.name for message in page.messages if isinstance(message, wire.FactNoted)}
        assert not shown & {"ExternalAnswered", "DocumentJudged"}


async def test_tries_of_another_case_count_while_a_call_goes_on() -> None:
    """What the customer used up elsewhere after this call began is used up here; a stranger's is not."""
    used_up = {"document": 1, "portraits": 1, "code": 1, "gestures": 1}
    plan = replace(PLAN, identity=replace(PLAN.identity, tries=used_up))
    equipment = equipped(FakeDocuments(), FakeLive(), FakeMessenger())
    async with open_house(equipment=equipment, plan=plan) as house:
        page, console, case = await call_of(house, "c-1")
        card, still = await pictures(house, page, console)
        for ref, wanted in (("c-2", "accepted"), ("c-1", "refused")):
            _, told = await console.request(
                "POST", "/api/cases", json={"customer_name": "王小明", "customer_ref": ref}
            )
            await tried_elsewhere(house, CaseId(told["case"]), card, still)
            if wanted == "accepted":
                await console.send(wire.ReadDocument(card))
                await house.noted(case, DocumentRead)
        for message in (wire.ComparePortraits(card, still), wire.MatchFaces(card, still)):
            assert await console.refused(message) == "checks_used_up"
        assert await console.refused(wire.SendCode(CodeChannel.SMS)) == "checks_used_up"
        assert await console.refused(wire.StartLiveness(LivenessKind.GESTURES)) == "checks_used_up"
        ended = await house.noted(case, ChallengeEnded)
        assert isinstance(ended, ChallengeEnded)
        assert (ended.verdict, ended.reason) == (CheckVerdict.REVIEW, "checks_used_up")
        assert not {"PortraitsCompared", "FacesCompared", "CodeSent"} & {*house.names(case)}
        locks = [fact for fact in house.facts(case) if isinstance(fact, ChecksLocked)]
        assert {lock.kind for lock in locks} == used_up.keys()
        assert [lock.kind for lock in locks].count("portraits") == 1


async def tried_elsewhere(house: House, case: CaseId, card: EvidenceId, still: EvidenceId) -> None:
    """Use up one try of each kind in ``case``."""
    call, check, review = new_call_id(), new_check_id(), CheckVerdict.REVIEW
    facts = (
        FacesCompared(check, card, still, None, "", "", "", 0.0, 0.0, 0.0, review, "", AccountId("acct-a")),
        CodeSent(call, check, CodeChannel.SMS, "", 0.0, 3, ""),
        LivenessStarted(call, check, LivenessKind.GESTURES, 1, False, AccountId("acct-a")),
    )
    for fact in facts:
        await house.journal.append(case, fact)


def test_every_kind_has_an_end_without_a_measurement() -> None:
    """In doubt, with the reason."""
    for kind, cls in (
        (LivenessKind.PASSIVE, LivenessMeasured),
        (LivenessKind.GESTURES, ChallengeEnded),
        (LivenessKind.LIGHT, LightMeasured),
    ):
        run = LivenessRun(new_case_id(), new_call_id(), new_seat_id(), new_check_id(), kind)
        fact = unmeasured(run, StorageError.default_code)
        assert isinstance(fact, cls)
        assert (fact.check, fact.verdict, fact.reason) == (run.check, CheckVerdict.REVIEW, "storage")
    assert AccountsCounted(()).counts == ()


async def tilted(house: House, page: Browser, console: Browser) -> wire.TiltWanted:
    """Ask for a burst, and let the page send it."""
    await console.send(wire.RequestTilt(EvidenceKind.ID_CARD))
    wanted = await page.wait(wire.TiltWanted)
    assert page.welcome is not None
    for picture in wanted.pictures:
        status, _ = await page.request(
            "POST",
            f"/api/cases/{page.welcome.case}/stills/{picture}",
            data=JPEG,
            headers={"Authorization": f"Bearer {page.welcome.upload}", "Content-Type": "image/jpeg"},
        )
        assert status == 201
    await page.send(wire.TiltOver(wanted.check, TiltEnd.DONE))
    return wanted


async def test_a_burst_is_stored_measured_and_ticked() -> None:
    """From the console to the phone and back; a house that reads no documents takes it as well."""
    wall = Feature("wall", FeatureCategory.OPTICAL, "长城", "Great Wall")
    sheet = Worksheet(1, (DocumentFeatures(EvidenceKind.ID_CARD, (wall,)),), 8)
    plan = replace(PLAN, identity=replace(PLAN.identity, worksheet=sheet))
    documents = FakeDocuments()
    for equipment in (equipped(documents, FakeLive(), FakeMessenger()), None):
        async with open_house(equipment=equipment, plan=plan) as house:
            page, console, case = await call_of(house, "c-1")
            wanted = await tilted(house, page, console)
            await house.noted(case, TiltEnded)
            stored = [fact.evidence for fact in house.facts(case) if isinstance(fact, EvidenceStored)]
            assert stored == list(wanted.pictures)
            if equipment is not None:
                measured = await house.noted(case, TiltMeasured)
                assert isinstance(measured, TiltMeasured)
                assert (measured.check, measured.cards) == (wanted.check, 8)
                assert [place.evidence for place in measured.places] == [wanted.pictures[-1]]
                assert documents.tilted == [(JPEG,) * 8]
            await console.send(
                wire.TickFeature(EvidenceKind.ID_CARD, "wall", wanted.pictures[0], FeatureSeen.SEEN)
            )
            await house.noted(case, FeatureTicked)
            shown = {message.entry.name for message in page.messages if isinstance(message, wire.FactNoted)}
            assert not shown & {"TiltRequested", "TiltMeasured", "FeatureTicked"}
            names = house.names(case)
            assert names.index("TiltRequested") < names.index("TiltEnded") < names.index("FeatureTicked")
