"""How fast a call is merged, as a multiple of real time.

    python -m benchmarks.merge [seconds] [rounds]

Two people at 1280x720 and 15 pictures a second in VP8, Opus beside it: textured pictures that move all
over, which is more work than a talking head. If an ``ffmpeg`` binary is there, it does the same
composition beside it, decoding the same frames.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from contract.ids import new_seat_id
from contract.phases import Role, TrackSource
from recordings.merge import MergePlan, merge_call, plan_merge
from tests.recordings.staged import FPS, Frame, Stage, StagedTrack, stage, voice

WIDTH, HEIGHT = 1280, 720
# What browsers send at this size when the network lets them.
BIT_RATE = 1_500_000


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


def stage_benchmark(root: Path, seconds: float) -> tuple[Stage, dict[Role, list[Frame]]]:
    """Write the call and return it with its pictures."""
    staged = stage(root)
    staged.begin()
    pictures = {role: camera(seconds, seed) for seed, role in enumerate((Role.CUSTOMER, Role.AGENT))}
    for role, frames in pictures.items():
        seat = new_seat_id()
        staged.record(StagedTrack(role, TrackSource.MICROPHONE, "opus", voice(seconds), seat))
        staged.record(StagedTrack(role, TrackSource.CAMERA, "VP8", frames, seat))
    staged.end(seconds)
    return staged, pictures


def write_ivf(path: Path, frames: list[Frame]) -> None:
    """Write VP8 frames into the simplest container that ffmpeg reads."""
    with av.open(str(path), "w", format="ivf") as file:
        stream = file.add_mux_stream("vp8", FPS, width=WIDTH, height=HEIGHT)
        for number, frame in enumerate(frames):
            packet = av.Packet(frame.data)
            packet.pts = packet.dts = number
            packet.time_base, packet.stream = Fraction(1, FPS), stream
            file.mux(packet)


def ffmpeg_speed(folder: Path, pictures: dict[Role, list[Frame]], seconds: float) -> float | None:
    """Return how fast the ffmpeg binary puts the same pictures side by side; None without one."""
    binary = shutil.which("ffmpeg")
    if binary is None:
        return None
    inputs: list[str] = []
    for role, frames in pictures.items():
        write_ivf(folder / f"{role}.ivf", frames)
        inputs += ["-i", str(folder / f"{role}.ivf")]
    panes = "".join(f"[{i}]scale=640:360,pad=640:720:0:180[p{i}];" for i in range(2))
    started = time.perf_counter()
    subprocess.run(
        [
            binary, "-v", "error", "-y", *inputs, "-f", "lavfi", "-t", str(seconds), "-i", "sine=r=48000",
            "-filter_complex", panes + "[p0][p1]hstack[v]", "-map", "[v]", "-map", "2:a",
            "-c:v", "libx264", "-preset", "superfast", "-crf", "24", "-g", "30", "-threads", "2",
            "-c:a", "aac", "-b:a", "96k", "-movflags", "+faststart", str(folder / "ffmpeg.mp4"),
        ],
        check=True,
    )  # fmt: skip
    return seconds / (time.perf_counter() - started)


def measured(plan: MergePlan, out: Path, rounds: int) -> list[float]:
    """Return the speed of each round."""
    return [merge_call(plan, out, lambda *_: None).speed for _ in range(rounds)]


def main() -> None:
    """Print the figures."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        staged, pictures = stage_benchmark(folder / "spool", seconds)
        speeds = measured(plan_merge(staged.spool, staged.case, staged.entries), folder / "m.mp4", rounds)
        size = (folder / "m.mp4").stat().st_size
        print(f"merge: {statistics.median(speeds):.2f} x real time ({min(speeds):.2f} to {max(speeds):.2f},")
        print(f"       {rounds} rounds of {seconds:g} s, {size * 8 / seconds / 1000:.0f} kbit/s)")
        other = ffmpeg_speed(folder, pictures, seconds)
        print("ffmpeg: no binary here" if other is None else f"ffmpeg: {other:.2f} x real time")


if __name__ == "__main__":
    main()
