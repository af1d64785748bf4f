"""What the parameter models of all engines stand on: the base class and the types of common fields."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer


class Section(BaseModel):
    """A group of parameters: unknown keys are refused, values are checked, instances are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, ser_json_inf_nan="constants")


def _split_sizes(value: Any) -> Any:
    """Turn `"64x128x128"` into `(64, 128, 128)`; leave everything else to the field's own check."""
    if isinstance(value, str) and "x" in value.lower():
        return tuple(part.strip() for part in value.lower().split("x"))
    if isinstance(value, list):
        return tuple(value)
    return value


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

Lengths3 = Annotated[
    tuple[Length, Length, Length], BeforeValidator(_split_sizes), PlainSerializer(_as_text, when_used="json")
]
"""Three lengths, (z, y, x), written `30x6x6`; the unit stands in the field's name."""
