"""Metadata adapters: from a source's records to the facts of a neuron (the guide's `--source`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from neuropil.captions.facts import NeuronFacts
from neuropil.errors import InputError

GROUPS = {"principal cell", "interneuron"}
_GENERIC = GROUPS | {
    "local projecting",
    "long projecting",
    "neuron",
    "cell",
    "excitatory",
    "inhibitory",
    "glutamatergic",
    "gabaergic",
    "cholinergic",
    "dopaminergic",
    "sensory",
    "somatic",
    "projection",
}
_UNKNOWN = {
    "",
    "none",
    "nan",
    "null",
    "na",
    "n/a",
    "not reported",
    "not applicable",
    "unknown",
    "unclassified",
    "other",
}
_MARKER = re.compile(r"positive|negative|expressing|\(.*\)", re.IGNORECASE)
_LAYER = re.compile(
    r"^\s*(?:(?:cortical\s+)?layers?|l)?\s*([1-6])(?:\s*[-/,&]\s*([1-6]))?\s*([ab])?\s*$", re.IGNORECASE
)
_LAYER_WORD = re.compile(r"\b(?:cortical\s+)?layers?\s*[1-6ivIV]", re.IGNORECASE)
_EPONYMS = ("Purkinje", "Martinotti", "Golgi", "Cajal", "Betz", "Meynert", "Renshaw", "Lugaro", "Cajal-Retzius")
_FIELDS = ("species", "cell_type", "brain_region", "layer")
_KEPT = 60  # a longer text is a note, not a label


def neuromorpho(record: Mapping[str, Any]) -> NeuronFacts:
    """Facts of a record in the NeuroMorpho form (species, cell_type and brain_region lists, layer).

    The lists vary in order and length, so nothing is taken by position: the class is the first entry of
    `cell_type` that is neither a broad class nor a transmitter nor a marker; the layer is taken from `layer`,
    else from the entry of `brain_region` that names one. The archive is never a fact.
    """
    types = [_plain_case(text) for text in _texts(record.get("cell_type"))]
    regions = _texts(record.get("brain_region"))
    specific = [text for text in types if text.casefold() not in _GENERIC and not _MARKER.search(text)]
    layers = [layer for text in [*_texts(record.get("layer")), *regions] if (layer := parse_layer(text))]
    species = _texts(record.get("species"))
    return NeuronFacts(
        name=str(record["neuron_name"]),
        species=_plain_case(species[0]) if species else None,
        cell_class=specific[0] if specific else None,
        groups=tuple(dict.fromkeys(text.casefold() for text in types if text.casefold() in GROUPS)),
        regions=tuple(dict.fromkeys(_plain_case(text) for text in regions if not _LAYER_WORD.search(text))),
        layer=layers[0] if layers else None,
        labels=_labels(record),
    )


def custom(record: Mapping[str, Any], columns: Mapping[Any, str]) -> NeuronFacts:
    """Facts of a record whose fields bear other names.

    Args:
        record: one neuron's metadata.
        columns: for each of species, cell_type, brain_region, layer the record's own key; a text with `;` or
            `,` is read as a list.

    Raises:
        InputError: `columns` names a fact that does not exist.
    """
    unknown = sorted(set(columns) - set(_FIELDS))
    if unknown:
        raise InputError(f"clip_finetune.columns: {unknown[0]} is no fact; choose among {', '.join(_FIELDS)}")
    read = {fact: record.get(columns.get(fact, fact)) for fact in _FIELDS}
    split = {key: re.split(r"[;,]", value) if isinstance(value, str) else value for key, value in read.items()}
    return neuromorpho({**record, **split})


def adapt(record: Mapping[str, Any], source: str, columns: Mapping[Any, str] | None = None) -> NeuronFacts:
    """The facts of a record by the adapter's name: "neuromorpho" or "custom"."""
    return custom(record, columns or {}) if source == "custom" else neuromorpho(record)


def parse_layer(text: str) -> str | None:
    """The cortical layer that a text names ("layer 2-3" -> "2/3", "L4" -> "4"); None where it names none."""
    match = _LAYER.match(text)
    if match is None:
        return None
    first, second, half = match.groups()
    return first + (f"/{second}" if second else "") + (half.lower() if half else "")


def _labels(record: Mapping[str, Any]) -> dict[str, str]:
    """Short texts of the record beyond the standard form: labels that can be scored."""
    label_keys = ("mtype", "t_type", "met_type", "dendrite_type")
    return {key: str(record[key]) for key in label_keys if _texts(record.get(key))}


def _texts(value: Any) -> list[str]:
    """A field as a list of known texts; "Not reported" and its kin are absent."""
    values: Iterable[Any] = value if isinstance(value, (list, tuple)) else [value]
    texts = [str(item).strip() for item in values if item is not None]
    return [text for text in texts if text.casefold() not in _UNKNOWN and len(text) <= _KEPT]


def _plain_case(text: str) -> str:
    """Lower-case a capitalised common word ("Mouse"); keep names ("Purkinje") and acronyms ("VISp", "CA1")."""
    is_common = text[:1].isupper() and text[1:] == text[1:].lower() and not text.startswith(_EPONYMS) and len(text) > 2
    return text[:1].lower() + text[1:] if is_common and not any(char.isdigit() for char in text) else text
