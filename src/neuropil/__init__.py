"""neuropil: from electron-microscopy volumes and neuron tracings to neurons found by plain text."""

import os

__version__ = "0.1.0"

# OpenMP's threads (torch's on a processor) wait for one another awake, by default for milliseconds. Beside other work
# the one that is waited for has no core then: the same training took 1.3 times as long (benchmarks/bench_waiting.py),
# and far longer where a virtual machine's host took cores away. A short wait costs nothing on a quiet machine. It is
# read when torch is loaded, so it stands here; what a user sets is kept.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")
