"""Pictures and a recording for the screens: the demo's face, its specimen card, thirty seconds of film."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from teller.demo.card import cut_portrait, photograph, render_card, specimen
from teller.demo.pictures import FaceVideo, astronaut, jpeg

SECONDS = 30
FPS = 5


def make_files(folder: Path) -> dict[str, Path]:
    """Write the files that a stand-in serves; return them by kind."""
    portrait = astronaut()
    card = render_card(cut_portrait(portrait), specimen())
    bodies = {
        "id_card": photograph(card),
        "face_still": jpeg(FaceVideo(portrait, (1280, 960)).frame(40)),
        "id_portrait": jpeg(cut_portrait(portrait)),
    }
    files = {}
    bodies |= dict.fromkeys(("scene", "reference"), bodies["face_still"])
    for kind, body in bodies.items():
        files[kind] = folder / f"{kind}.jpg"
        files[kind].write_bytes(body)
    files["merged.mp4"] = folder / "merged.mp4"
    _film(files["merged.mp4"])
    return files


def _film(path: Path) -> None:
    """Two people side by side, as the merge lays them out."""
    customer = FaceVideo(astronaut(), (640, 480))
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "g": "10"})
        stream.width, stream.height, stream.pix_fmt = 1280, 480, "yuv420p"
        stream.time_base = Fraction(1, FPS)
        for number in range(SECONDS * FPS):
            left = customer.frame(number * 5)
            both = np.hstack([left, cv2.flip(left, 1)])
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(both), format="bgr24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
