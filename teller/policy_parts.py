"""What all parts of a policy pack or a regime are made of, and how they are read."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from teller.config import ConfigError

Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Source = Annotated[str, Field(min_length=1, description="Where it comes from; [V], [S] or [M] as verified.")]


class Part(BaseModel):
    """Data that is taken as it stands, or refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Title(Part):
    """A text in both languages of the screens."""

    zh_cn: str = Field(alias="zh-CN", min_length=1)
    en: str = Field(min_length=1)


def refuse_doubles(where: str, names: Iterable[str]) -> None:
    """Raise ValueError for a name that stands twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{where} names {name} twice")
        seen.add(name)


_Data = TypeVar("_Data", bound=Part)


class _Loader(yaml.SafeLoader):
    """YAML without aliases and without keys that silently win over their doubles."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not used here")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"line {node.start_mark.line + 1}: {key} stands twice")
        return super().construct_mapping(node, deep)


def read_part(model: type[_Data], file: Path, what: str) -> _Data:
    """Return what stands in a YAML file; ``what`` it is called in messages. Blocks.

    Raises:
        ConfigError: there is none, or it has another form; one line per fault.
    """
    try:
        data = yaml.load(file.read_text(encoding="utf-8"), _Loader)  # noqa: S506
        # As JSON, where lists may become tuples and words enums, while all else stays strict.
        return model.model_validate_json(json.dumps(data, default=str))
    except OSError as error:
        raise ConfigError((f"{what} {file}: {error.strerror}",)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError((f"{what} {file}: {' '.join(str(error).split())}",)) from error
    except ValidationError as error:
        faults = ((".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors())
        lines = tuple(
            f"{what} {file}: {place or model.__name__.lower()}: {text.removeprefix('Value error, ')}"
            for place, text in faults
        )
        raise ConfigError(lines) from error
