"""What may help, all together: descriptors and averaged weights in training, all sides and embeddings in inference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import zarr

from neuropil.em.affinity_store import predict_volumes
from neuropil.em.network_checkpoint import load_checkpoint
from neuropil.em.parameters import EmInferenceParameters, EmSegmentationParameters
from neuropil.em.train import train_network
from neuropil.training.checkpoints import network_weights, read_checkpoint

SECTION = EmSegmentationParameters.model_validate(
    {
        "model": {
            "type": "vista3d", "encoder_name": "residual_unet", "feature_size": 4, "num_classes": 5, "emb_dim": 2,
        },
        "data": {
            "slice_mode": False, "patch_size": "8x32x32", "samples_per_epoch": 4, "validation_samples": 2,
            "batch_size": 2, "num_workers": 1,
        },
        "loss": {"weight_lsd": 1.0, "lsd_sigma_nm": 40.0},
        "training": {"max_epochs": 2, "accelerator": "cpu", "ema_decay": 0.5},
    }
)  # fmt: skip


def test_a_training_with_all_of_them_is_kept_and_read_from_all_sides(
    grown: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    record, store = grown
    plane = [[0, 64], [0, 64]]
    split = {"hash": "h", "volumes": {record["name"]: {"train": [[0, 16], *plane], "val": [[20, 32], *plane]}}}
    trained = train_network(
        [record], store, split, model=SECTION.model, data=SECTION.data, loss=SECTION.loss,
        optimizer=SECTION.optimizer, training=SECTION.training, folder=tmp_path / "training", seed=1,
    )  # fmt: skip
    assert all(record["train/loss_lsd"] > 0 and record["val/loss_lsd"] > 0 for record in trained.history)
    last = read_checkpoint(trained.last)
    raw = {name.removeprefix("network."): value for name, value in last["trained_weights"].items()}
    kept = network_weights(last)
    assert any(not torch.equal(value, raw[name]) for name, value in kept.items())
    network = load_checkpoint(trained.best).network
    assert network.hyperparameters["lsd"] is True and "lsd" in network.heads

    found = {}
    for kind in ("none", "flips"):
        inference = EmInferenceParameters(
            patch_size=(12, 32, 32), block_size=(32, 64, 64), accelerator="cpu", symmetries=kind,
            embedding_affinities=True,
        )  # fmt: skip
        folder = tmp_path / kind
        [index] = predict_volumes([store / record["path"]], trained.best, folder, inference)
        group: Any = zarr.open_group(folder / index["path"], mode="r")
        found[kind] = {name: np.asarray(group[name]) for name in ("affinities", "embedding_affinities")}
        assert "probabilities" not in group
        assert found[kind]["embedding_affinities"].shape == (len(index["offsets"]), *record["shape"])
        assert found[kind]["embedding_affinities"].std() > 0
    assert all((found["none"][name] != found["flips"][name]).any() for name in found["none"])
