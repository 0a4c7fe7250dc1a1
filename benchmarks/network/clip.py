"""What the fake camera shows: a picture that moves all over and has noise, as hard to encode as a room."""

from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT, FPS = 640, 360, 15
_SECONDS = 8


def write_clip(path: Path) -> None:
    """Write the clip as YUV4MPEG2; Chromium plays it over and over."""
    rng = np.random.default_rng(7)
    field = cv2.GaussianBlur(rng.integers(0, 255, (900, 1400), np.uint8), (0, 0), 4)
    field = cv2.normalize(field, field, 20, 235, cv2.NORM_MINMAX)
    noise = rng.normal(0, 2, (8, HEIGHT, WIDTH)).astype(np.int16)
    chroma = np.full(WIDTH * HEIGHT // 2, 128, np.uint8).tobytes()
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FPS}:1 Ip A1:1 C420\n".encode())
        for number in range(_SECONDS * FPS):
            turn = number / (_SECONDS * FPS) * 2 * np.pi
            left, top = 300 + int(150 * np.sin(turn)), 250 + int(100 * np.cos(turn))
            luma = field[top : top + HEIGHT, left : left + WIDTH].astype(np.int16) + noise[number % 8]
            file.write(b"FRAME\n" + np.clip(luma, 16, 235).astype(np.uint8).tobytes() + chroma)
