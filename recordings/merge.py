"""One seekable MP4 out of a case's recorded tracks.

Everybody in a place of their own, all microphones mixed, everything placed by wall time. The work
streams: memory holds one segment per track, some painted pictures, and what the encoder looks ahead. What
is rendered is a pure function of tracks, facts and template: the same give the same bytes. Functions here
block; the pipeline runs them in a thread.
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import structlog
from av.video.frame import VideoFrame

from contract.errors import StorageError
from contract.facts import Entry, SegmentSealed
from contract.ids import CallId, CaseId, SeatId, TrackId, is_id
from contract.phases import Role, Template, TrackSource
from recordings import compose, looks, mix, overview, scene, timeline
from recordings.ahead import ahead
from recordings.chapters import Chapter, ScriptStep, chapters
from recordings.film_file import SAMPLES_PER_PICTURE, FilmFile
from recordings.segments import RecordedTrack, read_frames, read_track
from recordings.spool import Spool, sync_dir
from recordings.still_codes import StillCodes, still_codes
from recordings.veils import CardShown, cards_shown
from recordings.whereabouts import Whereabouts, whereabouts

_log = structlog.get_logger(__name__)

MERGED_FILE = "merged.mp4"
LEDGER_FILE = "gaps.json"
# Pictures that are decoded and painted before the encoder asks: half a second, 11 MB. With one alone each
# side waits for the other whenever a picture takes it longer than the one before.
_AHEAD = 8
Progress = Callable[[float, str], None]
_Watching = tuple[overview.Overview, looks.Looks]


@dataclass(frozen=True, slots=True)
class PlannedTrack:
    """A recorded track and the time of each of its frames on the axis.

    ``sealed_frames`` says how many frames each segment had when it was sealed, where that is known.
    """

    recorded: RecordedTrack
    at: timeline.Seconds
    sealed_frames: dict[int, int]


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One call to render."""

    timeline: timeline.Timeline
    tracks: tuple[PlannedTrack, ...]


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What to render: the recorded calls of a case, one after another.

    ``utc_offset_s`` is the local time that is burnt in, in seconds east of UTC; ``whereabouts`` and
    ``codes`` are burnt in beside it. ``cards`` is when a card may be seen.
    """

    case: CaseId
    calls: tuple[CallPlan, ...]
    utc_offset_s: int = 0
    whereabouts: Whereabouts = field(default_factory=Whereabouts)
    codes: StillCodes = field(default_factory=StillCodes)
    chapters: tuple[Chapter, ...] = ()
    template: Template = Template.ROLES
    cards: tuple[CardShown, ...] = ()

    @property
    def seconds(self) -> float:
        """Return the length of the merged picture."""
        return sum(call.timeline.axis.seconds for call in self.calls)


@dataclass(frozen=True, slots=True)
class MergeResult:
    """The merged file. ``speed`` is recorded seconds per second of work; ``ledger`` by call and lane."""

    seconds: float
    gap_s: float
    speed: float
    sha256: str
    bytes: int
    ledger: dict[CallId, tuple[timeline.Gap, ...]]
    overview: overview.Overview
    looks: looks.Looks


def merged_name(template: Template) -> str:
    """Return the file name of a case rendered with this template."""
    return MERGED_FILE if template is Template.ROLES else f"merged-{template.value}.mp4"


def is_unfinished(path: Path) -> bool:
    """Tell whether ``path`` is a merge that was cut off, and so belongs to no record."""
    return path.name.startswith("merged") and path.suffix == ".part"


# --- planning ----------------------------------------------------------------------------------


def plan_merge(
    spool: Spool,
    case: CaseId,
    entries: Sequence[Entry],
    utc_offset_s: int = 0,
    *,
    script: Sequence[ScriptStep] = (),
    template: Template = Template.ROLES,
) -> MergePlan:
    """Return what the spool holds of ``case``, oldest call first; ``script`` gives chapters their titles.

    Calls without a frame are left out, and so are tracks whose description is damaged.
    """
    folder = spool.case_dir(case)
    names = sorted(p.name for p in folder.iterdir() if is_id(p.name)) if folder.is_dir() else []
    plans = [_plan_call(spool, case, CallId(name), entries) for name in names]
    found = [plan for plan in plans if plan is not None]
    ordered = tuple(sorted(found, key=lambda plan: plan.timeline.axis.start))
    told = chapters(entries, [(plan.timeline.call, plan.timeline.axis) for plan in ordered], script)
    places, codes = whereabouts(entries), still_codes(entries)
    return MergePlan(case, ordered, utc_offset_s, places, codes, told, template, cards_shown(entries))


def _plan_call(spool: Spool, case: CaseId, call: CallId, entries: Sequence[Entry]) -> CallPlan | None:
    recorded = {track.info.track: track for track in _tracks(spool.call_dir(case, call))}
    sealed = _sealed(entries, call)
    times = [_times(track, sealed.get(track.info.track, [])) for track in recorded.values()]
    laid = timeline.lay_timeline(entries, call, times)
    if laid is None:
        return None
    tracks = tuple(
        PlannedTrack(
            recorded[placed.track],
            placed.at,
            {fact.index: fact.frames for fact in sealed.get(placed.track, [])},
        )
        for placed in laid.placements
    )
    return CallPlan(laid, tracks)


def _tracks(folder: Path) -> Iterator[RecordedTrack]:
    for head in sorted(folder.glob("*/track.json")):
        try:
            yield read_track(head.parent)
        except StorageError as error:
            _log.error("a track cannot be read", track=head.parent.name, pii_error=str(error))


def _sealed(entries: Iterable[Entry], call: CallId) -> dict[TrackId, list[SegmentSealed]]:
    found: dict[TrackId, list[SegmentSealed]] = {}
    for entry in entries:
        if isinstance(fact := entry.fact, SegmentSealed) and fact.call == call:
            found.setdefault(fact.track, []).append(fact)
    return found


def _times(track: RecordedTrack, sealed: Sequence[SegmentSealed]) -> timeline.TrackTimes:
    stamps = [frame.timestamp for segment in track.segments for frame in read_frames(track, segment)]
    arrivals = tuple((arrival.timestamp, arrival.arrived_at) for arrival in track.arrivals)
    if not arrivals and sealed:
        arrivals = ((track.base_timestamp, min(fact.first_at for fact in sealed)),)
    info = track.info
    return timeline.TrackTimes(
        info.track,
        SeatId(info.seat),
        info.role,
        info.source,
        info.clock_rate,
        np.array(stamps, np.int64),
        arrivals,
        track.clock,
    )


# --- rendering ---------------------------------------------------------------------------------


def merge_call(plan: MergePlan, out: Path, progress: Progress) -> MergeResult:
    """Render ``plan`` into ``out``; what stood there is replaced in one step when all is on disk.

    ``progress`` is called about once per rendered second with a fraction of 0 to 1 and a machine word;
    what it raises ends the work and leaves ``out`` as it was.

    Raises:
        ValueError: the plan has no recorded second.
        OSError: the disk refused.
    """
    if plan.seconds <= 0:
        raise ValueError("nothing was recorded")
    started = time.perf_counter()
    for left in out.parent.glob(f"{out.name}.*.part"):
        left.unlink()
    # Named by process, so that a worker whose lease was taken over cannot write into its successor's.
    part = out.with_name(f"{out.name}.{os.getpid()}.part")
    ledger: dict[CallId, tuple[timeline.Gap, ...]] = {}
    seen, looked = overview.Overview(plan.seconds), looks.Looks(plan.seconds)
    try:
        with FilmFile(part, plan.case, plan.chapters) as output:
            for call in plan.calls:
                ledger[call.timeline.call] = _render(plan, call, output, (seen, looked), progress)
        progress(1.0, "hashing")
        digest, size = _sync_and_hash(part)
        part.replace(out)
        sync_dir(out.parent)
    finally:
        part.unlink(missing_ok=True)
    gap_s = sum(gap.seconds for gaps in ledger.values() for gap in gaps)
    seconds = output.pictures / compose.FPS
    speed = seconds / max(time.perf_counter() - started, 1e-6)
    return MergeResult(seconds, gap_s, speed, digest, size, ledger, seen, looked)


def _render(
    plan: MergePlan, call: CallPlan, output: FilmFile, watching: _Watching, progress: Progress
) -> tuple[timeline.Gap, ...]:
    lanes = _lanes(call)
    with contextlib.ExitStack() as stack:
        for lane in lanes:
            for track in lane.tracks.values():
                stack.callback(track.close)
        ticks = stack.enter_context(contextlib.closing(ahead(_ticks(plan, call, lanes, watching), _AHEAD)))
        for tick, (picture, samples) in enumerate(ticks):
            if tick % compose.FPS == 0:
                progress(min(output.pictures / (plan.seconds * compose.FPS), 1.0), "merging")
            output.write(picture, samples)
    seconds = call.timeline.axis.seconds
    return timeline.add_damage(call.timeline.gaps, (hurt for lane in lanes for hurt in lane.damage(seconds)))


def _ticks(
    plan: MergePlan, call: CallPlan, lanes: Sequence[scene.Lane], watching: _Watching
) -> Iterator[tuple[VideoFrame, mix.Samples]]:
    """Yield what is seen and heard in each fifteenth of a second of the call."""
    canvas = compose.Canvas(plan.case, plan.template)
    painted = scene.Scene(canvas, call.timeline, lanes, plan.template)
    voices = _voices(call)
    seen, looked = watching
    cards = _cards(plan, call)
    for tick in range(round(call.timeline.axis.seconds * compose.FPS)):
        now = tick / compose.FPS
        if tick % compose.FPS == 0:
            second = call.timeline.axis.start + now
            clock = clock_text(second, plan.utc_offset_s)
            canvas.stamp(clock, plan.whereabouts.at(second), plan.codes.at(second))
        picture = painted.paint(now)
        card = any(since <= now <= until for since, until in cards)
        seen.saw(canvas.planes, sum(one.fresh for one in painted.seen), veiled=card)
        looked.saw(painted.seen)
        heard = mix.blocks(voices, tick * SAMPLES_PER_PICTURE, SAMPLES_PER_PICTURE)
        seen.heard(heard)
        yield picture, mix.mix(heard.values(), SAMPLES_PER_PICTURE)


def _cards(plan: MergePlan, call: CallPlan) -> list[tuple[float, float]]:
    """Return in which seconds of the call a card may be seen, a picture's time more on either side."""
    start, picture_s = call.timeline.axis.start, 1 / compose.FPS
    return [
        (one.since - start - picture_s, next_picture(call, one.until - start) + picture_s)
        for one in plan.cards
        if one.call == call.timeline.call
    ]


def next_picture(call: CallPlan, at_s: float) -> float:
    """Return when the customer's first picture after ``at_s`` came: until then the last one stands."""
    coming = (
        float(second)
        for track in call.tracks
        if track.recorded.info.role is Role.CUSTOMER and track.recorded.info.source is TrackSource.CAMERA
        for second in track.at[track.at >= at_s][:1]
    )
    return min(coming, default=call.timeline.axis.seconds)


def _voices(call: CallPlan) -> dict[overview.Lane, list[mix.SoundTrack]]:
    """Return everybody's microphones."""
    found: dict[overview.Lane, list[mix.SoundTrack]] = {}
    for track in call.tracks:
        info = track.recorded.info
        if info.source is TrackSource.MICROPHONE:
            whose = overview.Lane(info.seat, info.role)
            found.setdefault(whose, []).append(mix.SoundTrack(_coded(track)))
    return found


def _lanes(call: CallPlan) -> list[scene.Lane]:
    found: dict[tuple[str, TrackSource], scene.Lane] = {}
    for track in call.tracks:
        info = track.recorded.info
        if info.source is not TrackSource.MICROPHONE:
            whose = scene.Lane(info.seat, info.role, info.source, {})
            lane = found.setdefault((info.seat, info.source), whose)
            lane.tracks[info.track] = compose.PictureTrack(info.codec, _coded(track))
    return list(found.values())


def _coded(track: PlannedTrack) -> Iterator[compose.Coded]:
    """Yield the frames of all segments; what was lost between two breaks the chain of inter frames."""
    position, expected = 0, 0
    for segment in track.recorded.segments:
        follows = segment.index == expected
        count = 0
        for frame in read_frames(track.recorded, segment):
            at = float(track.at[position + count])
            yield compose.Coded(at, frame.data, frame.keyframe, follows and not frame.after_loss)
            follows = True
            count += 1
        whole = count >= track.sealed_frames.get(segment.index, 0)
        expected = segment.index + 1 if whole else -1
        position += count


def clock_text(at: float, utc_offset_s: int) -> str:
    """Return the burnt-in time: local with its offset, and UTC where they differ."""
    utc = datetime.fromtimestamp(at, UTC)
    if utc_offset_s == 0:
        return f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    local = utc.astimezone(timezone(timedelta(seconds=utc_offset_s)))
    return f"{local:%Y-%m-%d %H:%M:%S %z} ({utc:%H:%M:%S} UTC)"


def _sync_and_hash(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256")
        return digest.hexdigest(), os.fstat(file.fileno()).st_size
