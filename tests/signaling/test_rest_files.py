"""REST of shared files: both ways, within bounds, by those who sit in the call, and what they claim to be."""

import asyncio
import hashlib
import io
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from contract import facts, wire
from contract.errors import StorageError
from contract.facts import FileShared
from contract.ids import CaseId, EvidenceId, SeatId, new_call_id, new_evidence_id, new_seat_id
from contract.phases import EvidenceKind, Outcome, Role, SeatMode
from contract.ports import ImageFinding
from tests.signaling.asking import bearer, refused
from tests.signaling.house import JPEG, Browser, House, open_house

PDF = b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"
PDF_TYPE = "application/pdf"
MIB = 1024 * 1024


def by_customer(page: Browser, content_type: str = PDF_TYPE) -> dict[str, Any]:
    return {"headers": bearer(page, content_type)}


def by_staff(content_type: str = PDF_TYPE) -> dict[str, Any]:
    return {"headers": {"Content-Type": content_type}}


def path(case: CaseId, name: str = "合同.pdf") -> str:
    return f"/api/cases/{case}/files?name={name}"


async def shared(house: House, case: CaseId) -> list[FileShared]:
    return [fact for fact in house.facts(case) if isinstance(fact, FileShared)]


async def get(browser: Browser, case: CaseId, evidence: str, **headers: str) -> tuple[int, bytes, Any]:
    url = f"{browser.base}/api/cases/{case}/files/{evidence}"
    async with browser.http.get(url, headers=headers) as answer:
        return answer.status, await answer.read(), answer.headers


# --- both ways ---


async def test_the_customer_shares_a_file(house: House) -> None:
    """Stored with the case under its hash, told to both, and the agent gets the very bytes."""
    page, console, case = await house.call()
    status, body = await page.request("POST", path(case), data=PDF, **by_customer(page))
    digest = hashlib.sha256(PDF).hexdigest()
    assert (status, body.pop("evidence")[:3], body) == (
        201, "ev-", {"media_type": PDF_TYPE, "bytes": len(PDF), "sha256": digest},
    )  # fmt: skip
    for browser in (page, console):
        told = (await browser.fact(FileShared)).entry.fact
        assert isinstance(told, FileShared)
        assert (told.pii_name, told.role, told.sha256) == ("合同.pdf", Role.CUSTOMER, digest)
    [fact] = await shared(house, case)
    assert page.welcome is not None
    assert (fact.seat, fact.file) == (page.welcome.seat, f"evidence/{fact.evidence}.pdf")
    status, data, headers = await get(console, case, fact.evidence)
    assert (status, data, headers["Content-Type"]) == (200, PDF, PDF_TYPE)
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''%E5%90%88%E5%90%8C.pdf"


async def test_the_agent_shares_a_file(house: House) -> None:
    """The customer gets it with the upload token alone."""
    page, console, case = await house.call()
    text = "请带上户口本".encode()
    sent = by_staff("text/plain")
    status, body = await console.request("POST", path(case, "note.txt"), data=text, **sent)
    assert status == 201
    told = (await page.fact(FileShared)).entry.fact
    assert isinstance(told, FileShared)
    assert (told.role, told.evidence) == (Role.AGENT, body["evidence"])
    status, data, headers = await get(page, case, body["evidence"], **bearer(page))
    assert (status, data) == (200, text)
    assert headers["Content-Type"] == "text/plain; charset=utf-8"


async def test_what_is_handed_out_cannot_act(house: House) -> None:
    """Pictures are shown in place, everything in a sandbox, never guessed, kept by no cache between."""
    page, console, case = await house.call()
    await page.request("POST", path(case, "a.jpg"), data=JPEG, **by_customer(page, "image/jpeg"))
    [fact] = await shared(house, case)
    status, _, headers = await get(console, case, fact.evidence)
    assert status == 200
    assert headers["Content-Disposition"].startswith("inline;")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert headers["Cache-Control"] == "private, no-cache"
    again = {"If-None-Match": headers["ETag"]}
    assert (await get(console, case, fact.evidence, **again))[:2] == (304, b"")


async def test_a_still_is_handed_out_like_a_file(house: House) -> None:
    """To both; but the portrait that a check cut out only to staff."""
    page, console, case = await house.call()
    still = await house.still(page, console, EvidenceKind.ID_CARD)
    for browser, proof in ((page, bearer(page)), (console, {})):
        assert (await get(browser, case, still["evidence"], **proof))[:2] == (200, JPEG)
    image, portrait = ImageFinding("image/jpeg", 112, 112, 50.0), new_evidence_id()
    await house.evidence.store(case, portrait, EvidenceKind.ID_PORTRAIT, JPEG, image, "derived")
    assert (await get(console, case, portrait))[0] == 200
    assert (await get(page, case, portrait, **bearer(page)))[0] == 404


# --- what it is ---


@pytest.mark.parametrize(
    ("name", "content_type", "data", "expected"),
    [
        ("a.exe", "application/octet-stream", b"MZ", (422, "file_type")),
        ("a.svg", "image/svg+xml", b"<svg/>", (422, "file_type")),
        ("a.html", "text/html", b"<html>", (422, "file_type")),
        ("", "image/jpeg", JPEG, (422, "file_type")),
        ("a.pdf", "text/html", PDF, (422, "file_mismatch")),
        ("a.pdf", PDF_TYPE, JPEG, (422, "file_mismatch")),
        ("a.jpg", "image/jpeg", PDF, (422, "file_mismatch")),
        ("a.jpg", "", b"", (422, "file_mismatch")),
        ("a.txt", "text/plain", b"\x00\x01", (422, "file_mismatch")),
        ("a.pdf", PDF_TYPE, PDF.replace(b"/Type", b"/AA 5 0 R /Type"), (422, "file_unsafe")),
        ("a.png", "image/png", b"\x89PNG\r\n\x1a\n but no picture", (422, "not_an_image")),
    ],
)
async def test_a_file_that_is_not_what_it_claims_is_refused(
    house: House, name: str, content_type: str, data: bytes, expected: tuple[int, str]
) -> None:
    """By the word that says why; nothing is kept or told."""
    page, _, case = await house.call()
    sent = by_customer(page, content_type or "application/octet-stream")
    assert await refused(page, "POST", path(case, name), data=data, **sent) == expected
    assert await shared(house, case) == []
    assert house.evidence.files == {}


async def test_a_picture_is_decoded_and_must_be_of_its_kind(house: House) -> None:
    """What the decoder says counts, not the signature."""
    page, _, case = await house.call()

    async def another(data: bytes) -> ImageFinding:
        return ImageFinding("image/png", 500, 500, 1.0)

    house.identity.inspect_image = another  # type: ignore[method-assign]
    sent = by_customer(page, "image/jpeg")
    assert await refused(page, "POST", path(case, "a.jpg"), data=JPEG, **sent) == (422, "file_mismatch")


async def test_a_name_leads_nowhere(house: House) -> None:
    """Paths and line feeds go; where the file lies depends on its id alone."""
    page, _, case = await house.call()
    name = "..%2F..%2Fjournal%0d%0aX: y%2F身份证.PDF"
    assert (await page.request("POST", path(case, name), data=PDF, **by_customer(page)))[0] == 201
    [fact] = await shared(house, case)
    assert (fact.pii_name, fact.file) == ("身份证.PDF", f"evidence/{fact.evidence}.pdf")


# --- bounds ---


async def test_a_file_has_a_bound(house: House) -> None:
    """Announced or streamed, what passes 20 MiB is refused; the very bound is taken."""
    page, _, case = await house.call()
    sent = by_customer(page, "text/plain")
    big = b"a" * (20 * MIB + 1)

    async def stream() -> AsyncIterator[bytes]:
        for start in range(0, len(big), MIB):
            yield big[start : start + MIB]

    for data in (io.BytesIO(big), stream()):
        assert await refused(page, "POST", path(case, "a.txt"), data=data, **sent) == (413, "file_too_large")
    assert await shared(house, case) == []
    assert (await page.request("POST", path(case, "a.txt"), data=io.BytesIO(big[:-1]), **sent))[0] == 201


async def earlier(house: House, page: Browser, case: CaseId, count: int, size: int, *, here: bool) -> None:
    """Have ``count`` files of ``size`` in the case, of this call or another one."""
    call = house.cases.rows[case].call or next(iter(house.media.calls)) if here else new_call_id()
    for _ in range(count):
        evidence = new_evidence_id()
        named = (evidence, "a.txt", f"evidence/{evidence}.txt", "text/plain", "0" * 64, size)
        await house.journal.append(case, FileShared(call, new_seat_id(), Role.CUSTOMER, *named))


async def test_twenty_files_a_call(house: House) -> None:
    """From all parties together; those of an earlier call do not count."""
    page, console, case = await house.call()
    await earlier(house, page, case, 30, 10, here=False)
    await earlier(house, page, case, 19, 10, here=True)
    assert (await page.request("POST", path(case), data=PDF, **by_customer(page)))[0] == 201
    for browser, sent in ((page, by_customer(page)), (console, by_staff())):
        assert await refused(browser, "POST", path(case), data=PDF, **sent) == (429, "too_many_files")
    assert len(house.evidence.files) == 1


async def test_a_hundred_mib_a_case(house: House) -> None:
    """Over all of its calls."""
    page, _, case = await house.call()
    await earlier(house, page, case, 5, 20 * MIB - 10, here=False)
    text = by_customer(page, "text/plain")
    assert await refused(page, "POST", path(case, "a.txt"), data=b"x" * 51, **text) == (429, "too_many_files")
    assert (await page.request("POST", path(case, "a.txt"), data=b"x" * 50, **text))[0] == 201


async def test_files_at_once_do_not_pass_the_bound_together(house: House) -> None:
    """The twentieth and the twenty-first race: one is taken. More than four at once wait outside."""
    page, _, case = await house.call()
    await earlier(house, page, case, 19, 10, here=True)
    sent = [page.request("POST", path(case), data=PDF, **by_customer(page)) for _ in range(8)]
    words = [body.get("code") for _, body in await asyncio.gather(*sent)]
    assert words.count(None) == 1
    assert set(words) <= {None, "too_many_files", "busy"}
    assert len(house.evidence.files) == 1


async def test_refused_files_are_not_free(house: House) -> None:
    """Sixty tries of one party, and no more; the other party still shares."""
    page, console, case = await house.call()
    sent = by_customer(page)
    words = [(await refused(page, "POST", path(case), data=b"junk", **sent))[1] for _ in range(62)]
    assert words == ["file_mismatch"] * 60 + ["too_many_files"] * 2
    assert (await console.request("POST", path(case), data=PDF, **by_staff()))[0] == 201


async def test_a_document_of_slashes_does_not_stop_the_house(house: House) -> None:
    """While three large ones are looked at the loop turns, and one is looked at at a time."""
    page, _, case = await house.call()
    hostile = PDF[:-6] + b"/" * (3 * MIB) + PDF[-6:]
    late: list[float] = []

    async def watch() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.005)
            late.append(time.monotonic() - began - 0.005)

    watching = asyncio.create_task(watch())
    sent = [page.request("POST", path(case), data=io.BytesIO(hostile), **by_customer(page)) for _ in range(3)]
    answers = await asyncio.gather(*sent)
    watching.cancel()
    assert [status for status, _ in answers] == [201] * 3
    # On a busy machine any thread waits; half a second is what one search of the whole took.
    assert sorted(late)[-3] < 0.3
    assert len(late) > 20


async def test_a_stalled_file_is_given_up() -> None:
    """And its place with it: the next four go through."""
    async with open_house(body_s=0.2) as house:
        page, _, case = await house.call()
        stalled = asyncio.Event()

        async def stall() -> AsyncIterator[bytes]:
            yield PDF[:10]
            await stalled.wait()

        slow = [refused(page, "POST", path(case), data=stall(), **by_customer(page)) for _ in range(4)]
        assert await asyncio.gather(*slow) == [(408, "too_slow")] * 4
        stalled.set()
        assert (await page.request("POST", path(case), data=PDF, **by_customer(page)))[0] == 201


async def test_a_full_disk_is_said(house: House) -> None:
    """By a word of its own; nothing is told, and the next file goes through."""
    page, _, case = await house.call()
    keep = house.evidence.store_file

    async def full(*args: Any) -> Any:
        raise StorageError("/srv/spool: no space left", code="disk_full")

    house.evidence.store_file = full  # type: ignore[assignment,method-assign]
    status, body = await page.request("POST", path(case), data=PDF, **by_customer(page))
    assert (status, body) == (500, {"code": "disk_full", "text": "our fault"})
    assert await shared(house, case) == []
    house.evidence.store_file = keep  # type: ignore[method-assign]
    assert (await page.request("POST", path(case), data=PDF, **by_customer(page)))[0] == 201


async def test_a_file_that_cannot_be_told_is_not_kept(house: House) -> None:
    """No fact, no file."""
    page, _, case = await house.call()
    append = house.journal.append

    async def broken(case: CaseId, fact: facts.Fact) -> Any:
        if isinstance(fact, FileShared):
            raise StorageError("the disk is full")
        return await append(case, fact)

    house.journal.append = broken  # type: ignore[method-assign]
    assert await refused(page, "POST", path(case), data=PDF, **by_customer(page)) == (500, "storage")
    assert house.evidence.files == {}


# --- who may ---


async def test_only_parties_of_the_call_share(house: House) -> None:
    """No token, a ticket, another case's token, a forged seat, other staff: nothing is stored."""
    page, _, case = await house.call()
    _, ticket = await house.walk_in()
    for header in ({"Authorization": "Basic x"}, {"Authorization": f"Bearer {ticket}"}):
        answer = await refused(page, "POST", path(case), data=PDF, headers=header)
        assert answer == (401, "upload_denied")
    assert await refused(page, "POST", path(case), data=PDF) == (401, "not_logged_in")
    stranger = await house.customer()
    assert stranger.welcome is not None
    assert (await refused(stranger, "POST", path(case), data=PDF, **by_customer(stranger)))[0] == 404
    own = CaseId(str(stranger.welcome.case))
    assert (await refused(stranger, "POST", path(own), data=PDF, **by_customer(stranger)))[0] == 404
    for login, status in (
        ("ben", 404),
        ("rita", 404),
        ("rolf", 404),
        ("sue", 404),
        ("audrey", 403),
        ("ada", 403),
    ):
        other = await house.browser()
        await other.login(login)
        assert (await refused(other, "POST", path(case), data=PDF, **by_staff()))[0] == status
    assert house.evidence.files == {}


async def test_a_token_is_for_its_seat(house: House) -> None:
    """A genuine token of the case with a seat that nobody has shares nothing."""
    page, _, case = await house.call()
    forged = house.signaling._issue_upload(case, SeatId(new_seat_id()))
    headers = {"Authorization": f"Bearer {forged}", "Content-Type": PDF_TYPE}
    assert (await refused(page, "POST", path(case), data=PDF, headers=headers))[0] == 404


async def test_staff_need_the_csrf_token(house: House) -> None:
    """And no page of another origin sends in anybody's name."""
    page, console, case = await house.call()
    headers = {"X-CSRF-Token": "wrong", "Content-Type": PDF_TYPE}
    assert await refused(console, "POST", path(case), data=PDF, headers=headers) == (403, "csrf")
    evil = bearer(page, PDF_TYPE) | {"Origin": "https://evil.example"}
    assert await refused(page, "POST", path(case), data=PDF, headers=evil) == (403, "origin")


async def test_no_file_before_or_after_the_call(house: House) -> None:
    """A file belongs to a conversation; what was shared stays readable for its parties."""
    early, _ = await house.queued()
    assert early.welcome is not None and early.welcome.case is not None
    sent = by_customer(early)
    assert (await refused(early, "POST", path(early.welcome.case), data=PDF, **sent))[1] == "wrong_phase"
    await early.send(wire.LeaveQueue())
    page, console, case = await house.call()
    _, body = await page.request("POST", path(case), data=PDF, **by_customer(page))
    await page.send(wire.HangUp())
    await house.noted(case, facts.CallEnded)
    assert (await refused(page, "POST", path(case), data=PDF, **by_customer(page)))[1] == "wrong_phase"
    for browser, proof in ((page, bearer(page)), (console, {})):
        assert (await get(browser, case, body["evidence"], **proof))[0] == 200


async def test_a_call_that_ends_while_a_file_comes_takes_it_no_more(house: House) -> None:
    """Asked again when the bytes are here; the manifest would not have it."""
    page, _, case = await house.call()
    hung_up = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield PDF[:20]
        await hung_up.wait()
        yield PDF[20:]

    sending = asyncio.create_task(refused(page, "POST", path(case), data=slowly(), **by_customer(page)))
    await page.send(wire.HangUp())
    await house.noted(case, facts.CallEnded)
    hung_up.set()
    assert (await sending)[1] == "wrong_phase"
    assert house.evidence.files == {}


async def test_the_recording_is_finished_only_when_the_file_is_stored(house: House) -> None:
    """A call that ends while a file goes to the disk waits for it: the manifest will hold it."""
    page, console, case = await house.call()
    storing, proceed = asyncio.Event(), asyncio.Event()
    keep = house.evidence.store_file

    async def slow(*args: Any) -> Any:
        storing.set()
        await proceed.wait()
        return await keep(*args)

    house.evidence.store_file = slow  # type: ignore[assignment,method-assign]
    sending = asyncio.create_task(page.request("POST", path(case), data=PDF, **by_customer(page)))
    await storing.wait()
    await page.send(wire.HangUp())
    await house.noted(case, facts.CallEnded)
    await house.finish(console, Outcome.INCOMPLETE)
    await house.noted(case, facts.AgentDecided)
    proceed.set()
    assert (await sending)[0] == 201
    await house.noted(case, facts.MergeQueued)
    names = house.names(case)
    assert names.index("FileShared") < names.index("MergeQueued")


async def test_a_guest_shares_while_talking_and_sees_while_seated(house: House) -> None:
    """Once the guest has left, the case is no longer there for him."""
    page, console, case = await house.call()
    guest = await house.ready_agent("ben")
    await house.joined(console, guest)
    await page.state(lambda m: len(m.parties) == 3)
    status, body = await guest.request("POST", path(case), data=PDF, **by_staff())
    assert status == 201, body
    [fact] = await shared(house, case)
    assert fact.role is Role.GUEST
    assert (await guest.request("GET", f"/api/cases/{case}"))[0] == 200
    await guest.send(wire.Leave())
    await page.state(lambda m: len(m.parties) == 2)
    assert (await refused(guest, "POST", path(case), data=PDF, **by_staff()))[0] == 404
    assert (await get(guest, case, body["evidence"]))[0] == 404
    assert await refused(guest, "GET", f"/api/cases/{case}") == (404, "not_found")


async def test_nothing_is_shared_on_hold(house: House) -> None:
    """Neither way, and least of all by somebody whom the customer does not know of."""
    page, console, case = await house.call()
    guest = await house.ready_agent("ben")
    await house.joined(console, guest, private=True)
    for browser, sent in ((page, by_customer(page)), (console, by_staff()), (guest, by_staff())):
        assert await refused(browser, "POST", path(case), data=PDF, **sent) == (409, "held")
    assert await shared(house, case) == []


async def test_a_silent_supervisor_shares_nothing(house: House) -> None:
    """The customer would learn of him; once he talks, he may."""
    page, console, case = await house.call()
    sue = await house.supervisor()
    await sue.send(wire.Watch(house.call_of(console)))
    await sue.state(lambda m: m.case == case)
    assert await refused(sue, "POST", path(case), data=PDF, **by_staff()) == (409, "held")
    await sue.send(wire.SetMode(SeatMode.TALKING))
    await page.state(lambda m: len(m.parties) == 3)
    assert (await sue.request("POST", path(case), data=PDF, **by_staff()))[0] == 201


@pytest.mark.parametrize("evidence", ["ev-0000000000000000", "ev-iiiiiiiiiiiiiiii"])
async def test_an_unknown_file_is_not_found(house: House, evidence: EvidenceId) -> None:
    """Neither for the customer nor for staff."""
    page, console, case = await house.call()
    assert (await get(page, case, evidence, **bearer(page)))[0] == 404
    assert (await get(console, case, evidence))[0] == 404


async def test_files_do_not_cross_cases_or_tenants(house: House) -> None:
    """Another customer's token, another bank's staff, an administrator, nobody at all."""
    page, _, case = await house.call()
    _, body = await page.request("POST", path(case), data=PDF, **by_customer(page))
    stranger = await house.customer()
    assert stranger.welcome is not None
    own = CaseId(str(stranger.welcome.case))
    assert (await get(stranger, case, body["evidence"], **bearer(stranger)))[0] == 404
    assert (await get(stranger, own, body["evidence"], **bearer(stranger)))[0] == 404
    assert (await get(stranger, case, body["evidence"]))[0] == 401
    for login, status in (
        ("ben", 404),
        ("rolf", 404),
        ("ralf", 404),
        ("ada", 403),
        # Who neither leads the case nor sits in its call looks at the record, with a reason.
        ("sue", 403),
        ("audrey", 403),
    ):
        other = await house.browser()
        await other.login(login)
        assert (await get(other, case, body["evidence"]))[0] == status, login
