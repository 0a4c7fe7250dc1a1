"""Self-service on a real server: the bank's app checks a face, an agent takes over, and back; one case."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from contract import facts, wire
from contract.errors import UserError
from contract.fact import Fact
from contract.identity_facts import (
    CodeTried,
    Decided,
    DocumentRead,
    ExternalAnswered,
    LivenessMeasured,
    LivenessStarted,
    PortraitsCompared,
    QuestionDrawn,
    QuestionJudged,
)
from contract.ids import CaseId, CheckId, EvidenceId
from contract.phases import CallPhase, CheckVerdict, CheckWord, CodeChannel, LivenessKind, Outcome, StepResult
from teller.demo.caller import Caller, Rest
from teller.demo.card import Issue, cut_portrait, photograph, render_back, render_card, specimen
from teller.demo.data import FPS, PASSWORD, STILL_SIZE, VIDEO_SIZE
from teller.demo.peer import WebRtcPeer
from teller.demo.pictures import FaceVideo, astronaut, jpeg, other_person
from teller.demo.sound import Speaker, Voice
from teller.policy import FOLDER
from tests.e2e.people import agent_ready
from tests.e2e.received import until
from tests.e2e.server import Server, running

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]

RETURN = "https://app.bank.example/open-account/face"
# In the demo bank's books; the phone number is there too.
KNOWN = "demo"
# The specimen was 68 then, and from 46 on a card has no end.
ISSUE = Issue("北京市公安局", date(2018, 3, 1), None)


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory, pack_settings: dict[str, str]) -> Iterator[Server]:
    """Yield a server with made-up registries, books and texts, whose pack lets card and face pass alone."""
    folder = tmp_path_factory.mktemp("teller")
    pack = yaml.safe_load((FOLDER / "cn-account-opening.yaml").read_text("utf-8"))
    pack["decision"]["self_service"] = [
        {"id": check, "ways": [[check]], "source": "a made-up bank [M]"}
        for check in ("document", "portraits")
    ]
    alone = folder / "alone.yaml"
    alone.write_text(yaml.safe_dump(pack, allow_unicode=True), "utf-8")
    settings = {**pack_settings, "kyc.outside": "demo", "policy.pack": str(alone)}
    with running(Server(folder / "data", settings)) as server:
        yield server


@dataclass(frozen=True, slots=True)
class Pictures:
    """What the app sends."""

    card: bytes
    back: bytes
    still: bytes
    blurred: bytes
    other: bytes


@pytest.fixture(name="pictures", scope="module")
def _pictures() -> Pictures:
    own = FaceVideo(astronaut(), STILL_SIZE, FPS).frame(7)
    # What a smeared lens makes of a face of 500 pixels.
    soft = np.asarray(cv2.GaussianBlur(own, (0, 0), 14), np.uint8)
    return Pictures(
        photograph(render_card(cut_portrait(astronaut()), specimen())),
        photograph(render_back(ISSUE)),
        jpeg(own),
        jpeg(soft),
        jpeg(FaceVideo(other_person(1), STILL_SIZE, FPS).frame(7)),
    )


class App:
    """The bank's app: one customer's case over REST."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self.case = CaseId("-")
        self.ticket = ""

    async def open(self, customer_ref: str) -> "App":
        """Open a case."""
        body = {"customer_name": specimen().name, "customer_ref": customer_ref, "purpose": "open_account"}
        told = await self._rest.call("POST", "/api/cases", body=body)
        self.case, self.ticket = CaseId(told["case"]), told["ticket"]
        return self

    async def attempt(self, card: bytes, still: bytes, back: bytes = b"") -> Any:
        """Make a whole try; return what the app is told."""
        path = f"/api/cases/{self.case}/self-checks"
        begun = await self._rest.call("POST", path, body={"text_version": "app-7", "return_to": RETURN})
        for what, data in (("card", card), ("still", still), ("card_back", back)):
            if not data:
                continue
            kind = {"Content-Type": "image/jpeg"}
            await self._rest.call("POST", f"{path}/{begun['check']}/pictures/{what}", data=data, **kind)
        return await self._rest.call("POST", f"{path}/{begun['check']}/verdict")

    async def result(self) -> Any:
        """Return how the case stands."""
        return await self._rest.call("GET", f"/api/cases/{self.case}/self-checks")


@asynccontextmanager
async def bank_app(server: Server) -> AsyncIterator[App]:
    """Yield the app, logged in with an account of its own."""
    async with Rest(server.url) as rest:
        await rest.login("supervisor", PASSWORD)
        yield App(rest)


@asynccontextmanager
async def at_the_desk(server: Server, app: App, agent: Caller) -> AsyncIterator[Caller]:
    """Follow the case's own link into the queue and into a call with ``agent``; yield the customer."""
    picture, sound = FaceVideo(astronaut(), VIDEO_SIZE, FPS), Voice(Speaker.CUSTOMER)
    async with (
        Rest(server.url) as phone,
        Caller(phone, lambda servers: WebRtcPeer(picture, sound, ice_servers=servers)) as customer,
    ):
        welcome = await customer.connect(ticket=app.ticket)
        await customer.send(wire.Consent(True, True, False, welcome.consent_version, "zh-CN"))
        await customer.send(wire.JoinQueue())
        place = await customer.wait_for(wire.QueuePosition)
        await customer.prepare_media(place.call)
        ring = await agent.wait_for(wire.Ring, lambda m: m.case == app.case)
        await agent.prepare_media(ring.call)
        await agent.send(wire.Accept(ring.call))
        await agent.wait_for(wire.CallState, lambda m: m.kyc_unlocked)
        yield customer


async def settled(agent: Caller, step: str, answer: str = "") -> None:
    """Let the agent settle a step of the script by hand."""
    await agent.send(wire.MarkStep(step, StepResult.PASSED, answer))
    await agent.wait_for_fact(facts.StepMarked, lambda fact: fact.step == step)


async def questioned(agent: Caller) -> None:
    """Ask two questions, which the customer answers well."""
    asked: set[CheckId] = set()
    for _ in range(2):
        await agent.send(wire.DrawQuestion())
        drawn = await agent.wait_for_fact(QuestionDrawn, lambda fact: fact.check not in asked)
        asked.add(drawn.check)
        await agent.send(wire.JudgeQuestion(drawn.check, CheckVerdict.PASSED, "at once"))
        await agent.wait_for_fact(QuestionJudged, lambda fact, check=drawn.check: fact.check == check)  # type: ignore[misc]


async def texted(server: Server, customer: Caller, agent: Caller) -> None:
    """Send a code, which the customer enters as it came."""
    await agent.send(wire.SendCode(CodeChannel.SMS))
    wanted = await customer.wait_for(wire.CodeWanted)
    text = json.loads((server.data / "outbox.jsonl").read_text("utf-8").splitlines()[-1])["text"]
    code = next(word for word in text.replace("，", " ").split() if word.isdecimal() and len(word) == 6)
    await customer.send(wire.EnterCode(wanted.check, code))
    assert (
        await customer.wait_for(wire.CheckOver, lambda m: m.check == wanted.check)
    ).word is CheckWord.THANKS
    await agent.wait_for_fact(CodeTried, lambda fact: fact.right)


async def alive(agent: Caller) -> None:
    """Look whether a living person is there; what the models doubt in a drawn caller, the agent decides."""
    await agent.send(wire.StartLiveness(LivenessKind.PASSIVE))
    begun = await agent.wait_for_fact(LivenessStarted)
    ended = await agent.wait_for_fact(LivenessMeasured, lambda fact: fact.check == begun.check, seconds=90)
    if ended.verdict is not CheckVerdict.PASSED:
        await agent.send(wire.DecideChallenge(begun.check, CheckVerdict.PASSED, "talks with me"))


def of(agent: Caller, kind: type[Fact]) -> list[Any]:
    """Return the facts of this kind that the console knows, oldest first."""
    return [entry.fact for entry in agent.entries if isinstance(entry.fact, kind)]


def test_the_round_trip(server: Server, pictures: Pictures) -> None:
    """Three blurred tries, an agent who finds everything there and asks, and back where the app was left."""

    async def run() -> None:
        async with bank_app(server) as app, agent_ready(server.url) as agent:
            await app.open(KNOWN)
            for left, word in ((2, "again"), (1, "again"), (0, "agent_helps")):
                assert await app.attempt(pictures.card, pictures.blurred) == {"word": word, "left": left}
            with pytest.raises(UserError) as refused:
                await app.attempt(pictures.card, pictures.still)
            assert refused.value.code == "checks_used_up"
            before = await app.result()
            assert (before["phase"], before["tries"], before["return_to"]) == ("created", 3, RETURN)
            async with at_the_desk(server, app, agent) as customer:
                await identified(server, app, customer, agent)
                await agent.send(wire.Finish(Outcome.PASSED, "", ""))
                await agent.wait_for_fact(facts.AgentDecided)
                await customer.wait_for(wire.CallState, lambda m: m.phase is CallPhase.ENDED)
                decided = await agent.wait_for_fact(Decided)
                told = {
                    message.entry.name for message in customer.messages if isinstance(message, wire.FactNoted)
                }
                assert not told & {"PortraitsCompared", "Decided", "QuestionJudged", "ExternalAnswered"}
            after = await app.result()
        assert decided.verdict is CheckVerdict.PASSED, decided.reasons
        assert (after["outcome"], after["return_to"], after["tries"]) == ("passed", RETURN, 3)
        assert after["account_class"] == decided.account_class == "II"

    asyncio.run(run())


async def identified(server: Server, app: App, customer: Caller, agent: Caller) -> None:
    """Be sure of the customer by what self-service left, questions, a code and sources."""
    compared = of(agent, PortraitsCompared)
    assert [fact.call for fact in compared] == [None] * 3, "what was found before stands at the agent's desk"
    assert {fact.verdict for fact in compared} == {CheckVerdict.REVIEW}
    script = await agent.wait_for(wire.Script)
    entered = {step.id: step.state for step in script.steps}
    assert (entered["id_card"], entered["face_still"], entered["portraits"]) == ("passed", "passed", "review")
    card, still = EvidenceId(compared[-1].card), EvidenceId(compared[-1].still)
    (read,) = of(agent, DocumentRead)
    number = next(field.pii_value for field in read.fields if field.name == "number")
    assert (read.call, read.evidence, number) == (None, card, specimen().number), "nothing has to be typed"
    await settled(agent, "purpose", "daily")
    await agent.send(wire.CheckIdNumber(number))
    await agent.wait_for_fact(facts.IdNumberChecked)
    await agent.send(wire.MatchFaces(card, still))
    await agent.wait_for_fact(facts.FacesCompared)
    await questioned(agent)
    await texted(server, customer, agent)
    await alive(agent)
    await agent.send(wire.AskExternal("bound_card"))
    five = await agent.wait_for_fact(ExternalAnswered, lambda fact: fact.service == "bound_card")
    assert five.verdict is CheckVerdict.PASSED
    await settled(agent, "risk_notice")


async def signed_off(server: Server, case: CaseId) -> Any:
    """Let an auditor approve the record once it is archived; return the case's phase."""
    async with Rest(server.url) as auditor:
        await auditor.login("auditor", PASSWORD)
        path = f"/api/cases/{case}"

        async def handed_over() -> bool:
            return bool((await auditor.case(case))["case"]["phase"] == "under_audit")

        await until(handed_over, f"{case} is not archived", 60)
        assert (await auditor.case(case))["case"]["archived"]
        body = {"verdict": "approved", "reason": "the pictures agree"}
        return (await auditor.call("POST", f"{path}/verdict", body=body))["case"]["phase"]


@pytest.mark.models
def test_another_face_is_told_apart(server: Server, pictures: Pictures) -> None:
    """Who shows both sides and his own face passes without an agent; half of it or another face does not."""

    async def run() -> None:
        async with bank_app(server) as app:
            await app.open("c-own")
            passed = await app.attempt(pictures.card, pictures.still, pictures.back)
            assert passed == {"word": "thanks", "left": 2}, server.told(app.case, "DocumentJudged")
            assert [one["reasons"][0] for one in server.told(app.case, "Decided")] == ["self_service"]
            assert (await app.result())["self_check"] == "passed"
            lists = server.told(app.case, "ExternalAnswered")
            assert {(one["service"], one["verdict"]) for one in lists} == {
                ("sanctions", "passed"), ("negative_list", "passed"),
            }  # fmt: skip
            assert await signed_off(server, app.case) == "approved"
            await app.open("c-front")
            assert await app.attempt(pictures.card, pictures.still) == {"word": "again", "left": 2}
            judged = server.told(app.case, "DocumentJudged")
            assert [one["failures"] for one in judged] == [["back_missing"]]
            assert not server.told(app.case, "Decided")
            await app.open("c-other")
            assert await app.attempt(pictures.card, pictures.other) == {"word": "again", "left": 2}
            assert (await app.result())["self_check"] == "failed"
            assert not server.told(app.case, "ExternalAnswered")

    asyncio.run(run())


def test_a_case_of_self_service_outlives_the_server(server: Server, pictures: Pictures) -> None:
    """A try that a power cut broke into is no leftover: the app finds it open, and ends it."""

    async def begin() -> tuple[CaseId, Any]:
        async with bank_app(server) as app:
            await app.open("c-cut")
            path = f"/api/cases/{app.case}/self-checks"
            begun = await app._rest.call("POST", path, body={"text_version": "app-7", "return_to": RETURN})
            kind = {"Content-Type": "image/jpeg"}
            sent = f"{path}/{begun['check']}/pictures/card"
            await app._rest.call("POST", sent, data=pictures.card, **kind)
            return app.case, begun

    async def go_on(case: CaseId, begun: Any) -> None:
        async with bank_app(server) as app:
            app.case = case
            result = await app.result()
            assert (result["phase"], result["check"], result["tries"]) == ("created", begun["check"], 1)
            path = f"/api/cases/{case}/self-checks/{begun['check']}"
            kind = {"Content-Type": "image/jpeg"}
            await app._rest.call("POST", f"{path}/pictures/still", data=pictures.blurred, **kind)
            assert await app._rest.call("POST", f"{path}/verdict") == {"word": "again", "left": 2}

    case, begun = asyncio.run(begin())
    server.kill()
    server.start()
    asyncio.run(go_on(case, begun))
