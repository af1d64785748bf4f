"""Plain features compared on the same neurons: with their twins, and where the laboratory was seen and unseen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuropil.evaluation.baselines import METRIC, TWIN, Answered
from neuropil.evaluation.comparisons import adjusted
from neuropil.evaluation.protocols import SEEN, UNSEEN
from neuropil.statistics.intervals import balanced_accuracy
from neuropil.statistics.paired import paired_over_seeds
from neuropil.statistics.scores import Comparison


def compare_twins(answered: Sequence[Answered], *, resamples: int, seed: int) -> list[Comparison]:
    """Every method minus its twin without axon and with constant radius, under every fold set.

    A method that is trained on mirror images too has a twin only; it is compared with none.

    Args:
        answered: of `baselines.answer_methods`.
        resamples: of the bootstrap over neurons and seeds, and permutations.
        seed: decides the draws.
    """
    by = {(one.folds.hash, one.method): one for one in answered}
    families: dict[str, list[Comparison]] = {}
    for one in answered:
        twin = by.get((one.folds.hash, one.method + TWIN))
        if twin is not None:
            row = _compared(one, twin, one.folds.title, (one.method, twin.method), one.folds.hash, resamples, seed)
            families.setdefault(one.folds.hash, []).append(row)
    return [row for family in families.values() for row in adjusted(family)]


def compare_protocols(answered: Sequence[Answered], *, resamples: int, seed: int) -> list[Comparison]:
    """Every method asked about laboratories that it never saw, minus the same about the same neurons with them seen.

    Args:
        answered, resamples, seed: as of `compare_twins`.
    """
    by = {(one.folds.label, one.folds.protocol, one.method): one for one in answered}
    families: dict[str, list[Comparison]] = {}
    for one in answered:
        seen = by.get((one.folds.label, SEEN, one.method))
        if one.folds.protocol != UNSEEN or seen is None or not np.array_equal(one.asked, seen.asked):
            continue
        task = f"{one.folds.title} against seen"
        names = (f"{one.method}, unseen", f"{one.method}, seen")
        split = f"{one.folds.hash} {seen.folds.hash}"
        families.setdefault(task, []).append(_compared(one, seen, task, names, split, resamples, seed))
    return [row for family in families.values() for row in adjusted(family)]


def _compared(
    first: Answered, second: Answered, task: str, names: tuple[str, str], split: str, resamples: int, seed: int
) -> Comparison:
    found = paired_over_seeds(
        balanced_accuracy, first.answers, second.answers, first.truth, resamples=resamples, seed=seed
    )
    return Comparison(
        task=task,
        metric=METRIC,
        first=names[0],
        second=names[1],
        difference=found.difference,
        low=found.low,
        high=found.high,
        p=found.p,
        p_holm=found.p,
        n=found.n,
        split=split,
        seeds=len(first.answers),
    )
