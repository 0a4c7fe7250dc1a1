"""A connection between an offer and a wire of memory: routing, feedback, reports, hostile packets."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from aiortc import RTCIceCandidate
from aiortc.rtcdtlstransport import RTCDtlsFingerprint
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from contract.errors import ProtocolError
from contract.phases import TrackKind
from media import rtcp
from media.answer import MID, SEND_TIME, TRANSPORT_CC
from media.connection import Connection
from media.rtp_stats import Reception
from tests.media.packets import KEY, REST, Taken, packet, read, to_ntp
from tests.media.scripted import ScriptedPeer, until

CAMERA, SCREEN = 1, 2


class _Transport:
    """Keeps what is sent."""

    ufrag, password = "abcdefgh", "p" * 24

    def __init__(self) -> None:
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.heard_at = 5.0
        self.closed = 0

    def fingerprints(self) -> list[RTCDtlsFingerprint]:
        return [RTCDtlsFingerprint("sha-256", ":".join(["AB"] * 32))]

    def candidates(self) -> list[RTCIceCandidate]:
        return [RTCIceCandidate(1, "1", "127.0.0.1", 9, 1, "udp", "host")]

    def send_rtp(self, header: bytes, packet: bytes, offset: int) -> bool:
        self.rtp.append(header + packet[offset:])
        return True

    def send_rtcp(self, packet: bytes) -> None:
        self.rtcp.append(packet)

    async def close(self) -> None:
        self.closed += 1

    def said(self, kind: type) -> list[Any]:
        """Return the events of a kind that went out."""
        return [event for packet in self.rtcp for event in rtcp.parse(packet) if isinstance(event, kind)]


class _Endpoint:
    def __init__(self) -> None:
        self.transport = _Transport()

    def open(self, tap: object) -> Any:
        return self.transport


_offers: list[str] = []


async def _offer(*, transport_cc: bool = False, known_ssrcs: bool = True) -> str:
    """Return an aiortc offer, with transport-wide feedback if wanted, as browsers offer it."""
    if not _offers:
        async with ScriptedPeer() as peer:
            _offers.append(await peer.offer())
    text = _offers[0]
    if not known_ssrcs:
        text = "".join(line for line in text.splitlines(True) if not line.startswith("a=ssrc"))
    if transport_cc:
        text = text.replace("a=rtcp-fb:97 goog-remb", "a=rtcp-fb:97 goog-remb\r\na=rtcp-fb:97 transport-cc")
        text = text.replace(f"a=extmap:3 {SEND_TIME}", f"a=extmap:3 {SEND_TIME}\r\na=extmap:5 {TRANSPORT_CC}")
    return text


async def _connected(**how: bool) -> tuple[Connection, _Transport]:
    endpoint = _Endpoint()
    made = Connection(endpoint, ("VP8", "H264"), lambda state: None)
    made.answer(await _offer(**how), ("VP8", "H264"))
    made.got_state("connected")
    for uplink in made.uplinks:
        uplink.open(Taken())
    return made, endpoint.transport


def _taken(made: Connection, index: int) -> Taken:
    taker = made.uplinks[index].taker
    assert isinstance(taker, Taken)
    return taker


def _unroutable(why: str) -> float:
    return REGISTRY.get_sample_value("teller_media_unroutable_packets_total", {"why": why}) or 0.0


def _mid(index: int) -> bytes:
    return bytes([0x10]) + str(index).encode()


async def test_packets_find_their_line_by_mid() -> None:
    """Camera and screen share payload types; the MID tells them apart, later packets need none."""
    made, _ = await _connected(known_ssrcs=False)
    made.got_rtp(packet(1, KEY, pt=97, ssrc=70, extension=_mid(CAMERA)), 1.0)
    made.got_rtp(packet(1, KEY, pt=97, ssrc=71, extension=_mid(SCREEN)), 1.0)
    made.got_rtp(packet(2, REST, pt=97, ssrc=70), 1.0)
    made.got_rtp(packet(4, REST, pt=97, ssrc=70), 1.0)
    made.got_rtp(packet(9, b"\x00\x03" + REST, pt=98, ssrc=72, extension=_mid(CAMERA)), 1.0)
    made.got_rtp(packet(5, b"opus", pt=96, ssrc=73), 1.0)
    assert [seq for index in range(3) for seq in _taken(made, index).seqs] == [5, 1, 2, 4, 3, 1]
    await made.close()


async def test_announced_streams_need_no_mid() -> None:
    """An offer that names its SSRCs is taken at its word."""
    made, _ = await _connected()
    ssrc = next(ssrc for ssrc, uplink in made._announced.items() if uplink is made.uplinks[SCREEN])
    made.got_rtp(packet(1, KEY, pt=97, ssrc=ssrc), 1.0)
    assert _taken(made, SCREEN).seqs == [1]
    await made.close()


async def test_what_belongs_nowhere_is_dropped_and_counted() -> None:
    """Unknown streams, unknown types, and more streams than anybody has."""
    made, _ = await _connected(known_ssrcs=False)
    before = {why: _unroutable(why) for why in ("ssrc", "payload_type", "too_many")}
    made.got_rtp(packet(1, KEY, pt=97, ssrc=5), 1.0)
    made.got_rtp(packet(1, KEY, pt=45, ssrc=6, extension=_mid(CAMERA)), 1.0)
    for ssrc in range(100, 140):
        made.got_rtp(packet(1, KEY, pt=97, ssrc=ssrc, extension=_mid(CAMERA)), 1.0)
    assert {why: _unroutable(why) - count for why, count in before.items()} == {
        "ssrc": 1, "payload_type": 1, "too_many": 8,
    }  # fmt: skip
    await made.close()


def _excess(kind: str) -> float:
    return REGISTRY.get_sample_value("teller_media_excess_packets_total", {"kind": kind}) or 0.0


@pytest.mark.parametrize(("size", "least", "most"), [(88, 2_950, 3_050), (1_188, 2_030, 2_130)])
async def test_nobody_publishes_more_than_several_calls_need(size: int, least: int, most: int) -> None:
    """What a flood brings beyond 3,000 packets or 20 Mbit a second is dropped and counted."""
    made, _ = await _connected(known_ssrcs=False)
    before, seconds, taken = _excess("rtp"), 3, []
    for n in range(5_000 * (seconds + 2)):
        if n == 5_000 * 2:
            taken.append(made.uplinks[CAMERA].stats.packets)
        made.got_rtp(packet(n + 1, REST + bytes(size - 2), pt=97, ssrc=70, extension=_mid(CAMERA)), n / 5_000)
    passed = made.uplinks[CAMERA].stats.packets
    assert least * seconds < passed - taken[0] < most * seconds
    assert _excess("rtp") - before == 25_000 - passed
    await made.close()


async def test_an_honest_publisher_is_never_held_up() -> None:
    """Camera, screen and sound at twice their most, in frames sent at once."""
    made, _ = await _connected(known_ssrcs=False)
    before = _excess("rtp")
    for frame in range(25 * 4):
        for n in range(48):
            data = packet(frame * 48 + n, REST + bytes(1_100), pt=97, ssrc=70, extension=_mid(CAMERA))
            made.got_rtp(data, 50.0 + frame / 25)
    assert _excess("rtp") == before
    await made.close()


async def test_a_flood_of_rtcp_is_dropped() -> None:
    """Beyond what the worst line makes a browser say; after a pause it is heard again."""
    made, _ = await _connected()
    asked: list[float] = []
    made.legs[1].ask_keyframe = asked.append  # type: ignore[assignment]
    before, pli = _excess("rtcp"), rtcp.compose_pli(1, made.legs[1].ssrc)
    for n in range(6_000):
        made.got_rtcp(pli, 10.0 + n / 2_000)
    assert 3 * 1_100 < len(asked) < 5 * 1_300
    assert _excess("rtcp") - before == 6_000 - len(asked)
    asked.clear()
    for n in range(100):
        made.got_rtcp(rtcp.compose_nack(1, 9, range(0, 60_000, 20)) + pli, 20.0 + n / 1_000)
    assert 45 < len(asked) < 60
    await made.close()


async def test_a_replaced_stream_is_not_heard_any_more() -> None:
    """After the publisher began another SSRC, packets of the former are dropped."""
    made, _ = await _connected(known_ssrcs=False)
    for seq, ssrc in ((1, 70), (9, 71), (2, 70), (10, 71)):
        made.got_rtp(packet(seq, KEY, pt=97, ssrc=ssrc, extension=_mid(CAMERA)), 1.0)
    assert (_taken(made, CAMERA).seqs, _taken(made, CAMERA).restarts) == ([1, 9, 10], 2)
    await made.close()


async def test_missing_packets_are_asked_for_until_they_come() -> None:
    """By a timer of its own, that stops when nothing is missing."""
    made, transport = await _connected(known_ssrcs=False)
    now = time.monotonic()
    made.got_rtp(packet(1, KEY, pt=97, ssrc=70, extension=_mid(CAMERA)), now)
    made.got_rtp(packet(3, REST, pt=97, ssrc=70), now)
    await until("asked three times", lambda: len(transport.said(rtcp.Nack)) >= 3, 5)
    assert {(one.ssrc, one.lost) for one in transport.said(rtcp.Nack)} == {(70, (2,))}
    made.got_rtp(packet(2, REST, pt=97, ssrc=70), time.monotonic())
    await until("the timer stopped", lambda: made._timer is None, 5)
    await made.close()


async def test_transport_feedback_is_sent_while_packets_come() -> None:
    """One message tells of all of them; when nothing more comes nothing is sent."""
    made, transport = await _connected(transport_cc=True, known_ssrcs=False)
    now = time.monotonic()
    for n in range(5):
        extension = _mid(CAMERA) + bytes([0x51, 0, n])
        made.got_rtp(packet(n, REST, pt=97, ssrc=70, extension=extension), now + n / 1_000)

    def messages() -> list[bytes]:
        return [data for data in transport.rtcp if data[:2] == bytes([0x80 | 15, 205])]

    await until("feedback", messages, 5)
    assert int.from_bytes(messages()[0][12:14]) == 0
    assert int.from_bytes(messages()[0][14:16]) == 5
    await until("the timer stopped", lambda: made._timer is None, 5)
    assert len(messages()) == 1
    await made.close()


async def test_what_a_receiver_can_take_reaches_the_publisher() -> None:
    """Shared among the pictures it sees, held above the floor, lifted when nobody says anything."""
    seen, _ = await _connected(known_ssrcs=False)
    watching, _ = await _connected()
    (leg,) = [leg for leg in watching.legs if leg.media.mid == "4"]
    published, transport = await _connected(known_ssrcs=False)
    uplink = published.uplinks[CAMERA]

    class Source:
        codecs, clock_map, highest = uplink.codecs, None, 0
        limit_bitrate = staticmethod(uplink.limit_bitrate)

        def packet(self, seq: int) -> None:
            return None

        def request_keyframe(self, now: float) -> None:
            return None

    leg.connect(Source())
    data = packet(1, KEY, pt=97, ssrc=70, extension=_mid(CAMERA))
    published.got_rtp(data, 1.0)
    leg.forward(data, 16 + 4, 97, 1, 0, 1.0)
    watching.got_rtcp(rtcp.compose_rr(1, []) + rtcp.compose_remb(1, 400_000, [leg.ssrc]), 1.0)
    await until("the limit", lambda: transport.said(rtcp.BitrateLimit), 5)
    assert 390_000 < transport.said(rtcp.BitrateLimit)[0].bits_per_s <= 400_000
    watching.got_rtcp(rtcp.compose_remb(1, 1_000, [leg.ssrc]), 1.0)
    await until("the floor", lambda: len(transport.said(rtcp.BitrateLimit)) > 1, 5)
    assert 140_000 < transport.said(rtcp.BitrateLimit)[-1].bits_per_s <= 150_000
    leg.connect(None)
    published.report(time.monotonic() + 2)
    assert transport.said(rtcp.BitrateLimit)[-1].bits_per_s > 5_000_000
    for made in (seen, watching, published):
        await made.close()


class _Limits:
    """A publication that only keeps what its receivers can take."""

    clock_map, highest = None, 0

    def __init__(self, like: Connection) -> None:
        self.codecs = like.uplinks[CAMERA].codecs
        self.limit: int | None = None

    def packet(self, seq: int) -> None:
        return None

    def request_keyframe(self, now: float) -> None:
        return None

    def limit_bitrate(self, who: object, bits_per_s: int | None) -> None:
        self.limit = bits_per_s


async def test_an_idle_picture_takes_no_share() -> None:
    """Only pictures that are sent share the line; one that stopped is held to nothing."""
    made, _ = await _connected()
    pictures = [leg for leg in made.legs if leg.kind is TrackKind.VIDEO][:2]
    sources = [_Limits(made) for _ in pictures]
    for leg, source in zip(pictures, sources, strict=True):
        leg.connect(source)
        leg.forward(packet(1, KEY, pt=97), 12, 97, 1, 0, 1.0)
    remb = rtcp.compose_remb(1, 1_000_000, [leg.ssrc for leg in pictures])
    for now, limits in ((1.0, [500_000, 500_000]), (4.0, [1_000_000, None]), (9.0, [1_000_000, None])):
        if now == 4.0:
            pictures[0].forward(packet(2, REST, pt=97), 12, 97, 2, 0, now)
        made.got_rtcp(remb, now)
        got = [source.limit and round(source.limit, -4) for source in sources]
        assert got == limits
    await made.close()


async def test_a_publisher_without_transport_feedback_is_told_an_estimate() -> None:
    """From the absolute send times of its pictures, by aiortc's estimator."""
    made, transport = await _connected(known_ssrcs=False)
    now = 100.0
    for n in range(3_000):
        sent = int((now + n / 500) * (1 << 18)) & 0xFFFFFF
        extension = _mid(CAMERA) + bytes([0x32]) + sent.to_bytes(3, "big")
        made.got_rtp(packet(n + 1, REST + bytes(900), pt=97, ssrc=70, extension=extension), now + n / 400)
    assert transport.said(rtcp.BitrateLimit)
    assert transport.said(rtcp.BitrateLimit)[-1].ssrcs == (70,)
    await made.close()


async def test_reports_go_both_ways() -> None:
    """Real loss to the publisher, with its own report named; its clock to the receivers."""
    made, transport = await _connected(known_ssrcs=False)
    made.report(1.0)
    assert transport.rtcp == []
    for seq in (1, 2, 4):
        made.got_rtp(packet(seq, b"opus", pt=96, ssrc=73), 10.0)
    clock = rtcp.SenderReport(73, to_ntp(1_600_000_000.0), 960, 0, 0)
    made.got_rtcp(rtcp.compose_sr(clock, "x"), 10.0)
    assert made.uplinks[0].clock_map is None, "a report of a sender that sent nothing"
    clock = rtcp.SenderReport(73, to_ntp(1_600_000_000.0), 960, 3, 100)
    made.got_rtcp(rtcp.compose_sr(clock, "x"), 10.0)
    made.report(10.5)
    (block,) = transport.said(rtcp.ReceptionReport)
    assert (block.ssrc, block.packets_lost, block.fraction_lost) == (73, 1, 64)
    assert (block.lsr, block.dlsr) == ((clock.ntp >> 16) & 0xFFFFFFFF, 32_768)
    await made.close()


async def test_a_receivers_words_reach_its_leg() -> None:
    """Report blocks, requests for packets and keyframes, by the SSRC they name; others are ignored."""
    made, transport = await _connected()
    leg = made.legs[1]
    asked: list[float] = []

    class Source:
        codecs, clock_map, highest = made.uplinks[CAMERA].codecs, None, 0

        def packet(self, seq: int) -> bytes:
            return packet(1, KEY, pt=97)

        def request_keyframe(self, now: float) -> None:
            asked.append(now)

        def limit_bitrate(self, who: object, bits_per_s: int | None) -> None:
            return None

    leg.connect(Source())
    leg.forward(packet(1, KEY, pt=97), 12, 97, 1, 0, 1.0)
    number = read(transport.rtp[0], {MID: 1}).sequence_number
    seen = Reception(1, 7, number, 0)
    made.got_rtcp(rtcp.compose_rr(1, [rtcp.Block(leg.ssrc, seen), rtcp.Block(4, seen)]), 2.0)
    made.got_rtcp(rtcp.compose_nack(1, leg.ssrc, [number]) + rtcp.compose_nack(1, 5, [number]), 2.0)
    made.got_rtcp(rtcp.compose_pli(1, leg.ssrc) + rtcp.compose_pli(1, 5), 2.0)
    assert (leg.stats.lost, len(transport.rtp), asked) == (7, 2, [2.0])
    ntp = to_ntp(1_600_000_000.0)
    leg.stats.reported(ntp, 3.0)
    told = [rtcp.Block(leg.ssrc, seen, (ntp >> 16) & 0xFFFFFFFF, 65_536)]
    made.got_rtcp(rtcp.compose_rr(1, told), 4.25)
    assert [uplink._gaps.round_trip_s for uplink in made.uplinks] == [pytest.approx(0.25)] * 3
    assert read(transport.rtp[1]).ssrc == leg.rtx_ssrc
    await made.close()


async def test_nothing_is_done_after_the_end() -> None:
    """Closing twice is once; no timer is left."""
    made, transport = await _connected(known_ssrcs=False)
    made.got_rtp(packet(1, KEY, pt=97, ssrc=70, extension=_mid(CAMERA)), 1.0)
    made.got_rtp(packet(9, KEY, pt=97, ssrc=70, extension=_mid(CAMERA)), 1.0)
    await made.close()
    await made.close()
    transport.rtcp.clear()
    made.got_rtp(packet(10, KEY, pt=97, ssrc=70, extension=_mid(CAMERA)), 1.0)
    made.wake()
    await asyncio.sleep(0.1)
    assert transport.rtcp == []


async def test_a_bad_offer_opens_nothing() -> None:
    """The transport is not even asked for, and a connection without an answer cannot start."""
    made = Connection(_Endpoint(), ("VP8",), lambda state: None)
    with pytest.raises(ProtocolError):
        made.answer("v=0", ("VP8",))
    async with asyncio.TaskGroup() as tasks:
        with pytest.raises(RuntimeError):
            made.start(tasks)
    await made.close()


_HEADERS: st.SearchStrategy[Sequence[Any]] = st.lists(
    st.tuples(
        st.integers(0, 65_535),
        st.sampled_from([96, 97, 98, 99, 0, 127]),
        st.integers(68, 76),
        st.binary(max_size=20),
        st.binary(max_size=12),
        st.booleans(),
    ),
    max_size=40,
)


@given(_HEADERS, st.lists(st.binary(min_size=8, max_size=60), max_size=5))
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
async def test_any_packets_do_no_harm(packets: Sequence[Any], compounds: Sequence[bytes]) -> None:
    """Whatever an authenticated but hostile peer sends: no error, nothing passes twice."""
    made, _ = await _connected(transport_cc=True, known_ssrcs=False)
    for n, (seq, pt, ssrc, payload, extension, padded) in enumerate(packets):
        at = bytes([0x10]) + str(ssrc % 3).encode() + extension if n % 2 else extension
        made.got_rtp(packet(seq, payload, pt=pt, ssrc=ssrc, extension=at, pad=1 if padded else 0), n / 50)
    for compound in compounds:
        made.got_rtcp(compound, 9.0)
    made.report(9.5)
    for index in range(3):
        assert (
            len(set(_taken(made, index).seqs))
            >= len(_taken(made, index).seqs) - _taken(made, index).restarts * 40
        )
    await made.close()
