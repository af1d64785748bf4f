"""What a classifier is told of a pair of regions: numbers made of the sums of `region_graph`."""

from __future__ import annotations

import numpy as np

from neuropil.compiled import compiled
from neuropil.em.agglomeration.region_graph import AREA, BINS, FAR, HISTOGRAM, SQUARES, SUM

QUANTILES = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
_PLAIN = 8 + len(QUANTILES)


def feature_count(distances: int, extra: bool) -> int:
    """How many numbers describe a pair."""
    return _PLAIN + 2 * distances + (2 if extra else 0)


@compiled
def describe(row, one, other, distances, extra, out):  # type: ignore[no-untyped-def]
    """Fill `out` with the features of a pair.

    Mean, standard deviation and quantiles of the near affinities; logarithms of contact area and of both sizes; the
    share of the smaller region's surface that the contact is (up to a factor); the mean affinity inside each region,
    the lower first; for each distance the mean of the far affinities and how many there are; the means of the extra
    ones. A mean of nothing is the near mean, so that it says nothing of its own.

    Args:
        row: columns of the pair.
        one, other: columns of its regions, in any order.
        distances, extra: as in `RegionGraph`.
        out: (feature_count,) float64.
    """
    area = max(row[AREA], 1.0)
    mean = row[SUM] / area
    small, large = min(one[0], other[0]), max(one[0], other[0])
    inside_one, inside_other = one[2] / max(one[1], 1.0), other[2] / max(other[1], 1.0)
    out[0] = mean
    out[1] = np.sqrt(max(row[SQUARES] / area - mean * mean, 0.0))
    out[2] = np.log1p(row[AREA])
    out[3], out[4] = np.log1p(small), np.log1p(large)
    out[5] = row[AREA] / max(small, 1.0) ** (2.0 / 3.0)
    out[6], out[7] = min(inside_one, inside_other), max(inside_one, inside_other)
    place = 8
    for wanted in QUANTILES:
        out[place] = _quantile(row, wanted * row[AREA])
        place += 1
    for column in range(FAR, FAR + 2 * distances, 2):
        out[place] = row[column + 1] / row[column] if row[column] > 0 else mean
        out[place + 1] = np.log1p(row[column])
        place += 2
    if extra:
        for column in range(FAR + 2 * distances, FAR + 2 * distances + 4, 2):
            out[place] = row[column + 1] / row[column] if row[column] > 0 else mean
            place += 1


@compiled
def _quantile(row, rank):  # type: ignore[no-untyped-def]
    """The affinity below which `rank` near pairs lie, evenly spread within a bin of the histogram."""
    below = 0.0
    for column in range(BINS):
        count = row[HISTOGRAM + column]
        if count > 0 and below + count >= rank:
            return (column + (rank - below) / count) / BINS
        below += count
    return 1.0
