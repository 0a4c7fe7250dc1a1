"""Signs that a camera's pictures come from no camera, collected through a call."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from contract import identity_facts as facts
from contract.codec import load
from contract.errors import ProtocolError
from contract.ports import EncodedFrame
from kyc.injection import (
    CameraClaim,
    Print,
    Signal,
    capabilities,
    device_label,
    duplicates,
    exposure,
    regularity,
    resolutions,
    total,
)
from kyc.light_sequence import LightFinding
from teller.live.chain import CLOCK_RATE

# 40 s at 30 frames a second, which is what a loop is looked for in.
_PRINTS_MAX = 1_200


class SourceSigns:
    """What one camera's claim, its frames' times and its pictures say; all of it advice."""

    def __init__(self) -> None:
        self.prints: deque[Print] = deque(maxlen=_PRINTS_MAX)
        self._times: deque[tuple[float, float]] = deque(maxlen=_PRINTS_MAX)
        self._claim: CameraClaim | None = None
        self._light: Signal | None = None
        self._epoch = 0
        self._highest: dict[str, Signal] = {}
        self._pictures = 0

    def claims(self, claim: Mapping[str, Any]) -> None:
        """Take what the page says of its camera; what is no claim is passed over."""
        try:
            self._claim = load(CameraClaim, dict(claim))
        except ProtocolError:
            self._claim = None

    def saw(self, epoch: int, frames: tuple[EncodedFrame, ...], prints: tuple[Print, ...]) -> None:
        """Take a stretch of frames in order; those of another track begin anew."""
        if epoch != self._epoch:
            self._epoch = epoch
            self.prints.clear()
            self._times.clear()
        self.prints.extend(prints)
        self._pictures += len(prints)
        self._times.extend((frame.timestamp / CLOCK_RATE, frame.arrived_at) for frame in frames)

    def lit(self, finding: LightFinding) -> None:
        """Take what came of a light challenge."""
        self._light = exposure(finding.r, finding.gain, finding.background_share)

    def found(self, loop: Signal | None = None) -> tuple[tuple[facts.Signal, ...], float]:
        """Return all signs with something to see, and their total."""
        signals = [] if self._claim is None else [device_label(self._claim.label), capabilities(self._claim)]
        if self._times:
            stamps, arrivals = zip(*self._times, strict=True)
            signals.append(regularity(stamps, arrivals))
        signals.append(duplicates([one.digest for one in self.prints]))
        signals.append(resolutions([one.size for one in self.prints]))
        signals += [signal for signal in (self._light, loop) if signal is not None]
        for signal in signals:
            self._highest[signal.name] = max(
                signal, self._highest.get(signal.name, signal), key=lambda one: one.score
            )
        return _seen(signals), total(signals)

    def summed(self) -> tuple[tuple[facts.Signal, ...], float, int] | None:
        """Return the highest that each sign ever had, their total, and how many pictures were looked at.

        None when there was nothing to see signs in.
        """
        self.found()
        if self._claim is None and not self._pictures:
            return None
        highest = tuple(self._highest.values())
        return _seen(highest), total(highest), self._pictures


def _seen(signals: Sequence[Signal]) -> tuple[facts.Signal, ...]:
    return tuple(facts.Signal(one.name, one.score, one.reason) for one in signals if one.score > 0)
