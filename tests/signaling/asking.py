"""Requests of pages and consoles, and how they are refused."""

from typing import Any

from tests.signaling.house import Browser, House


async def person(house: House, login: str) -> Browser:
    """Return the browser of somebody who is logged in."""
    browser = await house.browser()
    await browser.login(login)
    return browser


async def refused(browser: Browser, method: str, path: str, **kwargs: Any) -> tuple[int, str]:
    """Return status and word of a request that is not granted."""
    status, body = await browser.request(method, path, **kwargs)
    assert set(body) == {"code", "text"}, body
    return status, body["code"]


def bearer(page: Browser, content_type: str = "image/jpeg") -> dict[str, str]:
    """Return the headers with which a customer's page uploads."""
    assert page.welcome is not None
    return {"Authorization": f"Bearer {page.welcome.upload}", "Content-Type": content_type}
