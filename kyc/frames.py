"""Encoded frames of a call to pictures. Runs in the model process only: whoever decodes may be crashed.

A broken or hostile frame is skipped and counted, and what was predicted from it too, up to the next
keyframe: a picture that a decoder patched up would be judged as if a camera had seen it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import av
import numpy as np
from av.codec.context import Flags

from contract.ports import EncodedFrame
from kyc.images import Picture

# A full HD picture in whole macroblocks of 16 lines. FFmpeg refuses larger ones before it allocates a
# picture: one that claims 16,384 x 16,384 left the process at 59 MB (measured, both codecs).
PIXELS_MAX = 1920 * 1088
# The longest challenge: two gestures of 20 s.
SECONDS_MAX = 40.0
# Pictures held at once by :func:`decode_frames`: 40 s at 15 frames a second of 640 x 480.
BYTES_MAX = 576 * 1024 * 1024
# RTP's clock for pictures (RFC 7741 section 4.1, RFC 6184 section 8.2.1).
CLOCK_RATE = 90_000

_DECODERS = {"VP8": "vp8", "H264": "h264"}
# Frames that a decoder may hold back; H.264 allows 16 (annex A.3.1), browsers send none out of order.
_HELD_MAX = 16


@dataclass(frozen=True, slots=True, eq=False)
class TimedPicture:
    """A decoded frame: ``at`` in seconds of RTP time since the first, ``arrived_at`` in seconds UTC."""

    picture: Picture
    at: float
    arrived_at: float


class FrameDecoder:
    """Decodes one track frame by frame; not to be used by two threads at once.

    ``codec`` is ``VP8`` or ``H264``, anything else raises ValueError. ``origin`` is the RTP timestamp
    that counts as second 0; without it that of the first frame. ``skipped`` counts frames without a
    picture by reason: ``broken`` (the decoder refused it, or it is larger than PIXELS_MAX),
    ``untrusted`` (it follows a loss or a broken frame) and ``hidden`` (it is not for showing).
    """

    def __init__(self, codec: str, origin: int | None = None) -> None:
        if codec not in _DECODERS:
            raise ValueError(f"{codec} is not decoded here")
        self.skipped: Counter[str] = Counter()
        self._codec = codec
        self._origin = origin
        self._trusted = False
        self._sent: dict[int, EncodedFrame] = {}
        self._number = 0
        self._context = _open(codec)

    def push(self, frame: EncodedFrame, *, show: bool = True) -> TimedPicture | None:
        """Take the next frame and return its picture; never raises, whatever the frame holds.

        With ``show`` False it is decoded for those that follow, and None is returned.
        """
        if self._origin is None:
            self._origin = frame.timestamp
        if not frame.keyframe and (frame.after_loss or not self._trusted):
            self._trusted = False
            self.skipped["untrusted"] += 1
            return None
        try:
            decoded = self._decode(frame)
            return self._timed(decoded) if decoded is not None and show else None
        # PyAV raises its own family, ValueError and, for what it cannot map, plain exceptions.
        except Exception:
            self._reset()
            return None

    def _decode(self, frame: EncodedFrame) -> av.VideoFrame | None:
        packet = av.Packet(frame.data)
        packet.pts = packet.dts = self._number
        self._sent[self._number] = frame
        self._number += 1
        self._trusted = True
        if len(self._sent) > _HELD_MAX:
            del self._sent[next(iter(self._sent))]
        pictures = self._context.decode(packet)
        if not pictures:
            self.skipped["hidden"] += 1
            return None
        return pictures[-1]

    def _timed(self, decoded: av.VideoFrame) -> TimedPicture | None:
        frame = self._sent.get(decoded.pts if decoded.pts is not None else -1)
        if frame is None or decoded.width * decoded.height > PIXELS_MAX:
            self.skipped["broken"] += 1
            return None
        picture = np.ascontiguousarray(decoded.to_ndarray(format="bgr24"), np.uint8)
        at = (frame.timestamp - (self._origin or 0)) / CLOCK_RATE
        return TimedPicture(picture, at, frame.arrived_at)

    def _reset(self) -> None:
        """Begin anew at the next keyframe; a decoder that refused something is not asked again."""
        self.skipped["broken"] += 1
        self._trusted = False
        self._sent.clear()
        self._context = _open(self._codec)


def decode_frames(
    codec: str, frames: Sequence[EncodedFrame], *, newest_only: bool = False
) -> list[TimedPicture]:
    """Return the pictures of ``frames``, which begin with a keyframe; broken ones are left out.

    With ``newest_only`` only the last picture that can be trusted. Frames more than SECONDS_MAX after the
    first are not decoded, pictures beyond BYTES_MAX together are left out: what needs them all, one by
    one, takes a :class:`FrameDecoder`.
    """
    if not frames:
        return []
    origin = frames[0].timestamp
    within = [frame for frame in frames if abs(frame.timestamp - origin) <= SECONDS_MAX * CLOCK_RATE]
    decoder = FrameDecoder(codec, origin)
    if newest_only:
        return _newest(decoder, within)
    pictures: list[TimedPicture] = []
    held = 0
    for frame in within:
        timed = decoder.push(frame, show=held < BYTES_MAX)
        if timed is not None:
            held += timed.picture.nbytes
            pictures.append(timed)
    return pictures


def _newest(decoder: FrameDecoder, frames: list[EncodedFrame]) -> list[TimedPicture]:
    end = len(frames)
    for begin in range(len(frames) - 1, -1, -1):
        if not frames[begin].keyframe:
            continue
        # Making a picture of a decoded frame takes longer than decoding it, and mostly the last one is good.
        for frame in frames[begin : end - 1]:
            decoder.push(frame, show=False)
        last = decoder.push(frames[end - 1])
        if last is not None:
            return [last]
        shown = [timed for frame in frames[begin:end] if (timed := decoder.push(frame)) is not None]
        if shown:
            return shown[-1:]
        end = begin
    return []


def _open(codec: str) -> av.VideoCodecContext:
    context = av.CodecContext.create(_DECODERS[codec], "r")
    if not isinstance(context, av.VideoCodecContext):
        raise TypeError(f"{codec} is no picture codec")
    # One thread: with more, a decoder gives pictures late, and the other cores belong to the calls.
    context.thread_count = 1
    context.flags |= Flags.low_delay
    context.options = {"max_pixels": str(PIXELS_MAX)}
    return context
