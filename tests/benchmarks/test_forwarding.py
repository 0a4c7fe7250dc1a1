"""The load generator against our own plane, and that its figures add up."""

import asyncio
import dataclasses
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from aiortc import RTCCertificate, rtp
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.forwarding import reports
from benchmarks.forwarding.client import Client
from benchmarks.forwarding.descriptions import PLAIN, PLANNED, Remote
from benchmarks.forwarding.figures import Figures, Work, deliveries, figures
from benchmarks.forwarding.load import Load, Traffic
from benchmarks.forwarding.material import PARTS, number_of, picture_parts, sound_rows
from benchmarks.forwarding.ours import Ours, running_ours
from benchmarks.forwarding.processes import core_seconds, cpu_seconds, usage
from benchmarks.forwarding.report import memory_per_call, summary
from benchmarks.forwarding.servers import BROWSER, Call, Conditions
from benchmarks.forwarding.trial import Extent, Outcome, Trial
from contract.errors import MediaError

PACKETS_PER_S = 2 * (25 * PARTS + 50)


@asynccontextmanager
async def one_call(record_in: str = "") -> AsyncIterator[tuple[Ours, Call, Load]]:
    """Start our media process with one call of two connected parties, whose load has not begun."""
    core = min(os.sched_getaffinity(0))
    async with running_ours(Conditions("127.0.0.1", core, BROWSER, record_in)) as server:
        call = await server.open_call()
        load = Load()
        load.add(*call.parties)
        yield server, call, load
        await call.close()


async def test_a_call_is_forwarded_whole_and_its_delay_is_told() -> None:
    """Everything that is sent in the window arrives at the other party, soon; the server's work is seen."""
    marks: list[float] = []
    async with one_call() as (server, call, load):
        traffic = load.run(0.5, 1.0, lambda: marks.append(cpu_seconds(server.pid)))
        used = usage(server.pid)

    found = figures(traffic, 1, Work(marks[1] - marks[0], 1.0, 0.0))
    assert found.loss == 0
    # Counted over the whole run: a machine that stalls sends late and shortens the window, but sends all.
    assert len(traffic.sent_at) == pytest.approx(1.5 * PACKETS_PER_S, rel=0.1)
    assert len(traffic.got_at) == pytest.approx(len(traffic.sent_at), rel=0.1)
    assert found.packets_per_s > 0
    assert 0 < found.delay_p50 < 0.2
    assert 0 < found.cpu_per_packet * found.packets_per_s < 1
    assert 0 < found.generator_share < 1
    assert (traffic.offset >= 0).all()
    assert call.parties[0].profile in BROWSER
    assert used.rss > used.pss > 10e6
    assert used.files > 3


async def test_a_recorded_call_lies_on_disk(tmp_path: Path) -> None:
    """With recording on, the real recorder writes both parties' sound and picture."""
    async with one_call(str(tmp_path)) as (_, _, load):
        load.run(0.0, 1.0)

    assert len({name for name, _, files in os.walk(tmp_path) if any(f.endswith(".mkv") for f in files)}) == 4


async def test_a_trial_finds_its_way(tmp_path: Path) -> None:
    """A short trial measures its fixed load, searches upward, and closes every call."""
    async with running_ours(Conditions("127.0.0.1", 0, BROWSER, "")) as server:
        outcome = await Trial(server, 0, Extent(fixed=(1,), window_s=0.4, trial_s=0.0)).run(guess=2)

    assert [found.calls for found in outcome.fixed] == [1]
    assert {found.calls for found in outcome.climb} == {2}
    assert dict(outcome.memory).keys() == {1, 2}
    assert set(outcome.profiles) <= set(BROWSER)


async def test_a_party_answers_what_it_is_asked_for() -> None:
    """A keyframe request makes the next picture a keyframe; a NACK makes packets go out again."""
    async with one_call() as (_, _, load):
        plan = load.senders[0].prepare(0.0, 0.2)
        sender = load.senders[0]
        sender.make_keyframe(0.0)
        sender.make_keyframe(99.0)
        sender.resend(1, [int(plan.number[plan.stream == 1][0]) & 0xFFFF, 7], before=1.0)

    assert (sender.keyframes, sender.resent) == (1, 1)


def traffic(sent: list[int], got: list[tuple[int, int]], offset: int = 0) -> Traffic:
    """Return traffic of one stream: packets sent a millisecond apart, arrivals as (number, ms)."""
    return Traffic(
        sent_stream=np.zeros(len(sent), np.int64),
        sent_number=np.array(sent),
        sent_at=np.arange(len(sent)) * 1_000_000,
        late=np.zeros(len(sent)),
        got_stream=np.full(len(got), 2),
        got_number=np.array([number for number, _ in got]),
        got_at=np.array([at * 1_000_000 for _, at in got]),
        offset=np.array([-1, -1, offset, -1]),
        window=(0, len(sent) * 1_000_000),
        cpu_share=0.1,
        refused=0,
        retransmitted=0,
    )


def test_a_packet_that_never_came_is_lost_and_the_first_copy_counts() -> None:
    """Delay is from sending to the first arrival; what did not come in time is NaN."""
    found = deliveries(traffic([5, 6, 7, 8], [(5, 2), (5, 9), (7, 3), (99, 4), (8, 900)]))

    assert found == pytest.approx([0.002, np.nan, 0.001, np.nan], nan_ok=True)


@given(offset=st.integers(0, 0xFFFF), first=st.integers(1_000, 70_000))
def test_a_servers_own_numbers_are_understood(offset: int, first: int) -> None:
    """Whatever a server adds to sequence numbers, each packet is found again, across the wrap."""
    sent = list(range(first, first + 20))
    got = [((number + offset) & 0xFFFF, 30) for number in sent]

    assert deliveries(traffic(sent, got, offset)) == pytest.approx([(30 - i) / 1e3 for i in range(20)])


def test_payloads_carry_what_codecs_made() -> None:
    """The first picture is a VP8 keyframe of 1280x720, the others are not; all have one shape."""
    parts = picture_parts()
    key = parts[0][0].tobytes()

    assert key[0] & 0x10
    assert key[7:10] == b"\x9d\x01\x2a"
    assert int.from_bytes(key[10:12], "little") == 1280
    assert all(picture[0][4] & 1 for picture in parts[1:])
    assert sound_rows().shape[1] == 80
    assert number_of(b"packet" + (7).to_bytes(4, "big")) == 7


@pytest.mark.parametrize("lines", [PLANNED, PLAIN])
async def test_descriptions_are_read_as_written(lines: tuple[str, ...]) -> None:
    """What a party says of itself parses: address, credentials, extensions."""
    async with Client("127.0.0.1", RTCCertificate.generateCertificate(), BROWSER) as client:
        local = client.local
    said = local.describe(lines, "actpass")
    remote = Remote.parse(said)

    assert (remote.ufrag, remote.password, remote.port) == (local.ufrag, local.password, local.port)
    assert remote.setup == "actpass"
    assert not remote.ice_lite
    assert len(remote.video_extensions) == 3
    with pytest.raises(ValueError, match="nowhere"):
        Remote.parse("\r\n".join(line for line in said.splitlines() if "candidate" not in line))


def test_reports_are_rtcp() -> None:
    """aiortc reads our reports; we read its NACKs."""
    told = reports.block(7, 100, reports.Heard(5, 1.0), 2.0)
    data = reports.compound(1, 1e9, 90_000, 10, 1_000, told) + reports.remb(1, 7)
    report, names, estimate = rtp.RtcpPacket.parse(data)
    nack = bytes(rtp.RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=2, lost=[10, 11, 27, 40_000]))
    kind, form, body = next(reports.parse(nack))

    assert isinstance(report, rtp.RtcpSrPacket)
    assert isinstance(names, rtp.RtcpSdesPacket)
    assert isinstance(estimate, rtp.RtcpPsfbPacket)
    assert report.reports[0].dlsr == 65_536
    bits_per_s, ssrcs = rtp.unpack_remb_fci(estimate.fci)
    assert bits_per_s == pytest.approx(4_000_000, rel=0.01)
    assert ssrcs == [7]
    assert (kind, form, reports.nacked(body)) == (reports.RTPFB, reports.NACK, [10, 11, 27, 40_000])


FOUND = Figures(5, 1_750, 60e-6, 0.1, 0.0, 0.0003, 0.001, 9e-6, 0.1, 0.0005, 0.01, 0.0)


def outcome(cost: float, calls: int) -> Outcome:
    fixed = (dataclasses.replace(FOUND, cpu_per_packet=cost),)
    return Outcome(fixed, (), ((2, 20_000_000), (5, 23_000_000)), calls, "delay", ("SRTP_AEAD_AES_128_GCM",))


def test_the_table_sets_both_beside_each_other() -> None:
    """Medians with their range, ratios, what recording adds, and a warning about a late generator."""
    ours, late = outcome(30e-6, 60), dataclasses.replace(FOUND, late_p99=0.5)
    results = {
        ("ours", False): [ours, outcome(34e-6, 66), outcome(31e-6, 62)],
        ("janus", False): [outcome(62e-6, 50)],
        ("ours", True): [dataclasses.replace(ours, climb=(late,))],
    }
    text = summary(results)

    assert "31.0   (30.0 to 34.0)" in text
    assert "ours / janus, recording off  0.50" in text
    assert "recording adds, ours   -3%" in text
    assert "NOT TO BE TRUSTED: in 1 of 6 windows" in text
    assert memory_per_call(ours) == pytest.approx(1.0)


def test_what_held_and_what_is_trusted() -> None:
    """Loss and delay decide over the server, lateness and load over the generator."""
    assert FOUND.held
    assert FOUND.trusted
    assert dataclasses.replace(FOUND, loss=0.002).failing == "loss"
    assert dataclasses.replace(FOUND, delay_p99=0.02).failing == "delay"
    assert not dataclasses.replace(FOUND, generator_share=0.9).trusted
    assert not dataclasses.replace(FOUND, late_p99=0.02).trusted


async def test_a_media_process_that_dies_is_told_of() -> None:
    """Who waits for an answer of a process that ends gets an error, not silence."""
    with pytest.raises(MediaError):
        async with running_ours(Conditions("127.0.0.1", 0, BROWSER, "")) as server:
            await server.ask("count")
            os.kill(server.pid, 9)
            async with asyncio.timeout(10):
                await server.ask("count")
    assert cpu_seconds(server.pid) == 0
    assert core_seconds(0)[0] > 0
    with pytest.raises(ValueError, match="core"):
        core_seconds(9_999)
