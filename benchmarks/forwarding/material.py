"""What the load consists of: payloads of real encoders, made once and cut to one shape.

A picture is 5 payloads of 1,150 bytes, 25 times a second: 1.2 Mbit/s with headers, what a browser sends
at 1280x720. Sound is 80 bytes, 50 times a second. Every payload ends with the number of its packet (4
bytes, big endian), so that a decrypted packet tells which one it was; nobody decodes these pictures.
"""

import fractions
import functools
import struct

import av
import numpy as np
from numpy.typing import NDArray

FPS = 25
SOUNDS_PER_S = 50
PARTS = 5
PART_BYTES = 1_150
SOUND_BYTES = 80
# Chromium's descriptor (RFC 7741 section 4.2): extended, with a 15-bit picture id.
DESCRIPTOR_BYTES = 4
_WIDTH, _HEIGHT = 1280, 720
# Different pictures before they repeat; any number does, since sizes are the same.
_PICTURES = 12
_NUMBER = struct.Struct("!I")


@functools.cache
def pictures() -> tuple[bytes, ...]:
    """Return VP8 frames of a moving pattern, the first one alone a keyframe, each of PARTS payloads' size."""
    context = av.CodecContext.create("libvpx", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
    context.time_base = fractions.Fraction(1, FPS)
    context.gop_size, context.bit_rate = 1_000, 1_200_000
    context.options = {"lag-in-frames": "0", "deadline": "realtime", "cpu-used": "8"}
    random = np.random.default_rng(7)
    noise = random.integers(0, 60, (_HEIGHT * 3 // 2, _WIDTH), np.uint8)
    encoded = []
    for number in range(_PICTURES):
        frame = av.VideoFrame.from_ndarray(np.roll(noise, 9 * number, 1), format="yuv420p")
        frame.pts, frame.time_base = number, fractions.Fraction(1, FPS)
        encoded += [bytes(packet) for packet in context.encode(frame)]
    return tuple(_cut(frame, PARTS * (PART_BYTES - DESCRIPTOR_BYTES)) for frame in encoded)


@functools.cache
def sounds() -> tuple[bytes, ...]:
    """Return Opus packets of 20 ms noise at a constant 32 kbit/s."""
    context = av.CodecContext.create("libopus", "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout, context.bit_rate = 48_000, "mono", 32_000
    context.format = av.AudioFormat("s16")
    context.options = {"vbr": "off"}
    random = np.random.default_rng(8)
    encoded = []
    for number in range(_PICTURES):
        wave = random.integers(-9_000, 9_000, (1, 960), np.int16)
        frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48_000, number * 960
        encoded += [bytes(packet) for packet in context.encode(frame)]
    return tuple(_cut(packet, SOUND_BYTES) for packet in encoded)


def _cut(data: bytes, size: int) -> bytes:
    return (data * (size // len(data) + 1))[:size]


@functools.cache
def picture_parts() -> NDArray[np.uint8]:
    """Return all payloads of all pictures, (pictures, PARTS, PART_BYTES); row 0 is the keyframe."""
    rows = []
    for number, frame in enumerate(pictures()):
        size = PART_BYTES - DESCRIPTOR_BYTES
        for part in range(PARTS):
            # X and, in a frame's first payload, S; I; the picture id with its M bit.
            head = bytes([0x90 if part == 0 else 0x80, 0x80]) + struct.pack("!H", 0x8000 | number)
            rows.append(np.frombuffer(head + frame[part * size : (part + 1) * size], np.uint8))
    return np.stack(rows).reshape(-1, PARTS, PART_BYTES)


@functools.cache
def sound_rows() -> NDArray[np.uint8]:
    """Return the payloads of sound, (packets, SOUND_BYTES)."""
    return np.stack([np.frombuffer(packet, np.uint8) for packet in sounds()])


def number_of(plain: bytes) -> int:
    """Return the number that ends a decrypted packet."""
    return int(_NUMBER.unpack_from(plain, len(plain) - _NUMBER.size)[0])
