"""The morphometry of all neurons of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neuropil.compute import ComputeParameters
from neuropil.work.index import Index
from neuropil.work.items import Item, run_items
from neuropil.work.keys import content_key
from neuropil.work.ledger import Ledger


def measured(neurons: Index, store: Path, compute: ComputeParameters) -> Iterator[dict[str, Any]]:
    """The morphometry of every neuron of the index, in its order: its name, then its measures by name."""
    from neuropil.morphology.morphometry import VERSION

    items = (
        Item(
            record["neuron_name"],
            content_key("measure", VERSION, record["digest"]),
            store / record["swc"],
        )
        for record in neurons
    )
    for entry in run_items(
        items,
        _measure,
        ledger=Ledger(store / "measure.ledger.jsonl"),
        compute=compute,
        label="measuring neurons",
        total=len(neurons),
    ):
        yield {"neuron_name": entry.name, **entry.result}


def _measure(path: Path) -> dict[str, Any]:
    from neuropil.morphology.morphometry import measure
    from neuropil.morphology.swc import load_neuron

    return dict(measure(load_neuron(path)))
