"""The morphometry of all neurons of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from neuropil.compute import ComputeParameters
from neuropil.work.index import Index, Record, Spool
from neuropil.work.items import Item, run_items
from neuropil.work.keys import content_key
from neuropil.work.ledger import Ledger

LEDGER = "measure.ledger.jsonl"


class Measured(NamedTuple):
    """Two records of every neuron, in the order of the index.

    Attributes:
        measures: the neuron's name, then its measures by name.
        profiles: the same, then its profiles by name (Sholl, Strahler, persistence image).
    """

    measures: Index
    profiles: Index


def measured(neurons: Index, store: Path, compute: ComputeParameters) -> Measured:
    """Measure every neuron of the index; what was measured under the same content is not measured again.

    The profiles stay in the ledger on disk, from which their index reads them.
    """
    from neuropil.morphology.morphometry import VERSION

    items = (
        Item(
            record["neuron_name"],
            content_key("measure and profile", VERSION, record["digest"]),
            store / record["swc"],
        )
        for record in neurons
    )
    ledger = Ledger(store / LEDGER)
    entries = run_items(
        items,
        _measure,
        ledger=ledger,
        compute=compute,
        label="measuring neurons",
        total=len(neurons),
    )
    measures = Spool()
    for entry in entries:
        measures.append({"neuron_name": entry.name, **entry.result.get("measures", {})})
    return Measured(measures.index(), Index(_Results(neurons, ledger)))


class _Results:
    """All that the ledger holds of the neurons of an index, read anew at each iteration."""

    def __init__(self, neurons: Index, ledger: Ledger) -> None:
        self._neurons, self._ledger = neurons, ledger

    def __iter__(self) -> Iterator[Record]:
        for record in self._neurons:
            entry = self._ledger.last(record["neuron_name"])
            result: dict[str, Any] = {} if entry is None else entry.result
            yield {"neuron_name": record["neuron_name"], **result.get("measures", {}), **result.get("profiles", {})}

    def __len__(self) -> int:
        return len(self._neurons)


def _measure(path: Path) -> dict[str, Any]:
    from neuropil.morphology.morphometry import measure
    from neuropil.morphology.profiles import profiles
    from neuropil.morphology.swc import load_neuron

    neuron = load_neuron(path)
    return {"measures": measure(neuron), "profiles": {name: _short(value) for name, value in profiles(neuron).items()}}


def _short(value: Any) -> Any:
    """The numbers of nested lists to six digits: half the bytes of a persistence image are noise of float64."""
    if isinstance(value, list):
        return [_short(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
