"""One look at a party of a call: who is in the picture now. Runs in the model process."""

import numpy as np

from contract.errors import ModelError
from kyc.faces import Face, Vector
from kyc.frames import decode_frames
from kyc.images import Picture, sharpness
from kyc.landmarks import eye_openness, eye_turn, head_pose
from kyc.models import Models
from kyc.pipes import Gaze, SeenFace, Watch, Watched
from kyc.tracing import Tracer, load_tracer

# A template begins with the SHA-256 of the model that made it: those of two models cannot be compared.
_DIGEST = 32
# With fewer pixels between the eyes an iris is four wide, and the mesh guesses; the head still counts.
_EYES_MIN = 40.0


def watch(models: Models, job: Watch) -> Watched | None:
    """Look at the newest good picture; None when there is none."""
    pictures = decode_frames(job.codec, job.frames, newest_only=True)
    if not pictures:
        return None
    timed = pictures[-1]
    tracer = models.once(load_tracer) if job.gaze else None
    faces = models.faces.detect(timed.picture)
    vector = models.faces.embed(timed.picture, faces[0]) if faces else None
    height, width = timed.picture.shape[:2]
    return Watched(
        arrived_at=timed.arrived_at,
        width=width,
        height=height,
        sharpness=sharpness(timed.picture),
        faces=tuple(map(_seen, faces)),
        template=None if vector is None else _template(models, vector),
        likeness=None if vector is None else _likeness(models, vector, job.reference),
        gaze=_gaze(tracer, timed.picture, faces[0]) if tracer is not None and faces else None,
    )


def _gaze(tracer: Tracer, picture: Picture, face: Face) -> Gaze | None:
    points = tracer.mesh.landmarks(picture, face)
    if points is None:
        return None
    pose, openness = head_pose(points), round(eye_openness(points), 4)
    if face.eye_distance < _EYES_MIN:
        return Gaze(round(pose.yaw, 2), round(pose.pitch, 2), openness)
    eyes = eye_turn(points)
    return Gaze(round(pose.yaw + eyes.yaw, 2), round(pose.pitch + eyes.pitch, 2), openness)


def _seen(face: Face) -> SeenFace:
    points = tuple((float(x), float(y)) for x, y in face.points)
    return SeenFace(face.box, points, round(float(face.score), 4))


def _template(models: Models, vector: Vector) -> bytes:
    return bytes.fromhex(models.pack.embedder.sha256) + vector.astype("<f4").tobytes()


def _likeness(models: Models, vector: Vector, reference: bytes | None) -> float | None:
    if reference is None:
        return None
    return round(models.faces.score(vector, load_template(models, reference)), 6)


def load_template(models: Models, template: bytes) -> Vector:
    """Return the embedding in a :class:`Watched`'s template. Raises ModelError for another model's."""
    if template[:_DIGEST].hex() != models.pack.embedder.sha256:
        raise ModelError("the reference was made by another model")
    return np.frombuffer(template[_DIGEST:], "<f4").astype(np.float32)
