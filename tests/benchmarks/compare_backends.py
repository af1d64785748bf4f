"""How well the pyrender backend agrees with the analytic one, on real cells.

    NEUROPIL_DATA=$DATA PYTHONPATH=tests python tests/benchmarks/compare_backends.py [--neurons 20] [--views 4]

Cells from the smallest to the largest file, evenly; views evenly among the 24 of each; 512 and 256 pixels, both
projections, supersampling 2 and 4. For each setting the mean over all views and the worst of them.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

from neuropil.morphology.swc import load_neuron
from neuropil.rendering.backends import AnalyticBackend
from neuropil.rendering.cameras import place_cameras, rotation_towards
from neuropil.rendering.framing import fit_frames
from neuropil.rendering.opengl.backend import PyrenderBackend
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.segments import segments_of
from rendering.opengl import compare

SETTINGS = [(size, factor, kind) for size in (512, 256) for factor in (2, 4) for kind in ("ortho", "perspective")]
TARGETS = (("IoU", ">=", 0.95), ("astray", "<=", 0.001), ("classes", ">=", 0.997))


def agreements(files: list[Path], views: int, size: int, factor: int, projection: str) -> np.ndarray:
    """[view, 6]: IoU, astray, classes, median and 99th percentile of depth (pixels), visible."""
    parameters = RenderingParameters(width=size, height=size, supersample_factor=factor, projection=projection)
    analytic, pyrender = AnalyticBackend(size, size, factor), PyrenderBackend(size, size, factor)
    found = []
    for file in files:
        segments = segments_of(load_neuron(file))
        cameras = place_cameras(segments, file.stem, parameters, 0).cameras[:: max(1, parameters.views // views)]
        rotations = [rotation_towards(camera.direction) for camera in cameras[:views]]
        for frame in fit_frames(segments, rotations, parameters):
            one = compare(analytic.draw(segments, frame), pyrender.draw(segments, frame), frame)
            found.append((one.iou, one.astray, one.classes, *one.depth, one.visible))
    return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neurons", type=int, default=20)
    parser.add_argument("--views", type=int, default=4)
    arguments = parser.parse_args()
    data = os.environ.get("NEUROPIL_DATA")
    if not data:
        sys.exit("NEUROPIL_DATA must name the folder of real inputs (swc/*/swc/*.swc)")
    every = sorted(Path(data, "swc").rglob("*.swc"), key=lambda file: (file.stat().st_size, file.name))
    files = [every[round(place)] for place in np.linspace(0, len(every) - 1, arguments.neurons)]
    goals = " | ".join(f"{name} worst ({sign} {goal:g}), mean" for name, sign, goal in TARGETS)
    sys.stdout.write(f"| size, samples | {goals} | views below a goal | depth median, 99 % (px) | visible |\n")
    sys.stdout.write("|---" * 7 + "|\n")
    for size, factor, projection in SETTINGS:
        found = agreements(files, arguments.views, size, factor, projection)
        means, worst = found.mean(axis=0), (found[:, 0].min(), found[:, 1].max(), found[:, 2].min())
        missed = ((found[:, 0] < 0.95) | (found[:, 1] > 0.001) | (found[:, 2] < 0.997)).sum()
        cells = " | ".join(f"{low:.5f}, {mean:.5f}" for low, mean in zip(worst, means, strict=False))
        depth = f"{np.median(found[:, 3]):.4f}, {np.median(found[:, 4]):.2f}"
        label = f"{size}, {factor}, {projection}"
        sys.stdout.write(f"| {label} | {cells} | {missed} of {len(found)} | {depth} | {found[:, 5].max():.3f} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
