"""The recording as it is played: the film, tracks side by side, and the card that two people agree to."""

import base64
import dataclasses
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from contract.facts import MergeCompleted, SegmentSealed, seal_entry
from contract.ids import TrackId
from contract.phases import CasePhase
from contract.record_facts import MadeFile
from recordings.archive_directory import DirectoryArchive
from recordings.raw_tracks import RawTracks, dump_calls, sealed_tracks
from tests.agent_console.stand_in import StandIn
from tests.agent_console.story import Story, whole_story
from tests.browser import Watched, shoot, wait_until, watched_page
from tests.player.test_screens import add_case, at_second, merging, open_case, ready_to_play
from tests.recordings.staged import stage_call

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SECONDS = 30
EVERY = "[...document.querySelectorAll('.stage video, .stage audio')]"
PEAKS = base64.b64encode(bytes(n % 256 for n in range(SECONDS * 15))).decode()
BESIDE = {
    "waveform.json": {
        "rate": 15, "seconds": SECONDS,
        "lanes": [{"seat": role, "role": role, "peaks": PEAKS} for role in ("customer", "agent")],
    },
}  # fmt: skip
MADE = (MadeFile("waveform", "waveform.json", "", 1),)


async def record_tracks(server: StandIn, folder: Path) -> None:
    """Put the four tracks of a call on the server, as the spool has them: 30 s of pictures and voices."""
    staged = stage_call(folder / "spool", SECONDS)
    raw = RawTracks(staged.spool, DirectoryArchive(folder / "archive"))
    server.calls = dump_calls(await raw.calls("x", staged.case, staged.entries))
    for track, facts in sealed_tracks(staged.entries).items():
        file, _ = await raw.index("x", staged.case, facts)
        server.tracks[track] = folder / f"{track}.mkv"
        blocks = raw.bytes_of("x", staged.case, file, 0, file.bytes)
        server.tracks[track].write_bytes(b"".join([block async for block in blocks]))


@pytest_asyncio.fixture(loop_scope="session")
async def played(server: StandIn, tmp_path: Path) -> AsyncIterator[Story]:
    """A case under audit with a film, what the merge left beside it, and four real tracks."""
    story = whole_story()
    prev = story.entries[0].prev
    for n, entry in enumerate(story.entries):
        fact = (
            dataclasses.replace(entry.fact, files=MADE)
            if isinstance(entry.fact, MergeCompleted)
            else entry.fact
        )
        story.entries[n] = seal_entry(entry.seq, entry.at, entry.case, fact, prev)
        prev = story.entries[n].hash
    story.tell(SegmentSealed(story.call, TrackId("track-1"), 0, "a.mkv", "", 1, 1, 0.0, 1.0))
    add_case(server, story, CasePhase.UNDER_AUDIT)
    await record_tracks(server, tmp_path)
    server.beside = BESIDE
    yield story


async def keys(page: Page, *names: str) -> None:
    """Press keys one after another."""
    for name in names:
        await page.keyboard.press(name)


async def test_the_film_is_driven_by_keys(watched: Watched, server: StandIn, played: Story) -> None:
    """Frames, speed with its pitch, what is left, the list of keys; a change of language loses nothing."""
    page = watched.page
    server.viewing["left"] = [{"since_s": 14, "until_s": 19, "seqs": [2]}]
    await open_case(page, server, played)
    await ready_to_play(page)
    await expect(page.locator("canvas.wave")).to_have_count(2)
    await keys(page, ".", ".")
    await at_second(page, 2.5 / 15)
    await keys(page, ",")
    await at_second(page, 1.5 / 15)
    await keys(page, ">", ">")
    film = "document.querySelector('video')"
    assert await page.evaluate(f"[{film}.playbackRate, {film}.preservesPitch]") == [1.5, True]
    await keys(page, "9", "u")
    await at_second(page, 14)
    await expect(page.locator(".play-note")).to_contain_text("还有 1 段")
    bottom = await page.locator(".play-row").evaluate("(one) => one.getBoundingClientRect().bottom")
    assert bottom <= 900, "the controls are below the fold"
    await shoot(page, "player-film")
    await page.get_by_label("理由").fill("看到一半")
    await page.get_by_role("button", name="English").click()
    await ready_to_play(page)
    await at_second(page, 14)
    await expect(page.get_by_label("Reason", exact=True)).to_have_value("看到一半")
    assert await page.evaluate(f"{film}.playbackRate") == 1.5
    await page.locator("h1").click()
    await keys(page, "?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    await watched.require_names()
    await watched.require_fit()


async def test_tracks_are_played_together(watched: Watched, server: StandIn, played: Story) -> None:
    """Picture and sound of both hold to one clock; each can be left out; a seek takes all of them along."""
    page = watched.page
    await open_case(page, server, played)
    await ready_to_play(page)
    await page.get_by_role("button", name="分轨").click()
    await expect(page.locator(".track video")).to_have_count(2)
    await wait_until(page, f"{EVERY}.length === 4 && {EVERY}.every((one) => one.readyState > 2)")
    await page.evaluate("document.querySelector('record-player').jumpTo(12)")
    await wait_until(page, f"{EVERY}.every((one) => !one.seeking && Math.abs(one.currentTime - 12) < 0.2)")
    # The space bar would press the button that was clicked.
    await keys(page, "k")
    await wait_until(page, f"{EVERY}.every((one) => one.currentTime > 13)")
    # Started apart, they come together while they play.
    await wait_until(page, "document.querySelector('record-player').tracks.drift() < 0.08")
    await shoot(page, "player-tracks")
    await keys(page, "k")
    await page.get_by_role("checkbox", name="柜员 · 摄像头").uncheck()
    await expect(page.locator(".track:visible")).to_have_count(1)
    await watched.require_fit()
    await page.get_by_role("button", name="合成录像", exact=True).click()
    await ready_to_play(page)


async def test_tracks_are_played_before_there_is_a_film(
    watched: Watched, server: StandIn, tmp_path: Path
) -> None:
    """While the merge goes on its time to go is told and all tracks play in sync; then the film is offered,
    and nobody is torn away from the second at which he watches."""
    story = Story()
    story.open()
    story.answer()
    story.checks()
    story.tell(SegmentSealed(story.call, TrackId("track-1"), 0, "a.mkv", "", 1, 1, 0.0, 1.0))
    story.finish()
    row = add_case(server, story, CasePhase.AGENT_DONE)
    await record_tracks(server, tmp_path)
    server.jobs = [merging(story, 0.25, "merging")]
    page = watched.page
    await open_case(page, server, story)
    await expect(page.locator("merge-progress")).to_contain_text("25 %")
    await expect(page.locator("merge-progress")).to_contain_text(re.compile(r"约剩 [3-9]:\d\d$"))
    await expect(page.locator(".track video")).to_have_count(2)
    await expect(page.get_by_role("button", name="合成录像", exact=True)).to_be_hidden()
    await wait_until(page, f"{EVERY}.length === 4 && {EVERY}.every((one) => one.readyState > 2)")
    await page.evaluate("document.querySelector('record-player').jumpTo(12)")
    await keys(page, "k")
    await wait_until(page, f"{EVERY}.every((one) => one.currentTime > 13)")
    await wait_until(page, "document.querySelector('record-player').tracks.drift() < 0.08")
    await shoot(page, "player-merging-tracks")
    await expect(page.locator("verdict-form").get_by_role("button", name="通过")).to_be_disabled()
    await keys(page, "k")
    stands = await page.evaluate("document.querySelector('record-player').tracks.second")
    story.archive()
    server.cases = [dataclasses.replace(row, phase=CasePhase.UNDER_AUDIT)]
    server.jobs = [merging(story, 1.0, "", "done")]
    to_film = page.get_by_role("button", name="合成录像", exact=True)
    await expect(to_film).to_be_visible()
    await expect(page.locator(".track video")).to_have_count(2)
    await to_film.click()
    await ready_to_play(page)
    await at_second(page, stands)


async def test_speed_goes_from_a_half_to_three_at_the_same_pitch(
    watched: Watched, server: StandIn, played: Story
) -> None:
    """Keys stop at both ends; the film, and then every track, has the speed and keeps its pitch."""
    page = watched.page
    await open_case(page, server, played)
    await ready_to_play(page)
    every = "[...document.querySelectorAll('.stage video, .stage audio')]"
    for mode, count in (("film", 1), ("tracks", 4)):
        if mode == "tracks":
            await page.get_by_role("button", name="分轨").click()
        await wait_until(page, f"{every}.length === {count} && {every}.every((one) => one.readyState > 2)")
        assert await page.evaluate("document.querySelector('record-player').mode") == mode
        # Tracks follow where they have something.
        await page.evaluate("document.querySelector('record-player').jumpTo(12)")
        await wait_until(
            page, f"{every}.every((one) => !one.seeking && Math.abs(one.currentTime - 12) < 0.2)"
        )
        for key, rate in (("<", 0.5), (">", 3)):
            await keys(page, *[key] * 8)
            await expect(page.get_by_label("速度")).to_have_value(str(rate))
            await wait_until(page, f"{every}.every((one) => one.playbackRate === {rate})")
            assert await page.evaluate(f"{every}.map((one) => one.preservesPitch)") == [True] * count


async def test_a_card_is_asked_for_and_allowed_by_another(
    browser: Browser, server: StandIn, played: Story
) -> None:
    """One asks with a reason and waits; whoever else looks may answer; then it is told until when."""
    async with watched_page(browser, (390, 844)) as watched:
        page = watched.page
        await open_case(page, server, played)
        card = page.locator("unmask-card")
        await card.get_by_label("为什么需要查看").fill("与来函核对")
        request = {"seq": 40, "at": played.at, "account": "acct-0000000000000999", "pii_reason": "核对号码"}
        server.viewing["requests"] = [request]
        await card.get_by_role("button", name="申请").click()
        await expect(card).to_contain_text("申请：核对号码")
        await card.get_by_role("button", name="批准 15 分钟").click()
        await wait_until(page, "document.querySelectorAll('unmask-card').length === 1")
        server.viewing |= {"requests": [], "unmasked_until": 4_000_000_000.0}
        await page.reload()
        await expect(card).to_contain_text("您可查看证件至")
        await watched.require_fit()
        await shoot(page, "player-card-390", whole=True)
    asked = [told for told in server.posted if told[0] in {"unmaskings", "40"}]
    assert asked == [("unmaskings", {"reason": "与来函核对"}), ("40", {"granted": True})]
