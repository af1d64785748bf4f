"""The embedded sample: neurons grown procedurally, and one EM volume."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neuropil.compute import ComputeParameters
from neuropil.em.synthesis_parameters import SampleVolumeParameters
from neuropil.sources.parameters import SampleNeurons
from neuropil.work.items import Item, run_items
from neuropil.work.keys import content_key
from neuropil.work.ledger import Ledger

FOLDER = "sample"
VOLUME_NAME = "sample"


def sample_neurons(
    parameters: SampleNeurons, store: Path, *, seed: int, compute: ComputeParameters
) -> Iterator[dict[str, Any]]:
    """Grow the sample's neurons into `store/sample/NAME.swc`; yield a raw record of each.

    A raw record is {"neuron_name", "swc" (relative to the store, or absolute where the file is outside it), "source",
    "metadata" (as the source has it, or absent)}.
    """
    from neuropil.morphology.synthesis.grow import CLASSES, VERSION, sample_name

    items = (
        Item(
            sample_name(cell_class, number),
            content_key("sample neuron", VERSION, seed, cell_class, number),
            (cell_class, number, seed, store / FOLDER),
        )
        for cell_class in CLASSES
        for number in range(parameters.cells_per_class)
    )
    for entry in run_items(
        items,
        _grow,
        ledger=Ledger(store / "sample.ledger.jsonl"),
        compute=compute,
        label="growing neurons",
        total=len(CLASSES) * parameters.cells_per_class,
        present=lambda entry: (store / FOLDER / f"{entry.name}.swc").exists(),
    ):
        if entry.state == "failed":
            raise RuntimeError(f"the sample's neuron {entry.name} did not grow: {entry.reason}")
        yield {
            "neuron_name": entry.name,
            "swc": f"{FOLDER}/{entry.name}.swc",
            "source": "sample",
            "metadata": entry.result["metadata"],
        }


def _grow(payload: tuple[str, int, int, Path]) -> dict[str, Any]:
    from neuropil.morphology.swc import write_swc
    from neuropil.morphology.synthesis.grow import grow_neuron

    cell_class, number, seed, folder = payload
    neuron, metadata = grow_neuron(cell_class, number, seed)
    write_swc(neuron, folder / f"{neuron.name}.swc", source="neuropil sample, grown procedurally")
    return {"metadata": metadata}


def sample_volumes(
    parameters: SampleVolumeParameters, store: Path, *, seed: int, compute: ComputeParameters
) -> Iterator[dict[str, Any]]:
    """Grow the sample's volume into `store/sample.h5`; yield its raw record, {"name", "file", "source"}."""
    from neuropil.em.synthesis import VERSION

    target = store / f"{VOLUME_NAME}.h5"
    item = Item(VOLUME_NAME, content_key("sample volume", VERSION, seed, parameters), (target, parameters, seed))
    for entry in run_items(
        [item],
        _grow_volume,
        ledger=Ledger(store / "sample.ledger.jsonl"),
        compute=compute,
        label="growing the EM volume",
        total=1,
        present=lambda _: target.exists(),
    ):
        if entry.state == "failed":
            raise RuntimeError(f"the sample's volume did not grow: {entry.reason}")
        yield {"name": VOLUME_NAME, "file": target.name, "source": "sample"}


def _grow_volume(payload: tuple[Path, SampleVolumeParameters, int]) -> dict[str, Any]:
    from neuropil.em.synthesis import grow_volume

    target, parameters, seed = payload
    grow_volume(target, parameters, seed)
    return {}
