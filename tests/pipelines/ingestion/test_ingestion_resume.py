"""A run of ingestion that was killed goes on: the same bytes, and no finished file is repaired or measured again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from neuropil.work.index import read_lines
from sources.archived import zipped

COUNT = 300
SCRIPT = """
import sys
from pathlib import Path
from neuropil.compute import ComputeParameters
from neuropil.datasets import IndexDataset, TableDataset
from neuropil.pipelines.ingestion.nodes import find_duplicates, gather_neurons, measure_neurons, repair_neurons
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.parameters import NeuronSources

if __name__ == "__main__":
    cells, ws, compute = sys.argv[1], Path(sys.argv[2]), ComputeParameters(workers=int(sys.argv[3]))
    stores = [ws / name for name in ("raw", "neuromorpho", "allen")]
    raw = gather_neurons(["folder"], NeuronSources(folder={"path": cells}), HttpParameters(), 17, compute, *stores)
    repaired, facts, log, summary = repair_neurons(raw, ws / "raw", compute, ws / "neurons")
    neurons, metadata, duplicates = find_duplicates(repaired, facts, "report", compute, ws / "neurons")
    measures, profiles = measure_neurons(neurons, ws / "neurons", compute)
    indexes = {"neurons": neurons, "metadata": metadata, "log": log, "profiles": profiles, "copies": duplicates}
    for name, index in indexes.items():
        IndexDataset(str(ws / "out" / f"{name}.jsonl")).save(index)
    for name, index in {"measures": measures, "summary": summary}.items():
        TableDataset(str(ws / "out" / f"{name}.parquet")).save(index)
"""


def swc(number: int) -> str:
    radius = 0 if number % 7 == 3 else 1
    rows = [f"{n} 3 {n % 5} {n * (number + 1) / 10} {n % 3} {radius if n == 9 else 1} {n - 1}" for n in range(2, 30)]
    return "<html>" if number % 50 == 11 else "\n".join(["1 1 0 0 0 5 -1", *rows]) + "\n"


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cells")
    for number in range(COUNT - 50):
        (folder / f"cell_{number:03d}.swc").write_text(swc(number))
    zipped(folder / "more.zip", {f"cell_{n:03d}.swc": swc(n).encode() for n in range(COUNT - 50, COUNT)})
    return folder


def start(cells: Path, workspace: Path, workers: int, script: Path) -> subprocess.Popen[bytes]:
    script.write_text(SCRIPT)  # a file: spawned workers read it again
    command = [sys.executable, str(script), str(cells), str(workspace), str(workers)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def kill_when(process: subprocess.Popen[bytes], ledger: Path, lines: int) -> None:
    deadline = time.monotonic() + 120
    while not ledger.exists() or ledger.read_bytes().count(b"\n") < lines:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)


def contents(workspace: Path) -> dict[str, bytes]:
    files = [*(workspace / "neurons" / "swc").iterdir(), *(workspace / "out").iterdir()]
    return {path.name: path.read_bytes() for path in files}


def test_a_killed_run_goes_on_to_the_same_bytes_and_repeats_no_finished_file(cells: Path, tmp_path: Path) -> None:
    script, whole, broken = tmp_path / "run.py", tmp_path / "whole", tmp_path / "broken"
    assert start(cells, whole, 1, script).wait(200) == 0
    assert len(list(read_lines(whole / "out" / "log.jsonl"))) == COUNT
    ledgers = [broken / "neurons" / f"{step}.ledger.jsonl" for step in ("repair", "measure")]
    for ledger in ledgers:
        kill_when(start(cells, broken, 1, script), ledger, 100)
        assert 100 <= len(ledger.read_bytes().splitlines()) < COUNT - 6
    assert start(cells, broken, 2, script).wait(200) == 0
    for ledger in ledgers:
        done = Counter(entry["name"] for entry in read_lines(ledger) if entry["state"] == "done")
        assert len(done) == COUNT - 6 and set(done.values()) == {1}
    assert contents(broken) == contents(whole)
    assert not list(broken.rglob("*.part"))
