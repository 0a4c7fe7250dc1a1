"""Card, stills and reference photo compared with each other. Runs in the model process only."""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

from contract.identity_facts import ModelUsed, PairScore, StillQuality
from contract.identity_ports import PortraitsFinding
from contract.phases import CheckVerdict, severity
from kyc.calibration import Card
from kyc.faces import Vector, decide, find_upright, several_faces
from kyc.images import Picture, decode, describe
from kyc.models import Models
from kyc.portrait_jobs import ComparePortraits
from kyc.portraits import EYE_DISTANCE_MIN, CardPortrait, find_portrait
from kyc.quality import FrameQuality, best_frames, judge_frame, load_mesh
from kyc.registry import Task
from kyc.watching import load_template

# The median of three bears one bad frame, that of five two; more add time and no certainty.
_USED_MAX = 5


class _Side(NamedTuple):
    """Embeddings of one side of a comparison; without any, why; ``poor``: too bad to decide by."""

    vectors: tuple[Vector, ...]
    reason: str
    poor: bool = False


def compare_portraits(models: Models, job: ComparePortraits) -> PortraitsFinding:
    """Do the job. Without a comparison a pair's verdict is REVIEW, never FAILED.

    The finding's verdict is that of the worst pair. ``quality`` are the faults of all stills. Raises
    UserError as :func:`kyc.images.decode` for any of the pictures.
    """
    portrait, card = _card(models, decode(job.card))
    reference = None if job.reference is None else _reference(models, decode(job.reference))
    stills, judged = _stills(models, job.stills, card)
    video = None if job.video is None else _video(models, job.video)
    pairs = tuple(_pairs(models, card, stills, reference, video))
    worst = max(pairs, key=lambda pair: severity(pair.verdict))
    pack = models.pack
    return PortraitsFinding(
        pairs=pairs,
        frames=len(stills.vectors),
        quality=tuple(dict.fromkeys(fault for still in judged for fault in still.faults)),
        threshold=pack.threshold,
        review_threshold=pack.review_threshold,
        operating_point=operating_point(pack.card(Task.EMBEDDING)),
        models=tuple(ModelUsed(model.file, model.sha256) for model in (pack.detector, pack.embedder)),
        verdict=worst.verdict,
        reason=worst.reason,
        portrait=portrait.jpeg if portrait else None,
        portrait_image=describe(portrait.jpeg, portrait.picture) if portrait else None,
        stills=judged,
    )


def operating_point(card: Card | None) -> str:
    """Return what the threshold of ``card`` stands for, for people; empty without a card."""
    if card is None:
        return ""
    rates = (
        f"{rate.name} {rate.errors}/{rate.trials} ({rate.low:.2g}-{rate.high:.2g}), {rate.on}"
        for rate in card.point("accept").rates
    )
    return f"{card.name} {card.date}: {'; '.join(rates)}"


def _card(models: Models, picture: Picture) -> tuple[CardPortrait | None, _Side]:
    portrait, reason = find_portrait(models.faces, picture)
    if portrait is None or reason:
        return portrait, _Side((), reason)
    return portrait, _Side((models.faces.embed(portrait.card, portrait.face),), "")


def _reference(models: Models, picture: Picture) -> _Side:
    upright, faces = find_upright(models.faces, picture)
    if not faces:
        return _Side((), "no_face_on_reference")
    if several_faces(faces):
        return _Side((), "several_faces_on_reference")
    # Registries hold small photographs; they are refused where a card's portrait is.
    if faces[0].eye_distance < EYE_DISTANCE_MIN:
        return _Side((), "reference_too_small")
    return _Side((models.faces.embed(upright, faces[0]),), "")


def _video(models: Models, template: bytes) -> _Side:
    if not template:
        return _Side((), "nobody_in_video")
    return _Side((load_template(models, template),), "")


def _stills(models: Models, stills: Sequence[bytes], card: _Side) -> tuple[_Side, tuple[StillQuality, ...]]:
    mesh = models.once(load_mesh)
    quality: list[FrameQuality] = []
    vectors: list[Vector | None] = []
    # One at a time: eight photographs of 40 megapixels together would take a gigabyte.
    for data in stills:
        upright, faces = find_upright(models.faces, decode(data))
        quality.append(judge_frame(upright, faces, mesh))
        vectors.append(models.faces.embed(upright, faces[0]) if faces else None)
    used = best_frames(quality, _USED_MAX)
    counted = tuple(vector for place in used if (vector := vectors[place]) is not None)
    several = any("several_faces" in frame.faults for frame in quality)
    reason = "" if counted else "several_faces_on_still" if several else "no_face_on_still"
    judged = tuple(
        _judged(models, frame, vectors[place], card, used.index(place) + 1 if place in used else 0)
        for place, frame in enumerate(quality)
    )
    return _Side(counted, reason, poor=any(quality[place].faults for place in used)), judged


def _judged(
    models: Models, frame: FrameQuality, vector: Vector | None, card: _Side, rank: int
) -> StillQuality:
    pose = frame.pose
    return StillQuality(
        rank=rank,
        faults=frame.faults,
        eye_distance=round(frame.eye_distance, 1),
        yaw=round(pose.yaw, 1) if pose else None,
        pitch=round(pose.pitch, 1) if pose else None,
        sharpness=round(frame.sharpness, 1),
        brightness=round(frame.brightness, 1),
        score=None if vector is None else _likeness(models, card, vector),
    )


def _likeness(models: Models, card: _Side, vector: Vector) -> float | None:
    return round(models.faces.score(card.vectors[0], vector), 6) if card.vectors else None


def _pairs(
    models: Models, card: _Side, stills: _Side, reference: _Side | None, video: _Side | None
) -> Iterator[PairScore]:
    yield _compared(models, ("card", card), ("still", stills))
    if reference is not None:
        yield _compared(models, ("card", card), ("reference", reference))
        yield _compared(models, ("still", stills), ("reference", reference))
    if video is not None:
        # A still is a file that somebody's page sent; who talks with the agent is in the video.
        yield _compared(models, ("still", stills), ("video", video))


def _compared(models: Models, one: tuple[str, _Side], other: tuple[str, _Side]) -> PairScore:
    (first, mine), (second, theirs) = one, other
    reason = mine.reason or theirs.reason
    if reason:
        return PairScore(first, second, None, CheckVerdict.REVIEW, reason)
    scores = [models.faces.score(a, b) for a in mine.vectors for b in theirs.vectors]
    score = round(median(scores), 6)
    if mine.poor or theirs.poor:
        return PairScore(first, second, score, CheckVerdict.REVIEW, "still_poor")
    return PairScore(first, second, score, *decide(models.pack, score))
