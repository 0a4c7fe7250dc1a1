"""Neither the film nor the tracks show a card that was held before the customer's camera."""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from numpy.typing import NDArray

from contract.facts import (
    EvidenceStored,
    MergeCompleted,
    RecordingStarted,
    RecordViewed,
    RenderCompleted,
    SegmentSealed,
    StillRequested,
)
from contract.ids import (
    AccountId,
    CaseId,
    new_account_id,
    new_call_id,
    new_evidence_id,
    new_job_id,
)
from contract.phases import EvidenceKind, Role, Template, TrackKind, TrackSource, ViewReason
from contract.viewing import Viewer
from contract.viewing_facts import UnmaskAnswered, UnmaskAsked, ViewingBegun
from recordings.compose import FPS
from recordings.layout import PANE_WIDTH, STRIP, WIDTH, Place
from recordings.merge import MERGED_FILE, MergePlan, merge_call, plan_merge
from recordings.playback import Playback
from recordings.spool import sha256_of
from recordings.veiled import VEILED_FILE, Box, boxes, veil_film
from recordings.veils import CardShown
from recordings.verify import verify_archive
from tests.recordings.bench import Bench, staged_bench
from tests.recordings.desk import TENANT, OneTenant
from tests.recordings.staged import START, Stage, StagedTrack, film, stage, stage_call, voice

CARD = EvidenceKind.ID_CARD
# The camera is turned back after the upload.
TAIL_S = 2.0

# --- the film ---


@pytest.fixture(name="staged", scope="module")
def _staged(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A call of 14 s in which a card is asked for at 5.5 s and stored at 6.5 s."""
    staged = stage_call(tmp_path_factory.mktemp("veiled"), 14.0)
    note_card(staged, 5.5, 6.5)
    return staged


def note_card(staged: Stage, since_s: float, until_s: float) -> None:
    evidence, content = new_evidence_id(), b"card"
    staged.note(since_s, StillRequested(staged.call, evidence, CARD))
    path = staged.spool.file(staged.case, f"evidence/{evidence}.jpg")
    path.parent.mkdir()
    path.write_bytes(content)
    file = (staged.spool.name_of(staged.case, path), "image/jpeg", *sha256_of(path))
    staged.note(until_s, EvidenceStored(evidence, CARD, *file, 1, 1, 1.0, "phone"))


def pictures(path: Path) -> list[NDArray[np.int16]]:
    with av.open(str(path)) as file:
        found = [picture.to_ndarray(format="yuv420p") for picture in file.decode(video=0)]
    return [np.asarray(picture, np.int16) for picture in found]


def sound(path: Path) -> NDArray[np.float32]:
    with av.open(str(path)) as file:
        return np.concatenate(
            [np.asarray(block.to_ndarray(), np.float32) for block in file.decode(audio=0)], 1
        )


def rendered(staged: Stage, folder: Path) -> tuple[MergePlan, Path]:
    plan = plan_merge(staged.spool, staged.case, staged.entries)
    out = folder / "merged.mp4"
    merge_call(plan, out, lambda *_: None)
    return plan, out


def test_the_film_is_veiled_while_a_card_may_be_seen(staged: Stage, tmp_path: Path) -> None:
    """In the customer's place and nowhere else; other pictures, sound and chapters are the film's own."""
    plan, merged = rendered(staged, tmp_path)
    places = boxes(plan)
    assert [box.place for box in places] == [Place(0, STRIP, PANE_WIDTH, 640)]
    assert (places[0].first, places[-1].last) == pytest.approx((5.5 * FPS, (6.5 + TAIL_S) * FPS), abs=3)

    veil_film(merged, tmp_path / VEILED_FILE, places, lambda _: None)
    before, after = pictures(merged), pictures(tmp_path / VEILED_FILE)
    assert len(before) == len(after) == 14 * FPS
    for number, (was, now) in enumerate(zip(before, after, strict=True)):
        customer = np.s_[STRIP : STRIP + 640, :PANE_WIDTH]
        agent = np.s_[STRIP:640, PANE_WIDTH:WIDTH]
        if places[0].first <= number <= places[0].last:
            # The staged picture is black and white bars; averaged over a place they have no edge.
            edges = np.abs(np.diff(now[customer], axis=1)).max()
            assert np.abs(np.diff(was[customer], axis=1)).max() > 80 and edges < 40, number
        else:
            assert np.abs(was[customer] - now[customer]).mean() < 2, number
        assert np.abs(was[agent] - now[agent]).mean() < 2, number
    assert np.array_equal(sound(merged), sound(tmp_path / VEILED_FILE))
    with av.open(str(merged)) as one, av.open(str(tmp_path / VEILED_FILE)) as other:
        assert one.chapters() == other.chapters() and one.metadata["title"] == other.metadata["title"]
        assert one.duration == other.duration
    far = [n for n in range(len(before)) if not 4 * FPS <= n < 10 * FPS]
    assert all(np.array_equal(before[n], after[n]) for n in far)


def test_the_same_film_is_veiled_to_the_same_bytes(staged: Stage, tmp_path: Path) -> None:
    """So that it can be made again and compared."""
    plan, merged = rendered(staged, tmp_path)
    made = [tmp_path / "one.mp4", tmp_path / "two.mp4"]
    for out in made:
        veil_film(merged, out, boxes(plan), lambda _: None)
    assert made[0].read_bytes() == made[1].read_bytes() != merged.read_bytes()


def test_a_veil_that_is_given_up_leaves_nothing(staged: Stage, tmp_path: Path) -> None:
    """What ``progress`` raises ends it."""
    plan, merged = rendered(staged, tmp_path)

    def give_up(_: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        veil_film(merged, tmp_path / VEILED_FILE, boxes(plan), give_up)
    assert [path.name for path in tmp_path.iterdir()] == ["merged.mp4"]


def test_a_card_that_stands_still_is_veiled_until_another_picture_comes(tmp_path: Path) -> None:
    """The film shows the last picture while nothing comes; a card on it would stand there."""
    staged = stage(tmp_path)
    staged.begin()
    for role in (Role.CUSTOMER, Role.AGENT):
        frames = film(12.0)
        if role is Role.CUSTOMER:
            frames = [frame for frame in frames if not 6.0 <= frame.taken_s < 10.0]
        staged.record(StagedTrack(role, TrackSource.CAMERA, "VP8", frames, f"seat-{role}"))  # type: ignore[arg-type]
        staged.record(StagedTrack(role, TrackSource.MICROPHONE, "opus", voice(12.0), f"seat-{role}"))  # type: ignore[arg-type]
    staged.end(12.0)
    note_card(staged, 3.0, 5.0)
    places = boxes(plan_merge(staged.spool, staged.case, staged.entries))
    assert places[-1].last == pytest.approx(10.0 * FPS, abs=3)


def test_pictures_are_counted_on_from_call_to_call(staged: Stage) -> None:
    """The film of a case is that of its calls, one behind the other; a card of another veils nothing."""
    plan = plan_merge(staged.spool, staged.case, staged.entries)
    twice = replace(plan, calls=(*plan.calls, *plan.calls))
    once = boxes(plan)
    later = tuple(Box(box.first + 14 * FPS, box.last + 14 * FPS, box.place) for box in once)
    assert boxes(twice) == (*once, *later)
    elsewhere = CardShown(new_call_id(), START, START + 9)
    assert boxes(replace(plan, cards=(elsewhere,))) == ()


# --- the record ---


@dataclass(slots=True)
class Screen:
    """A browser that looks at a case that is home in the archive."""

    bench: Bench
    who: AccountId
    ask: Callable[[str], Awaitable[tuple[int, bytes]]]

    def kept(self, name: str) -> bytes:
        return (self.bench.root / "archive" / TENANT / self.bench.case / name).read_bytes()

    async def may_see_cards(self) -> None:
        case, journal = self.bench.case, self.bench.journal
        asked = await journal.append(case, UnmaskAsked(self.who, "to compare"))
        until = self.bench.clock.now() + 60
        await journal.append(case, UnmaskAnswered(new_account_id(), asked.seq, True, until))

    async def camera(self) -> list[SegmentSealed]:
        """Return the segments of the customer's camera."""
        entries = await self.bench.journal.read(self.bench.case)
        started = [entry.fact for entry in entries if isinstance(entry.fact, RecordingStarted)]
        (track,) = {f.track for f in started if (f.role, f.kind) == (Role.CUSTOMER, TrackKind.VIDEO)}
        sealed = [entry.fact for entry in entries if isinstance(entry.fact, SegmentSealed)]
        return [fact for fact in sealed if fact.track == track]


@pytest.fixture(name="screen")
async def _screen(tmp_path: Path) -> AsyncIterator[Screen]:
    """A card was asked for at 9 s and stored at 9.5 s of a call of 18 s."""
    staged = stage_call(tmp_path / "spool", 18.0)
    note_card(staged, 9.0, 9.5)
    bench = await staged_bench(tmp_path, staged=staged)
    assert await bench.pipeline().run_one(await bench.job())
    who = new_account_id()
    await bench.journal.append(bench.case, ViewingBegun(who, ViewReason.AUDIT, ""))

    async def authorise(request: web.Request, case: CaseId) -> Viewer:
        return Viewer(who, may_download=True)

    async def no_picture(picture: bytes) -> bytes:
        raise AssertionError("only films are looked at")

    spool, journal, clock = staged.spool, bench.journal, bench.clock
    app = web.Application()
    app.add_routes(
        Playback(spool, bench.archive, OneTenant(), journal, clock, authorise, no_picture).routes()
    )
    async with TestServer(app) as server, ClientSession() as http:

        async def ask(what: str) -> tuple[int, bytes]:
            url = server.make_url(f"/api/cases/{bench.case}/{what}")
            async with http.get(url, headers={"Sec-Fetch-Dest": "video"}) as response:
                return response.status, await response.read()

        yield Screen(bench, who, ask)


async def test_the_film_is_shown_veiled_until_a_second_person_agrees(screen: Screen) -> None:
    """Then under the address that asks for it alone: a player fetches a film in many parts.

    The veiled film is part of the record: archived, in the manifest, and verified like every other file.
    """
    bench = screen.bench
    (done,) = [fact for fact in await bench.facts(MergeCompleted) if isinstance(fact, MergeCompleted)]
    assert [made.file for made in done.files if made.kind == "veiled"] == [VEILED_FILE]
    report = await verify_archive(bench.archive, TENANT, bench.case)
    assert report.intact and VEILED_FILE in {file.path for file in report.files}, report

    film, veiled = screen.kept(MERGED_FILE), screen.kept(VEILED_FILE)
    assert await screen.ask(f"files/{MERGED_FILE}") == (200, veiled)
    status, told = await screen.ask(f"files/{MERGED_FILE}?sight=1")
    assert (status, json.loads(told)["code"]) == (403, "card_veiled")
    await screen.may_see_cards()
    assert await screen.ask(f"files/{MERGED_FILE}?sight=1") == (200, film)
    assert await screen.ask(f"files/{MERGED_FILE}") == (200, veiled)
    bench.clock.pass_s(61)
    assert (await screen.ask(f"files/{MERGED_FILE}?sight=1"))[0] == 403


async def test_segments_with_a_card_are_left_out_of_the_track(screen: Screen, tmp_path: Path) -> None:
    """The track has a hole there that pages are told of; the segment itself is refused."""
    camera = await screen.camera()
    statuses = [(await screen.ask(f"files/{fact.file}"))[0] for fact in camera]
    assert statuses == [200, 200, 403, 200, 200]

    async def shown(query: str) -> tuple[list[float], list[list[float]]]:
        """Return the seconds of the pictures that the track has, and the runs that pages are told of."""
        path = tmp_path / "track.mkv"
        path.write_bytes((await screen.ask(f"tracks/{camera[0].track}{query}"))[1])
        with av.open(str(path)) as file:
            seconds = [float(p.pts * p.time_base) for p in file.demux(video=0) if p.pts is not None]
        told = json.loads((await screen.ask(f"tracks{query}"))[1])
        tracks = told["calls"][0]["tracks"]
        return seconds, next(one["runs"] for one in tracks if one["track"] == camera[0].track)

    seconds, runs = await shown("")
    assert not [second for second in seconds if 8.0 <= second < 11.9] and len(seconds) == 14 * FPS
    assert [(round(at), round(media), round(length)) for at, media, length in runs] == [
        (0, 0, 8),
        (12, 12, 6),
    ]
    await screen.may_see_cards()
    seconds, runs = await shown("?sight=1")
    assert len(seconds) == 18 * FPS and len(runs) == 1


async def test_other_layouts_of_a_film_with_a_card_wait_for_the_second_person(screen: Screen) -> None:
    """Nobody made a veiled one of these."""
    name, content = "merged-customer_only.mp4", b"film"
    await screen.bench.archive.put(f"{TENANT}/{screen.bench.case}/{name}", written(screen, name, content))
    job, digest = new_job_id(), hashlib.sha256(content).hexdigest()
    done = RenderCompleted(job, Template.CUSTOMER_ONLY, name, digest, len(content), 18.0, 1.0)
    await screen.bench.journal.append(screen.bench.case, done)
    status, told = await screen.ask(f"files/{name}")
    assert (status, json.loads(told)["code"]) == (403, "card_veiled")
    await screen.may_see_cards()
    assert await screen.ask(f"files/{name}?sight=1") == (200, content)
    entries = await screen.bench.journal.read(screen.bench.case)
    assert [e.fact.file for e in entries if isinstance(e.fact, RecordViewed)] == [name]


def written(screen: Screen, name: str, content: bytes) -> Path:
    path = screen.bench.root / name
    path.write_bytes(content)
    return path
