"""The models of a pack, each loaded when it is first used. Lives in the model process only."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from kyc.faces import FaceModels
from kyc.nets import Net, check_providers, load_net
from kyc.packs import Pack, verify_model
from kyc.registry import CPU, Model, Task

_Made = TypeVar("_Made")


class Models:
    """What handlers of jobs work with. Not to be used by two threads at once.

    Every method raises ModelError when a file is missing, altered or cannot be loaded. Nothing of a job
    may be kept here: the process may be another one at the next.
    """

    def __init__(self, pack: Pack, providers: tuple[str, ...] = (CPU,)) -> None:
        check_providers(providers)
        self.pack = pack
        self.providers = providers
        self._made: dict[Callable[[Models], Any] | Model, Any] = {}

    def once(self, make: Callable[["Models"], _Made]) -> _Made:
        """Return ``make(self)``, made on the first call and kept. Pass a named function, not a lambda."""
        if make not in self._made:
            self._made[make] = make(self)
        return cast("_Made", self._made[make])

    @property
    def faces(self) -> FaceModels:
        """Return the pack's detector and embedder."""
        return self.once(load_faces)

    def nets(self, task: Task) -> tuple[Net, ...]:
        """Return the networks of ``task`` in the order of the registry, none when the pack has none."""
        return tuple(self.net(model) for model in self.pack.of(task))

    def net(self, model: Model) -> Net:
        """Return the network of one model of the pack."""
        if model not in self._made:
            self._made[model] = load_net(model, self.path(model), self.providers)
        return cast("Net", self._made[model])

    def file(self, task: Task) -> Path | None:
        """Return the one file of ``task``, verified just now; None when the pack has none."""
        models = self.pack.of(task)
        return self.path(models[0]) if models else None

    def path(self, model: Model) -> Path:
        """Return the file of a model of the pack, verified just now."""
        path = self.pack.path(model)
        verify_model(path, model)
        return path


def load_faces(models: Models) -> FaceModels:
    """Load detector and embedder. Only what is used is imported: dlib alone takes 60 MB."""
    if models.pack.name == "base":
        from kyc.dlib_models import DlibModels  # noqa: PLC0415

        return DlibModels(models)
    if models.pack.name == "insightface":
        from kyc.insight_models import InsightModels  # noqa: PLC0415

        return InsightModels(models)
    from kyc.open_models import OpenModels  # noqa: PLC0415

    return OpenModels(models)
