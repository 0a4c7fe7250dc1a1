"""What customers say before a call: consents, device checks, places, numbers to call back."""

from typing import Any

import pytest
from yarl import URL

from contract import facts, wire
from contract.ids import CaseId
from contract.phases import CallPhase, CasePhase, Outcome
from signaling.hours import Hours
from tests.signaling.house import BANK, Browser, House, open_house, until

CHECK = wire.DeviceCheck("ok", "ok", "Chromium 130", 2_400.0, 35.0, ("slow_uplink",))
PLACE = wire.Location(31.23, 121.47, 20.0)


def case_of(page: Browser) -> CaseId:
    assert page.welcome is not None and page.welcome.case is not None
    return page.welcome.case


def count(house: House, page: Browser, name: str) -> int:
    return house.names(case_of(page)).count(name)


async def settled(page: Browser) -> None:
    """Wait until what was sent before was acted on."""
    await page.send(wire.HangUp())
    await page.wait(wire.Failed, lambda m: m.about == "hang_up")


async def test_each_consent_is_answered_for_itself(house: House) -> None:
    """What is refused stands in the journal beside what is agreed to."""
    page = await house.customer(consent=False)
    assert page.welcome is not None
    await page.send(wire.Consent(True, False, True, page.welcome.consent_version, "en"))
    given: Any = await house.noted(case_of(page), facts.ConsentGiven)
    assert (given.subjects, given.refused) == (("recording", "location"), ("biometrics",))
    assert given.language == "en"


async def test_a_device_check_is_journaled_with_its_problems(house: House) -> None:
    """Again at every try, but not without bound."""
    page = await house.customer()
    await page.send(CHECK)
    noted: Any = await house.noted(case_of(page), facts.DeviceChecked)
    assert (noted.browser, noted.uplink_kbps, noted.problems) == ("Chromium 130", 2_400.0, ("slow_uplink",))
    for _ in range(4):
        await page.send(CHECK)
    assert await page.refused(CHECK) == "busy"
    house.clock.advance(5)
    await page.send(CHECK)
    await until(lambda: "" if count(house, page, "DeviceChecked") == 6 else "the sixth check")


async def test_a_device_check_with_a_novel_in_it_breaks_the_protocol(house: House) -> None:
    """No page has so many problems."""
    page = await house.customer()
    await page.send(wire.DeviceCheck("ok", "ok", "x", None, None, ("x",) * 17))
    await page.closed("protocol", 1002)


async def test_a_place_is_taken_only_after_consent(house: House) -> None:
    """Three at once, then one a minute; without consent it is nowhere."""
    page = await house.customer(consent=False)
    assert page.welcome is not None
    assert await page.refused(PLACE) == "consent_missing"
    await page.send(wire.Consent(True, True, False, page.welcome.consent_version, "zh-CN"))
    assert await page.refused(PLACE) == "consent_missing"
    await page.send(wire.Consent(True, True, True, page.welcome.consent_version, "zh-CN"))
    await page.send(PLACE)
    told: Any = await house.noted(case_of(page), facts.LocationTold)
    assert (told.pii_latitude, told.pii_longitude, told.accuracy_m) == (31.23, 121.47, 20.0)
    for _ in range(5):
        await page.send(PLACE)
    await settled(page)
    await until(lambda: "" if count(house, page, "LocationTold") == 3 else "the third place")
    house.clock.advance(60)
    await page.send(PLACE)
    await until(lambda: "" if count(house, page, "LocationTold") == 4 else "the fourth place")


async def test_a_place_may_be_told_again_in_the_call(house: House) -> None:
    """The customer moves; after the end nothing is added."""
    page, anna, case = await house.call()
    await page.send(PLACE)
    await house.noted(case, facts.LocationTold)
    await house.finish(anna, Outcome.FAILED)
    await page.state(lambda m: m.phase is CallPhase.ENDED)
    assert await page.refused(PLACE) == "wrong_phase"


@pytest.mark.parametrize("when", ["at once", "after consent", "in the queue"])
async def test_a_customer_leaves_a_number_instead_of_waiting(house: House, when: str) -> None:
    """With or without consent, nothing is captured; the case ends by name and the bank has the number."""
    page = await house.customer(consent=when != "at once")
    anna = await house.browser()
    await anna.as_staff("anna")
    if when == "in the queue":
        await page.send(wire.JoinQueue())
        await page.wait(wire.QueuePosition)
    await page.send(wire.RequestCallback("+86 138 0013 8000", "明天上午"))
    await page.closed("callback_noted", 1000)
    ended: Any = await house.noted(case_of(page), facts.CaseAdvanced, "CALLBACK_REQUESTED")
    assert (ended.was, ended.now) == (CasePhase.PRE_CALL, CasePhase.ABORTED)
    names = house.names(case_of(page))
    assert names.index("CallbackRequested") == len(names) - 2
    (row,) = await house.cases.callbacks(BANK)
    assert (row.case, row.pii_callback_phone) == (case_of(page), "+86 138 0013 8000")
    await anna.wait(wire.PresenceSet, lambda m: m.waiting == 0)
    back = await page.hello(resume=page.welcome.resume if page.welcome else None)
    assert (back.phase, back.call) == (CasePhase.ABORTED, None)
    assert await page.refused(wire.JoinQueue()) == "wrong_phase"


@pytest.mark.parametrize("phone", ["=HYPERLINK(1)<script>", "12345x", "+-(  )1234", "138\n00138", "١٢٣٤٥٦"])
async def test_a_number_to_call_back_is_a_number(house: House, phone: str) -> None:
    """What cannot be called is refused, and the customer keeps the place."""
    page, _ = await house.queued()
    assert await page.refused(wire.RequestCallback(phone)) == "bad_phone"
    assert house.cases.rows[case_of(page)].phase is CasePhase.QUEUED
    await page.send(wire.RequestCallback("(010) 65-43"))
    await page.closed("callback_noted", 1000)


async def test_consent_has_a_pace(house: House) -> None:
    """Thinking again is fine; a flood is no journal."""
    page = await house.customer(consent=False)
    assert page.welcome is not None
    for _ in range(5):
        await page.send(wire.Consent(True, True, True, page.welcome.consent_version, "zh-CN"))
    again = wire.Consent(True, False, True, page.welcome.consent_version, "zh-CN")
    assert await page.refused(again) == "busy"
    house.clock.advance(5)
    await page.send(again)
    await house.noted(case_of(page), facts.ConsentGiven, "refused=('biometrics',)")
    assert house.names(case_of(page)).count("ConsentGiven") == 6


async def test_who_is_gone_is_forgotten_when_the_last_call_is_closed(house: House) -> None:
    """The visit ends by time, not while its call is being wound up, and once it is."""
    page, _ = await house.queued()
    case = case_of(page)
    await page.send(wire.LeaveQueue())
    await page.drop()
    house.clock.advance(house.settings.pre_call_grace_s + 1)
    ended: Any = await house.noted(case, facts.CaseAdvanced, "CUSTOMER_LEFT")
    assert ended.now is CasePhase.ABORTED
    welcome = page.welcome
    back = await house.browser()
    await back.connect()
    await back.send(wire.Hello(wire.VERSION, resume=welcome.resume if welcome else None))
    await back.closed("resume_invalid", 1008)


async def test_who_is_in_a_call_needs_no_call_back(house: House) -> None:
    """The conversation goes on."""
    page, _, case = await house.call()
    assert await page.refused(wire.RequestCallback("13800138000")) == "wrong_phase"
    assert "CallbackRequested" not in house.names(case)


async def test_a_closed_desk_says_when_it_opens() -> None:
    """Nobody is let into the queue, and a number can be left all the same."""
    hours = Hours.parse("Mon-Fri 09:00-12:00", "Asia/Shanghai")
    async with open_house(hours=hours) as house:
        page = await house.customer()
        assert page.welcome is not None
        opens = hours.opens_at(house.clock.now())
        assert opens is not None, "the clock stands at a Friday, 16:00 in Shanghai"
        assert page.welcome.opens_at == opens
        await house.noted(case_of(page), facts.ConsentGiven)
        assert await page.refused(wire.JoinQueue()) == "desk_closed"
        assert house.media.calls == {}
        house.clock.advance(opens - house.clock.now())
        await page.send(wire.JoinQueue())
        await page.wait(wire.QueuePosition)


async def test_the_ring_shows_the_customers_card(house: House) -> None:
    """Who, what for, how important, and how often here before."""
    anna = await house.ready_agent("carl")
    tickets = []
    for vip in (False, True):
        card = {"customer_name": "李雷", "customer_ref": "C-17", "skill": "wealth", "vip": vip}
        status, body = await anna.request("POST", "/api/cases", json=card)
        assert status == 201, body
        tickets.append(body["ticket"])
    page = await house.browser()
    welcome = await page.hello(ticket=tickets[-1], language="en")
    await page.send(wire.Consent(True, True, False, welcome.consent_version, "en"))
    await page.send(wire.JoinQueue())
    ring = await anna.wait(wire.Ring)
    assert (ring.customer_name, ring.skill, ring.vip, ring.language) == ("李雷", "wealth", True, "en")
    assert (ring.earlier, ring.rejected) == (1, 0)


async def test_every_draw_by_lot_can_be_done_again() -> None:
    """The journal names the candidates and the random digits that chose among them."""
    async with open_house(random_assignment=True) as house:
        for login in ("anna", "ben"):
            await house.ready_agent(login)
        page, _ = await house.queued()
        drawn: Any = await house.noted(case_of(page), facts.AgentDrawn)
        names = house.names(case_of(page))
        assert names.index("AgentDrawn") < names.index("RingStarted")
        assert len(drawn.candidates) == 2
        assert drawn.chosen == drawn.candidates[int(drawn.random_hex, 16) % 2]


async def test_a_ring_is_told_again_to_a_console_that_is_opened_twice(house: House) -> None:
    """The second window shows what is left of it and can answer."""
    anna = await house.ready_agent()
    _, call = await house.queued()
    await anna.wait(wire.Ring)
    house.clock.advance(10)
    again = await house.browser()
    again.http.cookie_jar.update_cookies(anna.http.cookie_jar.filter_cookies(URL(anna.base)))
    again.csrf = anna.csrf
    welcome = await again.as_staff("anna")
    assert (welcome.call, welcome.seat) == (None, None)
    assert (await again.wait(wire.Ring)).expires_in_s == 20
    await again.send(wire.Accept(call))
    await again.state(lambda m: m.phase is CallPhase.CONNECTING)
