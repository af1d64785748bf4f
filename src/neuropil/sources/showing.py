"""One neuron of a run to look at."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from neuropil.errors import InputError
from neuropil.morphology.tree import APICAL, AXON, BASAL, SOMA
from neuropil.work.index import Index

_COMPARTMENTS = {SOMA, AXON, BASAL, APICAL}


def shown_neuron(neurons: Index, store: Path, name: str | None) -> dict[str, Any]:
    """The figure of one neuron (see `morphology.figure.neuron_figure`).

    Args:
        neurons: the index of neurons.
        store: what its files are relative to.
        name: which one; None takes the one that `typical` names.

    Raises:
        InputError: no neuron has this name.
    """
    from neuropil.morphology.figure import neuron_figure
    from neuropil.morphology.swc import load_neuron

    wanted = typical(neurons) if name is None else name
    record = next((record for record in neurons if record["neuron_name"] == wanted), None)
    if record is None:
        first = next(iter(neurons))["neuron_name"]
        raise InputError(f"ingestion.neurons.show={name}: no neuron has this name; the first is called {first}")
    return neuron_figure(load_neuron(store / record["swc"]))


def typical(neurons: Index) -> str:
    """The neuron with the most compartments (soma, axon, basal, apical); among those the one of median size.

    Where two are as near to the median number of nodes, the smaller, then the first by name.
    """
    sizes: dict[int, Counter[int]] = {}
    for record in neurons:
        sizes.setdefault(_compartments(record), Counter())[record["nodes"]] += 1
    most = max(sizes)
    median = _median(sizes[most])
    return min(
        (abs(record["nodes"] - median), record["nodes"], record["neuron_name"])
        for record in neurons
        if _compartments(record) == most
    )[2]


def _compartments(record: Any) -> int:
    return len(_COMPARTMENTS.intersection(record["types"]))


def _median(counts: Counter[int]) -> int:
    """The lower median of counted numbers."""
    left = (counts.total() + 1) // 2
    for number in sorted(counts):
        left -= counts[number]
        if left <= 0:
            return number
    raise ValueError("nothing was counted")
