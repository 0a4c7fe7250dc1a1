"""Putting model files into the models folder: verified first, then renamed into place."""

import os
import shutil
import tempfile
from pathlib import Path

from contract.errors import ModelError
from kyc.packs import file_digest, verify_model
from kyc.registry import FETCHED, OPEN_FILES, Model


def import_models(source: Path, models_dir: Path) -> tuple[Path, ...]:
    """Copy every model file that ``source`` has; return where they now lie.

    Together with what ``models_dir`` holds already they must make the open pack complete. All are
    verified before the first is put into place, each by one rename.

    Raises:
        ModelError: files are missing, one has another SHA-256, or the disk refuses; ``models_dir`` is
            left as it was.
    """
    found = [model for model in FETCHED if (source / model.file).exists()]
    missing = [model.file for model in OPEN_FILES if model not in found and not is_here(model, models_dir)]
    if missing:
        raise ModelError(f"not in {source}: {', '.join(missing)}")
    try:
        return _copied(found, source, models_dir)
    except OSError as error:
        raise ModelError(f"{models_dir}: {error.strerror}") from error


def _copied(found: list[Model], source: Path, models_dir: Path) -> tuple[Path, ...]:
    models_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=models_dir) as name:
        staging = Path(name)
        for model in found:
            _copy(source / model.file, staging / model.file, model)
        placed = tuple(models_dir / model.file for model in found)
        for target in placed:
            os.replace(staging / target.name, target)
        sync_folder(models_dir)
    return placed


def _copy(source: Path, target: Path, model: Model) -> None:
    # The wrong file may be of any size: none of it is copied before it is known.
    verify_model(source, model)
    shutil.copyfile(source, target)
    with target.open("rb+") as file:
        os.fsync(file.fileno())
    verify_model(target, model)


def is_here(model: Model, models_dir: Path) -> bool:
    """Tell whether the verified file of ``model`` lies in ``models_dir``."""
    path = models_dir / model.file
    return path.is_file() and file_digest(path) == model.sha256


def sync_folder(folder: Path) -> None:
    """Bring renames in ``folder`` to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
