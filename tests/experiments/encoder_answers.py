"""What plain classifiers answer from frozen embeddings, and their figures over neurons and seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from encoder_units import Unit
from numpy.typing import NDArray
from rat_cells import UNSEEN, RatCells

from neuropil.evaluation.protocols import FoldSet
from neuropil.statistics.baselines import linear_probe, linear_svm, nearest_neighbours
from neuropil.statistics.intervals import balanced_accuracy
from neuropil.work.keys import content_key

NEIGHBOURS = 5
RESAMPLES = 1000
VIEWS = ("all views", "front views")
Labels = NDArray[np.int64]


class Reading(NamedTuple):
    """How an arm's embedding is read: which feature, which views, which classifier."""

    feature: str
    views: str
    probe: str

    def __str__(self) -> str:
        return f"{self.feature}, {self.views}, {self.probe}"


@dataclass(frozen=True)
class Answers:
    """What was answered for some neurons in one run: places of the neurons, the truth, the answers."""

    places: Labels
    truth: Labels
    given: Labels


Runs = list[Answers]


def answers(
    cells: RatCells,
    units: Sequence[Unit],
    one: FoldSet,
    title: str,
    reading: Reading,
    known: dict[str, list[int]] | None = None,
) -> Runs:
    """The answers of an arm to a task, a run a seed; runs whose folds are not all there are left out.

    Args:
        cells: all of them.
        units: of the arm, those that are trained.
        one: the labels, and the folds of unseen laboratories.
        title: the task, a key of `TITLES`.
        reading: how the embedding is read.
        known: answers of before by their key; what is worked out is added.
    """
    known = {} if known is None else known
    protocol = UNSEEN if title == UNSEEN else "thirds"
    folds: dict[int, list[Answers]] = {}
    for unit in units:
        if unit.protocol != protocol:
            continue
        seen, takes_part = np.isin(cells.names, unit.train), one.truth >= 0
        test = np.flatnonzero(~seen & takes_part)
        key = content_key(unit.key, unit.train, one.hash, reading)
        if key not in known:
            features = _features(unit, cells, reading)
            train = np.flatnonzero(seen & takes_part)
            known[key] = _answered(features, train, test, one.truth, reading).tolist()
        folds.setdefault(unit.run, []).append(Answers(test, one.truth[test], np.array(known[key], np.int64)))
    whole = len(one.folds) if protocol == UNSEEN else 1
    return [_joined(parts) for _, parts in sorted(folds.items()) if len(parts) == whole]


def figure(runs: Sequence[Answers], seed: int) -> tuple[float, float, float]:
    """Balanced accuracy, the mean of the runs, with a 95 % interval over neurons and runs.

    Each resample draws neurons, which count in every run that asks about them, and runs.
    """
    low, high = np.nanpercentile(_resampled([runs], seed)[:, 0], [2.5, 97.5])
    return float(np.mean([balanced_accuracy(run.truth, run.given) for run in runs])), float(low), float(high)


def difference(first: Runs, second: Runs, seed: int) -> tuple[float, float, float]:
    """First minus second over the runs that both have, on the same neurons, with its 95 % interval."""
    both = min(len(first), len(second))
    drawn = _resampled([first[:both], second[:both]], seed)
    low, high = np.nanpercentile(drawn[:, 0] - drawn[:, 1], [2.5, 97.5])
    means = [np.mean([balanced_accuracy(run.truth, run.given) for run in of[:both]]) for of in (first, second)]
    return float(means[0] - means[1]), float(low), float(high)


def _resampled(methods: Sequence[Sequence[Answers]], seed: int) -> NDArray[np.float64]:
    """[RESAMPLES, methods]: the mean figure of each method on the same draws of neurons and runs."""
    neurons = np.unique(np.concatenate([run.places for run in methods[0]]))
    rng = np.random.default_rng([seed, len(neurons), RESAMPLES])
    found = np.empty((RESAMPLES, len(methods)))
    for row in found:
        counts = np.zeros(neurons[-1] + 1, np.int64)
        np.add.at(counts, neurons[rng.integers(0, len(neurons), len(neurons))], 1)
        drawn = rng.integers(0, len(methods[0]), len(methods[0]))
        for column, runs in enumerate(methods):
            row[column] = np.mean([_weighted(runs[run], counts[runs[run].places]) for run in drawn])
    return found


def _weighted(run: Answers, counts: Labels) -> float:
    """Balanced accuracy where each neuron counts so often."""
    size = int(run.truth.max()) + 1
    totals = np.bincount(run.truth, counts, size)
    right = np.bincount(run.truth, counts * (run.truth == run.given), size)
    return float((right[totals > 0] / totals[totals > 0]).mean())


def _features(unit: Unit, cells: RatCells, reading: Reading) -> NDArray[np.float32]:
    """[cells, versions, d]; zeros for a cell of which there is no picture (a twin of an axon alone)."""
    with np.load(unit.embeddings) as table:
        values = table[reading.feature]
        place = {str(name): row for row, name in enumerate(table["neuron_name"])}
    if reading.feature != "hog":
        values = values[:, [VIEWS.index(reading.views)]]
    found = np.zeros((len(cells), *values.shape[1:]), np.float32)
    for row, name in enumerate(cells.names):
        if name in place:
            found[row] = values[place[name]]
    return found


def _answered(features: NDArray[np.float32], train: Labels, test: Labels, truth: Labels, reading: Reading) -> Labels:
    versions = 2 if "mirrored" in reading.views else 1
    labels = np.repeat(truth[train], versions)
    seen = features[train, :versions].reshape(-1, features.shape[2])
    present, numbers = np.unique(labels, return_inverse=True)  # a fold may train on some of the classes only
    if reading.probe == "5-NN":
        given = nearest_neighbours(seen, numbers, features[test, 0], k=NEIGHBOURS)
    else:
        probe = linear_svm if reading.feature == "hog" else linear_probe
        given = probe(seen, numbers, features[test, 0])
    return np.asarray(present[given], np.int64)


def _joined(parts: Iterable[Answers]) -> Answers:
    columns = zip(*((part.places, part.truth, part.given) for part in parts), strict=True)
    places, truth, given = (np.concatenate(column) for column in columns)
    order = np.argsort(places)
    return Answers(places[order], truth[order], given[order])
