"""What the parameter models of all engines stand on: the base class and the types of common fields."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer


class Section(BaseModel):
    """A group of parameters: unknown keys are refused, values are checked, instances are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, ser_json_inf_nan="constants")


def _split_sizes(value: Any) -> Any:
    """Turn `"64x128x128"` into `(64, 128, 128)`; each of the three is left to the field's own check."""
    parts = value.lower().split("x") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or len(parts) != 3:
        raise ValueError("write three numbers, z, y, x, such as 64x128x128")
    return tuple(part.strip() if isinstance(part, str) else part for part in parts)


def _split_words(value: Any) -> Any:
    """Turn `"sample+folder"` into `("sample", "folder")`: the command line cuts parameters at commas."""
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split("+"))
    return tuple(value) if isinstance(value, list) else value


def _as_text(value: tuple[Any, ...]) -> str:
    return "x".join(f"{part:g}" for part in value)


Positive = Annotated[int, Field(ge=1)]
Length = Annotated[float, Field(gt=0)]
Ratio = Annotated[float, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]

Size3 = Annotated[
    tuple[Positive, Positive, Positive], BeforeValidator(_split_sizes), PlainSerializer(_as_text, when_used="json")
]
"""A size in voxels, (z, y, x), written `64x128x128`."""

Words = BeforeValidator(_split_words)
"""Marks a tuple of names that can be written `a+b`: `Annotated[tuple[str, ...], Words]`."""

Lengths3 = Annotated[
    tuple[Length, Length, Length], BeforeValidator(_split_sizes), PlainSerializer(_as_text, when_used="json")
]
"""Three lengths, (z, y, x), written `30x6x6`; the unit stands in the field's name."""
