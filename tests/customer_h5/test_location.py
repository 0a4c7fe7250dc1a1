"""When the customer's page tells its place: with consent, from time to time, and when it comes back."""

from dataclasses import replace

import pytest
from playwright.async_api import expect

from contract import wire
from contract.phases import CallPhase
from tests.customer_h5.conftest import Phone
from tests.customer_h5.stand_in import AGENT, CALL
from tests.customer_h5.steps import enter_call, enter_queue, talk

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# Longer than any test: only what happens at once is told then.
SELDOM = 600.0
_HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def be_at(phone: Phone, latitude: float, longitude: float) -> None:
    await phone.page.context.grant_permissions(["camera", "microphone", "geolocation"])
    await phone.page.context.set_geolocation({"latitude": latitude, "longitude": longitude, "accuracy": 30})


def told(phone: Phone) -> list[wire.Location]:
    return [message for message in phone.bank.got if isinstance(message, wire.Location)]


async def test_the_place_is_told_again_during_the_call(phone: Phone) -> None:
    """At the beginning and again and again at the bank's pace, until the call is over."""
    phone.bank.welcome = replace(phone.bank.welcome, location_s=0.5)
    await be_at(phone, 31.23, 121.47)
    await enter_queue(phone)
    await phone.bank.wait_for(wire.Location)
    await phone.bank.wait_for(wire.Ping)
    assert len(told(phone)) == 1  # in the queue nobody asks
    await phone.bank.call_state(CallPhase.CONNECTING)
    await talk(phone, AGENT)
    await phone.bank.wait_for(wire.Location, 4)
    await phone.bank.call_state(CallPhase.ENDED, active_s=9.0, reason="agent_hung_up")
    await expect(phone.page.get_by_text("谢谢，本次通话已结束")).to_be_visible()
    assert {(one.latitude, one.longitude, one.accuracy_m) for one in told(phone)} == {(31.23, 121.47, 30)}


async def test_a_page_that_comes_back_tells_its_place(phone: Phone) -> None:
    """From behind another one, and after a lost line; the place is that of now."""
    phone.bank.welcome = replace(phone.bank.welcome, location_s=SELDOM)
    await be_at(phone, 31.23, 121.47)
    await enter_call(phone)
    await phone.bank.wait_for(wire.Location, 2)
    await phone.page.evaluate(_HIDE, True)
    await phone.page.evaluate(_HIDE, False)
    await phone.bank.wait_for(wire.Location, 3)
    consent = await phone.bank.wait_for(wire.Consent)
    phone.bank.welcome = replace(phone.bank.welcome, call=CALL)
    assert phone.bank.socket is not None
    await phone.bank.socket.close(code=1013)
    await phone.bank.wait_for(wire.Hello, 2)
    await phone.bank.take_consent(consent)
    await phone.bank.wait_for(wire.Location, 4)
    assert len(told(phone)) == 4


async def test_without_consent_no_place_is_told(phone: Phone) -> None:
    """Though the device would tell it."""
    phone.bank.welcome = replace(phone.bank.welcome, location_s=0.2)
    await be_at(phone, 31.23, 121.47)
    await phone.page.goto(f"{phone.bank.url}/c/?b=demo")
    await phone.page.get_by_role("checkbox", name="录音录像").check()
    await phone.page.get_by_role("button", name="开始视频通话").click()
    await phone.bank.wait_for(wire.Offer)
    await phone.bank.call_state(CallPhase.CONNECTING)
    await talk(phone, AGENT)
    await expect(phone.page.locator(".recording")).to_be_visible()
    await phone.page.evaluate(_HIDE, True)
    await phone.page.evaluate(_HIDE, False)
    await phone.bank.wait_for(wire.Ping, 2)
    assert told(phone) == []
