"""Facts about neurons in the one form that neuropil keeps them in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from neuropil.sources.standard import LAYER, SCIENTIFIC_NAMES, standard_fields
from neuropil.sources.tables import LIST_FIELDS

_UNKNOWN = {"", "na", "n/a", "nan", "none", "null", "not reported", "not applicable", "unknown"}


def normalised(name: str, source: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts in neuromorpho.org's form: what is unknown is absent, lists are lists of strings, `layer` is derived.

    `layer` becomes "layer 4", "layer 2-3" ...; where it is absent it is taken from `brain_region`. Facts with the
    columns of the Allen Cell Types Database are given the standard ones besides. Then come the fields that all sources
    have in common (see `standard`); of a field that two would fill, what the source says under that name is kept. The
    record as the source has it stands in the raw index.
    """
    record: dict[str, Any] = {"neuron_name": name, "source": source}
    for key, value in {**_of_allen(facts), **facts}.items():
        if key not in record and (kept := _known(value)) is not None:
            record[key] = _as_list(kept) if key in LIST_FIELDS else kept
    named = _known(facts.get("neuron_name"))
    if named is not None and str(named) != name:
        record["source_name"] = str(named)
    if isinstance(species := record.get("species"), str) and species.casefold() in SCIENTIFIC_NAMES:
        record.setdefault("scientific_name", species)
        record["species"] = SCIENTIFIC_NAMES[species.casefold()]
    given = record.pop("layer", None)
    layer = _layer_of(record.get("brain_region", [])) if given is None else _layer_of([given]) or str(given)
    return {**record, **({} if layer is None else {"layer": layer}), **standard_fields(record)}


def _of_allen(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The standard fields that the columns of the Allen Cell Types Database say; empty for other tables."""
    if "donor__species" not in facts:
        return {}
    area, _, layer = str(facts.get("structure__name") or "").strip('"').partition(", layer ")
    return {
        "archive": "Allen Cell Types",
        "species": facts["donor__species"],
        "brain_region": [area, f"layer {layer}" if layer else ""],
        "layer": facts.get("structure__layer"),
        "dendrite_type": facts.get("tag__dendrite_type"),
        "apical": facts.get("tag__apical"),
    }


def _layer_of(texts: list[Any]) -> str | None:
    for text in texts:
        match = LAYER.search(str(text)) or re.fullmatch(r"\s*([1-6](?:[-/][1-6])?[ab]?)\s*", str(text))
        if match:
            return "layer " + re.sub(r"\s*[/&-]\s*", "-", match[1].lower())
    return None


def _known(value: Any) -> Any:
    """The value, without what says that nothing is known; None where nothing is left."""
    if isinstance(value, (list, tuple)):
        return [kept for item in value if (kept := _known(item)) is not None] or None
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, str):
        return None if value.strip().lower() in _UNKNOWN else value.strip()
    return value


def _as_list(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
