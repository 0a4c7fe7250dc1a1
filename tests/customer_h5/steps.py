"""The way into a visit that most tests begin with."""

import re

from playwright.async_api import expect

from contract import wire
from contract.phases import CallPhase
from tests.customer_h5.conftest import Phone
from tests.customer_h5.stand_in import AGENT, AGENT_SEAT, SEAT, SELF


async def tap_start(phone: Phone, link: str = "?b=demo") -> None:
    """Open the link, tick every consent and tap."""
    await phone.page.goto(f"{phone.bank.url}/c/{link}")
    for box in await phone.page.get_by_role("checkbox").all():
        await box.check()
    await phone.page.get_by_role("button", name="开始视频通话").click()


async def enter_queue(phone: Phone) -> None:
    """Go through the check into the queue."""
    await tap_start(phone)
    await phone.bank.wait_for(wire.Offer)


async def enter_call(phone: Phone, *parties: wire.PartySeen) -> None:
    """Be in an active call with the agent and whoever else."""
    await enter_queue(phone)
    await phone.bank.call_state(CallPhase.CONNECTING)
    await expect(phone.page.locator(".call-wait")).to_be_visible()
    await talk(phone, *(parties or (AGENT,)))
    await expect(phone.page.locator(".recording")).to_be_visible()


async def talk(phone: Phone, *parties: wire.PartySeen, **changes: object) -> None:
    """Tell the page who is in the active call."""
    everybody = (SELF, *parties)
    told = {"active_s": 65.0, "seat": SEAT, "host": AGENT_SEAT, "parties": everybody, **changes}
    phase = told.pop("phase", CallPhase.ACTIVE)
    assert isinstance(phase, CallPhase)
    await phone.bank.call_state(phase, **told)  # type: ignore[arg-type]


async def plays(phone: Phone, selector: str) -> None:
    """Wait until a video element shows a moving picture."""
    find = "(name) => [document.querySelector(name)].some((v) => v && v.videoWidth > 0 && v.currentTime > 0)"
    await phone.page.wait_for_function(find, arg=selector)


async def require_calm(phone: Phone) -> None:
    """Fail if the page is wider than the window, or something on it has no name or is too small to press."""
    await phone.watched.require_fit()
    await phone.watched.require_names()
    small = await phone.page.evaluate(
        """() => [...document.querySelectorAll("button, summary, .star, .attach")]
          .filter((one) => one.checkVisibility())
          .map((one) => [one.getBoundingClientRect(), one.outerHTML.slice(0, 100)])
          .filter(([box]) => box.width < 43.5 || box.height < 43.5).map(([, words]) => words)"""
    )
    assert small == []


CLOCK = re.compile(r"^1:0\d$")
