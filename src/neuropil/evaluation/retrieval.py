"""Retrieval between texts and neurons, where every item that the query is true of counts as a hit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RECALL_AT = (1, 5, 10)
Mask = NDArray[np.bool_]


def useful_queries(mask: Mask) -> Mask:
    """Queries [q] that can be answered well or badly: some items [q, n] are hits and some are not."""
    relevant = mask.sum(1)
    useful: Mask = (relevant > 0) & (relevant < mask.shape[1])
    return useful


def per_query(similarity: NDArray[np.floating], mask: Mask) -> dict[str, NDArray[np.float64]]:
    """The figures of each query.

    Args:
        similarity: [queries, items], higher is nearer.
        mask: [queries, items], the hits; every query has one at least.

    Returns:
        "R@1", "R@5", "R@10" (0 or 1: a hit among the first k), "rank" (of the first hit, from 1), "MRR" (its
        reciprocal), "mAP" (average precision over all hits). Ties are ordered against the query.
    """
    order = np.lexsort((mask, -similarity), axis=1)
    hits = np.take_along_axis(mask, order, axis=1)
    places = np.arange(1, mask.shape[1] + 1)
    rank = hits.argmax(1) + 1.0
    precision = hits.cumsum(1) / places
    figures = {f"R@{k}": (rank <= k).astype(np.float64) for k in RECALL_AT}
    return figures | {"rank": rank, "MRR": 1 / rank, "mAP": (precision * hits).sum(1) / hits.sum(1)}


def per_query_chance(mask: Mask) -> dict[str, NDArray[np.float64]]:
    """The expected figures of each query under a random order of the items, in closed form.

    With n items and r hits the first hit lies beyond k with probability C(n-r, k) / C(n, k); the expected
    average precision is (H_n + (n - H_n) (r - 1) / (n - 1)) / n, H_n the n-th harmonic number.
    """
    n = mask.shape[1]
    relevant = mask.sum(1).astype(np.float64)
    beyond = first_hit_beyond(n, relevant)
    figures = {f"R@{k}": 1 - beyond[:, min(k, n)] for k in RECALL_AT}
    mrr = ((beyond[:, :-1] - beyond[:, 1:]) / np.arange(1, n + 1)).sum(1)
    harmonic = (1 / np.arange(1, n + 1)).sum()
    precision = (harmonic + (n - harmonic) * (relevant - 1) / max(1, n - 1)) / n
    return figures | {"MRR": mrr, "mAP": precision}


def first_hit_beyond(n: int, relevant: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities [queries, n + 1] that the first of `relevant` hits among n lies beyond place 0, 1, ..., n."""
    places = np.arange(n)
    factors = np.clip((n - relevant[:, None] - places) / (n - places), 0, 1)
    return np.hstack([np.ones((len(relevant), 1)), factors.cumprod(1)])


def median_rank_chance(mask: Mask) -> float:
    """The median, over queries and random orders, of the first hit's rank."""
    within = 1 - first_hit_beyond(mask.shape[1], mask.sum(1).astype(np.float64)).mean(0)
    return float(np.argmax(within >= 0.5))


def summary(similarity: NDArray[np.floating], mask: Mask) -> dict[str, dict[str, float]]:
    """Every figure over the queries beside what chance reaches with the same hits.

    Returns:
        For "R@1", "R@5", "R@10", "MRR", "mAP" and "median rank": {"score", "chance"}.
    """
    found, expected = per_query(similarity, mask), per_query_chance(mask)
    figures = {
        name: {"score": float(found[name].mean()), "chance": float(chance.mean())} for name, chance in expected.items()
    }
    median = {"score": float(np.median(found["rank"])), "chance": median_rank_chance(mask)}
    return figures | {"median rank": median}
