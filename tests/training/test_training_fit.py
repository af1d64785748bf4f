"""What a training keeps, reuses, stops for and says."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import torch

from neuropil.errors import InputError
from neuropil.training.checkpoints import load_hyperparameters, load_network, read_checkpoint, write_checkpoint
from neuropil.training.loaders import EpochLoader
from neuropil.training.parameters import TrainingParameters
from neuropil.training.seeding import derived_seed, seeded
from training.tiny_training import SEED, Line, Points, train


def test_a_finished_training_is_returned_at_once(tmp_path: Path) -> None:
    first = train(tmp_path)
    begun = tmp_path / "begun"
    second = train(tmp_path, begun=str(begun))
    assert second.reused and not begun.exists()
    assert second.history == first.history and second.best == first.best


def test_another_key_or_length_trains_anew(tmp_path: Path) -> None:
    train(tmp_path)
    assert not train(tmp_path, key="b").reused
    assert train(tmp_path, key="b", max_epochs=2).epochs == 2


def test_the_best_checkpoint_is_of_the_epoch_with_the_least_validation_loss(tmp_path: Path) -> None:
    trained = train(tmp_path, rate=0.5)
    best = min(trained.history, key=lambda record: record["val/loss"])
    assert read_checkpoint(trained.best)["epoch"] == best["epoch"]
    assert "optimizer_states" not in read_checkpoint(trained.best)


def test_without_validation_the_last_epoch_is_the_best(tmp_path: Path) -> None:
    trained = train(tmp_path, validation=False, max_epochs=3)
    best, last = read_checkpoint(trained.best), read_checkpoint(trained.last)
    assert all(torch.equal(best["state_dict"][name], last["state_dict"][name]) for name in best["state_dict"])
    assert "val/loss" not in trained.history[0]


def test_early_stopping_ends_after_patience_and_needs_validation(tmp_path: Path) -> None:
    trained = train(tmp_path / "a", early_stopping=True, patience=1, max_epochs=50, rate=1e-9)
    assert trained.epochs < 50
    with pytest.raises(InputError, match="early_stopping needs validation"):
        train(tmp_path / "b", early_stopping=True, validation=False)


def test_max_steps_overrides_epochs_and_the_last_epoch_is_validated(tmp_path: Path) -> None:
    trained = train(tmp_path, max_steps=8, max_epochs=1)
    assert [record["step"] for record in trained.history] == [6, 8]
    assert "val/loss" in trained.history[-1]
    assert trained.history[-1]["lr"] == pytest.approx(0, abs=1e-9)  # the cosine ends where the training ends


def test_a_fast_dev_run_leaves_a_checkpoint(tmp_path: Path) -> None:
    trained = train(tmp_path, fast_dev_run=True)
    assert trained.history[0]["step"] == 1
    network = Line().network
    load_network(network, read_checkpoint(trained.best), trained.best)
    assert load_hyperparameters(trained.best) == {"rate": 0.05}


def test_a_loss_that_runs_away_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^line: .*no longer a finite number.*`lr`"):
        train(tmp_path, rate=1e30)


def test_a_device_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(InputError, match=r"^line:"):
        train(tmp_path, accelerator="gpu")


def test_training_says_nothing_but_its_bar(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train(tmp_path, max_epochs=2)
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.strip().splitlines()) == 1 and err.startswith("line") and "loss: train" in err
    assert [str(warning.message) for warning in caught] == []


def test_history_on_disk_is_the_history(tmp_path: Path) -> None:
    trained = train(tmp_path, max_epochs=2)
    assert [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()] == trained.history


def test_leftovers_of_killed_writes_are_removed(tmp_path: Path) -> None:
    left = tmp_path / ".last.ckpt.999999999-0123abcd.part"
    left.write_bytes(b"x")
    train(tmp_path, max_epochs=1)
    assert not left.exists()


@pytest.mark.parametrize("content", [b"", b"abc", b"PK\x03\x04garbage"])
def test_a_corrupt_checkpoint_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.ckpt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.ckpt"):
        read_checkpoint(path)


def test_a_foreign_or_missing_checkpoint_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such checkpoint"):
        read_checkpoint(tmp_path / "none.ckpt")
    write_checkpoint({"weights": {}}, tmp_path / "foreign.ckpt")
    with pytest.raises(InputError, match="state_dict"):
        read_checkpoint(tmp_path / "foreign.ckpt")
    write_checkpoint({"state_dict": {"network.x": torch.zeros(1)}}, tmp_path / "other.ckpt")
    with pytest.raises(InputError, match="hyper_parameters"):
        load_hyperparameters(tmp_path / "other.ckpt")
    with pytest.raises(InputError, match="another network"):
        load_network(torch.nn.Linear(1, 1), read_checkpoint(tmp_path / "other.ckpt"), tmp_path / "other.ckpt")


def test_a_checkpoint_that_could_run_code_is_not_opened(tmp_path: Path) -> None:
    torch.save({"state_dict": {}, "thing": Line}, tmp_path / "code.ckpt")
    with pytest.raises(InputError, match=r"code\.ckpt"):
        read_checkpoint(tmp_path / "code.ckpt")


def test_batches_depend_on_the_seed_and_the_epoch_alone() -> None:
    def drawn(epoch: int, seed: int = SEED) -> list[torch.Tensor]:
        torch.rand(3)  # whatever was drawn before does not matter
        loader = torch.utils.data.DataLoader(Points(), batch_size=8, shuffle=True)
        return [batch[0] for batch in EpochLoader(loader, seed, lambda: epoch)]

    one, again, later, other = drawn(1), drawn(1), drawn(2), drawn(1, 6)
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert not torch.equal(one[0], later[0]) and not torch.equal(one[0], other[0])


def test_a_seeded_block_leaves_the_global_state_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    with seeded(3, "x"):
        torch.rand(5)
    assert torch.equal(torch.rand(1), expected)
    assert derived_seed(1, "a") != derived_seed(1, "b") != derived_seed(2, "b")


@pytest.mark.parametrize("bad", [{"max_epochs": 0}, {"precision": "8"}, {"gradient_clip_val": -1}, {"epochs": 3}])
def test_parameters_out_of_range_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        TrainingParameters(**bad)  # type: ignore[arg-type]
