"""The moving average of the weights: its formula, what is validated and kept, and that a killed training resumes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from neuropil.clip.parameters import ClipParameters
from neuropil.em.parameters import EmSegmentationParameters
from neuropil.training.averaging import Averaging
from neuropil.training.checkpoints import network_weights, read_checkpoint
from neuropil.training.parameters import TrainingParameters
from neuropil.vae.parameters import VaeParameters
from training import tiny_training
from training.tiny_training import Line, train


class _StopError(Exception):
    pass


def _module() -> nn.Module:
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    module[0].bias.requires_grad_(False)
    return module


@settings(max_examples=30, deadline=None)
@given(decay=st.floats(0, 0.9999), steps=st.integers(1, 12))
def test_the_average_is_the_weighted_mean_of_the_weights_after_each_step(decay: float, steps: int) -> None:
    torch.manual_seed(0)
    module, averaging = _module(), Averaging(decay)
    seen = []
    for _ in range(steps):
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.data.normal_()
        module(torch.randn(4, 2))  # moves the statistics of batch normalisation
        seen.append({name: value.clone() for name, value in module.state_dict().items()})
        averaging.update(module)
    shares = torch.tensor([decay ** (steps - 1 - step) for step in range(steps)], dtype=torch.float64)
    shares /= shares.sum()
    with averaging.applied(module):
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                expected = sum(share * one[name].double() for share, one in zip(shares, seen, strict=True))
                torch.testing.assert_close(value.double(), expected, atol=1e-5, rtol=1e-4)
            else:
                assert torch.equal(value, seen[-1][name])  # the count of batches
    assert all(torch.equal(value, seen[-1][name]) for name, value in module.state_dict().items())


def test_averaging_without_decay_keeps_what_a_training_without_it_keeps(tmp_path: Path) -> None:
    plain, same = train(tmp_path / "a"), train(tmp_path / "b", ema_decay=0.0)
    for one, other in ((plain.best, same.best), (plain.last, same.last)):
        a, b = network_weights(read_checkpoint(one)), network_weights(read_checkpoint(other))
        assert all(torch.equal(a[name], b[name]) for name in a)
    assert plain.history == same.history


def test_the_average_validates_and_is_kept_and_the_training_itself_does_not_feel_it(tmp_path: Path) -> None:
    plain, averaged = train(tmp_path / "a", rate=0.5), train(tmp_path / "b", rate=0.5, ema_decay=0.9)
    for one, other in zip(plain.history, averaged.history, strict=True):
        assert one["train/loss"] == other["train/loss"] and one["lr"] == other["lr"]
        assert one["val/loss"] != other["val/loss"]
    last = read_checkpoint(averaged.last)
    raw = last["trained_weights"]
    assert all(torch.equal(raw[name], value) for name, value in read_checkpoint(plain.last)["state_dict"].items())
    best = min(averaged.history, key=lambda record: record["val/loss"])
    assert read_checkpoint(averaged.best)["epoch"] == best["epoch"]
    assert _validated(averaged.last) == pytest.approx(averaged.history[-1]["val/loss"], abs=0.11)
    kept = network_weights(read_checkpoint(averaged.best))
    assert any(not torch.equal(value, raw[f"network.{name}"]) for name, value in kept.items())


def test_best_and_last_hold_the_same_average_where_the_last_epoch_is_the_best(tmp_path: Path) -> None:
    trained = train(tmp_path, validation=False, max_epochs=3, ema_decay=0.8)
    best, last = (network_weights(read_checkpoint(path)) for path in (trained.best, trained.last))
    assert all(torch.equal(best[name], last[name]) for name in best)
    steps = read_checkpoint(trained.last)["callbacks"]["Averaging"]
    assert steps == {"updates": 18, "step": 18}


@pytest.mark.parametrize("options", [{}, {"accumulate_grad_batches": 2, "max_steps": 11}])
def test_a_resumed_training_takes_up_its_average(tmp_path: Path, options: dict[str, Any]) -> None:
    undisturbed = train(tmp_path / "a", ema_decay=0.9, **options)

    def stop(self: Line) -> None:
        if self.current_epoch == 2:
            raise _StopError

    with pytest.MonkeyPatch.context() as patch, pytest.raises(_StopError):
        patch.setattr(tiny_training.Line, "on_train_epoch_start", stop)
        train(tmp_path / "b", ema_decay=0.9, **options)
    resumed = train(tmp_path / "b", ema_decay=0.9, **options)
    assert resumed.resumed_at == 2 and resumed.history == undisturbed.history
    for name in ("best", "last"):
        one, other = (read_checkpoint(getattr(trained, name)) for trained in (resumed, undisturbed))
        for part in ("state_dict", "trained_weights"):
            assert all(torch.equal(one[part][key], value) for key, value in other.get(part, {}).items())


def test_another_decay_is_another_training(tmp_path: Path) -> None:
    train(tmp_path, max_epochs=1)
    assert train(tmp_path, max_epochs=1).reused
    assert not train(tmp_path, max_epochs=1, ema_decay=0.9).reused


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_a_decay_outside_0_to_1_is_refused(decay: float) -> None:
    with pytest.raises(ValidationError, match="ema_decay"):
        TrainingParameters(ema_decay=decay)


def _validated(checkpoint: Path) -> float:
    """The validation loss of the weights in a checkpoint, without the noise that `Line` adds to it (0 to 0.1)."""
    line = Line()
    line.network.load_state_dict(network_weights(read_checkpoint(checkpoint)))
    line.eval()
    points = [tiny_training.Points(8)[index] for index in range(8)]
    with torch.inference_mode():
        batch = (torch.stack([x for x, _ in points]), torch.stack([y for _, y in points]))
        return float(nn.functional.mse_loss(line.network(batch[0]), batch[1])) + 0.05


def test_every_training_hands_its_decay_on() -> None:
    assert VaeParameters(ema_decay=0.99).training().ema_decay == 0.99
    assert ClipParameters(ema_decay=0.98).training().ema_decay == 0.98
    section = EmSegmentationParameters.model_validate({"training": {"ema_decay": 0.97}})
    assert section.training.ema_decay == 0.97
    assert VaeParameters().training().ema_decay is None and ClipParameters().training().ema_decay is None
