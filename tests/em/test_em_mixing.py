"""Training on volumes of several sources: other voxel sizes, other annotation, parts that are not there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from neuropil.em.arrays import prepare_part
from neuropil.em.labels import CLEFT, MITOCHONDRION, OTHER, annotated_classes
from neuropil.em.offsets import affinity_offsets
from neuropil.em.parameters import (
    EmDataParameters,
    EmLossParameters,
    EmModelParameters,
    EmOptimizerParameters,
)
from neuropil.em.patches import PatchDataset
from neuropil.em.train import disk_note, train_network
from neuropil.errors import InputError
from neuropil.training.fit import Trained
from neuropil.training.parameters import TrainingParameters
from neuropil.work.keys import file_digest

WHOLE = {"neurons": [24, 48, 48], "mitochondria": [40, 40, 40]}


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], Path]:
    """Neurons in 30 x 8 x 8 nm, and a semantic mask of mitochondria in 16 x 16 x 16 nm."""
    folder = tmp_path_factory.mktemp("mixed")
    rng = np.random.default_rng(0)
    neurons = np.repeat(rng.integers(0, 3, (1, 6, 6)).repeat(8, 1).repeat(8, 2), 24, 0) + (np.arange(48) // 16) * 3
    mask = np.zeros((40, 40, 40))
    mask[10:30, 10:30, 10:30], mask[12:28, 12:28, 12:28] = 4, 3
    records = []
    for name, spacing, labels, annotated in (
        ("neurons", (30, 8, 8), {"neuron_ids": neurons}, [0, 1]),
        ("mitochondria", (16, 16, 16), {"classes": mask, "mitochondria": mask == 3}, [3, 4]),
    ):
        path = folder / f"{name}.h5"
        with h5py.File(path, "w") as file:
            file["volumes/raw"] = rng.integers(0, 256, WHOLE[name]).astype(np.uint8)
            file["volumes/raw"].attrs["resolution"] = spacing
            for label, values in labels.items():
                file[f"volumes/labels/{label}"] = np.asarray(values).astype(np.uint64)
        records.append(
            {"name": name, "path": path.name, "digest": file_digest(path), "labels": list(labels), "source": name,
             "annotated": annotated, "shape": WHOLE[name], "resolution_nm": list(spacing)}
        )  # fmt: skip
    return records, folder


def _split(**parts: dict[str, Any]) -> dict[str, Any]:
    return {"hash": "s", "volumes": parts}


BOTH = _split(
    neurons={"train": [[0, 16], [0, 48], [0, 48]], "val": [[18, 24], [0, 48], [0, 48]]},
    mitochondria={"train": [[0, 40], [0, 40], [0, 40]]},
)


def _train(volumes: Any, folder: Path, split: Any = BOTH, num_classes: int = 5, **data: Any) -> Trained:
    records, store = volumes
    small = {"slice_mode": False, "patch_size": (8, 16, 16), "samples_per_epoch": 4, "validation_samples": 1,
             "num_workers": 0, "batch_size": 4}  # fmt: skip
    return train_network(
        records,
        store,
        split,
        model=EmModelParameters(
            type="vista3d", encoder_name="residual_unet", feature_size=4, emb_dim=2, num_classes=num_classes
        ),
        data=EmDataParameters(**{**small, **data}),
        loss=EmLossParameters(),
        optimizer=EmOptimizerParameters(),
        training=TrainingParameters(fast_dev_run=True, accelerator="cpu"),
        folder=folder,
        seed=1,
    )


def test_volumes_of_other_voxel_size_and_annotation_train_one_network(volumes: Any, tmp_path: Path) -> None:
    weights = {"neurons": 1.0, "mitochondria": 1.0}
    trained = _train(volumes, tmp_path, voxel_nm=(30, 8, 8), volume_weights=weights)
    assert np.isfinite(trained.history[0]["train/loss"]) and np.isfinite(trained.history[0]["val/loss"])
    options = torch.load(trained.best, weights_only=True)["hyper_parameters"]["network"]
    assert options["spacing_nm"] == [30.0, 8.0, 8.0]
    assert disk_note(tmp_path / "parts") == "Decoded for training: 3 parts of volumes, 0.00 GB of disk"
    again = _train(volumes, tmp_path, voxel_nm=(30, 8, 8), volume_weights=weights, cache_rate=1.0, num_workers=1)
    assert again.reused, "what changes no batch trains nothing anew"


def test_without_validation_parts_the_last_epoch_counts(volumes: Any, tmp_path: Path) -> None:
    split = _split(neurons={"train": [[0, 16], [0, 48], [0, 48]]})
    trained = _train(volumes, tmp_path, split)
    assert "val/loss" not in trained.history[0] and trained.best.exists()
    assert len(list((tmp_path / "parts").iterdir())) == 1


def test_a_volume_of_weight_0_is_neither_decoded_nor_drawn(volumes: Any, tmp_path: Path) -> None:
    _train(volumes, tmp_path, volume_weights={"mitochondria": 0})
    assert {place.name.split("-")[0] for place in (tmp_path / "parts").iterdir()} == {"neurons"}


def test_no_training_part_and_too_few_classes_are_said_in_one_line(volumes: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no volume has a part for training"):
        _train(volumes, tmp_path, _split(neurons={"test": [[0, 24], [0, 48], [0, 48]]}))
    with pytest.raises(InputError, match=r"mitochondria holds class 4, but em_segmentation\.model\.num_classes=4"):
        _train(volumes, tmp_path, num_classes=4)


def test_a_patch_says_which_classes_were_annotated_in_its_volume(volumes: Any, tmp_path: Path) -> None:
    records, store = volumes
    parts = [
        prepare_part(record, store, [[0, size] for size in record["shape"]], tmp_path / "parts") for record in records
    ]
    data = EmDataParameters(slice_mode=False, patch_size=(8, 16, 16), volume_weights={"neurons": 1, "mitochondria": 1})
    dataset = PatchDataset(
        parts, offsets=[(0, 0, 1)], data=data, loss=EmLossParameters(), seed=0, validation=False,
        spacing_nm=(30, 8, 8), num_classes=5,
    )  # fmt: skip
    seen = set()
    for index in range(12):
        item = dataset[index]
        annotated = tuple(np.flatnonzero(item["annotated"]).tolist())
        seen.add(annotated)
        present = set(item["classes"].unique().tolist())
        assert present <= {(0, 1): {0, 1, -100}, (3, 4): {OTHER, 3, 4, -100}}[annotated]
    assert seen == {(0, 1), (3, 4)}


def test_real_volumes_of_two_laboratories_mix(tmp_path: Path) -> None:
    data = os.environ.get("NEUROPIL_DATA")
    if not data:
        pytest.skip("NEUROPIL_DATA names the folder of real inputs")
    parts = []
    for name, box in (("fib25", [[0, 60], [0, 120], [0, 120]]), ("vnc", [[0, 20], [0, 256], [0, 256]])):
        path = Path(data, "em", f"{name}_train.h5")
        with h5py.File(path) as file:
            labels = sorted(file["volumes/labels"])
        record = {"name": name, "path": path.name, "digest": name, "labels": labels, "source": name}
        parts.append(prepare_part(record, path.parent, box, tmp_path))
        assert parts[-1].annotated == {"fib25": (0, 1), "vnc": (0, 1, CLEFT, MITOCHONDRION)}[name]
        assert annotated_classes(record) == parts[-1].annotated
    spacing = parts[1].resolution_nm
    options = EmDataParameters(
        slice_mode=False, patch_size=(8, 64, 64), volume_weights={"fib25": 1, "vnc": 1},
        sampling={"uniform": 1, "classes": 1, "instances": 1},
    )  # fmt: skip
    dataset = PatchDataset(
        parts, offsets=affinity_offsets((60.0,), spacing, 3), data=options, loss=EmLossParameters(), seed=0,
        validation=False, spacing_nm=spacing, num_classes=5,
    )  # fmt: skip
    kinds = set()
    for index in range(8):
        item = dataset[index]
        assert item["raw"].shape == (1, 8, 64, 64) and abs(float(item["raw"].mean())) < 2.5
        assert item["ids"].dtype == item["objects"].dtype == torch.int64
        kinds |= set(item["class_ids"].unique().tolist())
    assert MITOCHONDRION in kinds
