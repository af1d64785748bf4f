"""The compiled loop that pools samples into pixels."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from neuropil.compiled import compiled

CLASS_COUNT = 6
_FARTHEST = 65535  # of a depth picture


@compiled
def pool(depth, classes, touched, tile_side, s, near, far, pooled_classes, pooled_depth, coverage, pixels):
    """Samples into pixels, and the touched samples back to background.

    A pixel has the class of most of its foreground samples, of equals the nearest; its depth is the mean over the
    samples of that class, from 1 at `near` to 65535 at `far`; its coverage is the share of its samples that are
    foreground, of 255, at least 1 where any is. `pixels` (6,) counts the pixels of each class.

    Only tiles of `tile_side` pixels that are marked in `touched` are looked at.
    """
    height, width = pooled_classes.shape
    step = (_FARTHEST - 1) / (far - near) if far > near else 0.0
    parts = np.empty((3, CLASS_COUNT))
    for tile in range(touched.size):
        tile_row, tile_column = tile // touched.shape[1], tile % touched.shape[1]
        if not touched[tile_row, tile_column]:
            continue
        touched[tile_row, tile_column] = 0
        for row in range(tile_row * tile_side, min(height, (tile_row + 1) * tile_side)):
            for column in range(tile_column * tile_side, min(width, (tile_column + 1) * tile_side)):
                # Nearly all pixels hold one class or none.
                best, samples, total, mixed = 0, 0, 0.0, False
                for i in range(row * s, row * s + s):
                    for j in range(column * s, column * s + s):
                        label = int(classes[i, j])
                        if label > 0:
                            mixed |= best > 0 and best != label
                            best = label
                            samples += 1
                            total += depth[i, j]
                if samples == 0:
                    continue
                mean = total / samples
                if mixed:
                    best, mean = _majority(depth, classes, row * s, column * s, s, parts)
                for i in range(row * s, row * s + s):
                    for j in range(column * s, column * s + s):
                        depth[i, j], classes[i, j] = math.inf, 0
                pooled_classes[row, column] = best
                pooled_depth[row, column] = min(max(1 + round((mean - near) * step), 1), _FARTHEST)
                coverage[row, column] = max(1, (510 * samples + s * s) // (2 * s * s))
                pixels[best] += 1
    pixels[0] = height * width - pixels[1:].sum()


@compiled
def _majority(depth, classes, row, column, s, parts):
    """Class and mean depth of a pixel with samples of several classes; `parts` (3, 6) is for its sums."""
    count, total, least = parts[0], parts[1], parts[2]
    count[:], total[:], least[:] = 0.0, 0.0, math.inf
    for i in range(row, row + s):
        for j in range(column, column + s):
            label = int(classes[i, j])
            if label > 0:
                count[label] += 1.0
                total[label] += depth[i, j]
                least[label] = min(least[label], np.float64(depth[i, j]))
    best = 0
    for label in range(1, CLASS_COUNT):
        if count[label] > count[best] or (count[label] == count[best] and least[label] < least[best]):
            best = label
    return best, total[best] / count[best]
