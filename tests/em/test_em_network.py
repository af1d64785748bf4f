"""The networks, their checkpoints, and the parameters."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from neuropil.em.module import EmModule
from neuropil.em.network import EmNetwork
from neuropil.em.network_checkpoint import load_checkpoint, save_calibrated
from neuropil.em.parameters import EmLossParameters, EmOptimizerParameters, EmSegmentationParameters
from neuropil.em.residual_unet import pyramid
from neuropil.errors import InputError

OPTIONS: dict[str, Any] = {
    "encoder_name": "residual_unet", "feature_size": 4, "num_classes": 3, "emb_dim": 2,
    "offsets": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "spacing_nm": [30.0, 8.0, 8.0], "spatial_dims": 3,
}  # fmt: skip


@pytest.mark.parametrize("encoder", ["residual_unet", "segresnet", "vista3d"])
@pytest.mark.parametrize("dims", [2, 3])
def test_every_encoder_gives_all_heads_at_full_size(encoder: str, dims: int) -> None:
    network = EmNetwork(**{**OPTIONS, "encoder_name": encoder, "spatial_dims": dims}).eval()
    shape = [max(2 * step, 8) for step in network.multiple]
    with torch.inference_mode():
        output = network(torch.randn(1, 1, *shape))
    assert {name: value.shape[1] for name, value in output.items()} == {"semantic": 3, "embedding": 2, "affinity": 3}
    assert all(list(value.shape[2:]) == shape for value in output.values())


def test_anisotropic_voxels_are_not_reduced_along_z_before_the_plane_has_caught_up() -> None:
    plan = pyramid((30, 8, 8), 4)
    assert [stride[0] for _, stride in plan] == [1, 2, 2, 2]
    assert plan[0][0] == (1, 3, 3)
    assert all(stride == (2, 2, 2) for _, stride in pyramid((10, 10, 10), 4))


def test_a_missing_backbone_is_an_error_that_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("monai"):
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match="pip install"):
        EmNetwork(**{**OPTIONS, "encoder_name": "vista3d"})


def test_a_calibrated_checkpoint_comes_back_without_being_told_its_width(tmp_path: Path) -> None:
    loss, optimizer = EmLossParameters().model_dump(mode="json"), EmOptimizerParameters().model_dump(mode="json")
    module = EmModule(OPTIONS, loss, optimizer)
    content = {
        "state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams), "pytorch-lightning_version": "2.6",
    }  # fmt: skip
    torch.save(content, tmp_path / "network.ckpt")
    assert load_checkpoint(tmp_path / "network.ckpt").calibration is None
    extra = {"decoding": {"bias_near": 0.1, "bias_far": -0.2}, "split": "abc"}
    save_calibrated(tmp_path / "network.ckpt", tmp_path / "calibrated.ckpt", extra)
    loaded = load_checkpoint(tmp_path / "calibrated.ckpt")
    assert loaded.network.hyperparameters == OPTIONS
    assert loaded.calibration is not None and loaded.calibration.bias_far == -0.2 and loaded.extra["split"] == "abc"
    for name, value in module.network.state_dict().items():
        assert torch.equal(value, loaded.network.state_dict()[name])


def test_heads_without_weight_are_not_trained_and_the_others_are() -> None:
    loss = EmLossParameters(weight_embedding=0).model_dump(mode="json")
    module = EmModule(OPTIONS, loss, EmOptimizerParameters().model_dump(mode="json"))
    batch = {
        "raw": torch.randn(1, 1, 8, 16, 16), "ids": torch.ones(1, 8, 16, 16, dtype=torch.int64),
        "classes": torch.ones(1, 8, 16, 16, dtype=torch.int64), "weights": torch.ones(1, 8, 16, 16),
        "affinities": torch.ones(1, 3, 8, 16, 16), "known": torch.ones(1, 3, 8, 16, 16),
    }  # fmt: skip
    parts = module.losses(module.network(batch["raw"], ["semantic", "affinity"]), batch)
    assert set(parts) == {"loss", "loss_aff", "loss_sem", "loss_ce", "loss_dice"}
    parts["loss"].backward()
    assert module.network.heads["embedding"].weight.grad is None
    assert module.network.heads["affinity"].weight.grad is not None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": {"type": "vista3d"}}, "slice_mode"),
        ({"loss": {"class_weights": [1.0, 2.0]}}, "num_classes"),
        ({"loss": {"weight_affinity": 0.0}}, "affinity head"),
        ({"data": {"split": {"val_fraction": 0.7}}}, "less than 0.5"),
        ({"no_such_key": 1}, "no_such_key"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        EmSegmentationParameters(**change)
