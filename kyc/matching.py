"""The two picture checks, as they run inside the model process."""

import time

import cv2
import numpy as np

from contract.phases import CheckVerdict
from contract.ports import FaceFinding, ImageFinding
from kyc.faces import FaceModels, decide, find_upright, prominent, several_faces
from kyc.images import Picture, decode, describe
from kyc.models import Models
from kyc.packs import Pack
from kyc.pipes import CountFaces, Inspect, Match
from kyc.portraits import CardPortrait, find_portrait


def answer_inspect(_: Models, job: Inspect) -> ImageFinding:
    """Do the job."""
    return inspect_image(job.data)


def answer_match(models: Models, job: Match) -> FaceFinding:
    """Do the job."""
    return match_faces(models.faces, models.pack, job.card, job.still)


def answer_count(models: Models, job: CountFaces) -> int:
    """Do the job; what is no picture shows none."""
    picture = cv2.imdecode(np.frombuffer(job.jpeg, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        return 0
    return prominent(models.faces.detect(picture.astype(np.uint8, copy=False)))


def inspect_image(data: bytes) -> ImageFinding:
    """Decode and describe. Raises UserError as :func:`kyc.images.decode`."""
    return describe(data, decode(data))


def match_faces(models: FaceModels, pack: Pack, card: bytes, still: bytes) -> FaceFinding:
    """Compare the portrait on ``card`` with the face on ``still``.

    Without a comparison the score is None and the verdict REVIEW, never FAILED: a hand over the
    portrait says nothing about the person. Raises UserError as :func:`kyc.images.decode`.
    """
    began = time.perf_counter()
    card_picture, still_picture = decode(card), decode(still)
    portrait, reason = find_portrait(models, card_picture)
    score: float | None = None
    verdict = CheckVerdict.REVIEW
    if portrait is not None and not reason:
        score, reason = _compare(models, portrait, still_picture)
    if score is not None:
        verdict, reason = decide(pack, score)
    return FaceFinding(
        pack=pack.name,
        demo_only=pack.demo_only,
        detector_sha256=pack.detector.sha256,
        model_sha256=pack.embedder.sha256,
        score=score,
        threshold=pack.threshold,
        review_threshold=pack.review_threshold,
        verdict=verdict,
        reason=reason,
        portrait=portrait.jpeg if portrait else None,
        portrait_image=describe(portrait.jpeg, portrait.picture) if portrait else None,
        seconds=round(time.perf_counter() - began, 4),
    )


def _compare(models: FaceModels, portrait: CardPortrait, picture: Picture) -> tuple[float | None, str]:
    still, faces = find_upright(models, picture)
    if not faces:
        return None, "no_face_on_still"
    if several_faces(faces):
        return None, "several_faces_on_still"
    score = models.score(models.embed(portrait.card, portrait.face), models.embed(still, faces[0]))
    return round(score, 6), ""
