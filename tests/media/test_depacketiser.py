"""The depacketiser: whole frames in order, told apart by what was lost before them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.ports import EncodedFrame
from media.depacketiser import AHEAD_MAX, DROPOUT_MAX, FRAME_MAX, HELD_MAX, WAIT_S, TrackDepacketiser
from media.payloads import H264, OPUS, VP8

_SSRC = 77
_STEP = 3_000


def packet(
    seq: int, stamp: int, payload: bytes, *, marker: bool = False, ssrc: int = _SSRC, pad: int = 0
) -> bytes:
    """Return an RTP packet with a header extension, as browsers send them."""
    head = pack("!BBHLL", 0xB0 if pad else 0x90, 0x80 * marker | 96, seq & 0xFFFF, stamp & 0xFFFFFFFF, ssrc)
    padding = bytes(pad - 1) + bytes([pad]) if pad else b""
    return head + pack("!HH", 0xBEDE, 1) + b"\x10\x31\x00\x00" + payload + padding


@dataclass
class Sender:
    """Numbers packets. ``picture`` returns those of a VP8 frame with ``parts`` packets."""

    seq: int = 100
    stamp: int = 9_000
    ssrc: int = _SSRC
    sent: list[bytes] = field(default_factory=list)

    def add(self, payload: bytes, *, marker: bool = False, pad: int = 0) -> bytes:
        made = packet(self.seq, self.stamp, payload, marker=marker, ssrc=self.ssrc, pad=pad)
        self.seq += 1
        return made

    def picture(self, parts: int = 1, *, key: bool = False, marked: bool = True) -> list[bytes]:
        self.stamp += _STEP
        made = []
        for n in range(parts):
            body = bytes([0 if key else 1]) if n == 0 else b""
            body += b"frame %d part %d" % (self.stamp, n)
            made.append(self.add((b"\x00" if n else b"\x10") + body, marker=marked and n == parts - 1))
        return made


def feed(
    depacketiser: TrackDepacketiser, packets: Sequence[bytes], start: float = 0.0, step: float = 0.001
) -> list[EncodedFrame]:
    return [frame for n, one in enumerate(packets) for frame in depacketiser.push(one, start + n * step)]


def stream(sizes: Sequence[int], every: int = 5, seq: int = 100) -> list[list[bytes]]:
    """Return the packets of frames with these sizes, every ``every``-th a keyframe."""
    sender = Sender(seq)
    return [sender.picture(size, key=n % every == 0) for n, size in enumerate(sizes)]


def flat(frames: Sequence[Sequence[bytes]]) -> list[bytes]:
    return [one for frame in frames for one in frame]


# --- in order -----------------------------------------------------------------------------------


def test_a_frame_is_whole_with_its_last_packet() -> None:
    """No later packet is needed, nothing comes before the end, and its time is the last packet's."""
    depacketiser = TrackDepacketiser(VP8, 90_000)
    first, second, third = Sender().picture(3, key=True)
    assert not depacketiser.push(first, 1.0)
    assert not depacketiser.push(second, 2.0)
    (frame,) = depacketiser.push(third, 3.0)
    assert frame.data == b"\x00frame 12000 part 0frame 12000 part 1frame 12000 part 2"
    assert (frame.keyframe, frame.timestamp, frame.arrived_at, frame.after_loss) == (True, 12_000, 3.0, False)


def test_pictures_begin_with_a_keyframe() -> None:
    """What comes before the first keyframe's first packet is let go, and is no loss."""
    sender = Sender()
    before, key, after = sender.picture(2), sender.picture(2, key=True), sender.picture()
    depacketiser = TrackDepacketiser(VP8, 90_000)
    frames = feed(depacketiser, [*before, *key, *after])
    assert [(frame.keyframe, frame.after_loss) for frame in frames] == [(True, False), (False, False)]
    assert depacketiser.lost == 0


def test_a_keyframes_later_packets_may_come_first() -> None:
    """The beginning is found though it is overtaken; what belongs before it stays out."""
    sender = Sender()
    old, key = sender.picture(), sender.picture(3, key=True)
    frames = feed(TrackDepacketiser(VP8, 90_000), [*old, key[1], key[2], key[0]])
    assert [frame.keyframe for frame in frames] == [True]


def test_what_waits_for_a_first_keyframe_is_bounded() -> None:
    """Of a stream that brings no keyframe only the latest packets are kept."""
    sender = Sender()
    depacketiser = TrackDepacketiser(VP8, 90_000)
    feed(depacketiser, flat([sender.picture() for _ in range(AHEAD_MAX * 2)]))
    assert len(depacketiser._held) == AHEAD_MAX
    assert depacketiser.finish() == []
    assert len(feed(depacketiser, sender.picture(key=True))) == 1


def test_sound_begins_at_once() -> None:
    """Each packet of sound is a frame, and the first one is the beginning."""
    depacketiser = TrackDepacketiser(OPUS, 48_000)
    sent = [packet(n, n * 960, b"sound %d" % n) for n in range(5)]
    frames = feed(depacketiser, sent)
    assert [frame.data for frame in frames] == [b"sound %d" % n for n in range(5)]
    assert [frame.timestamp for frame in frames] == [n * 960 for n in range(5)]
    assert all(frame.keyframe and not frame.after_loss for frame in frames)


def test_a_missing_marker_is_made_up_for_by_the_next_timestamp() -> None:
    """A sender that sets no marker still gives frames, one later; so does one that sets some."""
    sender = Sender()
    sent = [sender.picture(2, key=True, marked=False), sender.picture(2, marked=False), sender.picture()]
    depacketiser = TrackDepacketiser(VP8, 90_000)
    assert feed(depacketiser, [*sent[0], *sent[1]])[0].keyframe
    assert len(feed(depacketiser, sent[2])) == 2


def test_padding_takes_a_number_and_nothing_else() -> None:
    """Packets of padding between and within frames leave them as they are."""
    sender = Sender()
    sent = sender.picture(key=True)
    sent.append(sender.add(b"", pad=9))
    sender.stamp += _STEP
    sent += [sender.add(b"", pad=200), sender.add(b"\x10\x01a", pad=3), sender.add(b"\x00b", marker=True)]
    frames = feed(TrackDepacketiser(VP8, 90_000), sent)
    assert [frame.data for frame in frames[1:]] == [b"\x01ab"]
    assert not frames[1].after_loss


def test_padding_of_sound_is_no_frame() -> None:
    """A sound's packet without payload is passed over."""
    sent = [packet(1, 0, b"a"), packet(2, 960, b"", pad=4), packet(3, 960, b"b")]
    assert [frame.data for frame in feed(TrackDepacketiser(OPUS, 48_000), sent)] == [b"a", b"b"]


def test_numbers_and_timestamps_wrap() -> None:
    """Over both wraps frames come on, and their timestamps grow."""
    sender = Sender(seq=65_530, stamp=(1 << 32) - 3 * _STEP)
    frames = feed(TrackDepacketiser(VP8, 90_000), flat([sender.picture(3, key=n == 0) for n in range(10)]))
    first = frames[0].timestamp
    assert [frame.timestamp - first for frame in frames] == [n * _STEP for n in range(10)]


# --- out of order and lost ----------------------------------------------------------------------


@given(st.lists(st.integers(1, 5), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_reordering_and_doubles_change_nothing(sizes: list[int], chance: random.Random) -> None:
    """Packets shuffled within a window and sent twice give the same frames in the same order."""
    packets = flat(stream(sizes, seq=65_500))
    shuffled = packets[:1]
    for at in range(1, len(packets), 6):
        window = packets[at : at + 6] * 2
        chance.shuffle(window)
        shuffled += window
    expected = feed(TrackDepacketiser(VP8, 90_000), packets, step=0)
    assert feed(TrackDepacketiser(VP8, 90_000), shuffled, step=0) == expected
    assert len(expected) == len(sizes)


@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=40),
    st.sets(st.integers(1, 80), max_size=20),
    st.integers(1, 9),
    st.sampled_from([0.001, 0.1, 2.0]),
)
def test_every_frame_that_came_whole_is_given_and_marked(
    sizes: list[int], gone: set[int], every: int, step: float
) -> None:
    """Whatever is lost: exactly the complete frames, in order, marked from a loss to the next keyframe."""
    frames = stream(sizes, every)
    packets = flat(frames)
    gone = {n for n in gone if n < len(packets)}
    depacketiser = TrackDepacketiser(VP8, 90_000)
    got = feed(depacketiser, [one for n, one in enumerate(packets) if n not in gone], step=step)
    got += depacketiser.finish()

    expected, n, gap, trusted, begun = [], 0, False, True, False
    for index, frame in enumerate(frames):
        missing = gone & set(range(n, n + len(frame)))
        n += len(frame)
        key = index % every == 0
        if missing:
            gap, trusted = True, False
        elif begun or key:
            begun = True
            expected.append((key, gap or not (trusted or key)))
            trusted, gap = trusted or key, False
    assert [(frame.keyframe, frame.after_loss) for frame in got] == expected
    kept = max((n for n in range(len(packets)) if n not in gone), default=0)
    assert depacketiser.lost == sum(n < kept for n in gone)


def test_a_gap_is_waited_for_and_then_given_up() -> None:
    """Within the wait a late packet repairs all; afterwards what waits is given, marked, and told as lost."""
    key, one, two, three = (one[0] for one in stream([1, 1, 1, 1], every=9))
    repaired = TrackDepacketiser(VP8, 90_000)
    assert len(repaired.push(key, 0)) == 1
    assert repaired.push(two, 0.1) == []
    assert [frame.after_loss for frame in repaired.push(one, 0.1 + WAIT_S)] == [False, False]
    assert repaired.lost == 0
    given_up = TrackDepacketiser(VP8, 90_000)
    given_up.push(key, 0)
    assert given_up.push(two, 0.1) == []
    assert [frame.after_loss for frame in given_up.push(three, 0.2 + WAIT_S)] == [True, True]
    assert given_up.lost == 1
    assert given_up.push(one, 0.3 + WAIT_S) == []


def test_a_late_frame_has_the_time_of_its_latest_packet() -> None:
    """A frame that waited for a retransmission arrived when that came."""
    sender = Sender()
    key, late = sender.picture(key=True), sender.picture(3)
    depacketiser = TrackDepacketiser(VP8, 90_000)
    feed(depacketiser, [*key, late[0], late[2]])
    (frame,) = depacketiser.push(late[1], 0.9)
    assert frame.arrived_at == 0.9


def test_after_a_loss_sound_is_marked_once() -> None:
    """The sound behind a gap says so; the next one follows it without a gap."""
    sent = [packet(n, n * 960, b"s") for n in (1, 2, 4, 5, 6)]
    frames = feed(depacketiser := TrackDepacketiser(OPUS, 48_000), sent, step=1.0)
    frames += depacketiser.finish()
    assert [frame.after_loss for frame in frames] == [False, False, True, False, False]
    assert depacketiser.lost == 1


def test_what_waits_is_bounded() -> None:
    """With the clock standing still, a gap is given up when too much waits behind it."""
    sent = flat(stream([1] * (HELD_MAX + 10)))
    frames = feed(depacketiser := TrackDepacketiser(VP8, 90_000), [sent[0], *sent[2:]], step=0)
    assert len(frames) == len(sent) - 1
    assert depacketiser.lost == 1


@pytest.mark.parametrize("marked", [True, False])
def test_a_frame_without_end_is_bounded_and_dropped(marked: bool) -> None:
    """Packets with one timestamp are kept up to a bound; then none stays, and the next frame says so."""
    sender = Sender()
    depacketiser = TrackDepacketiser(VP8, 90_000)
    feed(depacketiser, sender.picture(key=True))
    for one in sender.picture(FRAME_MAX + 1, marked=marked):
        assert not depacketiser.push(one, 0.5)
        assert len(depacketiser._open) <= FRAME_MAX
    assert not depacketiser._open
    rest = [] if marked else [sender.add(b"\x00rest") for _ in range(10)]
    frames = feed(depacketiser, [*rest, *sender.picture(), *sender.picture(key=True)], start=1.0)
    assert [(frame.keyframe, frame.after_loss) for frame in frames] == [(False, True), (True, False)]
    assert depacketiser.lost == 0


def test_the_longest_frame_is_given() -> None:
    """A frame of just the bound is whole."""
    sender = Sender()
    (frame,) = feed(TrackDepacketiser(VP8, 90_000), sender.picture(FRAME_MAX, key=True))
    assert frame.keyframe


def test_the_end_gives_what_waited() -> None:
    """When nothing more comes, frames behind gaps are given; a frame without its end is not."""
    frames = stream([1, 1, 2, 1, 2], every=9)
    depacketiser = TrackDepacketiser(VP8, 90_000)
    feed(depacketiser, [*frames[0], *frames[2], frames[4][0]])
    assert [frame.after_loss for frame in depacketiser.finish()] == [True]
    assert depacketiser.lost == 2
    assert depacketiser.finish() == []


# --- restarts -----------------------------------------------------------------------------------


def test_a_long_outage_is_loss() -> None:
    """A far jump forward is believed with the second packet, and what it leaves out is lost."""
    sender = Sender()
    depacketiser = TrackDepacketiser(VP8, 90_000)
    feed(depacketiser, sender.picture(key=True))
    sender.seq += DROPOUT_MAX + 500
    sender.stamp += 900_000
    sent = [*sender.picture(), *sender.picture()]
    frames = feed(depacketiser, sent)
    assert [frame.after_loss for frame in frames] == [True, True]
    assert depacketiser.lost == DROPOUT_MAX + 500


def test_a_single_stray_packet_is_passed_over() -> None:
    """One packet from far away changes nothing; two that do not follow each other do neither."""
    sender = Sender()
    depacketiser = TrackDepacketiser(VP8, 90_000)
    feed(depacketiser, sender.picture(key=True))
    stray = [packet(sender.seq + far, 0, b"\x10\x01") for far in (20_000, 30_000)]
    assert feed(depacketiser, stray) == []
    assert [frame.after_loss for frame in feed(depacketiser, sender.picture())] == [False]
    assert depacketiser.lost == 0


def test_a_sender_that_numbers_anew_is_followed() -> None:
    """A far jump backward is a restart: marked, not counted as lost, and timestamps grow on."""
    sender = Sender(seq=20_000)
    depacketiser = TrackDepacketiser(VP8, 90_000)
    (before,) = feed(depacketiser, sender.picture(key=True))
    sender.seq, sender.stamp = 10, 5
    frames = feed(depacketiser, [*sender.picture(), *sender.picture(2)], start=2.0)
    assert [frame.after_loss for frame in frames] == [True, True]
    assert frames[0].timestamp - before.timestamp == 180_000
    assert frames[1].timestamp - frames[0].timestamp == _STEP
    assert depacketiser.lost == 0


def test_another_source_is_followed() -> None:
    """With another SSRC all begins anew with a keyframe; what waited of the old one is given first."""
    sender, other = Sender(), Sender(seq=40_000, stamp=7, ssrc=5)
    key, _, held = sender.picture(key=True), sender.picture(), sender.picture()
    depacketiser = TrackDepacketiser(VP8, 90_000)
    frames = feed(depacketiser, [*key, *held, *other.picture(), *other.picture(key=True)], step=0.1)
    assert [(frame.keyframe, frame.after_loss) for frame in frames] == [
        (True, False),
        (False, True),
        (True, True),
    ]
    assert depacketiser.lost == 1
    assert frames[2].timestamp > frames[1].timestamp
    assert other.ssrc.to_bytes(4, "big") == depacketiser._ssrc


def test_another_source_that_happens_to_go_on_numbering() -> None:
    """The number that comes next is not enough: it must be the same source's."""
    sound = TrackDepacketiser(OPUS, 48_000)
    frames = feed(sound, [packet(1, 960, b"a"), packet(2, 50_000_000, b"b", ssrc=9)], step=0.02)
    assert [frame.after_loss for frame in frames] == [False, True]
    assert frames[1].timestamp - frames[0].timestamp == 960


# --- H.264 and rubbish --------------------------------------------------------------------------

_START = b"\x00\x00\x00\x01"
_SETS = b"\x78\x00\x03\x67\x01\x02\x00\x03\x68\x01\x02"


def _units(sender: Sender, *payloads: bytes) -> list[bytes]:
    sender.stamp += _STEP
    return [sender.add(one, marker=n == len(payloads)) for n, one in enumerate(payloads, 1)]


def test_h264_access_units() -> None:
    """Parameter sets, fragments and single NAL units become one Annex B access unit."""
    sender = Sender()
    key = _units(sender, _SETS, b"\x7c\x85\x88a", b"\x7c\x05b", b"\x7c\x45c")
    inter = _units(sender, b"\x61\x9a1", b"\x61\x1a2")
    frames = feed(TrackDepacketiser(H264, 90_000), [*key, *inter])
    assert frames[0].data == _START + b"\x67\x01\x02" + _START + b"\x68\x01\x02" + _START + b"\x65\x88abc"
    assert frames[1].data == _START + b"\x61\x9a1" + _START + b"\x61\x1a2"
    assert [frame.keyframe for frame in frames] == [True, False]


def test_h264_goes_on_behind_a_loss_where_a_picture_certainly_begins() -> None:
    """The rest of a broken picture stays out; the next first slice, known by its bits, is taken."""
    sender = Sender()
    key = _units(sender, _SETS, b"\x65\x88a")
    broken = _units(sender, b"\x61\x9a1", b"\x61\x1a2", b"\x61\x1a3")
    whole = _units(sender, b"\x61\x9a4")
    no_sets = _units(sender, b"\x65\x88x")
    depacketiser = TrackDepacketiser(H264, 90_000)
    frames = feed(depacketiser, [*key, *broken[1:], *whole, *no_sets], step=1.0)
    frames += depacketiser.finish()
    assert [frame.data for frame in frames[1:]] == [_START + b"\x61\x9a4", _START + b"\x65\x88x"]
    assert [(frame.keyframe, frame.after_loss) for frame in frames[1:]] == [(False, True), (False, True)]


def test_parameter_sets_without_a_picture_are_no_beginning() -> None:
    """Decoding cannot begin before an IDR slice has come with its parameter sets."""
    sender = Sender()
    sent = [_units(sender, _SETS), _units(sender, b"\x61\x9a1"), _units(sender, _SETS, b"\x65\x88a")]
    assert [frame.keyframe for frame in feed(TrackDepacketiser(H264, 90_000), flat(sent))] == [True]


def test_a_malformed_packet_spoils_its_frame_only() -> None:
    """The frame is left out, and the next one says that something is missing."""
    sender = Sender()
    key = sender.picture(key=True)
    sender.stamp += _STEP
    bad = [sender.add(b"\x10\x01x"), sender.add(b"\x90\x80", marker=True)]
    frames = feed(TrackDepacketiser(VP8, 90_000), [*key, *bad, *sender.picture(), *sender.picture(key=True)])
    assert [(frame.keyframe, frame.after_loss) for frame in frames] == [
        (True, False),
        (False, True),
        (True, False),
    ]


@pytest.mark.parametrize("codec", [VP8, H264, OPUS])
@given(data=st.data())
def test_nothing_is_ever_raised(codec: str, data: st.DataObject) -> None:
    """Any bytes may be pushed: frames or nothing come out, with growing timestamps."""
    heads = st.builds(
        lambda bits, pt, seq, stamp, rest: bytes([bits, pt]) + pack("!HLL", seq, stamp, 1) + rest,
        st.sampled_from([0x80, 0x90, 0xA0, 0xB3, 0x8F]),
        st.sampled_from([96, 224]),
        st.integers(0, 12),
        st.sampled_from([0, 3_000, 1 << 31, (1 << 32) - 1]),
        st.sampled_from([b"\x10\x00", b"\x78\x00\x02\x67\x01", b"\x65\x88", b"\x7c\x85\x88"])
        | st.binary(max_size=9),
    )
    depacketiser = TrackDepacketiser(codec, 90_000)
    frames = feed(depacketiser, data.draw(st.lists(heads | st.binary(max_size=20), max_size=30)), step=0.5)
    frames += depacketiser.finish()
    stamps = [frame.timestamp for frame in frames]
    assert stamps == sorted(stamps)
