"""Decoding what a network delivered: right pictures from right frames, and nothing from the rest."""

import dataclasses
import functools
import random
import resource
import struct
from collections.abc import Sequence

import numpy as np
import pytest

from contract.ports import EncodedFrame
from kyc import frames as decoding
from kyc.frames import PIXELS_MAX, FrameDecoder, decode_frames
from tests.kyc.encoding import BASE, START, Picture, encoded

CODECS = ("VP8", "H264")


def shades(count: int = 20, size: tuple[int, int] = (160, 128)) -> list[Picture]:
    """Return pictures that grow brighter, with a square that moves."""
    pictures = []
    for number in range(count):
        picture = np.full((size[1], size[0], 3), (40, 80, 60 + 8 * number), np.uint8)
        picture[40:80, 4 * number : 4 * number + 30] = (200, 30, 90)
        pictures.append(picture)
    return pictures


@functools.cache
def clip(codec: str, keyframe_every: int = 0) -> tuple[EncodedFrame, ...]:
    """Return 20 frames, 10 a second."""
    return tuple(encoded(codec, shades(), 10, 2_000, keyframe_every))


@pytest.mark.parametrize("codec", CODECS)
def test_every_frame_becomes_its_picture(codec: str) -> None:
    """Pictures come back in order, with the colours that went in and both times."""
    pictures = decode_frames(codec, clip(codec))

    assert [picture.at for picture in pictures] == pytest.approx([n / 10 for n in range(20)])
    assert [picture.arrived_at for picture in pictures] == pytest.approx([START + n / 10 for n in range(20)])
    for sent, got in zip(shades(), pictures, strict=True):
        assert got.picture.shape == sent.shape
        assert got.picture.flags.c_contiguous
        assert np.abs(got.picture[100:, :].mean((0, 1)) - sent[100:, :].mean((0, 1))).max() < 6


@pytest.mark.parametrize("codec", CODECS)
def test_only_the_newest_is_wanted(codec: str) -> None:
    """The last picture of the last keyframe's run, with the time counted from the first frame handed in."""
    (newest,) = decode_frames(codec, clip(codec, 7), newest_only=True)
    whole = decode_frames(codec, clip(codec, 7))[-1]

    assert newest.at == pytest.approx(1.9)
    assert np.array_equal(newest.picture, whole.picture)


@pytest.mark.parametrize("codec", CODECS)
def test_a_broken_newest_keyframe_leaves_an_older_picture(codec: str) -> None:
    """What came before it is still good."""
    frames = list(clip(codec, 7))
    frames[14:] = [dataclasses.replace(frame, data=b"\0\0\1\x65 no") for frame in frames[14:]]
    (newest,) = decode_frames(codec, frames, newest_only=True)

    assert newest.at == pytest.approx(1.3)
    assert decode_frames(codec, frames[14:], newest_only=True) == []


def test_nothing_comes_of_nothing() -> None:
    """No frames, or no keyframe among them, give no picture."""
    assert decode_frames("VP8", []) == []
    assert decode_frames("VP8", clip("VP8")[1:]) == []
    assert decode_frames("VP8", clip("VP8")[1:], newest_only=True) == []


def test_another_codec_is_a_mistake() -> None:
    """Sound is not decoded here."""
    with pytest.raises(ValueError, match="opus"):
        FrameDecoder("opus")


@pytest.mark.parametrize("codec", CODECS)
def test_after_a_loss_nothing_is_shown_until_a_keyframe(codec: str) -> None:
    """Frame 3 tells of a loss: 3 to 6 are left out, 7 is a keyframe and shows again."""
    frames = [
        dataclasses.replace(frame, after_loss=number == 3) for number, frame in enumerate(clip(codec, 7))
    ]
    decoder = FrameDecoder(codec)
    shown = [n for n, frame in enumerate(frames) if decoder.push(frame) is not None]

    assert shown == [0, 1, 2, *range(7, 20)]
    assert decoder.skipped == {"untrusted": 4}


@pytest.mark.parametrize("codec", CODECS)
def test_a_broken_frame_spoils_those_that_build_on_it(codec: str) -> None:
    """Garbage in the middle costs pictures up to the next keyframe, and is counted."""
    frames = list(clip(codec, 7))
    frames[2] = dataclasses.replace(frames[2], data=b"")
    frames[9] = dataclasses.replace(frames[9], data=b"\xff" * 900)
    decoder = FrameDecoder(codec)
    shown = [n for n, frame in enumerate(frames) if decoder.push(frame) is not None]

    assert shown[:2] == [0, 1]
    assert {7, 8} <= set(shown)
    assert set(range(14, 20)) <= set(shown)
    assert decoder.skipped["broken"] + decoder.skipped["untrusted"] + decoder.skipped["hidden"] >= 1


def test_frames_that_are_only_decoded() -> None:
    """A frame that is not wanted gives no picture, and those after it are as they would be."""
    frames, decoder = clip("VP8"), FrameDecoder("VP8")
    assert [decoder.push(frame, show=False) for frame in frames[:19]] == [None] * 19
    last = decoder.push(frames[19])

    assert last is not None
    assert np.array_equal(last.picture, decode_frames("VP8", frames)[19].picture)


def test_what_is_longer_than_a_challenge_is_not_decoded() -> None:
    """Frames more than 40 s after the first are left alone, and so are those long before it."""
    frames = list(clip("VP8"))
    frames[10:] = [
        dataclasses.replace(frame, timestamp=frame.timestamp + 41 * 90_000) for frame in frames[10:]
    ]
    assert len(decode_frames("VP8", frames)) == 10


def test_pictures_together_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """The eleventh picture finds no room."""
    monkeypatch.setattr(decoding, "BYTES_MAX", 10 * 160 * 128 * 3)
    assert len(decode_frames("VP8", clip("VP8"))) == 10


def vp8_claim(width: int, height: int) -> bytes:
    """Return a VP8 keyframe that claims a size (RFC 6386 section 9.1) and holds nothing else."""
    tag = 1 << 4 | 1_000 << 5
    sizes = struct.pack("<HH", width, height)
    return tag.to_bytes(3, "little") + b"\x9d\x01\x2a" + sizes + bytes(3_000)


class Bits:
    """Writes bits and Exp-Golomb codes of a NAL unit (H.264 sections 7.4.1 and 9.1)."""

    def __init__(self) -> None:
        self.text = ""

    def put(self, value: int, count: int) -> "Bits":
        self.text += f"{value:0{count}b}"
        return self

    def ue(self, *values: int) -> "Bits":
        for value in values:
            code = f"{value + 1:b}"
            self.text += "0" * (len(code) - 1) + code
        return self

    def nal(self, kind: int) -> bytes:
        text = self.text + "1"
        text += "0" * (-len(text) % 8)
        raw = bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))
        return b"\0\0\0\1" + bytes([kind]) + raw.replace(b"\0\0", b"\0\0\3")


def h264_claim(width: int, height: int) -> bytes:
    """Return an access unit of baseline profile that claims a size and holds noise."""
    sps = Bits().put(66, 8).put(0, 8).put(62, 8).ue(0, 0, 2, 16).put(0, 1)
    sps.ue(width // 16 - 1, height // 16 - 1).put(0b1100, 4)
    pps = Bits().ue(0, 0).put(0, 2).ue(0, 0, 0).put(0, 3).ue(0, 0, 0).put(0, 3)
    idr = Bits().ue(0, 7, 0).put(0, 4).ue(0).put(0, 2).ue(0)
    return sps.nal(0x67) + pps.nal(0x68) + idr.nal(0x65) + b"\x55" * 2_000


def keyframe(data: bytes, number: int = 0) -> EncodedFrame:
    return EncodedFrame(data, BASE + number * 3_000, True, START)


@pytest.mark.parametrize(("codec", "claim"), [("VP8", vp8_claim), ("H264", h264_claim)])
def test_a_giant_picture_is_refused_before_memory_is_taken(codec: str, claim: object) -> None:
    """16,368 x 16,368 would unfold to 800 MB; a full HD picture of the same make is decoded."""
    assert callable(claim)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    decoder = FrameDecoder(codec)
    for side in (16_368, 8_192, 4_096):
        assert decoder.push(keyframe(claim(side, side))) is None
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    assert decoder.skipped["broken"] == 3
    assert grown < 64 * 1024
    allowed = decode_frames(codec, [keyframe(claim(1920, 1088))])
    assert [one.picture.shape[0] * one.picture.shape[1] for one in allowed] == [PIXELS_MAX]


def damaged(frames: Sequence[EncodedFrame], chance: random.Random) -> list[EncodedFrame]:
    """Return ``frames`` with bits flipped, pieces cut out, swapped or lied about."""
    hurt = []
    for frame in frames:
        data = bytearray(frame.data)
        match chance.randrange(6):
            case 0:
                for _ in range(chance.randrange(1, 20)):
                    data[chance.randrange(len(data))] = chance.randrange(256)
            case 1:
                del data[chance.randrange(len(data)) :]
            case 2:
                data = bytearray(chance.randbytes(chance.randrange(2_000)))
            case 3:
                data += chance.choice(frames).data
            case _:
                pass
        hurt.append(
            EncodedFrame(
                bytes(data),
                chance.choice((frame.timestamp, 0, 1 << 62, -5, BASE)),
                chance.random() < 0.3 or frame.keyframe,
                chance.choice((frame.arrived_at, float("nan"), -1.0)),
            )
        )
    return hurt


@pytest.mark.parametrize("codec", CODECS)
def test_damage_never_raises(codec: str) -> None:
    """400 damaged frames: what shows is a picture of a sound size, everything else is counted."""
    chance = random.Random(7)
    decoder = FrameDecoder(codec)
    shown = 0
    for _ in range(20):
        for frame in damaged(clip(codec, 5), chance):
            timed = decoder.push(frame)
            shown += timed is not None
            assert timed is None or timed.picture.ndim == 3
    assert shown + decoder.skipped.total() == 400
    assert decoder.skipped["broken"] > 10
    decode_frames(codec, damaged(clip(codec, 5), chance))
    decode_frames(codec, damaged(clip(codec, 5), chance), newest_only=True)
