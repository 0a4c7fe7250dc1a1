"""A person before a phone whose screen changes colour, rendered in linear light.

A simulation, and its figures are those of one: light falls on the face as a Gaussian around it, in
proportion to what the skin sends back already; the wall behind gets a share of it; white balance and
exposure drift; the sensor has noise. How much a real screen adds depends on its size, distance and room.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from kyc.light_sequence import COLOURS, LightSequence
from teller.demo.pictures import Portrait

Picture = NDArray[np.uint8]
Box = tuple[float, float, float, float]

_CODE = np.arange(256) / 255
_TO_LINEAR = np.where(_CODE <= 0.04045, _CODE / 12.92, ((_CODE + 0.055) / 1.055) ** 2.4).astype(np.float32)
_STEPS = 4096
_LIGHT = np.arange(_STEPS + 1) / _STEPS
_TO_CODE = (np.where(_LIGHT <= 0.0031308, 12.92 * _LIGHT, 1.055 * _LIGHT ** (1 / 2.4) - 0.055) * 255).astype(
    np.float32
)
# Time on the screen before the first colour and after the last.
LEAD_S = 0.6
TAIL_S = 0.8


class Attack(Enum):
    """What the light does, when it is not a face that it falls on."""

    NONE = "a face"
    DARK = "no light at all"
    GLASS = "the whole picture sends it back, as a screen that is filmed does"


@dataclass(frozen=True)
class Scene:
    """A person in a room, and how the light of the screen comes back.

    ``added`` is the screen's light on the face over the light that is there; ``wall`` the wall's share
    of it. ``sway`` is how far the head moves, in shares of its width.
    """

    portrait: Portrait
    size: tuple[int, int] = (320, 240)
    added: float = 0.08
    wall: float = 0.15
    sway: float = 0.12
    noise: float = 2.0
    lag_s: float = 0.15
    attack: Attack = Attack.NONE
    seed: int = 1
    drift: float = field(default=0.05)

    def pictures(self, sequence: LightSequence, fps: int) -> Iterator[Picture]:
        """Yield the frames from LEAD_S before the first colour to TAIL_S after the last."""
        chance = np.random.default_rng(self.seed)
        phases = chance.uniform(0, 2 * np.pi, (4, 3))
        for number in range(round((LEAD_S + sequence.seconds + TAIL_S) * fps)):
            at = number / fps - LEAD_S
            box = self.box_at(at + LEAD_S)
            picture = self._lit(self._person(at + LEAD_S), box, self._colour(sequence, at, fps))
            yield self._camera(picture, at, phases, chance)

    def box_at(self, seconds: float) -> Box:
        """Return where the face is ``seconds`` after the first frame."""
        width, height = self.size
        tall = 0.42 * height * (1 + 0.04 * np.sin(2 * np.pi * seconds / 5.3 + self.seed))
        wide = tall * self.portrait.face[2] / self.portrait.face[3]
        x = width * 0.5 + self.sway * wide * np.sin(2 * np.pi * seconds / 3.7 + self.seed)
        y = height * 0.46 + 0.5 * self.sway * wide * np.sin(2 * np.pi * seconds / 2.9 + 2 * self.seed)
        return float(x - wide / 2), float(y - tall / 2), float(wide), float(tall)

    def _person(self, seconds: float) -> Picture:
        x, y, w, h = self.box_at(seconds)
        left, top, wide, tall = self.portrait.face
        place = np.array(((w / wide, 0, x - left * w / wide), (0, h / tall, y - top * h / tall)))
        image, flags = self.portrait.image, cv2.INTER_AREA
        person = cv2.warpAffine(image, place, self.size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(person, np.uint8)

    def _colour(self, sequence: LightSequence, at: float, fps: int) -> NDArray[np.float32]:
        """Return the mean colour of the screen while the frame was exposed, BGR."""
        moments = at - self.lag_s - np.linspace(0, 0.8 / fps, 5)
        shown = [
            COLOURS[sequence.symbols[int(m // sequence.step_s)]] if 0 <= m < sequence.seconds else (0, 0, 0)
            for m in moments
        ]
        return np.asarray(np.mean(shown, axis=0)[::-1], np.float32)

    def _lit(self, picture: Picture, box: Box, colour: NDArray[np.float32]) -> NDArray[np.float32]:
        light = _TO_LINEAR[picture]
        if self.attack is Attack.DARK:
            return np.asarray(light, np.float32)
        if self.attack is Attack.GLASS:
            return np.asarray(light + self.added * light.mean() * colour, np.float32)
        x, y, w, h = box
        rows, columns = np.mgrid[0 : self.size[1], 0 : self.size[0]].astype(np.float32)
        away = ((columns - x - w / 2) / w) ** 2 + ((rows - y - h / 2) / h) ** 2
        mask = self.wall + (1 - self.wall) * np.exp(-away / (2 * 0.6**2))
        return np.asarray(light * (1 + self.added * mask[:, :, None] * colour), np.float32)

    def _camera(
        self, light: NDArray[np.float32], at: float, phases: NDArray[np.float64], chance: np.random.Generator
    ) -> Picture:
        periods = np.array((4.7, 6.3, 8.9))
        waves = np.sin(2 * np.pi * at / periods + phases[:3]).mean(axis=1)
        exposure = 1 + 0.5 * self.drift * np.sin(2 * np.pi * at / 7 + phases[3, 0])
        gains = (exposure * np.exp(self.drift * waves)).astype(np.float32)
        code = _TO_CODE[(np.clip(light * gains, 0, 1) * _STEPS).astype(np.int32)]
        noisy = code + chance.normal(0, self.noise, code.shape).astype(np.float32)
        return np.asarray(np.clip(noisy, 0, 255), np.uint8)
