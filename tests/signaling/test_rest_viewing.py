"""REST of looking at a record: why, how much of it, and who may see the card."""

from typing import Any

from contract import facts, wire
from contract.facts import SegmentSealed
from contract.ids import CaseId, TrackId
from contract.phases import CasePhase, Outcome
from contract.viewing import UNMASKED_S, VIEWING_S
from tests.signaling.asking import person, refused
from tests.signaling.house import Browser, House

NUMBER = "11010519491231002X"
AUDIT = {"reason": "audit", "note": "T+1"}


async def recorded(house: House) -> CaseId:
    """Return a passed case under audit whose call is recorded for a minute from its first check."""
    page, console, case = await house.call()
    house.clock.advance(10)
    await console.send(wire.CheckIdNumber(NUMBER))
    checked = await console.fact(facts.IdNumberChecked)
    await house.checked(page, console)
    await console.fact(facts.FacesCompared)
    started = next(e for e in await house.journal.read(case) if e.name == "CallAdvanced")
    first, last = min(started.at, checked.entry.at), checked.entry.at + 60.0
    call = started.fact.call  # type: ignore[attr-defined]
    sealed = SegmentSealed(call, TrackId("track-1"), 0, "a.mkv", "", 1, 1, first, last)
    await house.journal.append(case, sealed)
    house.clock.advance(10)
    await house.finish(console, Outcome.PASSED)
    await house.noted(case, facts.MergeQueued)
    await house.journal.append(case, facts.ArchiveVerified("ab" * 32, 9, 900))
    await house.journal.append(case, facts.CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.UNDER_AUDIT))
    return case


async def asked(browser: Browser, path: str, body: Any = None) -> Any:
    """Return the answer of a request that is granted."""
    status, told = await browser.request("GET" if body is None else "POST", path, json=body)
    assert status in {200, 201}, told
    return told


async def test_a_record_is_approved_only_when_it_was_watched(house: House) -> None:
    """Without a reason nothing counts, faster than twice the clock neither; then the verdict is taken."""
    case = await recorded(house)
    audrey = await person(house, "audrey")
    path = f"/api/cases/{case}"
    verdict = {"verdict": "approved", "reason": "all is well"}
    told = await asked(audrey, f"{path}/viewings")
    assert told["viewing_until"] == 0
    assert told["left"] == told["must"] != []
    spans = [{"since_s": one["since_s"], "until_s": one["until_s"]} for one in told["must"]]
    report = {"spans": spans}
    assert await refused(audrey, "POST", f"{path}/watched", json=report) == (403, "reason_wanted")
    other = {"reason": "other", "note": " "}
    assert await refused(audrey, "POST", f"{path}/viewings", json=other) == (422, "reason_wanted")
    told = await asked(audrey, f"{path}/viewings", AUDIT)
    assert told["viewing_until"] > VIEWING_S
    assert await refused(audrey, "POST", f"{path}/verdict", json=verdict) == (409, "not_watched")
    fast = {"spans": [{"since_s": 0, "until_s": 500}]}
    assert await refused(audrey, "POST", f"{path}/watched", json=fast) == (422, "watched_too_fast")
    backwards = {"spans": [{"since_s": 9, "until_s": 1}]}
    assert await refused(audrey, "POST", f"{path}/watched", json=backwards) == (422, "watched_too_fast")
    house.clock.advance(60)
    told = await asked(audrey, f"{path}/watched", report)
    assert told["left"] == []
    told = await asked(audrey, f"{path}/verdict", verdict)
    assert told["case"]["phase"] == "approved"
    names = house.names(case)
    assert names.index("RecordWatched") < names.index("AuditSigned")


async def test_watching_is_kept_for_another_server(house: House) -> None:
    """After half a minute it is journaled; what the journal says counts, of that person alone."""
    case = await recorded(house)
    audrey, path = await person(house, "audrey"), f"/api/cases/{case}"
    await asked(audrey, f"{path}/viewings", AUDIT)
    house.clock.advance(30)
    assert "RecordWatched" not in house.names(case)
    await asked(audrey, f"{path}/watched", {"spans": [{"since_s": 0, "until_s": 31}]})
    assert house.names(case).count("RecordWatched") == 1
    sue = await person(house, "sue")
    assert (await asked(sue, f"{path}/viewings"))["seen"] == []
    assert (await asked(audrey, f"{path}/viewings"))["seen"] == [{"since_s": 0, "until_s": 31}]


async def test_a_card_is_shown_when_two_people_agree(house: House) -> None:
    """Its number is hidden in what an auditor is told, until another says yes, for a quarter of an hour."""
    case = await recorded(house)
    audrey, sue = await person(house, "audrey"), await person(house, "sue")
    path = f"/api/cases/{case}"

    async def number(browser: Browser) -> str:
        entries = (await asked(browser, path))["entries"]
        return next(str(e["fact"]["pii_number"]) for e in entries if e["name"] == "IdNumberChecked")

    assert await number(audrey) == await number(sue) == "110•••••••••••••2X"
    assert await number(await person(house, "anna")) == NUMBER
    wish = {"reason": "compare with the letter"}
    assert await refused(sue, "POST", f"{path}/unmaskings", json=wish) == (403, "wrong_role")
    (request,) = (await asked(audrey, f"{path}/unmaskings", wish))["requests"]
    assert request["pii_reason"] == wish["reason"]
    assert await refused(audrey, "POST", f"{path}/unmaskings", json=wish) == (409, "unmask_asked")
    answer = f"{path}/unmaskings/{request['seq']}"
    yes = {"granted": True}
    assert await refused(audrey, "POST", answer, json=yes) == (403, "same_person")
    assert await refused(sue, "POST", f"{path}/unmaskings/0", json=yes) == (404, "not_found")
    assert (await asked(sue, answer, yes))["requests"] == []
    assert await refused(sue, "POST", answer, json=yes) == (404, "not_found")
    assert await number(audrey) == NUMBER
    assert await number(sue) == "110•••••••••••••2X"
    house.clock.advance(UNMASKED_S)
    assert await number(audrey) == "110•••••••••••••2X"
    assert house.names(case)[-2:] == ["UnmaskAsked", "UnmaskAnswered"]


async def test_evidence_by_its_number_is_for_who_was_there(house: House) -> None:
    """An auditor looks at a record by the names of its files, where cards are veiled."""
    case = await recorded(house)
    audrey = await person(house, "audrey")
    path = f"/api/cases/{case}/files/ev-0000000000000000"
    assert await refused(audrey, "GET", path) == (403, "wrong_role")
