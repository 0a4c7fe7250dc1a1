"""Pictures to encoded frames as browsers send them, for tests of what decodes them."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from contract.ports import EncodedFrame

START = 1_700_000_000.0
# An RTP clock begins anywhere (RFC 3550 section 5.1).
BASE = 987_654_321

Picture = NDArray[np.uint8]


def encoder(codec: str, size: tuple[int, int], fps: int, kbps: int) -> av.VideoCodecContext:
    """Return an encoder set as libwebrtc sets it: real time, no frame held back, no periodic keyframes."""
    context = av.CodecContext.create("libvpx" if codec == "VP8" else "libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height = size
    context.pix_fmt = "yuv420p"
    context.time_base = Fraction(1, fps)
    context.framerate = Fraction(fps)
    context.gop_size = 3_000
    context.thread_count = 1
    context.bit_rate = kbps * 1_000
    context.options = (
        {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8", "error-resilient": "1"}
        if codec == "VP8"
        else {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline",
              "maxrate": str(kbps * 1_000), "bufsize": str(kbps * 1_000)}
    )  # fmt: skip
    return context


def encoded(
    codec: str, pictures: Iterable[Picture], fps: int = 15, kbps: int = 500, keyframe_every: int = 0
) -> Iterator[EncodedFrame]:
    """Yield BGR ``pictures`` of one size as frames that arrive when they are due."""
    context: av.VideoCodecContext | None = None
    for number, picture in enumerate(pictures):
        context = context or encoder(codec, picture.shape[1::-1], fps, kbps)
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p")
        frame.pts = number
        if keyframe_every and number % keyframe_every == 0:
            frame.pict_type = av.video.frame.PictureType.I
        for packet in context.encode(frame):
            yield EncodedFrame(
                bytes(packet), BASE + number * 90_000 // fps, packet.is_keyframe, START + number / fps
            )
