"""A run on a disk that fills up: one line, nothing half-written, and the same command goes on when there is room."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from neuropil.morphology.swc import load_neuron
from running import TINY, kedro

MANY = TINY.replace("cells_per_class=3", "cells_per_class=12")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of three megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a small tmpfs needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_is_one_line_and_leaves_nothing_half_written(small_disk: Path) -> None:
    done = kedro("run", "--pipeline", "ingestion", workspace=small_disk, parameters=MANY)
    assert done.returncode != 0
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    assert len(errors) == 1 and "the disk is full" in errors[0], done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    files = [path for path in small_disk.rglob("*") if path.is_file()]
    assert not [path for path in files if path.name.endswith(".part")]
    swc = [path for path in files if path.suffix == ".swc"]
    assert swc
    for path in swc:
        assert len(load_neuron(path)) > 10
    subprocess.run(["mount", "-o", "remount,size=60m", str(small_disk)], check=True)
    again = kedro("run", "--pipeline", "ingestion", workspace=small_disk, parameters=MANY)
    assert again.returncode == 0, again.stderr
    assert len(list((small_disk / "03_primary" / "neurons" / "swc").glob("*.swc"))) == 96
