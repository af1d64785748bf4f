from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from neuropil.morphology.swc import write_swc
from neuropil.rendering.store import LEDGER
from neuropil.work.index import read_lines
from rendering.neurons import grown

SCRIPT = """
import sys
from pathlib import Path
from neuropil.compute import ComputeParameters
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.store import render_neurons
from neuropil.work.index import write_lines
from neuropil.work.keys import file_digest

neurons, store = Path(sys.argv[1]), Path(sys.argv[2])
records = [
    {"neuron_name": file.stem, "swc": file.name, "digest": file_digest(file)} for file in sorted(neurons.iterdir())
]
views = render_neurons(
    records,
    neuron_store=neurons,
    view_store=store,
    parameters=RenderingParameters(width=256, height=256, supersample_factor=2),
    compute=ComputeParameters(),
    seed=5,
)
write_lines(store / "views.jsonl", views)
"""


def start(neurons: Path, store: Path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(neurons), str(store)], stderr=subprocess.DEVNULL)


def pictures(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*.png")}


def test_a_killed_run_goes_on_to_the_same_bytes_and_repeats_no_finished_neuron(tmp_path: Path) -> None:
    count = 12
    for number in range(count):
        write_swc(grown(number, steps=800, name=f"n{number:02d}"), tmp_path / "swc" / f"n{number:02d}.swc")
    assert start(tmp_path / "swc", tmp_path / "whole").wait(120) == 0

    broken = tmp_path / "broken"
    process = start(tmp_path / "swc", broken)
    deadline = time.monotonic() + 120
    while not (broken / LEDGER).exists() or (broken / LEDGER).read_bytes().count(b"\n") < 3:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    done = [entry["name"] for entry in read_lines(broken / LEDGER)]
    assert 3 <= len(done) < count

    assert start(tmp_path / "swc", broken).wait(120) == 0
    names = [entry["name"] for entry in read_lines(broken / LEDGER)]
    assert names == [f"n{number:02d}" for number in range(count)]
    assert pictures(broken) == pictures(tmp_path / "whole")
    assert (broken / "views.jsonl").read_bytes() == (tmp_path / "whole" / "views.jsonl").read_bytes()
    assert not list(broken.rglob("*.part"))
