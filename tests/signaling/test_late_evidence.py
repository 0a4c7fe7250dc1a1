"""Evidence belongs to the call: nothing is added to a record that was handed on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from contract import facts, wire
from contract.facts import Fact
from contract.ids import CaseId, EvidenceId
from contract.phases import EvidenceKind, Outcome
from contract.ports import Evidence, ImageFinding
from signaling.actions import ReleaseStill
from tests.signaling.house import JPEG, Browser, House, until


async def wanted(page: Browser, console: Browser) -> EvidenceId:
    await console.send(wire.RequestStill(EvidenceKind.ID_CARD))
    return (await page.wait(wire.StillWanted)).request


async def upload(page: Browser, case: CaseId, request: EvidenceId, data: Any) -> tuple[int, Any]:
    assert page.welcome is not None
    headers = {"Authorization": f"Bearer {page.welcome.upload}", "Content-Type": "image/jpeg"}
    return await page.request("POST", f"/api/cases/{case}/stills/{request}", data=data, headers=headers)


def after_the_end(house: House, case: CaseId) -> list[Fact]:
    told = house.facts(case)
    end = next(index for index, fact in enumerate(told) if isinstance(fact, facts.MergeQueued))
    return told[end + 1 :]


async def test_a_picture_that_comes_after_the_end_is_refused(house: House) -> None:
    """It was begun in time and arrived too late: nothing is stored."""
    page, console, case = await house.call()
    request = await wanted(page, console)
    rest = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield JPEG
        await rest.wait()
        yield JPEG

    async with asyncio.TaskGroup() as group:
        uploading = group.create_task(upload(page, case, request, slowly()))
        visit = house.signaling._front._floor._hall.visits[case]
        assert visit.call is not None
        checks = visit.call.checks
        await until(lambda: "" if request in checks._uploading else "the upload's beginning")
        await house.finish(console, Outcome.INCOMPLETE)
        await house.noted(case, facts.MergeQueued)
        rest.set()
    status, body = uploading.result()
    assert (status, body["code"]) == (409, "wrong_phase")
    assert house.evidence.files == {}
    assert after_the_end(house, case) == []


async def test_a_picture_being_stored_at_the_end_is_part_of_the_record(house: House) -> None:
    """The merge waits until it is on disk."""
    page, console, case = await house.call()
    request = await wanted(page, console)
    store, proceed, begun = house.evidence.store, asyncio.Event(), asyncio.Event()

    async def slow(
        case: CaseId, evidence: EvidenceId, kind: EvidenceKind, data: bytes, image: ImageFinding, source: str
    ) -> Evidence:
        begun.set()
        await proceed.wait()
        return await store(case, evidence, kind, data, image, source)

    house.evidence.store = slow  # type: ignore[method-assign]
    async with asyncio.TaskGroup() as group:
        uploading = group.create_task(upload(page, case, request, JPEG))
        await begun.wait()
        await house.finish(console, Outcome.INCOMPLETE)
        await until(lambda: "" if house.recorder.finished else "the end of the recording")
        assert house.jobs.kinds(case) == []
        proceed.set()
    assert uploading.result()[0] == 201
    await house.noted(case, facts.MergeQueued)
    assert after_the_end(house, case) == []
    assert "EvidenceStored" in house.names(case)


async def test_a_comparison_at_the_end_is_part_of_the_record(house: House) -> None:
    """The agent hangs up while faces are compared: portrait and verdict come before the merge."""
    page, console, case = await house.call()
    house.identity.proceed.clear()
    await house.checked(page, console)
    await house.finish(console, Outcome.INCOMPLETE)
    await until(lambda: "" if house.recorder.finished else "the end of the recording")
    assert house.jobs.kinds(case) == []
    house.identity.proceed.set()
    await house.noted(case, facts.MergeQueued)
    assert "FacesCompared" in house.names(case)
    assert after_the_end(house, case) == []


async def test_a_comparison_that_hangs_is_left_out_of_the_record(house: House) -> None:
    """Ten seconds after the end the record is handed on; the late verdict is dropped."""
    page, console, case = await house.call()
    house.identity.proceed.clear()
    await house.checked(page, console)
    await house.finish(console, Outcome.INCOMPLETE)
    await until(lambda: "" if house.recorder.finished else "the end of the recording")
    house.clock.advance(10)
    await house.noted(case, facts.MergeQueued)
    house.identity.proceed.set()
    commands = house.signaling._front._commands
    await until(lambda: "" if commands.idle else "the end of every command")
    assert after_the_end(house, case) == []


async def test_a_claim_that_is_given_up_leaves_the_picture_free(house: House) -> None:
    """A request that is cancelled at the moment of its grant does not lock the picture for ever."""
    page, console, case = await house.call()
    request = await wanted(page, console)
    assert page.welcome is not None and page.welcome.seat is not None
    front = house.signaling._front
    for turns in range(6):
        claim = asyncio.ensure_future(front.claim_still(case, page.welcome.seat, request))
        for _ in range(turns):
            await asyncio.sleep(0)
        claim.cancel()
        done, _ = await asyncio.wait({claim})
        if not claim.cancelled():
            assert done
            await front.post(ReleaseStill(case, request))
    assert (await upload(page, case, request, JPEG))[0] == 201
