"""Where windows stand, and what the state makes of messages: pure modules, run in Chromium."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.agent_console.stand_in import StandIn, stand_in
from tests.browser import watched_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LAYOUT = "agent_console/stage/layout.js"
WINDOWS = "agent_console/stage/windows.js"
STATE = "agent_console/state.js"
ALL = ["customer", "share", "third", "fourth", "self"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bare(browser: Browser) -> AsyncIterator[tuple[Page, StandIn]]:
    """A page into which modules can be imported."""
    async with stand_in({}) as server, watched_page(browser) as watched:
        await watched.page.goto(f"{server.url}/agent/")
        yield watched.page, server


async def run(bare: tuple[Page, StandIn], module: str, body: str, *values: Any) -> Any:
    """Return what ``body`` gives with the module's exports in ``m`` and ``values`` in ``v``."""
    page, server = bare
    script = f"async (v) => {{ const m = await import('/s/{server.kit.build}/{module}'); {body} }}"
    return await page.evaluate(script, list(values))


async def test_what_somebody_else_shows_fills_the_stage(bare: tuple[Page, StandIn]) -> None:
    """Unless chosen otherwise the other's screen is the main window; one's own screen is not."""
    body = """const main = (ids, own) => m.mainOf(m.UNTOUCHED, ids, own);
    return [main(v[0], false), main(v[0], true), main(["customer", "self"], false)];"""
    assert await run(bare, LAYOUT, body, ALL) == ["share", "customer", "customer"]


async def test_usual_places_do_not_overlap(bare: tuple[Page, StandIn]) -> None:
    """In the untouched arrangement no small window covers another, and all lie on the stage."""
    places = [
        one["place"]
        for one in await run(bare, LAYOUT, "return m.placed(m.UNTOUCHED, v[0], false);", ALL)
        if not one["main"]
    ]
    assert len(places) == 4
    for one in places:
        assert 0 <= one["x"] <= one["x"] + one["w"] <= 1 and 0 <= one["y"] <= one["y"] + one["h"] <= 1
        for other in places:
            apart = (
                one["x"] + one["w"] <= other["x"]
                or other["x"] + other["w"] <= one["x"]
                or one["y"] + one["h"] <= other["y"]
                or other["y"] + other["h"] <= one["y"]
            )
            assert one is other or apart


async def test_a_window_never_leaves_the_stage(bare: tuple[Page, StandIn]) -> None:
    """However far it is dragged it stays whole on the stage, and keeps its size."""
    body = """const [self] = m.placed(m.UNTOUCHED, ["self"], false);
    return [[9, 9], [-9, -9]].map(([x, y]) => m.changed(m.UNTOUCHED, self, { x, y }).places.self);"""
    low, high = await run(bare, LAYOUT, body)
    assert (low["x"] + low["w"], low["y"] + low["h"]) == (1, 1)
    assert (high["x"], high["y"]) == (0, 0)
    assert (low["w"], low["h"]) == pytest.approx((high["w"], high["h"]))


async def test_a_window_has_a_smallest_and_a_largest_size(bare: tuple[Page, StandIn]) -> None:
    """Its corner stops where buttons would vanish, and at the edge of the stage; its place stays."""
    body = """const [self] = m.placed(m.UNTOUCHED, ["self"], false);
    return [-9, 9].map((by) => m.changed(m.UNTOUCHED, self, { w: by, h: by }).places.self);"""
    small, large = await run(bare, LAYOUT, body)
    assert (small["w"], small["h"]) == pytest.approx((0.16, 0.18))
    assert (large["x"] + large["w"], large["y"] + large["h"]) == pytest.approx((1, 1))
    assert (small["x"], small["y"]) == pytest.approx((large["x"], large["y"]))


async def test_the_main_window_comes_off_the_back(bare: tuple[Page, StandIn]) -> None:
    """Moving what fills the stage makes a window of it; making it main again fills the stage."""
    body = """const ids = ["customer", "self"];
    const [customer] = m.placed(m.UNTOUCHED, ids, false);
    const floating = m.changed(m.UNTOUCHED, customer, { x: 0.01 });
    const [loose] = m.placed(floating, ids, false);
    const [again] = m.placed(m.mainToggled(floating, loose), ids, false);
    return [loose.main, loose.place.w < 1, again.main, again.place.w];"""
    assert await run(bare, LAYOUT, body) == [False, True, True, 1]


async def test_touched_windows_lie_before_others_and_pinned_ones_before_all(
    bare: tuple[Page, StandIn],
) -> None:
    """The last touched is in front; what is pinned stays in front of it until it is unpinned."""
    body = """const ids = v[0];
    const order = (from) => m.placed(from, ids, true).toSorted((a, b) => a.z - b.z).map((one) => one.id);
    const touched = m.raised(m.raised(m.UNTOUCHED, "third"), "fourth");
    const pinned = m.pinToggled(touched, "self");
    const again = m.raised(pinned, "third");
    return [order(touched).slice(-2), order(again).slice(-2), order(m.pinToggled(pinned, "self")).at(-1)];"""
    assert await run(bare, LAYOUT, body, ALL) == [["third", "fourth"], ["third", "self"], "fourth"]


@pytest.mark.parametrize(
    "kept", [None, "", "no json", "null", "[]", "7", '{"main": "nobody", "places": {"self": {"x": "left"}}}']
)
async def test_nonsense_in_storage_is_the_usual_arrangement(
    bare: tuple[Page, StandIn], kept: str | None
) -> None:
    """What this browser kept is not trusted."""
    body = "const a = m.parseArrangement(v[0]); return [a.main, a.places, a.pinned, a.order];"
    assert await run(bare, LAYOUT, body, kept) == ["auto", {}, [], []]


async def test_an_arrangement_survives_storage(bare: tuple[Page, StandIn]) -> None:
    """What was kept is what comes back."""
    body = """const [self] = m.placed(m.UNTOUCHED, ["self"], false);
    const kept = m.pinToggled(m.changed(m.UNTOUCHED, self, { x: -0.2 }), "self");
    return [JSON.stringify(m.parseArrangement(JSON.stringify(kept))), JSON.stringify(kept)];"""
    back, kept = await run(bare, LAYOUT, body)
    assert back == kept


_PARTY = {"seat": "s2", "role": "guest", "name": "", "microphone": "on", "account": None}


@pytest.mark.parametrize(
    ("mode", "slot", "camera", "present", "phase", "picture"),
    [
        ("talking", 0, "on", True, "active", "live"),
        ("talking", 0, "off", True, "active", "off"),
        ("talking", 0, "interrupted", True, "active", "interrupted"),
        ("talking", 0, "stills", True, "active", "stills"),
        ("talking", 0, "off", False, "reconnecting", "away"),
        ("talking", None, "on", True, "held", "held"),
        ("private", 1, "on", True, "held", "live"),
    ],
)
async def test_why_a_picture_stands(
    bare: tuple[Page, StandIn],
    mode: str,
    slot: int | None,
    camera: str,
    present: bool,
    phase: str,
    picture: str,
) -> None:
    """Absence outranks the camera, the camera the hold; who is seen is live."""
    party = _PARTY | {"mode": mode, "slot": slot, "camera": camera, "present": present}
    assert await run(bare, WINDOWS, "return m.pictureOf(v[0], v[1]);", party, phase) == picture


def call_state(phase: str, host: str | None = "s1", **more: object) -> dict[str, object]:
    """Return a message about a call."""
    known = {"type": "call_state", "call": "c1", "case": "k1", "phase": phase, "peer": "", "active_s": 1.0}
    return known | {"recording": True, "kyc_unlocked": True, "seat": "s1", "host": host, "parties": []} | more


_FOLD = """let state = { ...m.START, boot: "desk", session: { role: "agent" } };
for (const message of v[0]) state = { ...state, ...m.received(state, message, 100) };
return [m.screenOf(state), state.call?.leads ?? null, state.call?.left ?? null];"""


@pytest.mark.parametrize(
    ("messages", "screen", "leads"),
    [
        ([call_state("active")], "call", True),
        ([call_state("active", "s2")], "call", False),
        ([call_state("active", "s2"), call_state("active", "s1")], "call", True),
        ([call_state("active"), call_state("ended", None)], "wrap_up", True),
        ([call_state("active", "s2"), call_state("ended", None)], "wrap_up", False),
        ([call_state("ringing")], "desk", True),
    ],
)
async def test_who_leads_is_what_the_server_says(
    bare: tuple[Page, StandIn], messages: list[dict[str, object]], screen: str, leads: bool
) -> None:
    """Leading follows the host's seat; after the end it stays with who led, for the result is his."""
    found = await run(bare, STATE, _FOLD, messages)
    assert found[:2] == [screen, leads]


async def test_who_left_a_call_wraps_up_and_goes_on(bare: tuple[Page, StandIn]) -> None:
    """No message ends a call that goes on with others: the own presence does."""
    busy, wrap_up, ready = (
        {"type": "presence_set", "presence": presence, "waiting": 0}
        for presence in ("busy", "wrap_up", "ready")
    )
    went = [busy, call_state("active"), wrap_up]
    assert (await run(bare, STATE, _FOLD, went))[0::2] == ["wrap_up", True]
    assert (await run(bare, STATE, _FOLD, [*went, ready]))[0::2] == ["desk", None]
    assert (await run(bare, STATE, _FOLD, [busy, call_state("active"), ready]))[0] == "desk"


async def test_a_supervisor_sees_the_board_until_he_leads(bare: tuple[Page, StandIn]) -> None:
    """Watching happens on the board; who took a call over sees what an agent sees."""
    fold = _FOLD.replace('role: "agent"', 'role: "supervisor"')
    assert (await run(bare, STATE, fold, [call_state("active", "s2")]))[0] == "board"
    assert (await run(bare, STATE, fold, [call_state("active", "s1")]))[0] == "call"
