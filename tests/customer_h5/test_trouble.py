"""What can go wrong before a call has words, a way on, and nothing in the console."""

from dataclasses import replace

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from contract import facts, wire
from contract.phases import CallEnd, CallPhase, CaseEnd, CasePhase
from tests.browser import watched_page
from tests.customer_h5.conftest import Phone
from tests.customer_h5.stand_in import AGENT, CUSTOMER_H5, StandIn
from tests.customer_h5.steps import enter_call, enter_queue, talk, tap_start
from web_kit.serve import WebKit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
_NO_CAPTURE = """
Object.defineProperty(navigator, "userAgent", { value: "Mozilla/5.0 MicroMessenger/8.0" });
Object.defineProperty(navigator, "mediaDevices", { value: undefined });
"""
_WITHHELD = """
Object.defineProperty(navigator, "userAgent", { value: "Mozilla/5.0 MicroMessenger/8.0" });
navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
"""


async def test_browser_that_cannot(phone: Phone) -> None:
    """An in-app browser without a camera says so before anything is asked; the link keeps its ticket."""
    page = phone.page
    await page.add_init_script(_NO_CAPTURE)
    await page.goto(f"{phone.bank.url}/c/#ticket=abc")
    await expect(page.get_by_role("heading", name="请在系统浏览器中打开")).to_be_visible()
    await expect(page.get_by_label("本页链接")).to_have_value(f"{phone.bank.url}/c/#ticket=abc")
    await page.get_by_role("button", name="复制链接").click()
    await expect(page.get_by_text("已复制")).to_be_visible()
    await phone.shot("elsewhere-webview")
    assert phone.bank.got == []


async def test_old_browser(phone: Phone) -> None:
    """A browser without peer connections is told to be updated or left."""
    await phone.page.add_init_script("delete window.RTCPeerConnection")
    await phone.page.goto(f"{phone.bank.url}/c/?b=demo")
    await expect(phone.page.get_by_role("heading", name="当前浏览器不支持")).to_be_visible()
    await expect(phone.page.get_by_label("本页链接")).to_have_value(f"{phone.bank.url}/c/?b=demo")
    await phone.shot("elsewhere-old")


async def test_camera_withheld_after_the_ticket(phone: Phone) -> None:
    """An app that withholds the camera only when asked is journaled, and the link carries the seat instead of
    the used ticket; another window takes the seat with it."""
    page = phone.page
    await page.add_init_script(_WITHHELD)
    await tap_start(phone, "#ticket=abc")
    report = await phone.bank.wait_for(wire.DeviceCheck)
    assert set(report.problems) == {"camera_denied", "microphone_denied", "browser_webview"}
    link = await page.get_by_label("本页链接").input_value()
    assert link == f"{phone.bank.url}/c/#seat=resume-1"
    await phone.shot("check-webview")
    other = await page.context.new_page()
    await other.goto(link)
    again = await phone.bank.wait_for(wire.Hello, 2)
    assert (again.resume, again.ticket) == ("resume-1", None)
    await other.close()


async def test_used_ticket(phone: Phone) -> None:
    """A refused ticket is explained, with no button that could only fail again."""
    phone.bank.refusal = "ticket_used"
    await tap_start(phone, "#ticket=abc")
    await expect(phone.page.get_by_text("链接已被使用")).to_be_visible()
    await expect(phone.page.get_by_role("button", name="重试")).to_have_count(0)
    hello = await phone.bank.wait_for(wire.Hello)
    assert (hello.ticket, phone.bank.walk_ins) == ("abc", [])
    await phone.shot("problem-ticket")


async def test_other_consent_version(phone: Phone) -> None:
    """Consent is never sent for a text that was not the one shown."""
    phone.bank.welcome = replace(phone.bank.welcome, consent_version="2031-4")
    await tap_start(phone)
    await expect(phone.page.get_by_text("请刷新页面")).to_be_visible()
    assert not any(isinstance(message, wire.Consent) for message in phone.bank.got)


async def test_without_link(phone: Phone) -> None:
    """Without ticket or code the page asks for the branch's code and goes there."""
    await phone.page.goto(f"{phone.bank.url}/c/")
    await phone.shot("problem-no-link")
    await phone.page.get_by_label("网点代码").fill("demo")
    await phone.page.keyboard.press("Enter")
    await expect(phone.page.get_by_role("checkbox")).to_have_count(3)
    assert phone.page.url.endswith("/c/?b=demo")


async def test_keyboard_alone(phone: Phone) -> None:
    """The queue is reached without a pointer."""
    page = phone.page
    await page.goto(f"{phone.bank.url}/c/?b=demo")
    await page.get_by_role("checkbox").first.focus()
    await page.keyboard.press("Space")
    for _ in range(2):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await expect(page.get_by_role("checkbox", name="人脸信息")).to_be_checked()
    for _ in range(5):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await phone.bank.wait_for(wire.JoinQueue)


async def test_every_ending_has_words(phone: Phone) -> None:
    """Each CallEnd shows its own sentence and never a machine word; after two of them the visit goes on."""
    seen = set()
    endings = set(CallEnd) - {CallEnd.TRANSFER_FAILED, CallEnd.INTERRUPTED}
    for reason in endings:
        phone.bank.got.clear()
        await tap_start(phone)
        await phone.bank.wait_for(wire.JoinQueue)
        await phone.bank.call_state(CallPhase.ENDED, reason=reason.value)
        words = await phone.page.locator(".facts dd").last.text_content()
        assert words and reason.value not in words
        seen.add(words)
    assert len(seen) == len(endings)


@pytest.mark.parametrize(
    ("reason", "checking", "waiting"),
    [
        ("transfer_failed", "刚才没有柜员能够接续", "正在优先为您安排柜员"),
        ("interrupted", "按规定需要重新接通", "正在优先为您接通刚才的柜员"),
    ],
)
async def test_who_was_cut_off_is_led_back_into_the_queue(
    phone: Phone, reason: str, checking: str, waiting: str
) -> None:
    """By itself, by way of the check, with a connection of its own, a slow line or not; it is said why."""
    page = phone.page
    await enter_call(phone)
    # Fifty times slower than what the check calls good.
    phone.bank.probe_s = 2.0
    await phone.bank.call_state(CallPhase.ENDED, reason=reason)
    await expect(page.get_by_text(checking)).to_be_visible()
    await phone.shot(f"cut-off-check-{reason}")
    await phone.bank.wait_for(wire.JoinQueue, 2)
    await phone.bank.wait_for(wire.Offer, 2)
    await expect(page.get_by_role("button", name="离开排队")).to_be_visible()
    await expect(page.get_by_text(waiting)).to_be_visible()
    await phone.shot(f"cut-off-queue-{reason}")
    await talk(phone, AGENT)
    await expect(page.get_by_text(waiting)).to_have_count(0)


@pytest.mark.parametrize("told", ["fact", "error"])
async def test_a_case_that_is_over_leaves_nobody_waiting(phone: Phone, told: str) -> None:
    """A supervisor ends a call that never rang: by the error, and if that was missed by the fact."""
    await enter_queue(phone)
    if told == "error":
        await phone.bank.send(wire.Failed("supervisor_ended", "x", "join_queue"))
        await expect(phone.page.get_by_text("银行工作人员结束了排队")).to_be_visible()
    else:
        over = facts.CaseAdvanced(CasePhase.QUEUED, CasePhase.ABORTED, CaseEnd.CALL_FAILED)
        await phone.bank.note(over)
        await expect(phone.page.locator(".facts")).to_be_visible()
    await expect(phone.page.get_by_role("button", name="离开排队")).to_have_count(0)


async def test_collector_notices(browser: Browser, bank: StandIn) -> None:
    """The collector that the other tests rely on sees errors, violations and failed requests."""
    async with watched_page(browser, aborts=True) as watched:
        page = watched.page
        await page.goto(f"{bank.url}/c/?b=demo")
        assert watched.troubles == []
        await page.evaluate("console.error('seen')")
        await page.evaluate("fetch('/nowhere')")
        await page.evaluate("setTimeout(() => { throw new Error('thrown'); })")
        await page.evaluate("document.body.setAttribute('style', 'color: red')")
        await page.evaluate("try { document.body.innerHTML = '<b>x</b>'; } catch { }")
        await page.evaluate(
            "{ const gone = new AbortController(); fetch('/', gone).catch(() => 0); gone.abort(); }"
        )
        for part in ("seen", "404", "thrown", "style-src", "require-trusted-types-for", "ERR_ABORTED"):
            await watched.wait_for_trouble(part)
        watched.troubles.clear()


async def test_embedded(browser: Browser) -> None:
    """One script tag in a bank's page: the ticket goes to the frame, states and the ending come back."""
    runner, origin, pages = await _bank_page()
    kit = WebKit({"customer_h5": CUSTOMER_H5}, embed_origins=(origin,))
    async with StandIn(kit) as bank:
        pages["/"] = (
            f'<!doctype html><title>bank</title><script src="{bank.url}/embed.js" async></script>'
            '<video-teller ticket="framed-ticket"></video-teller>'
        )
        async with watched_page(browser, (1000, 900), aborts=True) as watched:
            await _visit_framed(watched.page, bank, origin)
    await runner.cleanup()


async def _visit_framed(page: Page, bank: StandIn, origin: str) -> None:
    await page.goto(origin)
    await page.evaluate(
        "window.heard = []; for (const name of ['teller-state', 'teller-ended'])"
        " document.addEventListener(name, (event) => window.heard.push(event.detail))"
    )
    frame = page.frame_locator("video-teller iframe")
    for box in range(3):
        await frame.get_by_role("checkbox").nth(box).check()
    await frame.get_by_role("button", name="开始视频通话").click()
    hello = await bank.wait_for(wire.Hello)
    assert hello.ticket == "framed-ticket"
    await bank.wait_for(wire.JoinQueue)
    await bank.call_state(CallPhase.ENDED, reason="agent_hung_up")
    await page.wait_for_function("() => window.heard.some((detail) => detail.reason === 'agent_hung_up')")


async def _bank_page() -> tuple[web.AppRunner, str, dict[str, str]]:
    pages: dict[str, str] = {}

    async def page(request: web.Request) -> web.Response:
        if request.path not in pages:
            return web.Response(status=204)
        policy = "default-src 'self'; script-src 'self' http://127.0.0.1:*; frame-src http://127.0.0.1:*"
        return web.Response(
            text=pages[request.path], content_type="text/html", headers={"Content-Security-Policy": policy}
        )

    app = web.Application()
    app.router.add_get("/{tail:.*}", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}", pages
