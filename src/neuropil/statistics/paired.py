"""Whether one method is better than another on the same items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.statistics.intervals import bootstrap

Statistic = Callable[..., float]


@dataclass(frozen=True)
class Difference:
    """A figure of one method minus that of another.

    Attributes:
        difference: first minus second.
        low, high: its 95 % interval, bootstrap over the items.
        p: two-sided, of a permutation test: how often a difference as large arises when each item's two answers are
            exchanged at random. At least 1 / (permutations + 1).
        n: items.
    """

    difference: float
    low: float
    high: float
    p: float
    n: int


def paired_difference(
    statistic: Statistic,
    first: NDArray[Any],
    second: NDArray[Any],
    *shared: NDArray[Any],
    resamples: int = 1000,
    seed: int = 0,
) -> Difference:
    """Compare two methods on the same items: both are drawn together, so what is hard for both does not count.

    Args:
        statistic: called as statistic(*shared, answers); for balanced accuracy `shared` is the truth.
        first, second: the two methods' answers, row i of both to item i.
        shared: what the statistic needs besides, one row an item.
        resamples: of the bootstrap, and permutations.
        seed: decides the draws.

    Raises:
        ValueError: the arrays differ in length, or there are fewer than two items.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} answers: the methods must answer the same items")

    def difference(one: NDArray[Any], other: NDArray[Any], *rest: NDArray[Any]) -> float:
        return statistic(*rest, one) - statistic(*rest, other)

    low, high = bootstrap(difference, first, second, *shared, resamples=resamples, seed=seed)
    found = difference(first, second, *shared)
    rng = np.random.default_rng([seed, len(first), resamples, 1])
    extreme = 0
    for _ in range(resamples):
        swap = rng.random(len(first)) < 0.5
        shape = (-1, *(1,) * (first.ndim - 1))
        one = np.where(swap.reshape(shape), second, first)
        other = np.where(swap.reshape(shape), first, second)
        extreme += abs(difference(one, other, *shared)) >= abs(found) - 1e-12
    return Difference(found, low, high, (extreme + 1) / (resamples + 1), len(first))


def mcnemar(first_right: NDArray[np.bool_], second_right: NDArray[np.bool_]) -> float:
    """The exact two-sided p of McNemar's test (1947): items that only one of two methods has right.

    Args:
        first_right, second_right: whether each method has an item right.
    """
    from scipy.stats import binomtest

    if len(first_right) != len(second_right):
        raise ValueError(f"{len(first_right)} and {len(second_right)} items: the methods must answer the same ones")
    only_first = int((first_right & ~second_right).sum())
    only_second = int((second_right & ~first_right).sum())
    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second).pvalue)


@dataclass(frozen=True)
class OverSeeds:
    """A figure over several seeds.

    Attributes:
        mean: of the seeds.
        spread: their standard deviation (n - 1); NaN of one seed.
        low, high: 95 % interval that holds both the choice of items and the seed.
        seeds: how many.
    """

    mean: float
    spread: float
    low: float
    high: float
    seeds: int


def over_seeds(
    statistic: Statistic,
    answers: Sequence[NDArray[Any]],
    *shared: NDArray[Any],
    resamples: int = 1000,
    seed: int = 0,
) -> OverSeeds:
    """The mean figure of runs that differ in their seed alone, with an interval over items and seeds.

    Each resample draws items and, for each of as many runs as there are, one of the runs: the interval widens where
    runs disagree. Three seeds are the least for a figure that decides something.

    Args:
        statistic: called as statistic(*shared, answers of a run).
        answers: one array a run, row i to item i.
        shared: what the statistic needs besides, one row an item.
        resamples: of the bootstrap.
        seed: decides the draws.
    """
    figures = np.array([statistic(*shared, one) for one in answers])
    n = len(answers[0])
    if n < 2 or any(len(one) != n for one in (*answers, *shared)):
        raise ValueError("at least two items are needed, and arrays of one length")
    rng = np.random.default_rng([seed, n, resamples, 2])
    drawn = np.empty(resamples)
    for number in range(resamples):
        items = rng.integers(0, n, n)
        runs = rng.integers(0, len(answers), len(answers))
        drawn[number] = np.mean([statistic(*(one[items] for one in shared), answers[run][items]) for run in runs])
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    spread = float(figures.std(ddof=1)) if len(figures) > 1 else float("nan")
    return OverSeeds(float(figures.mean()), spread, float(low), float(high), len(figures))


def paired_over_seeds(
    statistic: Statistic,
    first: Sequence[NDArray[Any]],
    second: Sequence[NDArray[Any]],
    *shared: NDArray[Any],
    resamples: int = 1000,
    seed: int = 0,
) -> Difference:
    """Compare two methods on the same items and the same seeds, in the mean of the seeds.

    Each resample draws items and, for each of as many runs as there are, one of the runs, the same for both methods.
    The permutation test exchanges all answers of an item at once: its answers under several seeds are no several items.

    Args:
        statistic: called as statistic(*shared, answers of a run).
        first, second: the two methods' answers, one array a run, row i to item i; run k of both has the same seed.
        shared: what the statistic needs besides, one row an item.
        resamples: of the bootstrap, and permutations.
        seed: decides the draws.

    Raises:
        ValueError: the runs or items differ in number, or there are fewer than two items.
    """
    n, runs = len(first[0]), len(first)
    if len(second) != runs or any(len(one) != n for one in (*first, *second, *shared)):
        raise ValueError("the methods must answer the same items under the same seeds")
    if n < 2:
        raise ValueError("a comparison needs at least two items")
    one, other = np.stack(list(first)), np.stack(list(second))

    def difference(this: NDArray[Any], that: NDArray[Any], rest: Sequence[NDArray[Any]]) -> float:
        return float(np.mean([statistic(*rest, a) - statistic(*rest, b) for a, b in zip(this, that, strict=True)]))

    found = difference(one, other, shared)
    rng = np.random.default_rng([seed, n, resamples, 3])
    drawn, extreme = np.empty(resamples), 0
    for number in range(resamples):
        items, chosen = rng.integers(0, n, n), rng.integers(0, runs, runs)
        drawn[number] = difference(one[chosen][:, items], other[chosen][:, items], [part[items] for part in shared])
        swap = rng.random(n) < 0.5
        this, that = np.where(swap, other, one), np.where(swap, one, other)
        extreme += abs(difference(this, that, shared)) >= abs(found) - 1e-12
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return Difference(found, float(low), float(high), (extreme + 1) / (resamples + 1), n)


def holm(p: Sequence[float]) -> list[float]:
    """p values of several tests, adjusted so that one false claim among them stays as rare as promised (Holm 1979)."""
    adjusted, before = [0.0] * len(p), 0.0
    for rank, place in enumerate(sorted(range(len(p)), key=lambda place: p[place])):
        before = max(before, min(1.0, (len(p) - rank) * p[place]))
        adjusted[place] = before
    return adjusted
