"""Features that nothing learnt, scored: each with a plain classifier, under every protocol, over several seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.compute import ComputeParameters
from neuropil.evaluation.parameters import EvaluationParameters, Feature
from neuropil.evaluation.protocols import UNSEEN, FoldSet
from neuropil.statistics.baselines import (
    linear_svm,
    majority,
    nearest_by_similarity,
    nearest_neighbours,
    random_forest,
)
from neuropil.statistics.folds import Fold
from neuropil.statistics.intervals import balanced_accuracy
from neuropil.statistics.paired import over_seeds
from neuropil.statistics.scores import Score
from neuropil.work.items import Item, run_items
from neuropil.work.keys import content_key
from neuropil.work.ledger import Ledger

VERSION = 1
"""Part of every answer's key: raise it when a classifier would answer otherwise."""

LEDGER = "answers.ledger.jsonl"
MAJORITY, NEIGHBOURS, LINEAR, FOREST, SIMILARITY = "majority", "neighbours", "linear", "forest", "similarity"
METRIC = "balanced accuracy"
TWIN = " (twin)"
Labels = NDArray[np.int64]


class Method(NamedTuple):
    """A table of features with a classifier.

    Attributes:
        name: as it stands in the scores; {k} is the number of neighbours, and a twin ends in ` (twin)`.
        feature: the group of features that it belongs to; None for one that needs none.
        table: of `baseline_features.Tables`, or a similarity table.
        probe: `majority`, `neighbours`, `linear`, `forest` or `similarity`.
        mirrored: train on mirror images too.
    """

    name: str
    feature: Feature | None
    table: str | None
    probe: str
    mirrored: bool = False


METHODS = (
    Method("majority", None, None, MAJORITY),
    Method("file traits, no shape + random forest", "traits", "traits", FOREST),
    Method("morphometrics, Sholl, Strahler + random forest", "morphometrics", "morphometrics", FOREST),
    Method(f"morphometrics, Sholl, Strahler + random forest{TWIN}", "morphometrics", "morphometrics_twin", FOREST),
    Method("persistence image + {k}-NN", "persistence", "persistence", NEIGHBOURS),
    Method(f"persistence image + {{k}}-NN{TWIN}", "persistence", "persistence_twin", NEIGHBOURS),
    Method("persistence images of dendrites and axon + random forest", "persistence", "persistence_apart", FOREST),
    Method("tangent similarity + {k}-NN", "tangents", "tangents_similarity", SIMILARITY),
    Method(f"tangent similarity + {{k}}-NN{TWIN}", "tangents", "tangents_twin_similarity", SIMILARITY),
    Method("HOG, fixed scale + {k}-NN", "pictures", "hog_fixed", NEIGHBOURS),
    Method(f"HOG, fixed scale + {{k}}-NN{TWIN}", "pictures", "hog_fixed_twin", NEIGHBOURS),
    Method("HOG, fixed scale + linear SVM", "pictures", "hog_fixed", LINEAR),
    Method(f"HOG, fixed scale + linear SVM{TWIN}", "pictures", "hog_fixed_twin", LINEAR),
    Method(f"HOG, fixed scale, mirrored too + linear SVM{TWIN}", "pictures", "hog_fixed_twin", LINEAR, True),
    Method("HOG, fitted + {k}-NN", "pictures", "hog_fitted", NEIGHBOURS),
    Method("HOG, fitted + linear SVM", "pictures", "hog_fitted", LINEAR),
    Method(f"HOG, fitted + linear SVM{TWIN}", "pictures", "hog_fitted_twin", LINEAR),
)
"""All that is tried; nothing is chosen among them."""


class _Work(NamedTuple):
    table: Path | None
    probe: str
    mirrored: bool
    folds: tuple[Fold, ...]
    truth: Labels
    neighbours: int
    seed: int


def answer_folds(work: _Work) -> list[Labels]:
    """The class index that a method gives each test neuron, an array a fold."""
    from threadpoolctl import threadpool_limits

    table = None if work.table is None else np.load(work.table, mmap_mode="r")
    with threadpool_limits(1):  # processes are the parallelism; small matrices in threads take longer
        return [_answers(work, table, fold) for fold in work.folds]


def _answers(work: _Work, table: NDArray[np.float32] | None, fold: Fold) -> Labels:
    # Classifiers take class numbers without gaps: a fold may train on some of the classes only.
    present, known = np.unique(work.truth[fold.train], return_inverse=True)
    if table is None:
        found = majority(known, len(fold.test))
    elif len(present) < 2:
        found = np.zeros(len(fold.test), np.int64)
    elif work.probe == SIMILARITY:
        found = nearest_by_similarity(np.nan_to_num(table[fold.test][:, fold.train]), known, k=work.neighbours)
    else:
        train, test = table[fold.train], table[fold.test][:, 0]
        versions = train.shape[1] if work.mirrored else 1
        train, known = train[:, :versions].reshape(-1, train.shape[2]), np.repeat(known, versions)
        found = _probe(work, train, known, test)
    return np.asarray(present[found], np.int64)


def _probe(work: _Work, train: NDArray[np.float32], known: Labels, test: NDArray[np.float32]) -> Labels:
    if work.probe == NEIGHBOURS:
        return nearest_neighbours(np.nan_to_num(train), known, np.nan_to_num(test), k=work.neighbours)
    if work.probe == LINEAR:
        return linear_svm(train, known, test)
    return random_forest(train, known, test, seed=work.seed)


def _run(work: _Work) -> dict[str, Any]:
    return {"answers": [answers.tolist() for answers in answer_folds(work)]}


class Answered(NamedTuple):
    """What a method said under a fold set.

    Attributes:
        folds: the fold set.
        method: the method's name, as it stands in the scores.
        asked: (n,) places of the neurons that were asked about, ascending.
        answers: a seed: (n,) class index of each.
    """

    folds: FoldSet
    method: str
    asked: Labels
    answers: list[Labels]

    @property
    def truth(self) -> Labels:
        """(n,) true class index of each."""
        return self.folds.truth[self.asked]


def answer_methods(
    sets: Sequence[FoldSet],
    tables: dict[str, Path],
    keys: Sequence[str],
    store: Path,
    *,
    evaluation: EvaluationParameters,
    compute: ComputeParameters,
    seed: int,
) -> list[Answered]:
    """The answers of every method whose table there is, under every fold set.

    A method, a fold set and a seed are one item: answered once under the same features and folds.

    Args:
        sets: frozen folds with their labels.
        tables: name -> .npy, rows as the neurons of the sets.
        keys: the content key of each row.
        store: where the ledger of answers stands.
        evaluation: neighbours, seeds.
        compute: how many processes.
        seed: the root seed.

    Returns:
        One a fold set and method, in that order; a method that failed under a seed is left out.
    """
    methods = [method for method in METHODS if method.table is None or method.table in tables]
    seeds = evaluation.baselines.seeds
    plan = [(one, method) for one in sets for method in methods]
    features = content_key(keys, evaluation.baselines.tangent_um)
    items = [
        Item(_name(one, method, run), _key(work, one.hash, features), work)
        for one, method in plan
        for run, work in _works(one, method, tables, evaluation, seed)
    ]
    given: dict[str, list[Labels]] = {}
    for entry in run_items(
        items, _run, ledger=Ledger(store / LEDGER), compute=compute, label="scoring baselines", total=len(items)
    ):
        if entry.state == "done":
            given[entry.name] = [np.array(one, np.int64) for one in entry.result["answers"]]
    answered = []
    for one, method in plan:
        # Of a method without chance, under folds that no seed changes, one answer is that of every seed.
        alike = one.protocol == UNSEEN and method.probe != FOREST
        answers = [given.get(_name(one, method, 0 if alike else run)) for run in range(seeds)]
        whole = [answer for answer in answers if answer is not None]
        if len(whole) == seeds:
            answered.append(_answered(one, method.name.format(k=evaluation.neighbours), whole))
    return answered


def score_methods(answered: Sequence[Answered], *, resamples: int, seed: int) -> list[Score]:
    """Balanced accuracy of each, the mean of the seeds.

    The interval holds the choice of neurons and the seed (`statistics.paired.over_seeds`); a neuron counts once a
    seed. `split` is the hash of the frozen folds.
    """
    rows = []
    for one in answered:
        found = over_seeds(balanced_accuracy, one.answers, one.truth, resamples=resamples, seed=seed)
        rows.append(
            Score(
                task=one.folds.title,
                metric=METRIC,
                method=one.method,
                score=found.mean,
                low=found.low,
                high=found.high,
                chance=1 / len(one.folds.classes),
                n=len(one.asked),
                split=one.folds.hash,
                seeds=found.seeds,
            )
        )
    return rows


def _works(
    one: FoldSet, method: Method, tables: dict[str, Path], evaluation: EvaluationParameters, seed: int
) -> Iterator[tuple[int, _Work]]:
    runs = one.runs(evaluation.baselines.seeds)
    if one.protocol == UNSEEN and method.probe != FOREST:
        runs = runs[:1]
    for run, folds in enumerate(runs):
        table = None if method.table is None else tables[method.table]
        yield (
            run,
            _Work(
                table,
                method.probe,
                method.mirrored,
                tuple(folds),
                one.truth,
                evaluation.neighbours,
                (seed + run) % 2**32,
            ),
        )


def _name(one: FoldSet, method: Method, run: int) -> str:
    return f"{one.label} {one.protocol}, {method.name}, {run}"


def _key(work: _Work, folds: str, features: str) -> str:
    table = None if work.table is None else work.table.name
    how = (work.probe, work.mirrored, work.neighbours, work.seed)
    return content_key(VERSION, folds, [fold.name for fold in work.folds], features, table, how)


def _answered(one: FoldSet, method: str, answers: Sequence[Sequence[Labels]]) -> Answered:
    """The answers of all folds of a seed in one array, in the order of the neurons."""
    runs = one.runs(len(answers))
    asked = np.sort(np.concatenate([fold.test for fold in runs[0]]))
    columns = []
    for folds, given in zip(runs, answers, strict=True):
        column = np.empty(len(asked), np.int64)
        column[np.searchsorted(asked, np.concatenate([fold.test for fold in folds]))] = np.concatenate(list(given))
        columns.append(column)
    return Answered(one, method, asked, columns)
