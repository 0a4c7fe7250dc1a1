"""REST of stills: asked for, once, by the right seat, within bounds."""

import asyncio
from collections.abc import AsyncIterator

from contract import facts, wire
from contract.ids import EvidenceId, new_evidence_id
from contract.phases import EvidenceKind
from contract.ports import ImageFinding
from tests.signaling.asking import bearer, refused
from tests.signaling.house import JPEG, Browser, House, open_house


async def wanted(page: Browser, console: Browser) -> EvidenceId:
    await console.send(wire.RequestStill(EvidenceKind.ID_CARD))
    return (await page.wait(wire.StillWanted)).request


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


async def test_a_still_tells_its_source(house: House) -> None:
    """From the phone's camera unless the page says that it is from the stream; other words are refused."""
    page, console, case = await house.call()
    path = f"/api/cases/{case}/stills/{await wanted(page, console)}"
    for source in ("derived", "scan", ""):
        sent = await refused(page, "POST", f"{path}?source={source}", data=JPEG, headers=bearer(page))
        assert sent == (400, "protocol")
    assert (await page.request("POST", f"{path}?source=stream", data=JPEG, headers=bearer(page)))[0] == 201
    stored = await house.noted(case, facts.EvidenceStored)
    assert stored.source == "stream"  # type: ignore[attr-defined]


async def test_a_still_is_no_webp(house: House) -> None:
    """What may be shared is not yet evidence: checks read JPEG and PNG."""
    page, console, case = await house.call()
    path = f"/api/cases/{case}/stills/{await wanted(page, console)}"

    async def webp(data: bytes) -> ImageFinding:
        return ImageFinding("image/webp", 1920, 1080, 100.0)

    house.identity.inspect_image = webp  # type: ignore[method-assign]
    answer = await refused(page, "POST", path, data=b"RIFF", headers=bearer(page))
    assert answer == (422, "not_an_image")
    assert house.evidence.files == {}


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
