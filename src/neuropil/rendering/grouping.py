"""What the cells of a split have in common: their laboratory, or whatever else their metadata tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from neuropil.errors import InputError

NEURON = "neuron"
LABORATORY = "laboratory"
_LABORATORY_FIELDS = ("laboratory", "archive")  # neuromorpho.org names an archive after its laboratory


def group_keys(names: Sequence[str], metadata: Iterable[Mapping[str, Any]], split_by: str) -> list[str | None]:
    """The group of each neuron, as `rendering.split_by` says.

    Args:
        names: the neurons.
        metadata: records with `neuron_name`.
        split_by: `laboratory` (the field `laboratory`, else `archive`), or a field of the metadata; `a+b` joins two,
            so that neurons are together only where both agree.

    Returns:
        One text a neuron, None where a field is missing.

    Raises:
        InputError: no neuron has such a field.
    """
    wanted = [_LABORATORY_FIELDS if field == LABORATORY else (field,) for field in map(str.strip, split_by.split("+"))]
    keys: dict[str, str] = {}
    seen: set[str] = set()
    for record in metadata:
        found = [next((record[field] for field in fields if _known(record.get(field))), None) for fields in wanted]
        seen.update(record)
        if None not in found:
            keys[record["neuron_name"]] = " + ".join(_text(value) for value in found)
    if names and not any(name in keys for name in names):
        fields = ", ".join(sorted(seen - {"neuron_name"})) or "none at all"
        raise InputError(f"rendering.split_by={split_by}: no neuron's metadata have it; the fields there are: {fields}")
    return [keys.get(name) for name in names]


def _known(value: Any) -> bool:
    return value is not None and value != "" and value != []


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
