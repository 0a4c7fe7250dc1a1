"""What all parts of a policy pack are made of."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

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
