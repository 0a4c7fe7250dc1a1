"""Signs of injected pictures: what raises them, and that what every phone does raises none."""

import dataclasses
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc.injection import (
    CameraClaim,
    Signal,
    capabilities,
    device_label,
    duplicates,
    exposure,
    regularity,
    resolutions,
    total,
)

PHONE = CameraClaim(
    label="camera2 1, facing front", facing="user", width=640, height=480, frame_rate=30,
    width_max=3264, height_max=2448, frame_rate_max=30, phone=True,
)  # fmt: skip


@pytest.mark.parametrize(
    "label",
    ["camera2 1, facing front", "FaceTime HD Camera", "Integrated Camera (04f2:b604)", "前置相机",
     "HD Pro Webcam C920", "Front Camera", "USB2.0 HD UVC WebCam", "Novatek camera", "SOBSY HD"],
)  # fmt: skip
def test_names_of_cameras_are_nothing(label: str) -> None:
    """Phones, laptops and webcams."""
    assert device_label(label) == Signal("label", 0.0)


@pytest.mark.parametrize(
    ("label", "reason"),
    [("OBS Virtual Camera", "virtual_camera"), ("obs-camera", "virtual_camera"),
     ("ManyCam Virtual Webcam", "virtual_camera"), ("Dummy video device (0x0000)", "virtual_camera"),
     ("v4l2loopback", "virtual_camera"), ("XSplit VCam", "virtual_camera"), ("虚拟摄像头", "virtual_camera"),
     ("fake_device_0", "virtual_camera"), ("DroidCam Source 3", "software_between"),
     ("Camera (NVIDIA Broadcast)", "software_between"), ("  ", "no_label"), ("", "no_label")],
)  # fmt: skip
def test_names_of_programs_are_told(label: str, reason: str) -> None:
    """Known virtual cameras, programs in between, and a name that is withheld."""
    signal = device_label(label)
    assert (signal.reason, signal.score > 0) == (reason, True)


def test_a_phone_is_plausible() -> None:
    """What a phone says of its camera, and what a desktop browser that tells little does."""
    assert capabilities(PHONE) == Signal("capabilities", 0.0)
    assert capabilities(CameraClaim("HD Webcam", "", 640, 480, 30)) == Signal("capabilities", 0.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"facing": "environment"}, "label_against_facing"),
        ({"label": "Back Camera"}, "label_against_facing"),
        ({"facing": ""}, "phone_without_facing"),
        ({"width": 0}, "impossible_size"),
        ({"width_max": 16_000}, "impossible_size"),
        ({"frame_rate_max": 1_000.0}, "impossible_rate"),
        ({"width": 613, "height": 471, "width_max": 613, "height_max": 471}, "odd_only_size"),
    ],
)
def test_what_no_camera_claims(change: dict[str, object], reason: str) -> None:
    """Each contradiction is named."""
    claim = dataclasses.replace(PHONE, label="Front Camera")
    signal = capabilities(dataclasses.replace(claim, **change))  # type: ignore[arg-type]
    assert (signal.reason, signal.score) == (reason, 0.4)


def taken(count: int, fps: float, jitter_s: float, seed: int = 1, whole_ms: bool = True) -> list[float]:
    chance = random.Random(seed)
    stamps = [n / fps + chance.gauss(0, jitter_s) for n in range(count)]
    return [round(at, 3) for at in stamps] if whole_ms else stamps


@pytest.mark.parametrize("fps", [10, 15, 24, 30])
@pytest.mark.parametrize("jitter_s", [0.0005, 0.003])
def test_a_camera_is_regular_enough(fps: int, jitter_s: float) -> None:
    """Also when frames are left out, and when the line is slow now and then."""
    chance = random.Random(2)
    stamps = [at for at in taken(600, fps, jitter_s) if chance.random() < 0.9]
    arrivals = [at + 0.05 + chance.expovariate(20) for at in stamps]

    assert regularity(stamps, arrivals) == Signal("regularity", 0.0)


def test_what_is_played_is_like_clockwork() -> None:
    """Steps of exactly 3,000 ticks come from no browser."""
    stamps = [n * 3_000 / 90_000 for n in range(200)]
    assert regularity(stamps, stamps).reason == "like_clockwork"


def test_frames_at_any_time_are_irregular() -> None:
    """What is sent when something moves has no rate."""
    chance = random.Random(3)
    stamps = sorted(chance.uniform(0, 20) for _ in range(300))
    assert regularity(stamps, stamps).reason == "irregular"


def test_another_pace_is_told() -> None:
    """Pictures stamped for 30 s that take 31 to come are played by something that keeps no time."""
    stamps = taken(1_200, 30, 0.002)
    assert regularity(stamps, [at * 1.03 for at in stamps]).reason == "another_pace"
    assert regularity(stamps[:600], [at * 1.03 for at in stamps[:600]]).reason == ""


def test_few_frames_say_nothing() -> None:
    """Neither do stamps that stand still."""
    for stamps in ([], [1.0], [n / 30 for n in range(20)], [5.0] * 90):
        assert regularity(stamps, stamps) == Signal("regularity", 0.0)


def test_pictures_that_repeat_to_the_bit() -> None:
    """Half of them the same scores a half; one repeated now and then, or too few, nothing."""
    own = [bytes([n, n >> 8]) for n in range(100)]
    assert (
        duplicates(own)
        == duplicates([*own, *own[:9]])
        == duplicates([b"x"] * 20)
        == Signal("duplicates", 0.0)
    )
    assert duplicates([*own, *own]) == Signal("duplicates", 0.5, "repeated_pictures")


def test_a_line_that_gets_worse_keeps_the_shape() -> None:
    """Down and up by libwebrtc's factors, and a phone that is turned, are nothing."""
    sizes = [(640, 480), (480, 360), (320, 240), (160, 120), (640, 480), (480, 640), (361, 480)]
    assert resolutions(sizes) == resolutions([]) == Signal("resolutions", 0.0)


def test_another_shape_is_another_source() -> None:
    """4:3 to 16:9 in the middle of a call; more than once is worse."""
    once, twice = [(640, 480), (640, 360)], [(640, 480), (640, 360), (640, 480)]
    assert resolutions(once) == Signal("resolutions", 0.4, "shape_changed")
    assert resolutions(twice).score == 0.8


def test_the_answer_to_the_light() -> None:
    """A face answers, a file does not, a pane answers all over."""
    assert exposure(0.9, 0.05, 0.15) == exposure(0.4, 0.01, 0.0) == Signal("exposure", 0.0)
    assert exposure(0.1, 0.001, 0.0).reason == exposure(0.5, -0.1, 0.0).reason == "no_answer"
    assert exposure(0.7, 0.02, 0.9).reason == "answers_all_over"


@given(st.lists(st.floats(0, 1), max_size=9))
def test_the_total_is_no_less_than_any_sign(scores: Sequence[float]) -> None:
    """Between 0 and 1; nothing comes of nothing; another sign never lessens it."""
    signals = [Signal("x", score) for score in scores]
    assert max(scores, default=0) - 1e-3 <= total(signals) <= 1
    assert total(signals) >= total(signals[1:]) - 1e-3
    assert total([]) == 0
