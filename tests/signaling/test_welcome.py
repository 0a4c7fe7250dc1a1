"""What the two kinds of pages are greeted with."""

from contract import wire
from tests.signaling.house import open_house


async def test_every_welcome_brings_fresh_ice_servers() -> None:
    """They are made for the seat or account at the time of each hello, also when a seat is taken again."""

    def servers(party: str, now: float) -> tuple[wire.IceServer, ...]:
        return (wire.IceServer(("turn:turn.example",), f"{now:.0f}:{party}", "c"),)

    async with open_house(ice_servers=servers) as house:
        page = await house.browser()
        first = await page.hello(ticket=(await house.walk_in())[1])
        came = house.clock.now()
        house.clock.advance(5)
        await page.drop()
        page.messages.clear()
        again = await page.hello(resume=first.resume)
        console = await (await house.browser()).as_staff("anna")
        anna = await house.accounts.account_by_login("anna")

    assert anna is not None
    assert [w.ice_servers[0].username for w in (first, again, console)] == [
        f"{came:.0f}:{first.seat}", f"{came + 5:.0f}:{first.seat}", f"{came + 5:.0f}:{anna.account}",
    ]  # fmt: skip
