"""One frame of a challenge to one row of numbers."""

from collections.abc import Sequence

from kyc.faces import Face
from kyc.gestures import Trace
from kyc.images import Picture
from kyc.landmarks import EyeState, Mesh, eye_openness, head_pose, mouth_openness


class Tracer:
    """Turns pictures into :class:`kyc.gestures.Trace`. Not to be used by two threads at once."""

    def __init__(self, mesh: Mesh, eyes: EyeState) -> None:
        self._mesh = mesh
        self._eyes = eyes

    def trace(self, picture: Picture, faces: Sequence[Face], at: float) -> Trace:
        """Return the numbers of the largest of ``faces`` (largest first) at ``at`` seconds."""
        if not faces:
            return Trace(at, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0.0)
        face = faces[0]
        points = self._mesh.landmarks(picture, face)
        pose = head_pose(points)
        return Trace(
            at=at,
            yaw=round(pose.yaw, 2),
            pitch=round(pose.pitch, 2),
            eye=round(eye_openness(points), 4),
            eye_closed_p=round(self._eyes.closed(picture, face), 4),
            mouth=round(mouth_openness(points), 4),
            face_count=len(faces),
            face_width_share=round(float(face.box[2]) / picture.shape[1], 4),
        )
