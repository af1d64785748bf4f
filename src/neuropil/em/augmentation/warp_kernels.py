"""The kernel that moves a patch along a displacement field."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled


@compiled
def pulled(
    raw: NDArray[np.float32], field: NDArray[np.float32], out: NDArray[np.float32], source: NDArray[np.int64]
) -> None:
    """Fill `out` (z, y, x) with raw at each voxel's place plus displacement, and `source` with the nearest voxel.

    `raw` is as large as `out` or larger, their middles are one. Grey values are interpolated linearly and continue
    with those of the rim; `source` is the flat index of the nearest voxel of raw, -1 beyond the rim.
    """
    depth, height, width = raw.shape
    oz, oy, ox = (depth - out.shape[0]) // 2, (height - out.shape[1]) // 2, (width - out.shape[2]) // 2
    for z in range(out.shape[0]):
        for y in range(out.shape[1]):
            for x in range(out.shape[2]):
                pz, py, px = z + oz + field[0, z, y, x], y + oy + field[1, z, y, x], x + ox + field[2, z, y, x]
                nz, ny, nx = int(np.floor(pz + 0.5)), int(np.floor(py + 0.5)), int(np.floor(px + 0.5))
                inside = 0 <= nz < depth and 0 <= ny < height and 0 <= nx < width
                source[z, y, x] = (nz * height + ny) * width + nx if inside else -1
                pz, py, px = min(max(pz, 0), depth - 1), min(max(py, 0), height - 1), min(max(px, 0), width - 1)
                z0, y0, x0 = int(pz), int(py), int(px)
                z1, y1, x1 = min(z0 + 1, depth - 1), min(y0 + 1, height - 1), min(x0 + 1, width - 1)
                fz, fy, fx = pz - z0, py - y0, px - x0
                near = (raw[z0, y0, x0] * (1 - fx) + raw[z0, y0, x1] * fx) * (1 - fy)
                near += (raw[z0, y1, x0] * (1 - fx) + raw[z0, y1, x1] * fx) * fy
                if fz > 0:
                    far = (raw[z1, y0, x0] * (1 - fx) + raw[z1, y0, x1] * fx) * (1 - fy)
                    far += (raw[z1, y1, x0] * (1 - fx) + raw[z1, y1, x1] * fx) * fy
                    near += (far - near) * fz
                out[z, y, x] = near
