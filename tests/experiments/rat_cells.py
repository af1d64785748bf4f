"""The 348 real rat cells of the experiments: repaired trees, labels, where each is from, and the divisions to score by.

What every experiment on them shares, so that their figures can stand beside each other:

    cells = load_cells(Path(data, "swc", "rat_s1"))         # names sorted; row i of any table is cells.names[i]
    sets = protocols(cells)                                 # frozen folds: task x (grouped, inside, unseen)
    one = task(sets, "mtype", UNSEEN)
    for run, folds in enumerate(one.runs(SEEDS)):           # a run a seed
        for fold in folds:                                  # fit on fold.train, answer fold.test
            answers = ...                                   # class indices as in one.truth, -1 = takes no part
    columns = in_order(one, answers_of_runs)                # one array a run, row i to neuron asked(one)[i]
    over_seeds(balanced_accuracy, columns, one.truth[asked(one)])

`grouped` keeps cells of one laboratory and recording day together, `inside` is the same within Markram, `unseen` asks
about one laboratory by what the others taught (226 cells, four m-types). An encoder that is trained must be trained
anew for each fold of `unseen`, and for each of `thirds` (random divisions by laboratory and day, a third held back).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.captions.adapters import neuromorpho
from neuropil.errors import InputError
from neuropil.evaluation.parameters import BaselineParameters
from neuropil.evaluation.protocols import (
    GROUPED,
    INSIDE,
    UNSEEN,
    FoldSet,
    Origins,
    freeze_protocols,
    origins_of,
    thaw_protocols,
)
from neuropil.morphology.swc import load_neuron, neuron_name
from neuropil.morphology.tree import Neuron
from neuropil.statistics.folds import Fold, repeated_kfold

__all__ = [
    "GROUPED", "INSIDE", "LABELS", "SEEDS", "UNSEEN", "RatCells", "asked", "in_order", "load_cells", "protocols",
    "task", "thirds",
]  # fmt: skip

SEEDS = 3
"""Repeats of every random division."""

LABELS = ("cell_class", "layer", "mtype", "laboratory")
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class RatCells:
    """The cells, in the order of their names.

    Attributes:
        names: each once.
        files: the SWC file of each.
        neurons: the repaired tree of each; micrometres.
        metadata: the record of each as it stands in metadata.jsonl.
        origins: laboratory and recording day of each.
        labels: task -> the class of each, None where it has none; the tasks are `LABELS`.
    """

    names: tuple[str, ...]
    files: tuple[Path, ...]
    neurons: tuple[Neuron, ...]
    metadata: tuple[dict[str, Any], ...]
    origins: Origins
    labels: dict[str, tuple[str | None, ...]]

    def __len__(self) -> int:
        return len(self.names)


def load_cells(folder: Path) -> RatCells:
    """Read and repair all cells of a folder with `metadata.jsonl` and `swc/*.swc`.

    Raises:
        InputError: there is no such folder, or a file of it has no metadata.
    """
    table = folder / "metadata.jsonl"
    if not table.is_file():
        raise InputError(f"{table}: no such file; name the folder of the rat cells (--data $DATA/swc/rat_s1)")
    lines = table.read_text(encoding="utf-8").splitlines()
    records = {record["neuron_name"]: record for record in map(json.loads, lines)}
    files = {neuron_name(file): file for file in (folder / "swc").glob("*.swc")}
    names = tuple(sorted(files))
    unknown = [name for name in names if name not in records]
    if unknown or not names:
        raise InputError(f"{table}: {f'no record of {unknown[0]}' if unknown else 'no swc/*.swc beside it'}")
    metadata = tuple(records[name] for name in names)
    origins = origins_of(names, metadata)
    facts = [neuromorpho(record) for record in metadata]
    labels = {label: tuple(fact.label(label) for fact in facts) for label in LABELS if label != "laboratory"}
    labels["laboratory"] = tuple(origins.laboratories)
    neurons = tuple(load_neuron(files[name]) for name in names)
    return RatCells(names, tuple(files[name] for name in names), neurons, metadata, origins, labels)


def protocols(
    cells: RatCells, labels: Sequence[str] = LABELS, *, seeds: int = SEEDS, folds: int = 5, seed: int = 0
) -> list[FoldSet]:
    """Every task under every protocol that it allows, as the evaluation pipeline freezes them.

    With the defaults the folds, and so their hashes, are those of the baselines' table with the same root seed.
    """
    parameters = BaselineParameters(seeds=seeds, folds=folds)
    wanted = {label: cells.labels[label] for label in labels}
    document = freeze_protocols(cells.names, wanted, cells.origins, parameters=parameters, seed=seed)
    return thaw_protocols(document, set(cells.names), label="folds of the rat cells")


def task(sets: Sequence[FoldSet], label: str, protocol: str) -> FoldSet:
    """The one of that label and protocol."""
    return next(one for one in sets if (one.label, one.protocol) == (label, protocol))


def thirds(cells: RatCells, *, seeds: int = SEEDS, seed: int = 0) -> list[Fold]:
    """One division of all cells a seed: a third is held back, laboratories and days whole, m-types about even.

    For what costs too much to train five times a seed. Rare m-types (of fewer than three days) are one class here;
    that concerns only how cells are dealt out.
    """
    days: dict[str, set[Any]] = {}
    for place, (mtype, day) in enumerate(zip(cells.labels["mtype"], cells.origins.days, strict=True)):
        days.setdefault(str(mtype), set()).add(place if day is None else day)
    strata = [str(one) if len(days[str(one)]) >= 3 else "rare" for one in cells.labels["mtype"]]
    folds = repeated_kfold(strata, cells.origins.days, k=3, repeats=seeds, seed=seed)
    return folds[::3]


def asked(one: FoldSet) -> Labels:
    """Places of the neurons that a fold set asks about, ascending."""
    return np.unique(np.concatenate([fold.test for fold in one.folds]))


def in_order(one: FoldSet, runs: Sequence[Sequence[Labels]]) -> list[Labels]:
    """The answers of each run as one array, row i to neuron `asked(one)[i]`.

    Args:
        one: the fold set.
        runs: a run a seed, in it one array a fold, for that fold's test neurons.
    """
    places = asked(one)
    columns = []
    for folds, answers in zip(one.runs(len(runs)), runs, strict=True):
        column = np.empty(len(places), np.int64)
        column[np.searchsorted(places, np.concatenate([fold.test for fold in folds]))] = np.concatenate(list(answers))
        columns.append(column)
    return columns
