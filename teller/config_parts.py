"""What the sections of the configuration are made of."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from contract.errors import UserError


class ConfigError(UserError):
    """The configuration cannot be used. ``lines`` holds one sentence per fault."""

    default_code = "bad_config"
    # As of a shell command that was called with wrong arguments.
    exit_code = 2

    def __init__(self, lines: tuple[str, ...]) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


# TOML has no null, so an empty text stands for "not set".
OptionalPath = Annotated[Path | None, BeforeValidator(_none_if_empty)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def secret_of(value: SecretStr, file: Path | None, name: str) -> str:
    """Return a secret, from its file if there is one. Blocks. Raises ConfigError, by this ``name``."""
    if file is None:
        return value.get_secret_value()
    try:
        secret = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError((f"{name}: {getattr(error, 'strerror', 'not a text')}",)) from error
    if not secret:
        raise ConfigError((f"{name}: {file} is empty",))
    return secret


class Section(BaseModel):
    """A table of the file; what it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
