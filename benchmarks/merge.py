"""How fast a call is merged, against the ffmpeg command line, and in how much memory.

    python -m benchmarks.merge [seconds] [rounds]
    python -m benchmarks.merge memory [minutes]

Two people at 1280x720 and 15 pictures a second in VP8, Opus beside it: textured pictures that move all
over, which is more work than a talking head. If an ``ffmpeg`` binary is there, it does the same
composition by turns with the merge: the same frames decoded, scaled and put side by side, both voices
mixed, the same encoder with the same settings; but no lettering, no chapters and nothing beside the film.

``memory`` plans a call of two hours of small pictures, renders its first minutes and tells what the
process holds after each: what grew with the length of a call would show.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from contract.ids import new_seat_id
from contract.phases import Role, TrackSource
from recordings import muxer
from recordings.merge import MergePlan, merge_call, plan_merge
from tests.recordings.staged import FPS, Frame, Stage, StagedTrack, film, stage, voice

WIDTH, HEIGHT = 1280, 720
# What browsers send at this size when the network lets them.
BIT_RATE = 1_500_000
TWO_HOURS_S = 7200
# What is repeated to make two hours.
LOOP_S = 4


def moving_texture(seconds: float, seed: int) -> Iterator[VideoFrame]:
    """Yield a blurred noise field that pans and zooms, with sensor noise on top."""
    rng = np.random.default_rng(seed)
    field = cv2.GaussianBlur(rng.integers(0, 255, (1600, 2600), np.uint8), (0, 0), 6)
    field = cv2.normalize(field, field, 20, 235, cv2.NORM_MINMAX)
    noise = rng.normal(0, 2, (8, HEIGHT, WIDTH)).astype(np.int16)
    for number in range(round(seconds * FPS)):
        left = 300 + int(250 * np.sin(number / 20))
        top = 300 + int(200 * np.cos(number / 33))
        luma = field[top : top + HEIGHT, left : left + WIDTH].astype(np.int16) + noise[number % 8]
        planes = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
        planes[:HEIGHT] = np.clip(luma, 16, 235)
        picture = VideoFrame.from_ndarray(planes, format="yuv420p")
        picture.pts = number
        yield picture


def camera(seconds: float, seed: int) -> list[Frame]:
    """Return the encoded texture."""
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(FPS), Fraction(1, FPS)
    encoder.bit_rate, encoder.gop_size = BIT_RATE, 150
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    return [
        Frame(number / FPS, bytes(packet), packet.is_keyframe)
        for number, picture in enumerate(moving_texture(seconds, seed))
        for packet in encoder.encode(picture)
    ]


@dataclass(frozen=True, slots=True)
class Took:
    """What one round took, in seconds; ``cpu`` of all threads and processes."""

    wall: float
    cpu: float


def took(work: Callable[[], object]) -> Took:
    """Do ``work`` and measure it."""
    wall, cpu = time.perf_counter(), _cpu()
    work()
    return Took(time.perf_counter() - wall, _cpu() - cpu)


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def stage_benchmark(root: Path, pictures: dict[Role, list[Frame]], seconds: float) -> Stage:
    """Write the call and return it."""
    staged = stage(root)
    staged.begin()
    for role, frames in pictures.items():
        seat = new_seat_id()
        sound = voice(seconds) if seconds < TWO_HOURS_S else _repeated(voice(LOOP_S))
        staged.record(StagedTrack(role, TrackSource.MICROPHONE, "opus", sound, seat))
        staged.record(StagedTrack(role, TrackSource.CAMERA, "VP8", frames, seat))
    staged.end(seconds)
    return staged


def write_pictures(path: Path, frames: list[Frame]) -> None:
    """Write VP8 frames into the simplest container that ffmpeg reads."""
    with av.open(str(path), "w", format="ivf") as file:
        stream = file.add_mux_stream("vp8", FPS, width=WIDTH, height=HEIGHT)
        for number, frame in enumerate(frames):
            packet = av.Packet(frame.data)
            packet.pts = packet.dts = number
            packet.time_base, packet.stream = Fraction(1, FPS), stream
            file.mux(packet)


def write_voice(path: Path, frames: list[Frame]) -> None:
    """Write Opus packets as the recorder does."""
    blocks = [
        muxer.cluster_head(round(frame.taken_s * 1000)) + muxer.block_head(0, len(frame.data), True)
        + frame.data
        for frame in frames
    ]  # fmt: skip
    path.write_bytes(muxer.opus_head() + b"".join(blocks))


def ffmpeg_command(binary: str, folder: Path, pictures: dict[Role, list[Frame]], seconds: float) -> list[str]:
    """Write what ffmpeg is to read and return how it is called."""
    inputs: list[str] = []
    for role, frames in pictures.items():
        write_pictures(folder / f"{role}.ivf", frames)
        inputs += ["-i", str(folder / f"{role}.ivf")]
    write_voice(folder / "voice.mkv", voice(seconds))
    inputs += ["-i", str(folder / "voice.mkv")] * 2
    panes = "".join(f"[{i}]scale=640:360:flags=area,pad=640:720:0:180[p{i}];" for i in range(2))
    graph = f"{panes}[p0][p1]hstack[v];[2][3]amix=inputs=2:normalize=0[a]"
    return [
        binary, "-v", "error", "-y", *inputs, "-filter_complex", graph, "-map", "[v]", "-map", "[a]",
        "-c:v", "libx264", "-preset", "superfast", "-crf", "24", "-profile:v", "high", "-bf", "0",
        "-g", "30", "-threads", "2", "-r", str(FPS), "-c:a", "aac", "-b:a", "96k", "-ac", "1",
        "-movflags", "+faststart", str(folder / "ffmpeg.mp4"),
    ]  # fmt: skip


def told(name: str, rounds: list[Took], seconds: float, size: int) -> None:
    """Print the figures of one side: shares of the call's time."""
    walls, cpus = [one.wall / seconds for one in rounds], [one.cpu / seconds for one in rounds]
    print(
        f"{name}: {statistics.median(walls):.3f} x call time ({min(walls):.3f} to {max(walls):.3f}), "
        f"processor {statistics.median(cpus):.3f} ({min(cpus):.3f} to {max(cpus):.3f}), "
        f"{size * 8 / seconds / 1000:.0f} kbit/s"
    )


def compare(seconds: float, rounds: int) -> None:
    """Merge by turns with ffmpeg."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = {role: camera(seconds, seed) for seed, role in enumerate((Role.CUSTOMER, Role.AGENT))}
        staged = stage_benchmark(folder / "spool", pictures, seconds)
        binary = shutil.which("ffmpeg")
        command = ffmpeg_command(binary, folder, pictures, seconds) if binary else None
        out, ours, theirs = folder / "m.mp4", list[Took](), list[Took]()
        for _ in range(rounds):
            ours.append(took(lambda: merge_call(plan(staged), out, lambda *_: None)))
            if command is not None:
                theirs.append(took(lambda: subprocess.run(command, check=True)))
        print(f"{rounds} rounds of {seconds:g} s, load of the machine {os.getloadavg()[0]:.1f}")
        told("merge ", ours, seconds, out.stat().st_size)
        if command is None:
            print("ffmpeg: no binary here")
            return
        told("ffmpeg", theirs, seconds, (folder / "ffmpeg.mp4").stat().st_size)
        walls = statistics.median(b.wall / a.wall for a, b in zip(ours, theirs, strict=True))
        cpus = statistics.median(b.cpu / a.cpu for a, b in zip(ours, theirs, strict=True))
        print(f"merge against ffmpeg: {walls:.2f} x as fast, {cpus:.2f} x by processor time")


def plan(staged: Stage) -> MergePlan:
    """Return what is to be rendered."""
    return plan_merge(staged.spool, staged.case, staged.entries)


class _Enough(Exception):
    """The minutes that were wanted are rendered."""


def memory(minutes: int) -> None:
    """Print what the process holds while it renders the first ``minutes`` of two hours."""
    pictures = _repeated(film(LOOP_S, gop=30))
    with tempfile.TemporaryDirectory() as name:
        staged = stage_benchmark(
            Path(name) / "spool", dict.fromkeys((Role.CUSTOMER, Role.AGENT), pictures), TWO_HOURS_S
        )
        print(f"staged: {_held():.0f} MB")
        whole = plan(staged)
        print(f"planned {whole.seconds / 60:.0f} min: {_held():.0f} MB")
        done = [0]

        def progress(fraction: float, _: str) -> None:
            minute = int(fraction * whole.seconds / 60)
            if minute > done[0]:
                done[0] = minute
                print(f"rendered {minute} min: {_held():.0f} MB", flush=True)
            if minute >= minutes:
                raise _Enough

        try:
            merge_call(whole, Path(name) / "m.mp4", progress)
        except _Enough:
            return


def _repeated(frames: list[Frame]) -> list[Frame]:
    loops = range(TWO_HOURS_S // LOOP_S)
    return [Frame(one.taken_s + n * LOOP_S, one.data, one.keyframe) for n in loops for one in frames]


def _held() -> float:
    """Return what this process holds in memory, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Print the figures."""
    words = sys.argv[1:]
    if words[:1] == ["memory"]:
        memory(int(words[1]) if len(words) > 1 else 3)
    else:
        compare(float(words[0]) if words else 20.0, int(words[1]) if len(words) > 1 else 3)


if __name__ == "__main__":
    main()
