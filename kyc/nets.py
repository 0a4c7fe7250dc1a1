"""Running a network of the registry on one crop of a picture. Loaded by the model process only."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from contract.errors import ModelError
from kyc.images import Picture
from kyc.registry import CPU, Input, Model

Output = NDArray[np.float32]
"""One output for one crop, flat."""


class Net:
    """A loaded network. Not to be used by two threads at once."""

    def __init__(self, model: Model, run: Callable[[NDArray[np.float32]], tuple[Output, ...]]) -> None:
        self.model = model
        self._run = run

    def __call__(self, crop: Picture) -> tuple[Output, ...]:
        """Return the outputs for ``crop``: BGR, 0 to 255, of the size in ``model.input``."""
        if self.model.input is None or self.model.input.size != crop.shape[1::-1]:
            raise ValueError(f"{self.model.file} does not take {crop.shape}")
        return self._run(blob(self.model.input, crop))


def blob(wanted: Input, crop: Picture) -> NDArray[np.float32]:
    """Return ``crop``, BGR, as 1 x 3 x height x width in the order and scale of ``wanted``."""
    ordered = crop[:, :, ::-1] if wanted.order == "RGB" else crop
    mean, deviation = np.array(wanted.mean, np.float32), np.array(wanted.deviation, np.float32)
    scaled = (ordered.astype(np.float32) - mean) / deviation
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])


def load_net(model: Model, path: Path, providers: tuple[str, ...] = (CPU,)) -> Net:
    """Load the network in ``path``, whose hash was verified.

    On processors alone each model runs where it was measured to be faster: OpenCV takes 2.3 ms for a
    MiniFASNet where ONNX Runtime takes 5.9, 9.4 for the face mesh against 17.3, but no other provider.

    Raises:
        ModelError: the file cannot be loaded, or the first provider is not to be had.
    """
    if model.file.endswith(".onnx") and (model.runtime == "onnxruntime" or providers[0] != CPU):
        return Net(model, _in_onnxruntime(path, providers))
    return Net(model, _in_opencv(model, path))


def session_options() -> onnxruntime.SessionOptions:
    """Return the options of every session."""
    options = onnxruntime.SessionOptions()
    # One thread a session: several pools on few cores slow each other down threefold.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def check_providers(providers: tuple[str, ...]) -> None:
    """Raise ModelError, naming what there is, when one of ``providers`` is not in this ONNX Runtime."""
    there = onnxruntime.get_available_providers()
    for provider in providers:
        if provider not in there:
            raise ModelError(f"{provider} is not in this ONNX Runtime, which has {', '.join(there)}")


def _in_onnxruntime(
    path: Path, providers: tuple[str, ...]
) -> Callable[[NDArray[np.float32]], tuple[Output, ...]]:
    try:
        session = onnxruntime.InferenceSession(str(path), session_options(), providers=list(providers))
    except Exception as error:
        # The library raises its own classes, which have no common base but this; their texts name paths.
        raise ModelError(f"{path.name} cannot be loaded: {type(error).__name__}") from error
    # Without the libraries of a graphics card it would say nothing and use the processor.
    if session.get_providers()[0] != providers[0]:
        raise ModelError(f"{providers[0]} cannot be used on this machine")
    name = session.get_inputs()[0].name
    return lambda batch: tuple(_flat(output) for output in session.run(None, {name: batch}))


def _in_opencv(model: Model, path: Path) -> Callable[[NDArray[np.float32]], tuple[Output, ...]]:
    try:
        net, names = _opencv_net(model, path)
    except (cv2.error, OSError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path.name} cannot be loaded: {type(error).__name__}") from error

    def run(batch: NDArray[np.float32]) -> tuple[Output, ...]:
        net.setInput(batch)
        return tuple(_flat(net.forward(name)) for name in names)

    return run


def _opencv_net(model: Model, path: Path) -> tuple[Any, tuple[str, ...]]:
    if model.member:
        with zipfile.ZipFile(path) as bundle:
            content = np.frombuffer(bundle.read(model.member), np.uint8)
        # OpenCV 5.0 gives no output of a TFLite network but the first.
        return cv2.dnn.readNetFromTFLite(content), ("Identity",)
    net = cv2.dnn.readNetFromONNX(str(path))
    return net, tuple(net.getUnconnectedOutLayersNames())


def _flat(output: Any) -> Output:
    return np.asarray(output, np.float32).reshape(-1)
