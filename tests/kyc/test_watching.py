"""One look at a party: real faces in frames as a call delivers them."""

import dataclasses

import cv2
import numpy as np
import pytest

from contract.errors import ModelError
from contract.ids import CallId, SeatId
from contract.ports import EncodedFrame
from kyc.models import Models
from kyc.pipes import Watch, Watched
from kyc.watching import watch
from teller.demo.pictures import FaceVideo, Portrait, astronaut, other_person
from tests.kyc.conftest import Loaded
from tests.kyc.encoding import Picture, encoded


def sent(*pictures: Picture, codec: str = "VP8") -> tuple[EncodedFrame, ...]:
    """Return ``pictures`` as a browser sends them at 500 kbit/s."""
    return tuple(encoded(codec, pictures))


def asked(frames: tuple[EncodedFrame, ...], reference: bytes | None = None, codec: str = "VP8") -> Watch:
    """Return the look at ``frames``."""
    return Watch(CallId("call"), SeatId("seat"), codec, frames, reference)


def person(portrait: Portrait, *numbers: int) -> list[Picture]:
    """Return frames of ``portrait`` moving about, 640 x 480."""
    video = FaceVideo(portrait)
    return [video.frame(number) for number in numbers]


@pytest.fixture(scope="module")
def models(opened: Loaded) -> Models:
    """Return the open pack's models."""
    return Models(opened.pack)


def seen(models: Models, look: Watch) -> Watched:
    """Return what was seen, which must be something."""
    found = watch(models, look)
    assert found is not None
    return found


@pytest.mark.models
@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_the_same_person_is_recognised(models: Models, codec: str) -> None:
    """The newest frame counts; its largest face is described, and is like itself a minute later."""
    frames = sent(*person(astronaut(), 0, 1, 2), codec=codec)
    first = seen(models, asked(frames, codec=codec))
    assert (first.width, first.height, len(first.faces)) == (640, 480, 1)
    assert first.arrived_at == frames[-1].arrived_at
    assert first.sharpness > 0
    assert first.faces[0].score > 0.7
    assert len(first.faces[0].points) == 5
    assert first.likeness is None
    later = seen(models, asked(sent(*person(astronaut(), 900), codec=codec), first.template, codec))
    assert later.likeness is not None
    assert later.likeness >= models.pack.threshold


@pytest.mark.models
def test_somebody_else_is_not(models: Models) -> None:
    """Another person against the first one's template."""
    first = seen(models, asked(sent(*person(astronaut(), 0))))
    other = seen(models, asked(sent(*person(other_person(0), 0)), first.template))
    assert other.likeness is not None
    assert other.likeness < models.pack.review_threshold


@pytest.mark.models
def test_two_people_are_counted(models: Models) -> None:
    """Both faces are told, the larger one first, and it is the one that is described."""
    one, two = (person(portrait, 0)[0] for portrait in (astronaut(), other_person(0)))
    both = np.hstack([one, two])
    found = seen(models, asked(sent(both)))
    assert len(found.faces) == 2
    sizes = [face.box[2] * face.box[3] for face in found.faces]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.models
def test_an_empty_room_has_no_template(models: Models) -> None:
    """Without a face there is nothing to describe or to compare."""
    reference = seen(models, asked(sent(*person(astronaut(), 0)))).template
    found = seen(models, asked(sent(np.full((480, 640, 3), 90, np.uint8)), reference))
    assert (found.faces, found.template, found.likeness) == ((), None, None)


@pytest.mark.models
def test_what_cannot_be_decoded_is_nothing(models: Models) -> None:
    """Neither an empty list nor rubbish is taken for an empty room."""
    (frame,) = sent(*person(astronaut(), 0))
    assert watch(models, asked(())) is None
    assert watch(models, asked((dataclasses.replace(frame, data=b"rubbish"),))) is None


@pytest.mark.models
def test_templates_of_two_models_are_never_compared(models: Models, base: Loaded) -> None:
    """A reference of the base pack means nothing to the open pack."""
    frames = sent(*person(astronaut(), 0))
    theirs = seen(Models(base.pack), asked(frames)).template
    with pytest.raises(ModelError, match="another model"):
        watch(models, asked(frames, theirs))


@pytest.mark.models
def test_the_gaze_is_told_where_it_is_asked_for(models: Models) -> None:
    """The astronaut looks into the camera, her head turned a little; who it is is told as before."""
    frames = sent(*person(astronaut(), 0, 1))
    plain = seen(models, asked(frames))
    looked = seen(models, dataclasses.replace(asked(frames, plain.template), gaze=True))
    assert plain.gaze is None and looked.gaze is not None
    assert abs(looked.gaze.across) < 20 and abs(looked.gaze.down) < 20
    assert looked.gaze.openness > 0.15
    assert looked.likeness is not None and looked.likeness > 0.9
    assert len(looked.faces) == 1
    small = [np.asarray(cv2.resize(one, (320, 240)), np.uint8) for one in person(astronaut(), 0, 1)]
    head = seen(models, dataclasses.replace(asked(sent(*small)), gaze=True)).gaze
    assert head is not None and abs(head.across) < 20
    nobody = sent(*[np.full((480, 640, 3), 128, np.uint8)] * 2)
    assert seen(models, dataclasses.replace(asked(nobody), gaze=True)).gaze is None


def test_a_pack_without_a_mesh_tells_no_gaze(base: Loaded) -> None:
    look = dataclasses.replace(asked(sent(*person(astronaut(), 0, 1))), gaze=True)
    assert seen(Models(base.pack), look).gaze is None
