"""From facts to what a screen shows, run in Chromium on facts that the contract has sealed."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from contract.facts import (
    Entry,
    MediaConnected,
    MediaLost,
    PartyDropped,
    PartyJoined,
    RecorderTroubled,
    RecordingStarted,
    TrackEnded,
    TrackResumed,
    TrackStalled,
    dump_entry,
)
from contract.ids import TrackId
from contract.phases import EvidenceKind, Role, TrackKind, TrackSource
from tests.agent_console.stand_in import StandIn, stand_in
from tests.agent_console.story import CUSTOMER_NAME, MANIFEST, Story, whole_story
from tests.browser import watched_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bare(browser: Browser) -> AsyncIterator[tuple[Page, StandIn]]:
    """A page into which modules can be imported."""
    async with stand_in({}) as server, watched_page(browser) as watched:
        await watched.page.goto(f"{server.url}/agent/")
        yield watched.page, server


async def run(bare: tuple[Page, StandIn], module: str, body: str, *values: Any) -> Any:
    """Return what ``body`` gives with the module's exports in ``m`` and ``values`` in ``v``."""
    page, server = bare
    script = f"async (v) => {{ const m = await import('/s/{server.kit.build}/{module}'); return {body}; }}"
    return await page.evaluate(script, list(values))


def told(entries: Sequence[Entry]) -> list[Any]:
    """Return entries as the page receives them."""
    return [json.loads(dump_entry(entry)) for entry in entries]


async def project(bare: tuple[Page, StandIn], story: Story) -> Any:
    """Return the view of a story."""
    return await run(bare, "web_kit/record/projection.js", "m.project(v[0])", told(story.entries))


async def test_whole_case_is_projected(bare: tuple[Page, StandIn]) -> None:
    """Names, checks, pictures, result, archive: everything comes from facts."""
    view = await project(bare, whole_story())
    assert (view["customer"], view["phase"]) == (CUSTOMER_NAME, "under_audit")
    assert view["call"]["reason"] == "agent_hung_up"
    assert [one["kind"] for one in view["evidence"]] == ["id_card", "face_still", "id_portrait"]
    assert view["faceChecks"][0]["score"] == 0.731
    assert view["merge"]["state"] == "done"
    assert view["verified"]["manifest_sha256"] == MANIFEST
    assert view["asked"] == {}


async def test_folding_twice_changes_nothing(bare: tuple[Page, StandIn]) -> None:
    """History is sent again after a reconnect; entries already folded are ignored."""
    entries = told(whole_story().entries)
    body = "m.project(v[0]).timeline.length === m.project([...v[0], ...v[0]]).timeline.length"
    assert await run(bare, "web_kit/record/projection.js", body, entries)


async def test_same_entry_gives_the_same_view_object(bare: tuple[Page, StandIn]) -> None:
    """A known entry returns the very same view, so nothing is redrawn."""
    entries = told(whole_story().entries)
    body = "(() => { const view = m.project(v[0]); return m.fold(view, v[0][3]) === view; })()"
    assert await run(bare, "web_kit/record/projection.js", body, entries)


async def test_unknown_seats_and_tracks_are_ignored(bare: tuple[Page, StandIn]) -> None:
    """Facts about a seat or track that never began do not invent one."""
    story = Story()
    story.open()
    story.tell(PartyDropped(story.call, story.customer, 1.0))
    story.tell(MediaLost(story.call, story.customer, "closed"))
    story.tell(RecorderTroubled(story.call, TrackId("track-0000000000000001"), "queue_full", 3))
    view = await project(bare, story)
    assert (view["parties"], view["recordings"]) == ({}, {})


async def test_troubles_of_the_recording_go_on_until_told_over(bare: tuple[Page, StandIn]) -> None:
    """A stall ends with the track's return, a recorder's trouble with its announcement, all with the call."""
    story = Story()
    story.open()
    story.answer()
    track, other = TrackId("track-0000000000000001"), TrackId("track-0000000000000002")
    story.tell(TrackStalled(story.call, track, story.customer, TrackSource.CAMERA, 3.0))
    story.tell(RecorderTroubled(story.call, track, "disk_full", 3))
    story.tell(RecorderTroubled(story.call, other, "disk_slow", 0))
    troubles = (await project(bare, story))["troubles"]
    assert sorted(fact["what"] for fact in troubles.values()) == ["disk_full", "disk_slow", "no_packets"]
    story.tell(TrackResumed(story.call, track, story.customer, TrackSource.CAMERA))
    story.tell(RecordingStarted(story.call, other, Role.AGENT, TrackKind.AUDIO))
    troubles = (await project(bare, story))["troubles"]
    assert [fact["what"] for fact in troubles.values()] == ["disk_full"]
    story.tell(TrackEnded(story.call, track, 1))
    assert (await project(bare, story))["troubles"] == {}
    story.tell(RecorderTroubled(story.call, other, "failed", 0))
    story.finish()
    assert (await project(bare, story))["troubles"] == {}


async def test_media_may_come_before_its_party(bare: tuple[Page, StandIn]) -> None:
    """What was connected before anybody sat there is connected when somebody does."""
    story = Story()
    story.open()
    story.tell(MediaConnected(story.call, story.customer))
    story.tell(PartyJoined(story.call, story.customer, Role.CUSTOMER, CUSTOMER_NAME))
    story.tell(PartyJoined(story.call, story.agent, Role.AGENT, "Li Min"))
    view = await project(bare, story)
    assert view["parties"][story.customer]["media"] == "connected"
    assert view["parties"][story.agent]["media"] == "waiting"


async def test_measurements_do_not_clutter_the_story(bare: tuple[Page, StandIn]) -> None:
    """Quality and playback are shown beside the picture, not told as events."""
    story = Story()
    story.open()
    story.answer()
    story.quality()
    story.playback()
    view = await project(bare, story)
    assert view["timeline"][-1]["name"] == "RecordingStarted"
    assert view["parties"][story.customer]["quality"]["rtt_ms"] == 68.0
    assert view["parties"][story.customer]["playback"]["freezes"] == 2


async def test_a_measurement_over_an_instant_is_no_rate(bare: tuple[Page, StandIn]) -> None:
    """What was measured over a fraction of a second is not shown; the last real one stays."""
    story = Story()
    story.open()
    story.answer()
    story.quality()
    story.quality(0.1)
    view = await project(bare, story)
    assert view["parties"][story.customer]["quality"]["interval_s"] == 5.0


async def test_a_second_request_keeps_the_first_picture(bare: tuple[Page, StandIn]) -> None:
    """Asking again waits anew; the picture of another request does not answer it."""
    story = Story()
    story.open()
    story.answer()
    story.ask(EvidenceKind.ID_CARD)
    story.store(EvidenceKind.ID_CARD)
    first = story.pictures[EvidenceKind.ID_CARD]
    story.ask(EvidenceKind.ID_CARD)
    view = await project(bare, story)
    assert view["asked"]["id_card"]["request"] == story.pictures[EvidenceKind.ID_CARD] != first
    assert view["evidence"][-1]["evidence"] == first


async def test_a_customer_without_a_name_is_told_as_such(bare: tuple[Page, StandIn]) -> None:
    """Nobody has to give a name; where none was given the story says so, in both languages."""
    story = Story()
    story.open("")
    story.tell(PartyJoined(story.call, story.customer, Role.CUSTOMER, ""))
    entries = [one for one in told(story.entries) if one["name"] in {"CaseCreated", "PartyJoined"}]
    empty = await project(bare, Story())
    body = "v[0].map((entry) => m.factWords(entry, v[1]).text)"
    expected = {
        "English": ["Case opened: No name given", "No name given (Customer) joined"],
        "中文": ["建立案件：未留姓名", "未留姓名（客户）进入通话"],
    }
    for language, sentences in expected.items():
        await bare[0].get_by_role("button", name=language).click()
        assert await run(bare, "web_kit/record/words.js", body, entries, empty) == sentences


async def test_every_fact_of_a_case_is_told_without_holes(bare: tuple[Page, StandIn]) -> None:
    """No sentence of a whole case shows a placeholder or a key."""
    body = (
        "await (async () => { const p = await import(v[1]); const view = p.project(v[0]);"
        " return view.timeline.map((entry) => m.factWords(entry, view).text); })()"
    )
    projection = f"/s/{bare[1].kit.build}/web_kit/record/projection.js"
    for language in ("English", "中文"):
        await bare[0].get_by_role("button", name=language).click()
        texts = await run(bare, "web_kit/record/words.js", body, told(whole_story().entries), projection)
        assert [text for text in texts if "{" in text or "fact." in text or "undefined" in text] == []


@pytest.mark.parametrize(
    ("rtt", "loss", "frozen", "limit", "word", "trouble"),
    [
        (None, 0.0, 0, None, "good", None),
        (199, 0.03, 0, 100, "good", None),
        (201, 0.0, 0, None, "fair", "delay"),
        (10, 0.04, 0, None, "fair", "loss"),
        (10, 0.0, 0.3, None, "fair", "device"),
        (10, 0.0, 1.3, 1200, "poor", "device"),
        (10, 0.0, 0.3, 299, "fair", "frozen"),
        (10, 0.02, 0.3, None, "fair", "frozen"),
        (151, 0.0, 0.3, None, "fair", "frozen"),
        (401, 0.0, 0, None, "poor", "delay"),
        (10, 0.09, 0, None, "poor", "loss"),
        (201, 0.04, 1.2, None, "poor", "frozen"),
    ],
)
async def test_quality_in_a_word(
    bare: tuple[Page, StandIn],
    rtt: float | None,
    loss: float,
    frozen: float,
    limit: float | None,
    word: str,
    trouble: str | None,
) -> None:
    """Round trip, loss and freezes decide, the worst first; an unknown round trip does not speak against
    a connection, and a freeze without a sign of the network is a device's."""
    measured = {"rtt": rtt, "loss": loss, "up": 0, "down": 0, "fps": None, "freezes": 0, "frozen": frozen}
    measured["limit"] = limit
    assert await run(bare, "agent_console/stage/quality_hud.js", "m.qualityWord(v[0])", measured) == word
    found = await run(bare, "web_kit/call_meter.js", "m.troubleOf(v[0])", measured)
    assert (found["trouble"] if found else None) == trouble


async def test_axis_begins_when_the_call_became_active(bare: tuple[Page, StandIn]) -> None:
    """Second 0 is ACTIVE; without it the first recorded frame; with neither there is no axis."""
    story = whole_story()
    active = next(entry.at for entry in story.entries if entry.name == "CallAdvanced")
    assert await run(bare, "player/axis.js", "m.axisStart(v[0])", told(story.entries)) == active
    rest = [entry for entry in story.entries if entry.name != "CallAdvanced"]
    recorded = next(entry.at for entry in rest if entry.name == "RecordingStarted")
    assert await run(bare, "player/axis.js", "m.axisStart(v[0])", told(rest)) == recorded
    assert await run(bare, "player/axis.js", "m.axisStart([])") is None


async def test_bar_holds_only_what_lies_inside(bare: tuple[Page, StandIn]) -> None:
    """Facts before and after the recording are told, but have no mark."""
    marks = [{"jump": True, "second": second, "seq": seq} for seq, second in enumerate((-5, 0, 15, 30, 99))]
    found = await run(bare, "player/axis.js", "m.onBar(v[0], 30).map((one) => [one.seq, one.share])", marks)
    assert found == [[1, 0], [2, 0.5], [3, 1]]
    assert await run(bare, "player/axis.js", "m.onBar(v[0], NaN)", marks) == []
