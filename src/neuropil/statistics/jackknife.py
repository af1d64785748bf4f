"""Intervals of figures that are no means over items: what changes when one part of the data is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def jackknife(
    parts: Sequence[T],
    combine: Callable[[Sequence[T]], T],
    statistic: Callable[[T], float],
    *,
    confidence: float = 0.95,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> tuple[float, float]:
    """The delete-one jackknife interval of a figure of all parts together (Tukey 1958; Efron & Stein 1981).

    For sub-volumes whose counts add up (contingency tables). A bootstrap of sub-volumes draws some twice and others
    not at all; figures that look at how ids are spread over the volume, such as variation of information, then see
    fewer objects than there are, and its interval lies beside the figure. Leaving out one part in turn
    hardly changes what there is to see.

    The variance is (n - 1) / n * sum (f_i - mean f)^2 over the figures f_i without part i; the interval is the figure
    +- t(n - 1) times its root. Parts must be alike in size and nearly independent: neurites that run through several
    make it somewhat too narrow.

    Args:
        parts: at least two.
        combine: makes one of several.
        statistic: the figure of one.
        confidence: share of the intervals that hold the true figure.
        bounds: the figure's own limits, at which the interval ends.

    Returns:
        (low, high); (nan, nan) where the figure is not a number without some part.

    Raises:
        ValueError: there are fewer than two parts.
    """
    from scipy.stats import t

    n = len(parts)
    if n < 2:
        raise ValueError("a jackknife needs at least two parts")
    whole = statistic(combine(parts))
    without = np.array([statistic(combine([*parts[:i], *parts[i + 1 :]])) for i in range(n)])
    if not np.isfinite(without).all():
        return float("nan"), float("nan")
    error = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    reach = float(t.ppf(0.5 + confidence / 2, n - 1)) * error
    return float(max(bounds[0], whole - reach)), float(min(bounds[1], whole + reach))
