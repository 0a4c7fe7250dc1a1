"""The insightface pack, through that library's own loader and without its weights.

Its detector is played by a network built here that sees one face in the middle of every picture;
its recogniser by MobileFaceNet, which that loader takes for one of its kind.
"""

import hashlib
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from contract.errors import ModelError
from contract.phases import CheckVerdict
from kyc import insight_models
from kyc.calibration import Card, OperatingPoint, write_card
from kyc.insight_models import files_of, open_folder
from kyc.matching import match_faces
from kyc.models import Models
from kyc.packs import INSIGHTFACE_LICENCE, PERMISSIVE, find_pack, objections
from kyc.registry import MOBILEFACENET, OPEN_FILES, YUNET, Task

pytestmark = pytest.mark.models

# SCRFD without landmarks would have 6 outputs, with them 9: score, box and points at strides 8, 16, 32.
STRIDES = (8, 16, 32)
# In strides of 32: how sure, the distances to the four sides, the five points.
MIDDLE = {
    "score": (0.9,),
    "box": (3.0, 3.0, 3.0, 3.0),
    "points": (-1.5, -1.0, 1.5, -1.0, 0.0, 0.2, -1.2, 1.4, 1.2, 1.4),
}


def detector() -> bytes:
    """Return an ONNX network of SCRFD's shape for 640 x 640 that finds a face of 192 pixels at 320, 320."""
    nodes, outputs, constants = [], [], []
    for name in ("score", "box", "points"):
        for stride in STRIDES:
            rows = (640 // stride) ** 2 * 2
            value = np.zeros((rows, len(MIDDLE[name])), np.float32)
            if stride == 32:
                # Anchor at (320, 320): row 10, column 10 of 20 x 20, the first of two.
                place = (10 * 20 + 10) * 2
                value[place] = MIDDLE[name]
            constants.append(numpy_helper.from_array(value, f"c_{name}_{stride}"))
            # Adding nothing of the input keeps the loader from folding everything away.
            nodes.append(helper.make_node("Add", [f"c_{name}_{stride}", "nil"], [f"{name}_{stride}"]))
            outputs.append(helper.make_tensor_value_info(f"{name}_{stride}", TensorProto.FLOAT, value.shape))
    constants.append(numpy_helper.from_array(np.zeros(1, np.float32), "zero"))
    nodes = [
        helper.make_node("ReduceMax", ["input"], ["most"], keepdims=0),
        helper.make_node("Mul", ["most", "zero"], ["nil"]),
        *nodes,
    ]
    entry = helper.make_tensor_value_info("input", TensorProto.FLOAT, (1, 3, 640, 640))
    graph = helper.make_graph(nodes, "middle", [entry], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, open_models_dir: Path) -> Path:
    """Return a folder as InsightFace's packs are."""
    place = tmp_path_factory.mktemp("buffalo")
    (place / "det_middle.onnx").write_bytes(detector())
    # An unknown field at the end of a protocol buffer: the same network, another hash, so no card is for it.
    content = (open_models_dir / MOBILEFACENET.file).read_bytes() + b"\xfa\x7f\x00"
    (place / "w600k_own.onnx").write_bytes(content)
    return place


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody connect anywhere."""

    def refuse(*_: object) -> None:
        pytest.fail("something went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("offline")
def test_the_library_loads_a_folder_offline(folder: Path) -> None:
    """Detector and recogniser are those that the library itself takes."""
    assert files_of(open_folder(folder)) == {
        Task.DETECTION: str(folder / "det_middle.onnx"),
        Task.EMBEDDING: str(folder / "w600k_own.onnx"),
    }


@pytest.mark.usefixtures("offline")
def test_a_folder_that_is_not_there_is_never_fetched(tmp_path: Path, folder: Path) -> None:
    """Where the library would go to the network for a name it does not know, there is an error."""
    with pytest.raises(ModelError, match="no folder"):
        open_folder(tmp_path / "buffalo_l")
    with pytest.raises(ModelError, match="is there a detector"):
        open_folder(tmp_path)
    shutil.copyfile(folder / "det_middle.onnx", tmp_path / "det.onnx")
    with pytest.raises(ModelError, match="has no recogniser"):
        open_folder(tmp_path)
    (tmp_path / "w600k.onnx").write_bytes(b"rubbish")
    with pytest.raises(ModelError, match="is there a detector"):
        open_folder(tmp_path)


def test_the_pack_records_their_hashes(folder: Path, open_models_dir: Path) -> None:
    """Uncalibrated it decides nothing; its licence and its missing card speak against it."""
    pack = find_pack(open_models_dir, "insightface", folder)
    content = (folder / "w600k_own.onnx").read_bytes()
    assert (pack.name, pack.demo_only) == ("insightface", True)
    assert pack.embedder.sha256 == hashlib.sha256(content).hexdigest()
    assert pack.detector.file == "det_middle.onnx"
    assert {MOBILEFACENET, YUNET}.isdisjoint(pack.models)
    assert len(pack.of(Task.PASSIVE)) == 2
    against = objections(pack)
    assert [INSIGHTFACE_LICENCE in text for text in against] == [True, True, False]
    assert against[2] == "no calibration card is for w600k_own.onnx"


def test_with_licence_and_card_it_may_decide(folder: Path, open_models_dir: Path, tmp_path: Path) -> None:
    """A bank that holds the licence and has measured uses it in production."""
    for model in OPEN_FILES:
        shutil.copyfile(open_models_dir / model.file, tmp_path / model.file)
    digest = hashlib.sha256((folder / "w600k_own.onnx").read_bytes()).hexdigest()
    points = (OperatingPoint("accept", 0.3, ()), OperatingPoint("review", 0.2, ()))
    card = Card("own", Task.EMBEDDING, (digest,), "cosine", "ours", "ours", points, "2027-01-01", "the bank")
    write_card(card, tmp_path / "cards")
    pack = find_pack(tmp_path, "insightface", folder)
    assert (pack.demo_only, pack.threshold, pack.review_threshold) == (False, 0.3, 0.2)
    assert objections(pack, (*PERMISSIVE, INSIGHTFACE_LICENCE)) == ()


@pytest.mark.usefixtures("offline")
def test_it_finds_describes_and_compares(folder: Path, open_models_dir: Path, still: bytes) -> None:
    """A still is like itself; what is no face to the library is no face to us."""
    pack = find_pack(open_models_dir, "insightface", folder)
    finding = match_faces(Models(pack).faces, pack, still, still)
    assert finding.score == pytest.approx(1.0, abs=1e-4)
    assert (finding.verdict, finding.pack) == (CheckVerdict.REVIEW, "insightface")
    assert finding.model_sha256 == pack.embedder.sha256
    (face,) = Models(pack).faces.detect(np.zeros((640, 640, 3), np.uint8))
    assert face.box == pytest.approx((224.0, 224.0, 192.0, 192.0))
    assert face.points[0] == pytest.approx((320 - 48, 320 - 32))
    assert face.score == pytest.approx(0.9)


def test_files_that_were_not_verified_are_refused(
    folder: Path, open_models_dir: Path, tmp_path: Path
) -> None:
    """A detector that sorts before the verified one, put there afterwards, is not used."""
    place = tmp_path / "buffalo"
    shutil.copytree(folder, place)
    pack = find_pack(open_models_dir, "insightface", place)
    shutil.copyfile(folder / "det_middle.onnx", place / "a.onnx")
    with pytest.raises(ModelError, match="would load other files"):
        _ = Models(pack).faces


def test_the_pack_needs_a_folder_that_can_be_loaded(open_models_dir: Path, tmp_path: Path) -> None:
    """Neither nothing nor an empty folder; the library's reason is told."""
    for place in (None, tmp_path / "nowhere"):
        with pytest.raises(ModelError, match="must be an existing folder"):
            find_pack(open_models_dir, "insightface", place)
    with pytest.raises(ModelError, match=r"InsightFace cannot load .*is there a detector"):
        find_pack(open_models_dir, "insightface", tmp_path)


def test_main_answers_on_the_last_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the library prints while it loads does not disturb the answer."""
    shown: list[str] = []
    monkeypatch.setattr("sys.argv", ["insight_models", str(folder)])
    monkeypatch.setattr("os.dup2", lambda *_: None)
    monkeypatch.setattr(insight_models, "print", lambda text, file: shown.append(text), raising=False)
    insight_models.main()
    assert "w600k_own.onnx" in shown[0]
    monkeypatch.setattr("sys.argv", ["insight_models", str(folder / "nowhere")])
    with pytest.raises(SystemExit, match="no folder"):
        insight_models.main()


def test_a_loader_that_hangs_is_told_of(
    folder: Path, open_models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a minute, here a moment."""
    monkeypatch.setattr("kyc.packs._PROBE_S", 0.01)
    with pytest.raises(ModelError, match="did not load"):
        find_pack(open_models_dir, "insightface", folder)
