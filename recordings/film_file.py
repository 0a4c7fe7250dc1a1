"""The MP4 that is being written: H.264 and AAC, index in front, chapters, one GOP every two seconds.

The same pictures and samples give the same bytes: no time and no library version is written, the encoder
has a fixed number of threads, and how they are scheduled changes nothing.
"""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.audio.frame import AudioFrame
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from recordings import mix
from recordings.chapters import Chapter
from recordings.compose import FPS
from recordings.layout import HEIGHT, WIDTH

# Both frame rates divide: one picture goes with exactly this many samples.
SAMPLES_PER_PICTURE = mix.RATE // FPS
# A player decodes at most this many pictures after a seek: 2 s.
_GOP = 2 * FPS
# superfast is the slowest preset that leaves one of two cores to the decoders; crf 24 keeps an ID card
# held into the camera legible; B-frames would cost a sixth of the time for a tenth of the size.
_X264 = {"preset": "superfast", "crf": "24", "profile": "high", "bf": "0"}
_THREADS = 2
_AAC_BIT_RATE = 96_000
MP4_OPTIONS = {"movflags": "+faststart", "fflags": "+bitexact"}
# Chapters are told in milliseconds.
_CHAPTER_BASE = Fraction(1, 1000)


def film_encoder(container: OutputContainer) -> VideoStream:
    """Add the film's pictures to a container."""
    video = container.add_stream("libx264", rate=FPS)
    set_up_picture(video.codec_context)
    return video


def set_up_picture(context: VideoCodecContext) -> None:
    """Give an encoder the film's settings."""
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context.framerate, context.gop_size = Fraction(FPS), _GOP
    context.options = dict(_X264)
    context.thread_count = _THREADS
    # By frames, not by slices, which cost bits and leave a core waiting.
    context.thread_type = "FRAME"


class FilmFile:
    """A context manager: left without an error, the file is complete."""

    def __init__(self, path: Path, title: str, chapters: Sequence[Chapter]) -> None:
        self.pictures = 0
        self._container = av.open(str(path), "w", format="mp4", options=MP4_OPTIONS)
        self._container.metadata["title"] = title
        self._container.set_chapters(
            [
                {
                    "id": number,
                    "start": round(chapter.since_s * 1000),
                    "end": round(chapter.until_s * 1000),
                    "time_base": _CHAPTER_BASE,
                    "metadata": {"title": chapter.title},
                }
                for number, chapter in enumerate(chapters)
            ]
        )
        video = film_encoder(self._container)
        audio = self._container.add_stream("aac", rate=mix.RATE, layout="mono")
        audio.bit_rate = _AAC_BIT_RATE
        self._video, self._audio = video, audio

    def write(self, picture: VideoFrame, samples: mix.Samples) -> None:
        """Append a picture and what is heard while it shows, shape (SAMPLES_PER_PICTURE,)."""
        picture.pts = self.pictures
        picture.time_base = Fraction(1, FPS)
        sound = AudioFrame.from_ndarray(samples.reshape(1, -1), format="fltp", layout="mono")
        sound.sample_rate = mix.RATE
        sound.pts = self.pictures * SAMPLES_PER_PICTURE
        sound.time_base = Fraction(1, mix.RATE)
        self._container.mux(self._video.encode(picture))
        self._container.mux(self._audio.encode(sound))
        self.pictures += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._container.mux(self._video.encode(None))
                self._container.mux(self._audio.encode(None))
        finally:
            self._container.close()
