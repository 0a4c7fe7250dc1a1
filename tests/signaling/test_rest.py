"""REST: logging in, walking in, bounds, and whose pages may ask."""

import json
from ipaddress import ip_network
from typing import Any

import pytest

from tests.signaling.asking import person, refused
from tests.signaling.house import PASSWORD, House, open_house


async def test_login_tells_who_one_is(house: House) -> None:
    """A reloaded page is told the same, by the cookie alone; after logout no more."""
    browser = await house.browser()
    body = await browser.login("anna")
    assert (body["name"], body["role"], body["bank"]) == ("Anna", "agent", "示范银行")
    assert await browser.request("GET", "/api/me") == (200, body)
    assert (await browser.request("POST", "/api/logout"))[0] == 200
    assert await refused(browser, "GET", "/api/me") == (401, "not_logged_in")


async def test_the_cookie_is_for_our_pages_only(house: House) -> None:
    """HttpOnly, SameSite=Strict, the whole host; with HTTPS also Secure and bound by its name."""
    for https, name in ((False, "teller"), (True, "__Host-teller")):
        async with open_house(https=https) as other:
            browser = await other.browser()
            credentials = {"login": "anna", "password": PASSWORD}
            async with browser.http.post(other.base + "/api/login", json=credentials) as answer:
                cookie = answer.cookies[name]
                assert cookie["httponly"]
                assert cookie["samesite"] == "Strict"
                assert cookie["path"] == "/"
                assert not cookie["domain"]
                assert bool(cookie["secure"]) is https
    assert house.settings.https is False


async def test_a_wrong_password_is_refused_in_few_words(house: House) -> None:
    """401 with the word that pages translate."""
    browser = await house.browser()
    wrong = {"login": "anna", "password": "wrong"}
    assert await refused(browser, "POST", "/api/login", json=wrong) == (401, "login_failed")


@pytest.mark.parametrize(
    "body",
    [b"", b"nonsense", b"[]", b"{}", b'{"login": 1, "password": "x"}', b"[" * 60_000, b"\xff\xfe",
     b'{"login": "a", "password": "b", "role": "admin"}',
     json.dumps({"login": "a", "password": "x" * 1_025}).encode()],
)  # fmt: skip
async def test_a_body_that_does_not_fit_is_refused(house: House, body: bytes) -> None:
    """Not JSON, wrong types, unknown keys, too long a text."""
    browser = await house.browser()
    headers = {"Content-Type": "application/json"}
    assert await refused(browser, "POST", "/api/login", data=body, headers=headers) == (400, "protocol")


async def test_bodies_have_bounds(house: House) -> None:
    """Announced or streamed, the 65,537th byte is not read; forms are no JSON."""
    browser = await house.browser()
    json_type = {"Content-Type": "application/json"}
    big = b" " * 65_537
    assert await refused(browser, "POST", "/api/login", data=big, headers=json_type) == (413, "too_large")

    async def stream() -> Any:
        for _ in range(3):
            yield b" " * 30_000

    assert await refused(browser, "POST", "/api/login", data=stream(), headers=json_type) == (
        413, "too_large",
    )  # fmt: skip
    assert await refused(browser, "POST", "/api/login", data={"login": "anna"}) == (400, "protocol")


async def test_a_foreign_page_cannot_post(house: House) -> None:
    """Neither log in, nor open cases, nor act with somebody's cookie."""
    browser = await person(house, "anna")
    evil = {"Origin": "https://evil.example"}
    for path, body in (
        ("/api/login", {"login": "anna", "password": PASSWORD}),
        ("/api/walk-in", {"tenant": "demo"}),
        ("/api/cases", {}),
        ("/api/logout", {}),
    ):
        assert await refused(browser, "POST", path, json=body, headers=evil) == (403, "origin")
    for strange in ("null", "file://", f"ftp://{house.base.removeprefix('http://')}"):
        headers = {"Origin": strange}
        assert await refused(browser, "POST", "/api/cases", json={}, headers=headers) == (403, "origin")
    ours = {"Origin": house.base}
    assert (await browser.request("POST", "/api/cases", json={}, headers=ours))[0] == 201


async def test_configured_origins_may_post() -> None:
    """The bank's own site embeds our page."""
    async with open_house(origins=("https://bank.example",)) as house:
        browser = await house.browser()
        headers = {"Origin": "https://bank.example"}
        body = {"tenant": "demo"}
        assert (await browser.request("POST", "/api/walk-in", json=body, headers=headers))[0] == 201


async def test_a_change_needs_the_csrf_token(house: House) -> None:
    """The cookie alone changes nothing, not even with another session's token."""
    browser, other = await person(house, "anna"), await person(house, "anna")
    for token in ("", other.csrf):
        headers = {"X-CSRF-Token": token}
        for path in ("/api/cases", "/api/logout"):
            assert await refused(browser, "POST", path, json={}, headers=headers) == (403, "csrf")
    assert (await browser.request("GET", "/api/me"))[0] == 200


async def test_a_closed_front_door_is_not_found(house: House) -> None:
    """Neither a bank without walk-in nor an unknown one opens a case."""
    browser = await house.browser()
    for code in ("rival", "nobody"):
        body = {"tenant": code}
        assert await refused(browser, "POST", "/api/walk-in", json=body) == (404, "not_found")
    assert house.cases.rows == {}


async def test_walk_ins_are_bounded_by_address() -> None:
    """A script cannot fill the desk; time refills the bucket."""
    async with open_house(per_ip_burst=3.0, per_ip_per_minute=60.0) as house:
        browser = await house.browser()
        body = {"tenant": "demo"}
        answers = [(await browser.request("POST", "/api/walk-in", json=body))[0] for _ in range(4)]
        assert answers == [201, 201, 201, 429]
        forged = {"X-Forwarded-For": "198.51.100.7"}
        assert await refused(browser, "POST", "/api/walk-in", json=body, headers=forged) == (
            429, "too_fast",
        )  # fmt: skip
        house.clock.advance(1)
        assert (await browser.request("POST", "/api/walk-in", json=body))[0] == 201


async def test_a_trusted_proxy_tells_the_address() -> None:
    """The last hop that is in no proxies' network counts; what the client wrote before it does not."""
    proxies = tuple(map(ip_network, ("127.0.0.1", "10.0.0.0/24", "fd00::/8")))
    async with open_house(per_ip_burst=1.0, per_ip_per_minute=0.001, trusted_proxies=proxies) as house:
        browser = await house.browser()

        async def walk_in(forwarded: str) -> int:
            headers = {"X-Forwarded-For": forwarded} if forwarded else {}
            return (await browser.request("POST", "/api/walk-in", json={"tenant": "demo"}, headers=headers))[
                0
            ]

        assert await walk_in("198.51.100.7, 10.0.0.9") == 201
        assert await walk_in("203.0.113.1, 198.51.100.7") == 429
        assert await walk_in("198.51.100.8, fd00::1, ::ffff:10.0.0.200") == 201
        assert await walk_in("198.51.100.8") == 429
        assert await walk_in("unknown, 10.0.1.1") == 201
        assert await walk_in("10.0.0.1, nonsense") == 201
        assert await walk_in("") == 201
        assert await walk_in("10.0.0.9") == 429
