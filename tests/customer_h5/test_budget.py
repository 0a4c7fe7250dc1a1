"""The page stays small: what a phone on a bad network must fetch before anything moves."""

import re

import pytest
from playwright.async_api import expect

from tests.customer_h5.conftest import Phone
from tests.customer_h5.stand_in import CUSTOMER_H5
from web_kit.serve import WebKit

# One connection carries them side by side; beyond a score a bad line's round trips are felt.
REQUESTS_MAX = 20
BYTES_MAX = 80 * 1024
# The visit itself comes while the customer reads the consents.
VISIT_BYTES_MAX = 120 * 1024
_SIZES = """() => performance.getEntriesByType("resource")
  .concat(performance.getEntriesByType("navigation")).map((entry) => [entry.name, entry.encodedBodySize])"""


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="session")
async def test_page_load(phone: Phone) -> None:
    """The landing screen takes at most 20 requests and 80 KB."""
    await phone.page.goto(f"{phone.bank.url}/c/?b=demo", wait_until="networkidle")
    sizes = await phone.page.evaluate(_SIZES)
    assert 5 < len(sizes) <= REQUESTS_MAX, [name for name, _ in sizes]
    assert not any("/web_kit/record/" in name for name, _ in sizes)  # what only the staff's pages need
    assert len(phone.watched.requests) <= REQUESTS_MAX + 1  # the data: icon is no request to us
    assert 0 < sum(size for _, size in sizes) <= BYTES_MAX


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="session")
async def test_all_before_media(phone: Phone) -> None:
    """With everything that the call needs the page still takes at most 120 KB."""
    await phone.page.goto(f"{phone.bank.url}/c/?b=demo")
    await phone.page.get_by_role("checkbox").first.check()
    await phone.page.wait_for_load_state("networkidle")
    sizes = await phone.page.evaluate(_SIZES)
    assert any(name.endswith("/session.js") for name, _ in sizes)
    assert 0 < sum(size for _, size in sizes) <= VISIT_BYTES_MAX


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="session")
async def test_second_visit_fetches_the_page_only(phone: Phone) -> None:
    """Assets are immutable: a second visit asks the server for the HTML alone."""
    await phone.page.goto(f"{phone.bank.url}/c/?b=demo", wait_until="networkidle")
    await phone.page.goto(f"{phone.bank.url}/c/?b=other", wait_until="networkidle")
    await expect(phone.page.get_by_role("checkbox")).to_have_count(3)
    fetched = """performance.getEntriesByType("resource")
      .filter((entry) => entry.transferSize > 0 && !entry.name.includes("/api/")).length"""
    assert await phone.page.evaluate(fetched) == 0


def test_old_phones_can_parse_it() -> None:
    """No syntax or method newer than ES2020, which in-app browsers of 2020 understand."""
    kit = WebKit({"customer_h5": CUSTOMER_H5})
    entries = ("main", "visit_screens", "tilt_sheet")
    own = [name for entry in entries for name in kit.module_graph(f"customer_h5/{entry}.js")]
    newer = re.compile(
        r"this\.#|static \{|\?\?=|\|\|=|&&=|\d_\d|\.at\(|findLast|replaceAll|toSorted|hasOwn\("
        r"|structuredClone|^await ",
        re.MULTILINE,
    )
    roots = {"customer_h5": CUSTOMER_H5, "web_kit": CUSTOMER_H5.parent / "web_kit"}
    for name in set(own):
        app, _, path = name.partition("/")
        found = newer.findall((roots[app] / path).read_text("utf-8"))
        assert found == [], name
