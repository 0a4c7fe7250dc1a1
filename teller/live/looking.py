"""The two ways in which a check looks at frames: traced for gestures and liveness, sampled for light."""

from kyc.injection import PrintFrames
from kyc.light_sequence import LightSample, SampleLight
from kyc.traces import Traced, TraceFrames
from teller.live.chain import STRETCH_S, Stretch
from teller.live.run import Run


async def trace(run: Run, *, looks_only: bool = False) -> tuple[int, Traced] | None:
    """Return the next stretch traced, with its epoch; None when there is nothing yet."""
    stretch = await run.stretch()
    if stretch is None:
        return None
    epoch = run.reader.epoch
    frames = stretch.codec, stretch.frames, stretch.origin, stretch.since
    traced = await run.ask(TraceFrames(*frames, looks_only))
    if traced is None:
        return None
    run.reader.done(stretch)
    await _print(run, epoch, stretch)
    return epoch, traced


async def sample_light(run: Run, least_s: float = STRETCH_S) -> tuple[int, tuple[LightSample, ...]] | None:
    """Return the next stretch's samples, with its epoch; None when there is nothing yet.

    A stretch that need not be whole is wanted at once, and is not looked at for loops.
    """
    stretch = await run.stretch(least_s)
    if stretch is None:
        return None
    epoch = run.reader.epoch
    sampled = await run.ask(SampleLight(stretch.codec, stretch.frames, stretch.origin, stretch.since))
    if sampled is None:
        return None
    run.reader.done(stretch)
    if least_s >= STRETCH_S:
        await _print(run, epoch, stretch)
    return epoch, sampled.samples


async def _print(run: Run, epoch: int, stretch: Stretch) -> None:
    prints = await run.ask(PrintFrames(stretch.codec, stretch.frames, stretch.origin, stretch.since))
    run.signs.saw(epoch, stretch.new, prints or ())
