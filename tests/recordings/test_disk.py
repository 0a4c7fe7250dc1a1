"""Bringing segments to disk: all at once, and each by itself when that fails."""

import errno
import os
import threading
from pathlib import Path

import pytest

from contract.ids import CallId, CaseId
from recordings.disk import DiskThread, Settling, Volume, settle, step_back
from recordings.segment_writer import SegmentWriter
from recordings.spool import Spool
from recordings.track_files import TrackFiles, is_being_written
from tests.recordings.encoded import BASE, frames_of, segment_writer, track_info


@pytest.fixture
def item(spool: Spool, case: CaseId, call: CallId) -> Settling:
    """A segment of one second that is flushed."""
    return make_item(spool, case, call)


def make_item(spool: Spool, case: CaseId, call: CallId, seals: bool = True) -> Settling:
    info = track_info(case, call, "opus")
    files = TrackFiles(spool, info, BASE)
    folder = spool.track_dir(case, call, info.track)
    writer = segment_writer(folder / "00000.mkv", info)
    for frame in frames_of("opus", 1):
        writer.write(frame, frame.data)
    writer.flush()
    return Settling(writer, files, seals)


def gone(*_: object) -> None:
    raise OSError(errno.EIO, "Input/output error")


def test_a_segment_gets_its_name(item: Settling, spool: Spool) -> None:
    """It is sealed whole; what there is of it is told."""
    settle([item], Volume(spool.root))
    assert item.done.result()
    assert item.sealed is not None
    assert (item.sealed.path.name, item.sealed.frames) == ("00000.mkv", 50)


def test_each_file_is_synced_when_all_together_cannot_be(
    spool: Spool, case: CaseId, call: CallId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A volume that tells of an error does not tell whose it was; the files do."""
    monkeypatch.setattr(Volume, "sync", lambda self: False)
    items = [make_item(spool, case, call, seals) for seals in (True, False)]
    settle(items, Volume(spool.root))
    assert [item.done.result() for item in items] == [True, True]
    assert items[0].sealed is not None


def test_what_is_not_on_disk_is_told(
    spool: Spool, case: CaseId, call: CallId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A segment that goes on gets the error; one that ends is sealed as far as it can be read."""
    items = [make_item(spool, case, call, seals) for seals in (True, False)]
    monkeypatch.setattr(Volume, "sync", lambda self: False)
    monkeypatch.setattr(os, "fdatasync", gone)
    settle(items, Volume(spool.root))
    assert items[0].sealed is not None
    assert items[0].done.result()
    with pytest.raises(OSError, match="Input/output"):
        items[1].done.result()


def test_a_name_that_cannot_be_given_is_told(
    item: Settling, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits learns it; the other segments of the batch have theirs."""
    other = make_item(spool, *(path.name for path in _call_of(spool)))  # type: ignore[arg-type]
    monkeypatch.setattr(item.segment, "give_name", gone)
    settle([item, other], Volume(spool.root))
    with pytest.raises(OSError, match="Input/output"):
        item.done.result()
    assert other.sealed is not None


def _call_of(spool: Spool) -> tuple[Path, Path]:
    [call] = spool.root.glob("*/*")
    return call.parent, call


def test_a_volume_that_is_not_there_cannot_be_synced(tmp_path: Path) -> None:
    """No folder yet, or no such call on this system: that is no success."""
    volume = Volume(tmp_path / "missing")
    assert not volume.sync()
    volume.close()
    here = Volume(tmp_path)
    assert here.sync()
    assert here.sync()
    here.close()


def test_requests_gather_while_the_disk_is_busy(
    spool: Spool, case: CaseId, call: CallId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes during a sync waits for the next one, which serves all; the urgent wakes its writer."""
    busy, calls, wake = threading.Event(), [0], threading.Event()

    def slow(self: Volume) -> bool:
        calls[0] += 1
        return busy.wait(20)

    monkeypatch.setattr(Volume, "sync", slow)
    disk = DiskThread(spool.root, wake)
    items = [make_item(spool, case, call, seals=False) for _ in range(4)]
    disk.start()
    disk.ask(items[0])
    disk.start()
    for item in items[1:]:
        item.urgent = True
        disk.ask(item)
        disk.start()
    busy.set()
    assert items[0].done.result(20)
    while not items[1].done.done():
        disk.start()
        wake.wait(0.01)
    assert [item.done.result(20) for item in items] == [True] * 4
    assert calls == [2]
    assert wake.wait(20)
    disk.stop()


def test_a_track_is_being_written_until_it_is_closed(spool: Spool, case: CaseId, call: CallId) -> None:
    """By the lock on its clock file, which dies with the process; without the file nobody writes."""
    info = track_info(case, call, "opus")
    folder = spool.track_dir(case, call, info.track)
    assert not is_being_written(folder)
    files = TrackFiles(spool, info, BASE)
    assert is_being_written(folder)
    files.note({"lost": 1, "timestamp": BASE})
    files.close()
    assert not is_being_written(folder)
    assert (folder / "clock.jsonl").read_bytes() == b'{"lost":1,"timestamp":%d}\n' % BASE


def test_a_track_can_be_made_again_when_the_disk_refused(
    spool: Spool, case: CaseId, call: CallId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first try leaves no lock behind."""
    info = track_info(case, call, "opus")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", gone)
        with pytest.raises(OSError, match="Input/output"):
            TrackFiles(spool, info, BASE)
    assert not is_being_written(spool.track_dir(case, call, info.track))
    TrackFiles(spool, info, BASE).close()


def test_a_writer_is_no_use_once_it_is_broken(item: Settling, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failed sync nothing is added that a reader would find behind what is missing."""
    writer = item.segment
    assert isinstance(writer, SegmentWriter)
    monkeypatch.setattr(os, "fdatasync", gone)
    with pytest.raises(OSError, match="Input/output"):
        writer.sync()
    frame = frames_of("opus", 2)[60]
    writer.write(frame, frame.data)
    writer.flush()
    writer.finish()
    sealed = writer.give_name()
    assert sealed is not None
    assert sealed.frames == 50


def test_a_thread_that_steps_back_leaves_the_others_where_they_are() -> None:
    """Only the calling thread gets a later turn on the processor."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    told: list[int] = []

    def stand_behind() -> None:
        step_back()
        told.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    thread = threading.Thread(target=stand_behind)
    thread.start()
    thread.join()
    assert told == [min(19, before + 10)]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
