"""Which simulated attacks passive liveness accepts, and which real heads it refuses.

::

    python -m benchmarks.liveness.attacks MODELS_DIR MEDIA_DIR

Every instrument is ten frames, sent as VP8 at 500 kbit/s. The people are those of Intel's head-pose clips,
of official portraits, of scikit-image's astronaut and of insightface's group photo. The attacks are
rendered (tests/kyc/attacks.py): the figures tell what the checks depend on, not what a real print does.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from contract.phases import CheckVerdict
from kyc.bounds import clopper_pearson
from kyc.landmarks import disagreement
from kyc.models import Models
from kyc.packs import find_pack
from kyc.passive_verdict import PassiveFinding, passive_verdict
from kyc.registry import Task
from kyc.tracing import find_faces, load_passive, load_tracer
from teller.demo.pictures import astronaut, other_person
from tests.kyc.attacks import SPECIES, Picture
from tests.kyc.clips import clip_of, delivered, intel_clip

FRAMES = 10


@dataclass(frozen=True, slots=True)
class Counted:
    """Instruments by verdict."""

    findings: tuple[PassiveFinding, ...]

    def count(self, verdict: CheckVerdict) -> int:
        """Return how many have this verdict."""
        return sum(finding.verdict is verdict for finding in self.findings)


def people(models: Models, media: Path) -> Iterator[tuple[str, list[Picture]]]:
    """Yield a name and ten frames of each person, close up as before a phone."""
    for name, first in (("female", 7), ("male", 0), ("male", 20), ("male", 40)):
        frames = intel_clip(media, name)[first : first + FRAMES]
        yield f"{name} {first}", clip_of(models.faces, frames)
    stills = [cv2.imread(str(path)) for path in sorted((media / "portraits").glob("*.jpg"))]
    smaller = [
        np.asarray(cv2.resize(still, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA), np.uint8)
        for still in stills
        if still is not None
    ]
    for n, still in enumerate((*smaller, astronaut().image, *(other_person(n).image for n in range(6)))):
        yield f"still {n}", clip_of(models.faces, [still] * FRAMES)


def judged(models: Models, pictures: Sequence[Picture]) -> PassiveFinding:
    """Return the verdict on pictures after their way through a call."""
    passive = models.once(load_passive)
    assert passive is not None
    scores, shares = [], []
    for picture in delivered(pictures, "VP8", 500, 10):
        faces = find_faces(models.faces, picture)
        if len(faces) == 1:
            scores.append(passive.score(picture, faces[0]))
            shares.append(faces[0].box[2] / picture.shape[1])
    return passive_verdict(scores, shares, models.pack.card(Task.PASSIVE))


def report(name: str, counted: Counted) -> None:
    """Print one line."""
    total, passed = len(counted.findings), counted.count(CheckVerdict.PASSED)
    low, high = clopper_pearson(passed, total)
    reasons = sorted({finding.reason for finding in counted.findings if finding.reason})
    middle = float(np.median([finding.median for finding in counted.findings]))
    print(
        f"{name:36s} passed {passed}/{total} ({low:.2f}..{high:.2f}) "
        f"review {counted.count(CheckVerdict.REVIEW)} failed {counted.count(CheckVerdict.FAILED)} "
        f"median {middle:.2f} {', '.join(reasons)}",
        flush=True,
    )


def main() -> None:
    """Print one line for the people and one a species."""
    cv2.setNumThreads(1)
    models, media = Models(find_pack(Path(sys.argv[1]))), Path(sys.argv[2])
    everybody = list(people(models, media))
    _print_disagreement(models, media)
    report("people", Counted(tuple(judged(models, frames) for _, frames in everybody)))
    for species, attack in SPECIES.items():
        findings = (
            judged(models, [attack(frame, 1000 * n) for frame in frames])
            for n, (_, frames) in enumerate(everybody)
        )
        report(species, Counted(tuple(findings)))


def _print_disagreement(models: Models, media: Path) -> None:
    tracer = models.once(load_tracer)
    assert tracer is not None
    apart = [
        disagreement(points, face)
        for frame in intel_clip(media, "female")
        for face in find_faces(models.faces, frame)[:1]
        if (points := tracer.mesh.landmarks(frame, face)) is not None
    ]
    print(f"mesh and detector disagree by {max(apart):.3f} at most in {len(apart)} frames")


if __name__ == "__main__":
    main()
