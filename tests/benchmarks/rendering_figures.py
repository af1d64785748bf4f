"""All figures of rendering in docs/results.md, one benchmark after the other (about half an hour on two quiet cores).

    NEUROPIL_DATA=$DATA python tests/benchmarks/rendering_figures.py

Each benchmark prints the machine, its versions and its table; each can be run alone. One that cannot run here (no
OpenGL, no real cells) says why, and the others go on.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

BENCHMARKS = (
    ("bench_rendering.py", "--rounds", "3", "--random", "2"),
    ("compare_backends.py", "--neurons", "40", "--views", "4"),
    ("bench_online_views.py",),
    ("bench_rendering_scaling.py", "--neurons", "448"),
    ("bench_rendering_cache.py",),
    ("bench_rendering_memory.py",),
)


def main() -> int:
    """Run them all; the number of those that failed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])}
    failed = 0
    for script, *options in BENCHMARKS:
        print(f"\n## {script} {' '.join(options)}".rstrip(), flush=True)  # noqa: T201
        failed += subprocess.run([sys.executable, HERE / script, *options], env=environment).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
