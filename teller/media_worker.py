"""``teller media-worker``: owns whole calls, their packets and their recordings; ``serve`` starts it."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from contract.ids import CallId, SeatId
from kyc.sampler import FaceSampler
from media.frame_relay import FrameRelay
from media.pauses import short_pauses
from media.plane import Plane
from media.settings import MediaSettings
from media.worker_link import Link
from media.worker_side import RemoteJournal, WorkerSide, linked
from recordings.recorder import Recorder
from recordings.spool import Spool
from recordings.track_writer import RecorderSettings
from teller.clock import AnchoredClock
from teller.config import Config
from teller.parent import following_parent
from teller.writers import writing

_log = structlog.get_logger(__name__)


async def own_calls(config: Config, number: int, descriptor: int, *, parent: int | None) -> int:
    """Take calls from the server at the socket ``descriptor`` until it says stop or is gone, or SIGTERM."""
    structlog.contextvars.bind_contextvars(media_worker=number)
    stop = asyncio.Event()
    for sent in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sent, stop.set)
    with writing(config.data_dir), following_parent(stop, parent):
        async with linked(descriptor) as link, ready_side(config, number, link) as side, short_pauses():
            await side.serve(link, stop)
            _log.info("stopping")
    return 0


@asynccontextmanager
async def ready_side(config: Config, number: int, link: Link) -> AsyncIterator[WorkerSide]:
    """Yield plane, recorder and sampler behind the link; on leaving every call is closed and sealed."""
    clock, journal, loop = AnchoredClock(), RemoteJournal(link), asyncio.get_running_loop()
    spool = Spool(config.data_dir / "spool")

    def ask_keyframe(call: CallId, seat: SeatId) -> None:
        loop.call_soon_threadsafe(plane.request_keyframe, call, seat)

    async with (
        Recorder(spool, journal, clock, _recorder_settings(config)) as recorder,
        FrameRelay(link) as relay,
    ):
        with FaceSampler(relay.push, ask_keyframe, clock, every_s=None) as sampler:
            receivers = (recorder, sampler)
            async with Plane(journal, clock, media_settings(config, number), receivers) as plane:
                yield WorkerSide(plane, recorder, sampler, clock.follow)


def media_settings(config: Config, number: int) -> MediaSettings:
    """Return what the plane of the ``number``-th worker is told."""
    media = config.media
    return MediaSettings(
        port=media.port and media.port + number,
        bind_addresses=tuple(map(str, media.bind)),
        advertised_addresses=tuple(map(str, media.advertised)),
        promise_s=media.promise_s,
        quality_interval_s=media.quality_interval_s,
        video_codecs=media.video_codecs,
    )


def _recorder_settings(config: Config) -> RecorderSettings:
    return RecorderSettings(segment_s=config.recording.segment_s, sync_s=config.recording.sync_s)
