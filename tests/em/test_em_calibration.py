"""Calibration tries what its method has, and the blocks of a volume are decoded by what it chose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import pytest
import torch

from neuropil.compute import ComputeParameters
from neuropil.em.affinity_store import predict_volumes
from neuropil.em.agglomeration.classifier import Classifier
from neuropil.em.calibration import calibrate
from neuropil.em.network import EmNetwork
from neuropil.em.network_checkpoint import load_checkpoint
from neuropil.em.offsets import affinity_offsets
from neuropil.em.parameters import EmInferenceParameters
from neuropil.em.segment import decode_volumes
from neuropil.errors import InputError
from neuropil.training.checkpoints import write_checkpoint

LOCAL = ComputeParameters(workers=1, scheduler=None)


def _parameters(method: str) -> EmInferenceParameters:
    return EmInferenceParameters.model_validate(
        {
            "patch_size": "16x32x32", "block_size": "32x64x64", "accelerator": "cpu", "embedding_affinities": True,
            "decoding": {
                "method": method, "bias_far": [0.0], "threshold": [0.3, 0.5, 0.7], "far_weight": [0.0, 0.3],
                "embedding_weight": [0.0, 1.0], "block_size": "16x64x64", "overlap": "4x8x8", "calibration_blocks": 2,
            },
        }
    )  # fmt: skip


def _checkpoint(path: Path, resolution: Any) -> Path:
    torch.manual_seed(0)
    options = {
        "encoder_name": "residual_unet", "feature_size": 4, "num_classes": 3, "emb_dim": 2,
        "offsets": [list(o) for o in affinity_offsets((60.0,), resolution, 3)], "spacing_nm": list(resolution),
        "spatial_dims": 3,
    }  # fmt: skip
    weights = {f"network.{name}": value for name, value in EmNetwork(**options).state_dict().items()}
    write_checkpoint(
        {"state_dict": weights, "hyper_parameters": {"network": options}, "pytorch-lightning_version": "2.6"}, path
    )
    return path


@pytest.mark.parametrize(("method", "tried"), [("mutex_watershed", 2), ("agglomeration", 3 * 2 * 2), ("learned", 3)])
def test_a_volume_is_decoded_by_the_method_that_was_calibrated(
    grown: tuple[dict[str, Any], Path], tmp_path: Path, method: str, tried: int
) -> None:
    record, store = grown
    parameters = _parameters(method)
    parts = {"train": [[0, 18], [0, 64], [0, 64]], "val": [[20, 32], [0, 64], [0, 64]]}
    split = {"hash": "h", "volumes": {record["name"]: parts}}
    network = _checkpoint(tmp_path / "network.ckpt", record["resolution_nm"])
    target = calibrate([record], store, split, network, tmp_path / "calibrated.ckpt", parameters, seed=1)
    loaded = load_checkpoint(target)
    assert loaded.calibration is not None and loaded.calibration.method == method
    assert sum(row["kind"] == "decoding" for row in loaded.extra["tried"]) == tried
    predicted = list(predict_volumes([store / record["path"]], target, tmp_path / "affinities", parameters))
    found = list(
        decode_volumes(predicted, tmp_path / "affinities", target, tmp_path / "out", parameters, compute=LOCAL, seed=1)
    )
    assert found[0]["method"] == method and found[0]["instances"] > 0
    with h5py.File(tmp_path / "out" / found[0]["path"]) as file:
        ids = file["volumes/labels/neuron_ids"][:]
        assert ids.shape == tuple(record["shape"]) and ids.min() > 0
    other = _parameters("learned" if method != "learned" else "agglomeration")
    with pytest.raises(InputError, match=f"calibrated for {method}"):
        list(decode_volumes(predicted, tmp_path / "affinities", target, tmp_path / "o", other, compute=LOCAL, seed=1))


def test_a_classifier_that_had_nothing_to_learn_joins_by_mean_affinity_also_after_it_was_stored():
    kept = Classifier.of_record(Classifier.none().record())
    for one, other in zip(kept.arrays(), Classifier.none().arrays(), strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype
