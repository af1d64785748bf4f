"""Captions of a set of neurons: metadata and morphometry joined to facts, with bins from the training part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from neuropil.captions.adapters import adapt
from neuropil.captions.facts import NeuronFacts
from neuropil.captions.generator import LEVELS, NeuronTextGenerator
from neuropil.captions.traits import Bins, fit_bins, numbers_of, parts_of, words_of


def training_bins(
    morphometry: Mapping[str, Mapping[Any, Any]], split: Mapping[str, Any], percentile: float
) -> dict[str, Any]:
    """Bins of the traits from the training neurons, as a JSON object.

    Args:
        morphometry: neuron name -> its row of features.
        split: the frozen split (`hash`, `parts`).
        percentile: share in percent of each outer bin.

    Returns:
        {"bins": {trait: [low, high]}, "percentile", "neurons": how many there were, "split": hash}.
    """
    rows = [morphometry[name] for name in split["parts"]["train"] if name in morphometry]
    bins = {name: list(edges) for name, edges in fit_bins(rows, percentile).items()}
    return {"bins": bins, "percentile": percentile, "neurons": len(rows), "split": split["hash"]}


def neuron_facts(
    record: Mapping[str, Any], row: Mapping[Any, Any] | None, bins: Bins, *, source: str, columns: Mapping[Any, str]
) -> NeuronFacts:
    """All facts of one neuron: from its metadata record and, where it was measured, its morphometry."""
    facts = adapt(record, source, columns)
    if row is None:
        return facts
    return replace(facts, parts=parts_of(row), traits=words_of(row, bins), numbers=numbers_of(row))


def caption_records(
    metadata: Iterable[Mapping[str, Any]],
    morphometry: Mapping[str, Mapping[Any, Any]],
    split: Mapping[str, Any],
    bins: Bins,
    generator: NeuronTextGenerator,
    *,
    source: str,
    columns: Mapping[Any, str],
) -> Iterator[dict[str, Any]]:
    """One record a neuron of the split: its facts, its part, and its full caption at every level.

    A neuron without a metadata record has only what was measured; it is captioned from that.
    """
    parts = {name: part for part, names in split["parts"].items() for name in names}
    known = {str(record["neuron_name"]): record for record in metadata if record["neuron_name"] in parts}
    for name, part in parts.items():
        record = known.get(name, {"neuron_name": name})
        facts = neuron_facts(record, morphometry.get(name), bins, source=source, columns=columns)
        captions = {level: generator.full(facts, level).text for level in LEVELS}
        yield facts.record() | {"part": part, "facts": sorted(facts.facts()), "captions": captions}
