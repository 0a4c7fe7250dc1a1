"""Offers cost a connection each: how many of them a page may send."""

import asyncio
from typing import Any

from contract import wire
from contract.ids import CallId
from contract.ports import Party
from tests.signaling.house import House


async def test_one_offer_of_a_page_is_answered_at_a_time(house: House) -> None:
    """While media is busy with the first, the next is refused; the agent's seat is its own."""
    console = await house.ready_agent()
    page, call = await house.queued()
    await console.wait(wire.Ring)
    answer, proceed, running = house.media.answer, asyncio.Event(), 0

    async def slow(call: CallId, party: Party, offer: str) -> Any:
        nonlocal running
        running += 1
        await proceed.wait()
        return await answer(call, party, offer)

    house.media.answer = slow  # type: ignore[method-assign]
    await page.send(wire.Offer(call, "v=0 one"))
    await page.send(wire.Offer(call, "v=0 two"))
    failed = await page.wait(wire.Failed)
    assert (failed.code, failed.about) == ("busy", "offer")
    await console.send(wire.Offer(call, "v=0 agent"))
    proceed.set()
    for browser in (page, console):
        await browser.wait(wire.Answer)
    assert running == 2
    await page.send(wire.Offer(call, "v=0 three", 7))
    answered = await page.wait(wire.Answer)
    assert (answered.sdp, answered.number) == ("answer to v=0 three", 7)


async def test_offers_are_bounded_in_time(house: House) -> None:
    """Five at once, then one a second; a new socket is no new allowance."""
    page, call = await house.queued()
    for number in range(2, 6):
        await page.send(wire.Offer(call, f"v=0 {number}"))
        await page.wait(wire.Answer)
    await page.send(wire.Offer(call, "v=0 too many"))
    failed = await page.wait(wire.Failed)
    assert (failed.code, failed.about) == ("busy", "offer")
    assert page.welcome is not None
    await page.drop()
    await page.hello(resume=page.welcome.resume)
    await page.send(wire.Offer(call, "v=0 too many"))
    assert (await page.wait(wire.Failed)).code == "busy"
    house.clock.advance(1)
    await page.send(wire.Offer(call, "v=0 later"))
    await page.wait(wire.Answer)
