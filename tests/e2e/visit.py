"""The customer's way through the phone page into the queue."""

from playwright.async_api import Page, expect

STEP_MS = 40_000


async def start_visit(page: Page, url: str) -> None:
    """Open the link, agree to everything, and go on from the check whatever a busy machine made of it."""
    await page.goto(f"{url}/c/?b=demo")
    for box in await page.get_by_role("checkbox").all():
        await box.check()
    await page.get_by_role("button", name="开始视频通话").click()
    again = page.get_by_role("button", name="重新检测")
    waits = page.locator("main.queue, main.call")
    await expect(again.or_(waits).first).to_be_visible(timeout=STEP_MS)
    if await again.is_visible():
        await page.get_by_role("button", name="进入排队").click()
    await expect(waits).to_be_visible(timeout=STEP_MS)
