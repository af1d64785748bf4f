"""A training that is killed goes on where it stopped, and ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from neuropil.training.checkpoints import network_weights, read_checkpoint
from neuropil.training.fit import Trained
from training import tiny_training
from training.tiny_training import train


def _same(one: Trained, other: Trained) -> bool:
    for name in ("best", "last"):
        a, b = (network_weights(read_checkpoint(getattr(trained, name))) for trained in (one, other))
        if a.keys() != b.keys() or not all(torch.equal(a[key], b[key]) for key in a):
            return False
    return one.history == other.history


def _kill_when(process: subprocess.Popen[bytes], begun: Path, lines: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if begun.exists() and len(begun.read_text().splitlines()) >= lines:
            break
        time.sleep(0.01)
    time.sleep(0.1)  # into the middle of the epoch
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_a_killed_training_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    folder = tmp_path / "killed"
    command = [sys.executable, tiny_training.__file__, str(folder), str(begun)]
    process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)
    _kill_when(process, begun, 3)
    assert process.returncode == -signal.SIGKILL
    assert not (folder / "training.json").read_text().count("finished")
    resumed = train(folder, begun=str(begun))
    assert resumed.resumed_at == 2 and not resumed.reused
    # Finished epochs are not repeated; the one that was cut is.
    assert [int(line) for line in begun.read_text().split()] == [0, 1, 2, 2, 3, 4, 5]
    assert _same(resumed, train(tmp_path / "undisturbed"))


def test_a_resumed_training_with_worker_processes_and_early_stopping_is_the_same(tmp_path: Path) -> None:
    options = {"workers": 1, "early_stopping": True, "patience": 2, "max_epochs": 4, "accumulate_grad_batches": 2}
    undisturbed = train(tmp_path / "a", **options)
    begun = tmp_path / "begun"
    _interrupt(tmp_path / "b", begun, at=2, **options)
    resumed = train(tmp_path / "b", **options)
    assert resumed.resumed_at == 2
    assert _same(resumed, undisturbed)


def test_a_training_that_ended_but_was_killed_before_it_said_so_is_not_trained_on(tmp_path: Path) -> None:
    first = train(tmp_path, max_steps=8)
    (tmp_path / "training.json").write_text("{}")
    begun = tmp_path / "begun"
    again = train(tmp_path, max_steps=8, begun=str(begun))
    assert not begun.exists()
    assert _same(first, again)


def test_a_damaged_last_checkpoint_starts_the_training_anew(tmp_path: Path) -> None:
    first = train(tmp_path / "a")
    history = first.history
    (tmp_path / "a" / "training.json").unlink()
    first.last.write_bytes(first.last.read_bytes()[:500])
    again = train(tmp_path / "a")
    assert again.resumed_at is None and again.history == history


class _StopError(Exception):
    pass


def _interrupt(folder: Path, begun: Path, *, at: int, **options: object) -> None:
    """Break the training off at the beginning of an epoch."""

    def stop(self: tiny_training.Line) -> None:
        if self.current_epoch == at:
            raise _StopError

    before = tiny_training.Line.on_train_epoch_start
    tiny_training.Line.on_train_epoch_start = stop  # type: ignore[method-assign]
    try:
        train(folder, **options)  # type: ignore[arg-type]
    except _StopError:
        pass
    finally:
        tiny_training.Line.on_train_epoch_start = before  # type: ignore[method-assign]
