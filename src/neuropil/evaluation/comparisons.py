"""Whether the trained embedding is better than each other method, on the same test neurons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from neuropil.evaluation.tasks import Task
from neuropil.evaluation.zero_shot import CLIP, OWN_CAPTION
from neuropil.statistics.intervals import balanced_accuracy
from neuropil.statistics.paired import holm, mcnemar, paired_difference
from neuropil.statistics.scores import Comparison

METRIC = "balanced accuracy"
EMBEDDING = "clip embedding"
"""How the names of the methods begin that classify by CLIP's embedding of a neuron with the help of labels."""

Answers = Mapping[str, NDArray[np.int64]]


def compare_methods(task: Task, found: Answers, *, resamples: int, seed: int, split: str) -> list[Comparison]:
    """Zero-shot CLIP against every other method, and what its embedding gives a plain classifier against the others.

    Args:
        task: classes and test neurons.
        found: method -> class indices of the test neurons, of `zero_shot.predictions`.
        resamples: of the bootstrap over neurons, and permutations.
        seed: decides the draws.
        split: the hash of the frozen split.

    Returns:
        Differences in balanced accuracy. The test of the permutations is adjusted over all rows of the task (Holm);
        McNemar's asks of how many neurons either method has right alone, whatever their class.
    """
    rows = []
    for first, second in pairs(found):
        both = (found[first], found[second])
        result = paired_difference(balanced_accuracy, *both, task.test_labels, resamples=resamples, seed=seed)
        right = [answers == task.test_labels for answers in both]
        rows.append(
            Comparison(
                task=task.title,
                metric=METRIC,
                first=first,
                second=second,
                difference=result.difference,
                low=result.low,
                high=result.high,
                p=result.p,
                p_holm=result.p,
                mcnemar=mcnemar(*right),
                n=result.n,
                split=split,
            )
        )
    return adjusted(rows)


def pairs(methods: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Which methods are compared: ours first. A neuron's own caption is a limit and no method: it is left out."""
    others = [name for name in methods if name not in (CLIP, OWN_CAPTION)]
    if CLIP in methods:
        yield from ((CLIP, other) for other in others)
    for ours in others:
        if ours.startswith(EMBEDDING):
            yield from ((ours, other) for other in others if not other.startswith(EMBEDDING))


def adjusted(rows: list[Comparison]) -> list[Comparison]:
    """The rows of one family, with `p_holm` of all of them together."""
    return [replace(row, p_holm=p) for row, p in zip(rows, holm([row.p for row in rows]), strict=True)]
