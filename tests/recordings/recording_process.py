"""A process that records a call in real time until it is killed. Arguments: root, case, call.

For each frame handed to the recorder it writes a line: the track and the second of the call.
"""

import asyncio
import itertools
import sys
import time
from dataclasses import replace
from pathlib import Path

from contract.facts import CallAdvanced, CaseAdvanced
from contract.ids import CallId, CaseId
from contract.phases import CallPhase, CasePhase
from contract.ports import ClockSample, EncodedFrame, TrackInfo
from recordings.journal import FileJournal
from recordings.recorder import Recorder
from recordings.spool import Spool
from tests.recordings.encoded import BASE, frames_of, track_info
from tests.recordings.packets import Feed, feed

CODECS = ("VP8", "H264", "opus", "opus")


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


async def play(info: TrackInfo, sink: Feed) -> None:
    """Hand frames over at the pace at which a camera or microphone gives them, for ever."""
    frames = frames_of(info.codec, 2)
    began, length = time.time(), 2 * info.clock_rate
    for lap in itertools.count():
        for frame in frames:
            timestamp = frame.timestamp + lap * length
            second = (timestamp - BASE) / info.clock_rate
            await asyncio.sleep(max(0.0, began + second - time.time()))
            push(sink, replace(frame, timestamp=timestamp, arrived_at=time.time()))
            sys.stdout.write(f"{info.track} {second}\n")
            sys.stdout.flush()


def push(sink: Feed, frame: EncodedFrame) -> None:
    sink.push_frame(frame)
    sink.push_clock(ClockSample(frame.arrived_at, frame.timestamp, frame.arrived_at))


async def main(root: Path, case: CaseId, call: CallId) -> None:
    """Open a call and record two cameras and two microphones."""
    journal = FileJournal(root / "journal", SystemClock())
    for was, now in itertools.pairwise(
        (CasePhase.CREATED, CasePhase.PRE_CALL, CasePhase.QUEUED, CasePhase.IN_CALL)
    ):
        await journal.append(case, CaseAdvanced(was, now))
    for before, after in itertools.pairwise(
        (None, CallPhase.RINGING, CallPhase.CONNECTING, CallPhase.ACTIVE)
    ):
        assert after is not None
        await journal.append(case, CallAdvanced(call, before, after))
    for codec in CODECS:
        frames_of(codec, 2)
    async with (
        Recorder(Spool(root / "spool"), journal, SystemClock()) as recorder,
        asyncio.TaskGroup() as tasks,
    ):
        for codec in CODECS:
            info = track_info(case, call, codec)
            tasks.create_task(play(info, feed(recorder, info)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), CaseId(sys.argv[2]), CallId(sys.argv[3])))
