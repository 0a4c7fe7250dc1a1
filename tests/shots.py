"""Pictures of every screen for the documentation: plays the tests of the pages in Chromium.

    python -m tests.shots [TESTS...]

Writes ``docs/images/*.png`` and ``docs/screens.md``, which shows them. Pictures of screens that no test
shows any more are removed, unless only some tests were asked for; the large picture of the README stays
as it is.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import av
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

ROOT = Path(__file__).resolve().parents[1]
IMAGES, PAGE = ROOT / "docs" / "images", ROOT / "docs" / "screens.md"
PAGES = ("tests/customer_h5", "tests/agent_console", "tests/player")
KEPT = {"call.png"}
# A console's words can still be read at this width, and it takes a third of the bytes.
_WIDTH_MAX = 960
# Whole pages may be long; more than this nobody looks at.
_HEIGHT_MAX = 1_600
# What a clone of the project should not grow beyond for pictures.
_BYTES_MAX = 7_000_000
_SECTIONS = {
    "customer": "The customer's phone page",
    "agent": "The agent's console",
    "supervisor": "The supervisor's wallboard",
    "player": "The auditor's player",
}


def shrink(source: Path, target: Path) -> None:
    """Write the picture no wider than 960 px, in 256 colours of its own."""
    with av.open(str(source)) as file:
        stream = file.streams.video[0]
        picture = _in_palette(stream, next(file.decode(stream)))
    with av.open(str(target), "w", format="image2", options={"update": "1"}) as file:
        # Colours of a palette have no neighbours: any prediction makes them larger, by a fifth.
        out = file.add_stream("png", 1, options={"pred": "none", "compression_level": "9"})
        assert isinstance(out, VideoStream)
        out.width, out.height, out.pix_fmt = picture.width, picture.height, "pal8"
        picture.pts = 0
        for packet in (*out.encode(picture), *out.encode(None)):
            file.mux(packet)


def _in_palette(stream: VideoStream, picture: VideoFrame) -> VideoFrame:
    graph = Graph()
    source, sink = graph.add_buffer(template=stream), graph.add("buffersink")
    crop = graph.add("crop", f"iw:'min(ih,{_HEIGHT_MAX})':0:0")
    scale = graph.add("scale", f"w='min(iw,{_WIDTH_MAX})':h=-1:flags=area")
    split, use = graph.add("split"), graph.add("paletteuse", "dither=none")
    palette = graph.add("palettegen", "stats_mode=single")
    source.link_to(crop)
    crop.link_to(scale)
    scale.link_to(split)
    split.link_to(palette, 0, 0)
    split.link_to(use, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    source.push(picture)
    source.push(None)
    found = sink.pull()
    assert isinstance(found, VideoFrame)
    return found


def page(names: list[str]) -> str:
    """Return the text that shows these pictures, by who sees them."""
    lines = [
        "# Screens",
        "",
        "Every screen as the tests see it in Chromium, in zh-CN; names with `en` are English, numbers are the"
        " width of the window. `make shots` makes them anew.",
    ]
    for prefix, title in _SECTIONS.items():
        lines += ["", f"## {title}", ""]
        for name in sorted(name for name in names if name.startswith(f"{prefix}-")):
            width = 240 if prefix == "customer" or re.search(r"-(360|390)\b", name) else 420
            alt = name.removeprefix(f"{prefix}-").replace("-", " ")
            lines.append(f'<img src="images/{name}.png" alt="{alt}" title="{alt}" width="{width}">')
    return "\n".join(lines) + "\n"


def publish(shots: Path, *, anew: bool = True) -> int:
    """Put the pictures in ``shots`` into the documentation, ``anew`` instead of all that were there.

    Return how many bytes all of them have.
    """
    for old in IMAGES.glob("*.png"):
        if anew and old.name not in KEPT:
            old.unlink()
    for shot in sorted(shots.glob("*.png")):
        if shot.stem.split("-")[0] in _SECTIONS:
            shrink(shot, IMAGES / shot.name)
    PAGE.write_text(page([image.stem for image in IMAGES.glob("*.png")]), encoding="utf-8")
    return sum(image.stat().st_size for image in IMAGES.glob("*.png"))


def main() -> None:
    """Play the tests and publish what they show; exit code 1 when one fails or the pictures are too large."""
    asked = sys.argv[1:]
    with TemporaryDirectory() as folder:
        words = ("-m", "pytest", "-q", "-p", "no:xdist", "-m", "browser", *(asked or PAGES))
        environment = os.environ | {"TEST_SHOTS": folder}
        if subprocess.run([sys.executable, *words], check=False, cwd=ROOT, env=environment).returncode:
            sys.exit("the pages' tests fail: no pictures were taken over")
        size = publish(Path(folder), anew=not asked)
    sys.stdout.write(f"{size / 1e6:.1f} MB in {IMAGES.relative_to(ROOT)}\n")
    if size > _BYTES_MAX:
        sys.exit(f"more than {_BYTES_MAX / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
