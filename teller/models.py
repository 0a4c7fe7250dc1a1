"""The models of the identity checks: which pack the configuration means, and ``teller models``."""

import asyncio
from pathlib import Path

import structlog
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table

from contract.errors import ModelError
from kyc.install import import_models
from kyc.packs import Pack, find_pack, objections, place, verify_model
from kyc.pull import pull_models
from kyc.registry import BASE_MODELS, FETCHED, OCR_MODELS, OPEN_FILES, OTHER_MODELS, Model
from teller.config import Config, ConfigError

_log = structlog.get_logger(__name__)

GO_ON = "kyc.production = false starts all the same, for trying out; teller models pull brings the open pack"


def models_dir(config: Config) -> Path:
    """Return where fetched models and a bank's own calibration cards are looked for."""
    return config.kyc.models_dir or config.data_dir / "models"


def configured_pack(config: Config) -> Pack:
    """Return the pack that the configuration means, every file verified. Raises ModelError."""
    return find_pack(models_dir(config), config.kyc.pack, config.kyc.insightface_dir)


def admitted_pack(config: Config) -> Pack:
    """Return the pack in use; what speaks against it is logged where it may be used all the same.

    Raises:
        ModelError: a file is missing or altered.
        ConfigError: in production something speaks against it; one sentence each.
    """
    pack = configured_pack(config)
    found = objections(pack, config.kyc.licences)
    if found and config.kyc.production:
        raise ConfigError((*(f"kyc: {text}" for text in found), f"kyc: {GO_ON}"))
    for text in found:
        _log.warning("not for production", pack=pack.name, why=text)
    return pack


def print_models(config: Config, console: Console) -> int:
    """Print every model there is and the pack in use; return 1 when that cannot be used."""
    folder = models_dir(config)
    table = Table("pack", "file", "for", "licence", "MB", "card", "here", box=None)
    groups = (("open", OPEN_FILES), ("base", BASE_MODELS[:2]), ("both", OCR_MODELS), ("none", OTHER_MODELS))
    for name, models in groups:
        for model in models:
            table.add_row(name, *_row(model, folder))
    console.print(table)
    for model in FETCHED:
        console.print(f"{model.file}: {model.source}", highlight=False, soft_wrap=True)
    for model in (*FETCHED, *BASE_MODELS):
        if model.caveat:
            console.print(f"{model.file}: [yellow]{model.caveat}[/]", highlight=False, soft_wrap=True)
    return _print_use(config, console)


def _row(model: Model, folder: Path) -> tuple[str, ...]:
    size = "?" if model.bytes is None else f"{model.bytes / 1e6:.1f}"
    here = "yes" if _place(model, folder).exists() else "no"
    return model.file, model.task.value, model.licence, size, model.card or "-", here


def _place(model: Model, folder: Path) -> Path:
    try:
        return place(model, folder)
    except ModelError:
        # Its package is not installed.
        return folder / model.file


def _print_use(config: Config, console: Console) -> int:
    try:
        pack = configured_pack(config)
    except ModelError as error:
        console.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        return 1
    console.print(
        f"in use: {pack.name}, from {pack.path(pack.embedder).parent}", highlight=False, soft_wrap=True
    )
    for card in pack.cards:
        console.print(f"  {card.task}: card {card.name} of {card.date}", highlight=False, soft_wrap=True)
        console.print(f"    {card.limits}", highlight=False, soft_wrap=True)
    for text in objections(pack, config.kyc.licences):
        console.print(f"[yellow]![/] not for production: {escape(text)}", highlight=False, soft_wrap=True)
    return 0


def verify_models(config: Config, console: Console) -> int:
    """Hash every file that is here and say which is what it should be; return 1 when one is not."""
    folder, worst = models_dir(config), 0
    for model in (*FETCHED, *BASE_MODELS):
        path = _place(model, folder)
        if not path.exists():
            continue
        try:
            verify_model(path, model)
        except ModelError as error:
            worst = 1
            console.print(f"[red]✗[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        else:
            console.print(f"[green]✓[/] {path}", highlight=False, soft_wrap=True)
    return max(worst, _print_use(config, console))


def take_models(config: Config, folder: Path, console: Console) -> int:
    """Copy models from ``folder``. Raises ModelError."""
    for path in import_models(folder, models_dir(config)):
        console.print(f"[green]✓[/] {path}", highlight=False, soft_wrap=True)
    return 0


def fetch_models(config: Config, names: tuple[str, ...], mirror: str, console: Console) -> int:
    """Fetch the open pack's files, or those named. Raises ModelError."""
    wanted = _named(names) if names else OPEN_FILES
    bars = _Bars(console)
    folder = models_dir(config)
    with bars.progress:
        fetched = asyncio.run(pull_models(wanted, folder, bars.show, mirror=mirror))
    for model in wanted:
        place_now = folder / model.file
        text = "" if place_now in fetched else "  [dim]was here[/]"
        console.print(f"[green]✓[/] {place_now}{text}", highlight=False, soft_wrap=True)
    return 0


def _named(names: tuple[str, ...]) -> tuple[Model, ...]:
    known = {model.file: model for model in FETCHED}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ModelError(f"no such model: {', '.join(unknown)}; teller models list names them")
    return tuple(known[name] for name in dict.fromkeys(names))


class _Bars:
    """A bar a file."""

    def __init__(self, console: Console) -> None:
        self.progress = Progress(
            TextColumn("  {task.description:<36}"),
            BarColumn(30),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def show(self, model: Model, have: int) -> None:
        """Draw how much of ``model`` is here."""
        if model.file not in self._tasks:
            self._tasks[model.file] = self.progress.add_task(model.file, total=model.bytes)
        self.progress.update(self._tasks[model.file], completed=have)
