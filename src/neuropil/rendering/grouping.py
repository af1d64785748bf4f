"""What the cells of a split have in common: their laboratory, or whatever else their metadata tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from neuropil.errors import InputError

NEURON = "neuron"
LABORATORY = "laboratory"
RECORDING_DATE = "recording_date"
_LABORATORY_FIELDS = ("laboratory", "archive")  # neuromorpho.org names an archive after its laboratory
_DATE = re.compile(r"(?<!\d)(?:\d{4}[-_]\d{2}[-_]\d{2}|\d{6}|(?:19|20)\d{6})(?!\d)")  # 2005-01-27, 050127, 20050127
_NO_DATE = "day not known"


def group_keys(names: Sequence[str], metadata: Iterable[Mapping[str, Any]], split_by: str) -> list[str | None]:
    """The group of each neuron, as `rendering.split_by` says.

    Args:
        names: the neurons.
        metadata: records with `neuron_name`.
        split_by: `laboratory` (the field `laboratory`, else `archive`), `recording_date` (the field of that name, else
            the day that many laboratories write into the name of a cell), or a field of the metadata; `a+b` joins
            two, so that neurons are together only where both agree. In `laboratory+recording_date` the cells of a
            laboratory whose day is not known are together: any of them may be of one day.

    Returns:
        One text a neuron, None where a field is missing.

    Raises:
        InputError: no neuron has such a field.
    """
    wanted = [_LABORATORY_FIELDS if field == LABORATORY else (field,) for field in map(str.strip, split_by.split("+"))]
    dated = wanted.index((RECORDING_DATE,)) if (RECORDING_DATE,) in wanted else None
    keys: dict[str, str] = {}
    seen: set[str] = set()
    for record in metadata:
        found = [next((record[field] for field in fields if _known(record.get(field))), None) for fields in wanted]
        if dated is not None and found[dated] is None:
            day = _DATE.search(record["neuron_name"])
            found[dated] = day.group() if day else (_NO_DATE if len(wanted) > 1 else None)
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
