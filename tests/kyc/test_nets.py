"""Networks on their two runtimes, and what a crop becomes before it enters."""

import dataclasses
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from contract.errors import ModelError
from kyc.images import Picture
from kyc.models import Models
from kyc.nets import blob, check_providers, load_net
from kyc.packs import find_pack
from kyc.registry import (
    CPU,
    FACE_MESH,
    MINIFASNET_V1SE,
    MINIFASNET_V2,
    MOBILEFACENET,
    OPEN_CLOSED_EYE,
    Input,
    Model,
    Task,
)

NOISE = np.random.default_rng(3)


def crop_for(model: Model) -> Picture:
    """Return noise of the size that ``model`` takes."""
    assert model.input is not None and model.input.size is not None
    width, height = model.input.size
    return NOISE.integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture(scope="module")
def models(open_models_dir: Path) -> Models:
    """Return the open pack's models."""
    return Models(find_pack(open_models_dir))


def test_a_crop_is_ordered_and_scaled_as_the_registry_says() -> None:
    """Blue 10, green 20, red 30: channels first, red first where wanted, less mean, over deviation."""
    crop = np.full((2, 4, 3), (10, 20, 30), np.uint8)
    plain = blob(Input((4, 2)), crop)
    assert plain.shape == (1, 3, 2, 4)
    assert plain.dtype == np.float32
    assert plain[0, :, 0, 0].tolist() == [10, 20, 30]
    scaled = blob(Input((4, 2), "RGB", (30, 10, 5), (2, 5, 10)), crop)
    assert scaled[0, :, 1, 3].tolist() == [0, 2, 0.5]


def test_recognition_gets_what_it_was_trained_with() -> None:
    """MobileFaceNet: RGB by 255, less ImageNet's mean, over its deviation."""
    assert MOBILEFACENET.input is not None
    crop = crop_for(MOBILEFACENET)
    wanted = (crop[:, :, ::-1] / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    assert np.allclose(blob(MOBILEFACENET.input, crop)[0], wanted.transpose(2, 0, 1), atol=1e-5)


@pytest.mark.models
@pytest.mark.parametrize(
    ("model", "sizes"),
    [
        (MOBILEFACENET, [128]),
        (MINIFASNET_V2, [3]),
        (MINIFASNET_V1SE, [3]),
        (OPEN_CLOSED_EYE, [2]),
        (FACE_MESH, [478 * 3]),
    ],
    ids=lambda value: value.file if isinstance(value, Model) else "",
)
def test_every_network_answers(models: Models, model: Model, sizes: list[int]) -> None:
    """Outputs are flat, finite, of the stated size, and the same each time."""
    net, crop = models.net(model), crop_for(model)
    outputs = net(crop)
    assert [len(output) for output in outputs] == sizes
    assert all(np.isfinite(output).all() for output in outputs)
    assert all(np.array_equal(one, other) for one, other in zip(outputs, net(crop), strict=True))
    with pytest.raises(ValueError, match="does not take"):
        net(crop[1:])


@pytest.mark.models
@pytest.mark.parametrize("model", [MOBILEFACENET, MINIFASNET_V2, MINIFASNET_V1SE, OPEN_CLOSED_EYE])
def test_both_runtimes_agree(open_models_dir: Path, model: Model) -> None:
    """Which one runs a network is a matter of speed alone."""
    crop, path = crop_for(model), open_models_dir / model.file
    first, second = (
        load_net(dataclasses.replace(model, runtime=runtime), path)(crop)[0]
        for runtime in ("opencv", "onnxruntime")
    )
    assert np.abs(first - second).max() < 1e-4


@pytest.mark.models
def test_networks_are_loaded_once_and_by_task(models: Models) -> None:
    """The pair comes in the registry's order; a pack without a task has no networks for it."""
    pair = models.nets(Task.PASSIVE)
    assert [net.model for net in pair] == [MINIFASNET_V2, MINIFASNET_V1SE]
    assert all(one is other for one, other in zip(pair, models.nets(Task.PASSIVE), strict=True))
    base = Models(find_pack(None))
    assert base.nets(Task.PASSIVE) == ()
    assert base.file(Task.GEOMETRY) is None
    geometry = models.file(Task.GEOMETRY)
    assert geometry is not None
    assert geometry.name == "canonical_face_model.obj"


def test_what_is_made_once_is_kept() -> None:
    """Each maker is called once for one Models."""
    models = Models(find_pack(None))
    made: list[Models] = []

    def make(owner: Models) -> int:
        made.append(owner)
        return 5

    assert (models.once(make), models.once(make)) == (5, 5)
    assert made == [models]


@pytest.mark.models
def test_a_file_altered_since_the_start_is_refused(open_models_dir: Path, tmp_path: Path) -> None:
    """The hash is compared again when the network is loaded, before any of it is read."""
    pack = find_pack(open_models_dir)
    for path in pack.paths:
        shutil.copyfile(path, tmp_path / path.name)
    moved = dataclasses.replace(pack, paths=tuple(tmp_path / path.name for path in pack.paths))
    (tmp_path / MINIFASNET_V2.file).write_bytes(b"altered")
    models = Models(moved)
    assert len(models.net(MINIFASNET_V1SE)(crop_for(MINIFASNET_V1SE))) == 1
    with pytest.raises(ModelError, match=r"MiniFASNetV2\.onnx has SHA-256"):
        models.nets(Task.PASSIVE)


@pytest.mark.parametrize("model", [MOBILEFACENET, MINIFASNET_V2, FACE_MESH])
def test_a_file_that_is_no_network_is_a_model_error(tmp_path: Path, model: Model) -> None:
    """Rubbish with a model's name: an error that names the file and no folder."""
    path = tmp_path / model.file
    path.write_bytes(b"rubbish" * 100)
    with pytest.raises(ModelError, match=f"{model.file} cannot be loaded") as caught:
        load_net(model, path)
    assert str(tmp_path) not in str(caught.value)


def test_a_bundle_without_its_member_is_a_model_error(tmp_path: Path) -> None:
    """A zip file with something else in it."""
    path = tmp_path / FACE_MESH.file
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("other.tflite", b"")
    with pytest.raises(ModelError, match=f"{FACE_MESH.file} cannot be loaded"):
        load_net(FACE_MESH, path)


def test_a_provider_that_is_not_there_is_named() -> None:
    """The error tells what there is."""
    check_providers((CPU,))
    with pytest.raises(ModelError, match=f"NoSuchExecutionProvider is not .*{CPU}"):
        Models(find_pack(None), ("NoSuchExecutionProvider", CPU))


@pytest.mark.models
def test_a_provider_that_does_not_work_is_an_error(
    open_models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Falling back to the processor without a word would look like a slow graphics card."""
    monkeypatch.setattr("onnxruntime.InferenceSession.get_providers", lambda _: [CPU])
    path = open_models_dir / MINIFASNET_V2.file
    with pytest.raises(ModelError, match="CUDAExecutionProvider cannot be used"), pytest.warns(UserWarning):
        load_net(MINIFASNET_V2, path, ("CUDAExecutionProvider", CPU))
