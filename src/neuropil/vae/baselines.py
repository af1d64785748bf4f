"""What a silhouette gives away without a trained network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.views.access import ViewAccess

_SIDE = 64  # silhouettes are compared at this many blocks a side
_MOST = 4000  # training views that are compared with, evenly taken

Prediction = tuple[NDArray[np.int64], NDArray[np.float32]]


class Baselines:
    """Two predictions from a silhouette and the training views.

    "majority class, mean depth": inside the silhouette the most frequent foreground class and the mean depth of the
        training views.
    "nearest training view": classes and depth of the training view whose silhouette is the nearest (Hamming distance
    at 64 x 64 blocks), where both are foreground; the majority class and mean depth in the rest of the silhouette.
    Both are told the silhouette and never mistake the background.
    """

    def __init__(self, train: Sequence[Mapping[str, Any]], views: ViewAccess, classes: int) -> None:
        step = -(-len(train) // _MOST)
        self._views = views.open(train[::step])
        counts = np.zeros(classes)
        depth = np.zeros(2)
        silhouettes = []
        for number in range(len(self._views)):
            view = self._views[number]
            mask = view["mask"].numpy()
            counts += np.bincount(mask.ravel(), minlength=classes)
            inside = view["depth"].numpy()[mask > 0]
            depth += inside.sum(), inside.size
            silhouettes.append(_blocks(mask))
        self._silhouettes = np.stack(silhouettes)
        self._class = int(counts[1:].argmax()) + 1
        self._depth = np.float32(depth[0] / max(depth[1], 1))

    def majority(self, silhouette: NDArray[np.bool_]) -> Prediction:
        """Classes and depth [H, W] by the training views' majority and mean."""
        return np.where(silhouette, self._class, 0), np.where(silhouette, self._depth, np.float32(0))

    def nearest(self, silhouette: NDArray[np.bool_]) -> Prediction:
        """Classes and depth [H, W] of the nearest training view."""
        blocks = _blocks(silhouette)
        distances = (self._silhouettes != blocks).sum(axis=1)
        view = self._views[int(distances.argmin())]
        classes, depth = self.majority(silhouette)
        mask = view["mask"].numpy()
        if mask.shape != silhouette.shape:
            return classes, depth
        both = silhouette & (mask > 0)
        return np.where(both, mask, classes), np.where(both, view["depth"].numpy(), depth)


def _blocks(mask: NDArray) -> NDArray[np.bool_]:
    """Which blocks of the picture hold foreground, [64 * 64] (or of the pixels, where the picture is smaller)."""
    silhouette = mask > 0
    for axis in (0, 1):
        side = silhouette.shape[axis]
        starts = np.arange(min(side, _SIDE)) * side // min(side, _SIDE)
        silhouette = np.logical_or.reduceat(silhouette, starts, axis=axis)
    return silhouette.ravel()
