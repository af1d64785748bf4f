"""Two plain classifiers on frozen features: nearest neighbours, and a linear machine whose cost is chosen in training.

Both see the features through their inner products only, so a table of any width is turned into a Gram matrix once and
all folds of all tasks are cut from that. A neuron may have several training vectors (mirror images, changed trees);
it is asked about by its first one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rat_cells import UNSEEN

from neuropil.evaluation.protocols import FoldSet
from neuropil.statistics.baselines import nearest_by_similarity
from neuropil.statistics.folds import Fold
from neuropil.statistics.intervals import balanced_accuracy

Labels = NDArray[np.int64]
COSTS = (1.0, 10.0, 100.0)
"""C of the linear machine, for features whose mean squared distance from their mean is 1."""

_INNER = 3  # folds in which the cost is chosen


class Gram(NamedTuple):
    """Inner products of all training vectors of n neurons.

    Attributes:
        products: (n v, n v) float32, row i v + j is vector j of neuron i.
        versions: v.
    """

    products: NDArray[np.float32]
    versions: int

    @classmethod
    def of(cls, vectors: NDArray[np.float32]) -> Gram:
        """Of a table (n, v, d), without NaN."""
        rows = np.ascontiguousarray(vectors.reshape(-1, vectors.shape[2]))
        return cls(rows @ rows.T, vectors.shape[1])

    def rows(self, places: Labels, *, first: bool = False) -> Labels:
        """The rows of some neurons: all of their vectors, or the first only."""
        offsets = np.arange(1 if first else self.versions)
        return (places[:, None] * self.versions + offsets).ravel()


def neighbours(gram: Gram, truth: Labels, fold: Fold, k: int) -> Labels:
    """The vote of the k most similar training neurons by cosine; a neuron is as similar as its best vector."""
    length = np.sqrt(np.maximum(gram.products.diagonal(), 1e-12))
    test, train = gram.rows(fold.test, first=True), gram.rows(fold.train)
    cosine = gram.products[np.ix_(test, train)] / length[test][:, None] / length[train]
    return nearest_by_similarity(cosine.reshape(len(test), len(fold.train), -1).max(axis=2), truth[fold.train], k=k)


def linear(gram: Gram, truth: Labels, fold: Fold, groups: Sequence[str], *, whole_groups: bool) -> Labels:
    """A linear support vector machine, classes weighted alike, its cost chosen within the training neurons.

    Args:
        gram: of the features.
        truth: (n,) class of each neuron.
        fold: what is fitted and asked.
        groups: of each neuron; none is on both sides of an inner division.
        whole_groups: leave out one group at a time (laboratories); else folds of groups (days).
    """
    known = truth[fold.train]
    if len(np.unique(known)) < 2:
        return np.full(len(fold.test), known[0], np.int64)
    cost = _cost(gram, truth, fold.train, np.array(groups)[fold.train], whole_groups)
    train = gram.rows(fold.train)
    return _fitted(gram, train, np.repeat(known, gram.versions), gram.rows(fold.test, first=True), cost)


def _cost(gram: Gram, truth: Labels, places: Labels, groups: NDArray[Any], whole_groups: bool) -> float:
    """The cost with the best mean balanced accuracy over inner divisions of the plain vectors; of equals the least."""
    from sklearn.model_selection import LeaveOneGroupOut, StratifiedGroupKFold

    known, rows = truth[places], gram.rows(places, first=True)
    if len(np.unique(groups)) < 2:
        return 1.0
    divider = LeaveOneGroupOut() if whole_groups else StratifiedGroupKFold(_INNER, shuffle=True, random_state=0)
    scores = np.zeros(len(COSTS))
    for train, test in divider.split(rows, known, groups):
        if len(np.unique(known[train])) < 2:
            continue
        for number, cost in enumerate(COSTS):
            scores[number] += balanced_accuracy(known[test], _fitted(gram, rows[train], known[train], rows[test], cost))
    return COSTS[int(scores.argmax())]


def _fitted(gram: Gram, train: Labels, known: Labels, test: Labels, cost: float) -> Labels:
    from sklearn.svm import SVC

    products = gram.products[np.ix_(train, train)].astype(np.float64)
    spread = max(float(products.diagonal().mean() - products.mean()), 1e-12)
    machine = SVC(kernel="precomputed", C=cost, class_weight="balanced", cache_size=500)
    machine.fit(products / spread, known)
    found = machine.predict(gram.products[np.ix_(test, train)].astype(np.float64) / spread)
    return np.asarray(found, np.int64)


def answers(
    gram: Gram, one: FoldSet, run: int, seeds: int, *, k: int, days: Sequence[str], labs: Sequence[str]
) -> dict[str, list[Labels]]:
    """What both classifiers answer to a task in the run of one seed, an array a fold.

    Args:
        gram: of the features.
        one: task and folds.
        run, seeds: which run of how many.
        k: neighbours.
        days, labs: recording day and laboratory of each neuron.
    """
    unseen = one.protocol == UNSEEN
    groups = labs if unseen else days
    folds = one.runs(seeds)[run]
    return {
        "k-NN": [neighbours(gram, one.truth, fold, k) for fold in folds],
        "linear": [linear(gram, one.truth, fold, groups, whole_groups=unseen) for fold in folds],
    }
