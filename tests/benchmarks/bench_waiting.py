"""What it costs that OpenMP's threads wait awake: the network of `laptop`, alone and beside other work.

    python tests/benchmarks/bench_waiting.py [--rounds 3] [--beside 2]

neuropil shortens that wait (GOMP_SPINCOUNT, `neuropil/__init__.py`) unless the environment says otherwise. Each round
runs a process with the default of OpenMP, one with the short wait and one with a single thread, first alone, then
beside `--beside` processes that do nothing but count. A process trains on cubes and predicts many small windows;
seconds are of the wall clock, without start and compilation. Figures are medians of the rounds, ratios to the short
wait.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

OWN = "BENCH_OWN_WAIT"
WAYS: dict[str, dict[str, str]] = {"OpenMP's own": {OWN: "1"}, "short wait": {}, "one thread": {"OMP_NUM_THREADS": "1"}}
TASKS = ("training", "windows")


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--beside", type=int, default=os.cpu_count())
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        sys.stdout.write(json.dumps(worked()))
        return
    lines = ["| | " + " | ".join(f"{task}, s" for task in TASKS) + " | to the short wait |", "|---|--:|--:|---|"]
    for title, count in (("alone", 0), (f"beside {asked.beside}", asked.beside)):
        with others(count):
            rounds = [{way: measured(way) for way in WAYS} for _ in range(asked.rounds)]
        found = {way: [median(one[way][task] for one in rounds) for task in TASKS] for way in WAYS}
        for way, seconds in found.items():
            ratios = ", ".join(f"{own / short:.2f}" for own, short in zip(seconds, found["short wait"], strict=True))
            lines.append(f"| {title}: {way} | {' | '.join(f'{one:.2f}' for one in seconds)} | {ratios} |")
    sys.stdout.write("\n".join(lines) + "\n")


def measured(way: str) -> dict[str, float]:
    """Seconds of each task in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    done = subprocess.run(
        [sys.executable, __file__, "--work"], env=environment | WAYS[way], capture_output=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def worked() -> dict[str, float]:
    """The tasks, in this process."""
    import neuropil

    assert neuropil.__version__
    if os.environ.get(OWN):
        del os.environ["GOMP_SPINCOUNT"]  # before torch is loaded
    import torch

    from neuropil.em.network import EmNetwork

    torch.manual_seed(0)
    network = EmNetwork(
        encoder_name="residual_unet", feature_size=16, num_classes=2, emb_dim=2, offsets=[(0, 0, 1)] * 12,
        spacing_nm=(10.0, 10.0, 10.0), spatial_dims=3,
    )  # fmt: skip
    optimizer = torch.optim.AdamW(network.parameters())
    cubes, windows = torch.randn(1, 1, 32, 32, 32), torch.randn(1, 1, 16, 24, 24)

    def train() -> None:
        optimizer.zero_grad()
        sum(output.mean() for output in network(cubes).values()).backward()
        optimizer.step()

    def predict() -> None:
        with torch.no_grad():
            network(windows)

    seconds = {}
    for task, one, count in (("training", train, 6), ("windows", predict, 60)):
        one()
        start = time.perf_counter()
        for _ in range(count):
            one()
        seconds[task] = time.perf_counter() - start
    return seconds


@contextmanager
def others(count: int) -> Iterator[None]:
    """Processes that do nothing but count, for the length of a block."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()


if __name__ == "__main__":
    main()
