"""Which sections have labels at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neuropil.em.container import slabs

_WINDOW = 512


def labelled_shares(labels: Any, box: Sequence[Sequence[int]] | None = None) -> list[float]:
    """The share of voxels with an id above 0 in each section, in a window of up to 512 x 512 in the middle.

    Args:
        labels: ids, (z, y, x), an array or a dataset that is read sixteen sections at a time.
        box: ((z0, z1), (y0, y1), (x0, x1)), the voxels that are annotated; None = all.

    Returns:
        A share for each section of the box.
    """
    spans = list(box) if box else [(0, size) for size in labels.shape]
    (first, last), *plane = spans
    window = tuple(slice(middle, middle + min(stop - start, _WINDOW)) for start, stop in plane
                   for middle in [start + max(0, stop - start - _WINDOW) // 2])  # fmt: skip
    shares: list[float] = []
    for part in slabs(last - first):
        ids = np.asarray(labels[(slice(first + part.start, first + part.stop), *window)])
        shares += [round(float(np.count_nonzero(one) / one.size), 4) for one in ids]
    return shares
