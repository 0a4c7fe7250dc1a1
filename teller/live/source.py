"""Signs that a camera's pictures come from no camera, collected through a call."""

from collections import deque
from collections.abc import Mapping
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
        seen = tuple(facts.Signal(s.name, s.score, s.reason) for s in signals if s.score > 0)
        return seen, total(signals)
