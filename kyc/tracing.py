"""Frames of a challenge to rows of numbers. Runs in the model process only."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from kyc.faces import Face, FaceModels
from kyc.frames import FrameDecoder, TimedPicture
from kyc.images import Picture
from kyc.landmarks import EyeState, Mesh, eye_openness, head_pose, mouth_openness
from kyc.models import Models
from kyc.passive import Passive
from kyc.registry import Task
from kyc.traces import PassiveLook, Trace, Traced, TraceFrames

# The detector needs 5 ms at 320 pixels and 17 at 640, and a face that can be judged is found at either.
_LONG_SIDE = 320
# Frames nearer to each other than this are the same look; ten of them in 4 s.
_LOOK_EVERY_S = 0.4
_NO_FACE = 0.0
# A smaller one is a poster behind the customer, as in kyc.faces.several_faces.
_OTHER_MIN = 0.5


class Tracer:
    """Turns pictures into :class:`kyc.traces.Trace`. Not to be used by two threads at once."""

    def __init__(self, mesh: Mesh, eyes: EyeState) -> None:
        self.mesh = mesh
        self._eyes = eyes

    def trace(self, picture: Picture, faces: Sequence[Face], at: float) -> Trace:
        """Return the numbers of the largest of ``faces`` (largest first) at ``at`` seconds."""
        points = self.mesh.landmarks(picture, faces[0]) if faces else None
        if points is None:
            return Trace(at, *(_NO_FACE,) * 5, face_count=0, face_width_share=0.0)
        pose = head_pose(points)
        return Trace(
            at=at,
            yaw=round(pose.yaw, 2),
            pitch=round(pose.pitch, 2),
            eye=round(eye_openness(points), 4),
            eye_closed_p=round(self._eyes.closed(picture, faces[0]), 4),
            mouth=round(mouth_openness(points), 4),
            face_count=sum(face.side >= _OTHER_MIN * faces[0].side for face in faces),
            face_width_share=_share(picture, faces[0]),
        )


def load_tracer(models: Models) -> Tracer | None:
    """Return what traces gestures, None when the pack has no face mesh."""
    mesh, eye = models.nets(Task.MESH), models.nets(Task.EYE)
    return Tracer(Mesh(mesh[0]), EyeState(eye[0])) if mesh and eye else None


def load_passive(models: Models) -> Passive | None:
    """Return what looks for presentation attacks, None when the pack has no networks for it."""
    nets = models.nets(Task.PASSIVE)
    return Passive(nets) if nets else None


def find_faces(models: FaceModels, picture: Picture) -> tuple[Face, ...]:
    """Return the faces of a frame, largest first, looked for at 320 pixels."""
    scale = min(1.0, _LONG_SIDE / max(picture.shape[:2]))
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return tuple(_grown(face, 1 / scale) for face in models.detect(np.asarray(small, np.uint8)))


def _grown(face: Face, factor: float) -> Face:
    x, y, width, height = (side * factor for side in face.box)
    return Face((x, y, width, height), np.asarray(face.points * factor, np.float32), face.score)


def _share(picture: Picture, face: Face) -> float:
    width: int = picture.shape[1]
    return round(float(face.box[2]) / width, 4)


def trace_frames(models: Models, job: TraceFrames) -> Traced:
    """Do the job; see :class:`kyc.traces.TraceFrames`."""
    tracer, passive = models.once(load_tracer), models.once(load_passive)
    traces: list[Trace] = []
    looks: list[PassiveLook] = []
    for timed in _pictures(job):
        due = passive is not None and _due(looks, timed.at)
        if job.looks_only and not due:
            continue
        faces = find_faces(models.faces, timed.picture)
        if tracer is not None and not job.looks_only:
            traces.append(tracer.trace(timed.picture, faces, timed.at))
        if passive is not None and due and len(faces) == 1:
            score = round(passive.score(timed.picture, faces[0]), 4)
            looks.append(PassiveLook(timed.at, score, _share(timed.picture, faces[0])))
    return Traced(tuple(traces), tuple(looks))


def _pictures(job: TraceFrames) -> Iterator[TimedPicture]:
    decoder = FrameDecoder(job.codec, job.origin)
    for frame in job.frames:
        timed = decoder.push(frame, show=frame.timestamp >= job.since)
        if timed is not None:
            yield timed


def _due(looks: Sequence[PassiveLook], at: float) -> bool:
    return not looks or at - looks[-1].at >= _LOOK_EVERY_S
