"""Every neuron described by features that nothing learnt, item by item; then one table of all neurons a feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from neuropil.compute import ComputeParameters
from neuropil.evaluation.parameters import BaselineParameters, Feature
from neuropil.morphology.swc import load_neuron
from neuropil.morphology.tangents import tangents
from neuropil.morphology.traits import file_traits
from neuropil.morphology.tree import Neuron
from neuropil.morphology.twins import twin
from neuropil.morphology.vectors import apart_vector, morphometric_vector, persistence_vector
from neuropil.views.fixed_features import PIXELS, gradients, picture
from neuropil.work.atomic import atomic_path
from neuropil.work.items import Item, run_items
from neuropil.work.keys import content_key
from neuropil.work.ledger import Entry, Ledger

VERSION = 1
"""Part of every item's key: raise it when a feature would be other numbers."""

LEDGER = "describe.ledger.jsonl"
Array = NDArray[np.float32]


class Tables(NamedTuple):
    """The features of n neurons, on disk.

    Attributes:
        paths: table -> .npy file of float32, (n, versions, d); NaN for a neuron that could not be described. Versions
            are the neuron and its mirror image; of `tangents` and `tangents_twin` they are its points.
        keys: the content key of each neuron's features, in the order of the rows.
        failed: neuron -> why it could not be described.
    """

    paths: dict[str, Path]
    keys: tuple[str, ...]
    failed: dict[str, str]


class _Work(NamedTuple):
    swc: Path
    target: Path
    parameters: BaselineParameters


def describe_neurons(
    records: Sequence[Mapping[str, Any]],
    neuron_store: Path,
    store: Path,
    parameters: BaselineParameters,
    compute: ComputeParameters,
) -> Tables:
    """Describe every neuron, and its twin without axon and with constant radius.

    What was described under the same content and parameters is not described again. Memory holds one neuron a
    process, whatever their number.

    Args:
        records: of the index of neurons; row i of every table is that of records[i].
        neuron_store: the folder that their `swc` is relative to.
        store: where the features go.
        parameters: which features, points and frame.
        compute: how many processes.
    """
    deciding = parameters.model_dump(include={"features", "tangent_points", "frame_um"}, mode="json")
    keys = tuple(content_key("describe", VERSION, record["digest"], deciding) for record in records)
    files = {record["neuron_name"]: store / "neurons" / f"{record['neuron_name']}.npz" for record in records}
    items = (
        Item(name, key, _Work(neuron_store / record["swc"], files[name], parameters))
        for key, record in zip(keys, records, strict=True)
        for name in (record["neuron_name"],)
    )
    failed: dict[str, str] = {}
    for entry in run_items(
        items,
        _describe,
        ledger=Ledger(store / LEDGER),
        compute=compute,
        label="describing neurons",
        total=len(records),
        present=_Present(files),
    ):
        if entry.state == "failed":
            failed[entry.name] = entry.reason or "not described"
    found = [None if name in failed else file for name, file in files.items()]
    return Tables(_stacked(found, store / "tables"), keys, failed)


def describe(neuron: Neuron, parameters: BaselineParameters) -> dict[str, Array]:
    """All features of one neuron, table -> (versions, d) float32; `_twin` marks those of its twin."""
    forms = {"": neuron, "_twin": twin(neuron)}
    found: dict[str, Array] = {}
    if _wants(parameters, "traits"):
        found["traits"] = np.array([list(file_traits(neuron).values())], np.float32)
    if _wants(parameters, "persistence"):
        found["persistence_apart"] = apart_vector(neuron)[None]
    for suffix, form in forms.items():
        if _wants(parameters, "morphometrics"):
            found[f"morphometrics{suffix}"] = morphometric_vector(form)[None]
        if _wants(parameters, "persistence"):
            found[f"persistence{suffix}"] = persistence_vector(form)[None]
        if _wants(parameters, "tangents"):
            found[f"tangents{suffix}"] = tangents(form, parameters.tangent_points)
        if _wants(parameters, "pictures"):
            for name, frame_um in (("fixed", parameters.frame_um), ("fitted", None)):
                grey = picture(form, frame_um=frame_um, canvas=_canvas())
                found[f"hog_{name}{suffix}"] = gradients(grey)
    return {name: np.where(np.isfinite(values), values, np.nan) for name, values in found.items()}


def _wants(parameters: BaselineParameters, feature: Feature) -> bool:
    return feature in parameters.features


@cache
def _canvas() -> Any:
    """One canvas a process: clearing it costs less than making one."""
    from neuropil.rendering.rasteriser import Canvas

    return Canvas(PIXELS, PIXELS, 4)


def _describe(work: _Work) -> dict[str, Any]:
    found = describe(load_neuron(work.swc), work.parameters)
    with atomic_path(work.target) as part, open(part, "wb") as file:
        np.savez(file, **found)  # type: ignore[arg-type]
    return {"tables": sorted(found)}


class _Present:
    """Whether what an entry stands for is still on disk."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files

    def __call__(self, entry: Entry) -> bool:
        return self._files[entry.name].exists()


def _stacked(files: Sequence[Path | None], folder: Path) -> dict[str, Path]:
    """Write one table of all neurons a feature, row by row; a neuron without a file is a row of NaN."""
    first = next((file for file in files if file is not None), None)
    if first is None:
        return {}
    with np.load(first) as example:
        shapes = {name: example[name].shape for name in example.files}
    paths = {name: folder / f"{name}.npy" for name in shapes}
    for name, shape in shapes.items():
        with atomic_path(paths[name]) as part:
            table = open_memmap(part, "w+", np.float32, (len(files), *shape))
            for row, file in enumerate(files):
                if file is None:
                    table[row] = np.nan
                    continue
                with np.load(file) as arrays:
                    table[row] = arrays[name]
            table.flush()
            del table
    return paths
