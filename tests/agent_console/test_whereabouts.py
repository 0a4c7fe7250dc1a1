"""Where the customer is, beside the script, in Chromium."""

import pytest
from playwright.async_api import Locator, Page, expect

from contract.facts import ConsentGiven, LocationTold, NetworkSeen
from contract.phases import NetworkKind
from tests.agent_console.stand_in import StandIn
from tests.agent_console.story import Story
from tests.browser import shoot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
SOURCE = ("GeoIP2-Anonymous-IP 2026-11-03", "GeoLite2-Country 2026-11-03")


def card(page: Page, name: str = "客户所在") -> Locator:
    return page.get_by_role("group", name=name)


def network(story: Story, country: str, kind: NetworkKind, *doubts: str) -> NetworkSeen:
    return NetworkSeen(story.customer, "203.0.113.9", country, kind, "", doubts, SOURCE)


async def test_network_and_place_stand_beside_the_script(call: Page, server: StandIn, story: Story) -> None:
    """Country, verdict, source and place with its radius; nothing warns while there is no doubt."""
    await expect(card(call)).to_contain_text("尚未记录")
    await expect(card(call)).to_contain_text("尚未提供")
    await server.note(
        story.tell(network(story, "CN", NetworkKind.UNLISTED)),
        story.tell(LocationTold(31.23, 121.4737, 20.0)),
    )
    await expect(card(call)).to_contain_text("中国 · 未发现代理")
    await expect(card(call)).to_contain_text(
        "依据：GeoIP2-Anonymous-IP 2026-11-03、GeoLite2-Country 2026-11-03"
    )
    await expect(card(call)).to_contain_text("31.2300°N 121.4737°E ±20 m · ")
    await expect(card(call).locator(".badge")).to_have_count(0)
    await expect(call.get_by_text("203.0.113.9")).to_be_hidden()


async def test_a_doubt_warns_and_is_read_out(call: Page, server: StandIn, story: Story) -> None:
    """As a status of its own, which a new place leaves alone, in both languages; the call goes on."""
    await server.note(story.tell(network(story, "US", NetworkKind.VPN, "abroad", "anonymiser")))
    doubts = card(call).get_by_role("status")
    await expect(doubts.locator(".badge.warn")).to_have_text(["境外网络", "使用代理或匿名网络"])
    await expect(card(call)).to_contain_text("美国 · VPN")
    shown = await doubts.locator(".badge").first.element_handle()
    await server.note(story.tell(LocationTold(31.24, 121.48, 1_500.0)))
    await expect(card(call)).to_contain_text("±2 km")
    assert await shown.evaluate("(badge) => badge.isConnected")
    await shoot(call, "agent-whereabouts")
    await call.get_by_role("button", name="English").click()
    english = card(call, "Where the customer is")
    await expect(english).to_contain_text("United States · VPN")
    await expect(english.get_by_role("status")).to_contain_text("Behind a proxy or an anonymiser")
    await call.get_by_role("button", name="中文").click()
    await server.note(story.tell(network(story, "CN", NetworkKind.UNLISTED)))
    await expect(doubts.locator(".badge")).to_have_count(0)


async def test_what_is_not_known_is_said(call: Page, server: StandIn, story: Story) -> None:
    """That no database was there, and that the customer refused."""
    await server.note(
        story.tell(ConsentGiven(("recording",), "2026-3", "zh-CN", ("biometrics", "location"))),
        story.tell(NetworkSeen(story.customer, "203.0.113.9", "", NetworkKind.UNKNOWN, "", (), ())),
    )
    await expect(card(call)).to_contain_text("没有网络数据库可查")
    await expect(card(call)).to_contain_text("客户不同意提供位置")
