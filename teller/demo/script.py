"""The scripted case: one customer, one agent, one auditor, from the tap to the signature.

Everything goes over the sockets that browsers use; nothing here reaches into the server.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from contract import facts, wire
from contract.ids import CaseId
from contract.phases import CallPhase, CheckVerdict, EvidenceKind, Outcome, Presence, StepResult
from teller.demo.caller import Caller, Rest, StepFailed
from teller.demo.card import Holder
from teller.demo.peer import PictureSource, SoundSource, WebRtcPeer

CONSENT_LANGUAGE = "zh-CN"
# Long enough for a few segments of the recording, short enough to watch.
TALK_S = 10.0
# The merge of a short call takes seconds; a machine busy with other work may need far longer.
ARCHIVE_S = 180.0


@dataclass(frozen=True, slots=True)
class Logins:
    """Who logs in with what."""

    agent: tuple[str, str]
    auditor: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Props:
    """What the customer and the agent show and say."""

    person: Holder
    card: bytes
    still: bytes
    customer: tuple[PictureSource, SoundSource]
    agent: tuple[PictureSource, SoundSource]


@dataclass(slots=True)
class Report:
    """What the case was and what was measured. Times in seconds."""

    case: CaseId
    face_score: float | None = None
    face_verdict: str = ""
    face_threshold: float = 0.0
    pack: str = ""
    click_to_first_frame_s: float | None = None
    call_s: float = 0.0
    merged_s: float = 0.0
    merge_speed: float = 0.0
    gap_s: float = 0.0
    merged_file: str = ""
    verdict: str = ""


class Stage(Protocol):
    """Where progress is shown."""

    def step(self, text: str, detail: str = "") -> None:
        """Show a finished step."""
        ...

    def progress(self, note: str, fraction: float) -> None:
        """Show how far a long step is, 0 to 1."""
        ...


class Play:
    """One run of the case."""

    def __init__(
        self,
        rests: Callable[[], Rest],
        logins: Logins,
        props: Props,
        stage: Stage,
        talk_s: float = TALK_S,
    ) -> None:
        self._rests, self._logins, self._props, self._stage = rests, logins, props, stage
        self._talk_s = talk_s
        self.report = Report(CaseId("-"))

    async def run(self) -> Report:
        """Play the case to its end.

        Raises:
            StepFailed: a step did not happen.
            UserError: the server refused something.
        """
        async with self._rests() as desk:
            await desk.login(*self._logins.agent)
            async with Caller(desk, self._peer_maker(self._props.agent)) as agent:
                await self._agent_ready(agent)
                async with self._customer() as customer:
                    await self._call(customer, agent)
                    await self._identify(customer, agent)
                    await self._finish(customer, agent)
        await self._audit()
        return self.report

    def _peer_maker(
        self, publishes: tuple[PictureSource, SoundSource]
    ) -> Callable[[tuple[wire.IceServer, ...]], WebRtcPeer]:
        def make(servers: tuple[wire.IceServer, ...]) -> WebRtcPeer:
            return WebRtcPeer(*publishes, ice_servers=servers)

        return make

    async def _agent_ready(self, agent: Caller) -> None:
        welcome = await agent.connect()
        await agent.send(wire.SetPresence(Presence.READY))
        await agent.wait_for(wire.PresenceSet, lambda m: m.presence is Presence.READY)
        self._stage.step("agent signed in and ready", welcome.name)

    @asynccontextmanager
    async def _customer(self) -> AsyncIterator[Caller]:
        async with self._rests() as phone:
            door = await phone.call(
                "POST", "/api/walk-in", body={"tenant": "demo", "language": CONSENT_LANGUAGE}
            )
            self.report.case = CaseId(door["case"])
            self._stage.step("one-use ticket issued", door["case"])
            async with Caller(phone, self._peer_maker(self._props.customer)) as customer:
                welcome = await customer.connect(ticket=door["ticket"])
                await customer.send(
                    wire.Consent(True, True, False, welcome.consent_version, CONSENT_LANGUAGE)
                )
                await customer.wait_for_fact(facts.ConsentGiven)
                self._stage.step("consent given", "recording, biometrics")
                yield customer

    async def _call(self, customer: Caller, agent: Caller) -> None:
        loop = asyncio.get_running_loop()
        tapped = loop.time()
        await customer.send(wire.JoinQueue())
        place = await customer.wait_for(wire.QueuePosition)
        self._stage.step("in the queue", f"position {place.position}")
        async with asyncio.TaskGroup() as both:
            both.create_task(customer.prepare_media(place.call))
            both.create_task(self._answer(agent))
        for caller in (customer, agent):
            await caller.wait_for(wire.CallState, lambda m: m.phase is CallPhase.ACTIVE)
        await self._first_frames(customer, agent)
        if customer.peer and customer.peer.first_video_at:
            self.report.click_to_first_frame_s = customer.peer.first_video_at - tapped
        self._stage.step(
            "answered: picture and sound both ways",
            f"tap to first remote frame {self.report.click_to_first_frame_s:.2f} s",
        )

    async def _answer(self, agent: Caller) -> None:
        ring = await agent.wait_for(wire.Ring, lambda m: m.case == self.report.case)
        self._stage.step("rings at the agent", ring.purpose)
        await agent.prepare_media(ring.call)
        await agent.send(wire.Accept(ring.call))

    async def _first_frames(self, *callers: Caller) -> None:
        def missing() -> list[str]:
            return [
                f"{caller.welcome.role if caller.welcome else '?'} {what}"
                for caller in callers
                for what, at in (
                    ("picture", caller.peer and caller.peer.first_video_at),
                    ("sound", caller.peer and caller.peer.first_audio_at),
                )
                if not at
            ]

        deadline = time.monotonic() + 20
        while lacks := missing():
            if time.monotonic() > deadline:
                raise StepFailed(f"no media arrived: {', '.join(lacks)}")
            await asyncio.sleep(0.02)

    async def _identify(self, customer: Caller, agent: Caller) -> None:
        talking = asyncio.get_running_loop().time()
        await agent.wait_for(wire.CallState, lambda m: m.kyc_unlocked)
        self._stage.step("recording runs", "all four tracks on disk, checks unlocked")
        await self._chat(customer, agent)
        await self._settle(agent, "purpose", "salary")
        card = await self._still(customer, agent, EvidenceKind.ID_CARD, self._props.card)
        await agent.send(wire.CheckIdNumber(self._props.person.number))
        number = await agent.wait_for_fact(facts.IdNumberChecked)
        self._stage.step("ID number checked", f"{number.verdict} {number.region}")
        still = await self._still(customer, agent, EvidenceKind.FACE_STILL, self._props.still)
        await agent.send(wire.MatchFaces(card.evidence, still.evidence))
        self._note_match(await agent.wait_for_fact(facts.FacesCompared))
        await self._settle(agent, "risk_notice")
        await asyncio.sleep(max(0.0, talking + self._talk_s - asyncio.get_running_loop().time()))

    async def _chat(self, customer: Caller, agent: Caller) -> None:
        await agent.send(wire.Chat("您好，请出示身份证。"))
        await customer.wait_for_fact(facts.ChatSaid)
        await customer.send(wire.Chat("好的。"))
        await agent.wait_for_fact(facts.ChatSaid, lambda f: f.role == "customer")
        self._stage.step("chat lines exchanged")

    async def _settle(self, agent: Caller, step: str, answer: str = "") -> None:
        await agent.send(wire.MarkStep(step, StepResult.PASSED, answer))
        await agent.wait_for_fact(facts.StepMarked, lambda f: f.step == step)
        self._stage.step("step of the script settled", f"{step} {answer}".strip())

    async def _still(
        self, customer: Caller, agent: Caller, kind: EvidenceKind, picture: bytes
    ) -> facts.EvidenceStored:
        await agent.send(wire.RequestStill(kind))
        wanted = await customer.wait_for(wire.StillWanted, lambda m: m.kind is kind)
        upload = customer.welcome.upload if customer.welcome else None
        await customer.rest.call(
            "POST",
            f"/api/cases/{self.report.case}/stills/{wanted.request}",
            data=picture,
            Authorization=f"Bearer {upload}",
            **{"Content-Type": "image/jpeg"},
        )
        stored = await agent.wait_for_fact(facts.EvidenceStored, lambda f: f.evidence == str(wanted.request))
        self._stage.step(f"{kind.replace('_', ' ')} captured", f"{stored.width}×{stored.height}")
        return stored

    def _note_match(self, compared: facts.FacesCompared) -> None:
        self.report.face_score, self.report.face_verdict = compared.score, compared.verdict
        self.report.face_threshold, self.report.pack = compared.threshold, compared.pack
        score = "none" if compared.score is None else f"{compared.score:.3f}"
        word = {
            CheckVerdict.PASSED: "face matched",
            CheckVerdict.REVIEW: "face needs a person's decision",
            CheckVerdict.FAILED: "face does NOT match",
        }[compared.verdict]
        self._stage.step(word, f"score {score}, threshold {compared.threshold:.2f}, pack {compared.pack}")

    async def _finish(self, customer: Caller, agent: Caller) -> None:
        failed = self.report.face_verdict == CheckVerdict.FAILED
        outcome = Outcome.FAILED if failed else Outcome.PASSED
        await agent.send(wire.Finish(outcome, "face_mismatch" if failed else "", ""))
        ended = await agent.wait_for_fact(facts.CallEnded)
        await customer.wait_for(wire.CallState, lambda m: m.phase is CallPhase.ENDED)
        self.report.call_s = ended.seconds
        self._stage.step("hung up", f"{ended.seconds:.1f} s, agent says {outcome}")

    async def _audit(self) -> None:
        async with self._rests() as auditor:
            await auditor.login(*self._logins.auditor)
            told = await self._await_archive(auditor)
            self._note_archive(told)
            failed = self.report.face_verdict == CheckVerdict.FAILED
            verdict = "rejected" if failed else "approved"
            reason = "面部不一致" if failed else "资料齐全"
            if not failed:
                await self._watch(auditor)
            path = f"/api/cases/{self.report.case}/verdict"
            await auditor.call("POST", path, body={"verdict": verdict, "reason": reason})
            self.report.verdict = (await auditor.case(self.report.case))["case"]["phase"]
            self._stage.step("auditor signed off", self.report.verdict)

    async def _watch(self, auditor: Rest) -> None:
        """Watch what must be watched, at the highest speed that counts."""
        path = f"/api/cases/{self.report.case}"
        told = await auditor.call("POST", f"{path}/viewings", body={"reason": "audit", "note": ""})
        spans = [{"since_s": one["since_s"], "until_s": one["until_s"]} for one in told["must"]]
        wanted = sum(one["until_s"] - one["since_s"] for one in spans)
        self._stage.step("auditor watches", f"{len(spans)} stretches, {wanted:.0f} s at double speed")
        await asyncio.sleep(wanted / 2)
        await auditor.call("POST", f"{path}/watched", body={"spans": spans})

    async def _await_archive(self, auditor: Rest) -> Any:
        deadline = time.monotonic() + ARCHIVE_S
        while True:
            told = await auditor.case(self.report.case)
            phase, jobs = told["case"]["phase"], told["jobs"]
            if phase == "under_audit":
                return told
            note, fraction = ("waiting for a worker", 0.0)
            for job in jobs:
                note, fraction = job["note"] or note, job["progress"]
                if job["state"] == "dead":
                    raise StepFailed(f"the merge failed: {job['error']}")
            self._stage.progress(note, fraction)
            if time.monotonic() > deadline:
                raise StepFailed(
                    f"not archived within {ARCHIVE_S:.0f} s: phase {phase}, {note} {fraction:.0%}"
                )
            await asyncio.sleep(0.2)

    def _note_archive(self, told: Any) -> None:
        by_name = {entry["name"]: entry["fact"] for entry in told["entries"]}
        merged, verified = by_name["MergeCompleted"], by_name["ArchiveVerified"]
        self.report.merged_s, self.report.merge_speed = merged["seconds"], merged["speed"]
        self.report.gap_s, self.report.merged_file = merged["gap_s"], merged["file"]
        self._stage.step("merged", f"{merged['seconds']:.1f} s at {merged['speed']:.1f} × real time")
        self._stage.step("archived, read back, verified", f"{verified['objects']} files")
