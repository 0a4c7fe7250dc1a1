"""Packs: sets of models that decide together, every file verified, and whether one may be used in earnest.

``base`` comes with PyPI packages and is for demonstrations, ``open`` is fetched under permissive licences,
``insightface`` is what a bank that holds those weights' licence has in a folder.
"""

import hashlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from contract.errors import ModelError
from contract.identity_facts import ModelUsed
from kyc.calibration import Card, find_card
from kyc.registry import (
    BASE_MODELS,
    DECISIVE,
    MOBILEFACENET,
    OPEN_FILES,
    OPEN_MODELS,
    YUNET,
    Input,
    Model,
    Task,
)

Choice = Literal["auto", "base", "open", "insightface"]

# Licences under which a bank may use weights without asking anybody; the names are those of SPDX.
PERMISSIVE = ("Apache-2.0", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "MIT")
INSIGHTFACE_LICENCE = "LicenseRef-InsightFace-non-commercial"
# InsightFace's loader takes 3 s on an idle core; a full machine takes many times that.
_PROBE_S = 60.0


@dataclass(frozen=True, slots=True)
class Pack:
    """A set of models with the cards that calibrate it; ``paths`` are the files of ``models``.

    A ``demo_only`` pack never gives ``passed``.
    """

    name: str
    demo_only: bool
    models: tuple[Model, ...]
    paths: tuple[Path, ...]
    cards: tuple[Card, ...]

    def of(self, task: Task) -> tuple[Model, ...]:
        """Return the models of one task, none when this pack cannot do it."""
        return tuple(model for model in self.models if model.task is task)

    def used(self, *tasks: Task) -> tuple[ModelUsed, ...]:
        """Return the models of ``tasks`` as a fact names what judged."""
        return tuple(ModelUsed(model.file, model.sha256) for task in tasks for model in self.of(task))

    def path(self, model: Model) -> Path:
        """Return where the file of ``model`` lies."""
        return self.paths[self.models.index(model)]

    def card(self, task: Task) -> Card | None:
        """Return the card that calibrates ``task``."""
        return next((card for card in self.cards if card.task is task), None)

    @property
    def detector(self) -> Model:
        """Return what finds faces; for ``base`` its landmark model: the HOG detector is code inside dlib."""
        return self.of(Task.DETECTION)[0]

    @property
    def embedder(self) -> Model:
        """Return what describes faces."""
        return self.of(Task.EMBEDDING)[0]

    @property
    def threshold(self) -> float:
        """Return the score from which two faces are one; above every cosine when nothing was measured."""
        card = self.card(Task.EMBEDDING)
        return card.point("accept").threshold if card else 1.01

    @property
    def review_threshold(self) -> float:
        """Return the score from which a person decides; every score when nothing was measured."""
        card = self.card(Task.EMBEDDING)
        return card.point("review").threshold if card else -1.01


def find_pack(models_dir: Path | None, choice: Choice = "auto", insightface_dir: Path | None = None) -> Pack:
    """Return the pack of this name, every file verified; "auto": ``open`` when begun, else ``base``.

    A bank's own calibration cards are looked for in ``models_dir / "cards"``.

    Raises:
        ModelError: a file is missing, or its content is not what the registry names; the text names it.
    """
    begun = models_dir is not None and any((models_dir / model.file).exists() for model in OPEN_FILES)
    if choice == "auto":
        choice = "open" if begun else "base"
    if choice == "base":
        return _pack("base", BASE_MODELS, _places(BASE_MODELS, None), models_dir)
    if models_dir is None:
        raise ModelError("no folder for models is set")
    if choice == "open":
        return _pack("open", OPEN_MODELS, _places(OPEN_MODELS, models_dir), models_dir)
    return _insightface(models_dir, insightface_dir)


def _pack(name: str, models: tuple[Model, ...], paths: tuple[Path, ...], models_dir: Path | None) -> Pack:
    verify_all(zip(models, paths, strict=True))
    own = models_dir / "cards" if models_dir else None
    cards = tuple(card for task in sorted(DECISIVE) if (card := _card(task, models, own)) is not None)
    calibrated = any(card.task is Task.EMBEDDING for card in cards)
    return Pack(name, name == "base" or not calibrated, models, paths, cards)


def _card(task: Task, models: tuple[Model, ...], own: Path | None) -> Card | None:
    digests = [model.sha256 for model in models if model.task is task]
    return find_card(task, digests, own) if digests else None


def _places(models: tuple[Model, ...], folder: Path | None) -> tuple[Path, ...]:
    return tuple(place(model, folder) for model in models)


def place(model: Model, folder: Path | None) -> Path:
    """Return where ``model`` is to be: in its package, else in ``folder``.

    Raises:
        ModelError: its package is not installed, or it has none and there is no folder.
    """
    if model.package:
        return _package_folder(model.package) / "models" / model.file
    if folder is None:
        raise ModelError("no folder for models is set")
    return folder / model.file


def _package_folder(package: str) -> Path:
    # Only located, never imported: one of them needs pkg_resources, which is gone, the other takes seconds.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModelError(f"{package.replace('_', '-')} is not installed")
    return Path(spec.origin).parent


def verify_all(files: Iterable[tuple[Model, Path]]) -> None:
    """Verify each file; those that are missing are named together.

    Raises:
        ModelError: as :func:`verify_model`.
    """
    files = tuple(files)
    missing = [model.file for model, path in files if not path.exists()]
    if missing:
        raise ModelError(f"missing: {', '.join(missing)}")
    for model, path in files:
        verify_model(path, model)


def verify_model(path: Path, model: Model) -> None:
    """Compare the file at ``path`` with the registry.

    Raises:
        ModelError: it is missing, unreadable, or has another SHA-256; the text names the file.
    """
    digest = file_digest(path)
    if digest != model.sha256:
        raise ModelError(f"{model.file} has SHA-256 {digest}, wanted {model.sha256}")


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hex. Raises ModelError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read: {error.strerror}") from error


# --- InsightFace -------------------------------------------------------------------------------


def _insightface(models_dir: Path, folder: Path | None) -> Pack:
    """Return InsightFace's detector and recogniser in ``folder`` with the rest of the open pack."""
    if folder is None or not folder.is_dir():
        raise ModelError(f"kyc.insightface_dir must be an existing folder, not {folder}")
    found = _routed(folder.resolve())
    models = tuple(_their_model(path, task) for task, path in found)
    rest = tuple(model for model in OPEN_MODELS if model not in (YUNET, MOBILEFACENET))
    paths = tuple(path for _, path in found)
    return _pack("insightface", (*models, *rest), (*paths, *_places(rest, models_dir)), models_dir)


def _routed(folder: Path) -> tuple[tuple[Task, Path], ...]:
    """Ask InsightFace, in a process of its own, which file it takes for what."""
    command = [sys.executable, "-P", "-m", "kyc.insight_models", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"InsightFace did not load {folder} within {_PROBE_S:.0f} s") from error
    try:
        files = json.loads(done.stdout.splitlines()[-1])
        return tuple((task, Path(files[task])) for task in (Task.DETECTION, Task.EMBEDDING))
    except (ValueError, LookupError, TypeError) as error:
        raise ModelError(f"InsightFace cannot load {folder}: {_last_line(done.stderr)}") from error


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no reason was given"


def _their_model(path: Path, task: Task) -> Model:
    return Model(
        file=path.name,
        task=task,
        sha256=file_digest(path),
        bytes=path.stat().st_size,
        licence=INSIGHTFACE_LICENCE,
        source="",
        input=Input(size=None) if task is Task.DETECTION else Input((112, 112), "RGB", of="template"),
        output="as the insightface library says",
        runtime="library",
    )


# --- the gate ----------------------------------------------------------------------------------


def objections(pack: Pack, licences: Collection[str] = PERMISSIVE) -> tuple[str, ...]:
    """Return why ``pack`` may not decide about real customers, one sentence each; none: it may."""
    found = [f"the pack {pack.name} is for demonstrations"] if pack.name == "base" else []
    found += [
        f"{model.file} has the licence {model.licence}, which kyc.licences does not name"
        for model in pack.models
        if model.licence not in licences
    ]
    for task in sorted(DECISIVE):
        files = ", ".join(model.file for model in pack.of(task))
        if files and pack.card(task) is None:
            found.append(f"no calibration card is for {files}")
    return tuple(found)
