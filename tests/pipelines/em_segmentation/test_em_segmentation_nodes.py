"""The nodes of em_segmentation from a labelled volume to scores, at a size that trains in seconds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

from neuropil.compute import ComputeParameters
from neuropil.em.parameters import EmSegmentationParameters
from neuropil.em.synthesis import grow_volume
from neuropil.em.synthesis_parameters import SampleVolumeParameters
from neuropil.errors import InputError
from neuropil.pipelines.em_segmentation import create_pipeline, nodes
from neuropil.work.index import Index
from neuropil.work.keys import file_digest
from neuropil.work.skipped import Skipped

SECTIONS: dict[str, Any] = {
    "3d": {"model": {"type": "vista3d"}, "data": {"slice_mode": False, "patch_size": "8x32x32"}},
    "2d": {"model": {"type": "vista2d"}, "data": {"slice_mode": True, "patch_size": "8x32x32"}},
}


def _parameters(kind: str) -> EmSegmentationParameters:
    small = {"samples_per_epoch": 2, "validation_samples": 1, "batch_size": 2, "num_workers": 0, "erode_labels": 1}
    return EmSegmentationParameters(
        model={**SECTIONS[kind]["model"], "encoder_name": "residual_unet", "feature_size": 4, "num_classes": 5,
               "emb_dim": 2},
        data={**SECTIONS[kind]["data"], **small, "split": {"gap_nm": 60, "val_fraction": 0.25, "test_fraction": 0.3}},
        training={"fast_dev_run": True, "accelerator": "cpu"},
        inference={
            "patch_size": "16x64x64", "block_size": "20x64x64", "accelerator": "cpu", "output_probs": True,
            "decoding": {"bias_near": [0.0, 0.4], "bias_far": [0.0], "block_size": "20x64x64", "overlap": "4x8x8"},
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Index, Path]:
    folder = tmp_path_factory.mktemp("store")
    record = grow_volume(folder / "small.h5", SampleVolumeParameters(shape=(36, 64, 64)), seed=5)
    digest = file_digest(folder / "small.h5")
    return Index([{**record, "path": "small.h5", "digest": digest, "source": "sample"}]), folder


def _train(p: EmSegmentationParameters, volumes: tuple[Index, Path], folder: Path) -> tuple[Any, Path, Index]:
    index, store = volumes
    split = nodes.split_em_volumes(index, store, p.data.split, folder)
    network, history = nodes.train_em_network(
        index, store, split, p.model, p.data, p.loss, p.optimizer, p.training, folder, 3
    )
    checkpoint = nodes.calibrate_decoding(index, store, split, network, folder, p.inference, 3)
    return split, checkpoint, history


Trainings = dict[str, tuple[Any, Path, Index]]


@pytest.fixture(scope="module")
def trained(volumes: tuple[Index, Path], tmp_path_factory: pytest.TempPathFactory) -> Trainings:
    """Split, calibrated checkpoint and history, in 3D and in 2D."""
    return {kind: _train(_parameters(kind), volumes, tmp_path_factory.mktemp(kind)) for kind in SECTIONS}


@pytest.mark.parametrize("kind", ["3d", "2d"])
def test_a_labelled_volume_goes_from_training_to_scores(
    kind: str, volumes: tuple[Index, Path], trained: Trainings, tmp_path: Path
) -> None:
    p, (index, store) = _parameters(kind), volumes
    split, checkpoint, history = trained[kind]
    assert nodes.draw_em_curves(history)["data"]
    affinities = nodes.predict_affinities(store, checkpoint, p.inference, tmp_path / "zarr")
    output = tmp_path / "out"
    made = nodes.decode_instances(
        affinities, tmp_path / "zarr", checkpoint, output, p.inference, ComputeParameters(), 3
    )
    with h5py.File(output / "small.h5") as file:
        ids = file["volumes/labels/neuron_ids"]
        assert ids.dtype == np.uint64 and ids.shape == (36, 64, 64) and ids[:].min() > 0
        assert tuple(ids.attrs["resolution"]) == (30, 8, 8)
        assert file["volumes/probabilities"].shape == (5, 36, 64, 64)
    prepared = tmp_path / "held_out"
    parts = nodes.connect_held_out(
        index, store, split, made, output, checkpoint, prepared, ComputeParameters(workers=1)
    )
    assert [record["classes"] for record in parts] == [["mitochondria", "clefts"]]  # probabilities were written
    opened = [parts, prepared, store, output]
    scores, faults = nodes.score_segmentation(*opened, split, checkpoint, 3)
    _check_scores(scores, split)
    facts = scores["volumes"][next(iter(index))["name"]]
    assert facts["complete"] and facts["shared_ids"]["ids"] >= facts["shared_ids"]["shared_ids"] > 0
    assert facts["skeletons"] > 0
    (tmp_path / "overlay.png").write_bytes(nodes.draw_em_overlay(*opened))
    assert Image.open(tmp_path / "overlay.png").width > 1000
    with h5py.File(store / "small.h5") as volume, h5py.File(output / "small.h5") as file:
        truth, found = volume["volumes/labels/neuron_ids"][:], file["volumes/labels/neuron_ids"][:]
    assert len(faults)
    for row in faults.to_dict("records"):
        sides = (found, truth) if row["kind"] == "merge" else (truth, found)
        assert sides[0][row["z"], row["y"], row["x"]] == row["whole"]
        assert sides[1][row["z"], row["y"], row["x"]] == row["part"]
        assert sides[1][row["main_z"], row["main_y"], row["main_x"]] == row["main"]
    (tmp_path / "faults.png").write_bytes(nodes.draw_em_faults(*opened, faults))
    assert Image.open(tmp_path / "faults.png").width > 1000


def _check_scores(scores: dict[str, Any], split: dict[str, Any]) -> None:
    found = {(row["task"], row["metric"], row["method"]): row for row in scores["scores"]}
    assert len(found) == len(scores["scores"])
    methods = {method for task, _, method in found if task.startswith("instances")}
    assert methods == {
        "network + learned agglomeration",
        "threshold + watershed",
        "one segment",
        "network, fragments merged by an oracle",
    }
    for (task, metric, method), row in found.items():
        assert row["split"] == split["hash"] and np.isfinite(row["score"])
        assert row["low"] is None or row["low"] <= row["high"]
        assert row["reference"] == (method == "network, fragments merged by an oracle")
        assert row["headline"] == (
            method == "network + learned agglomeration" and metric in ("VOI", "adapted Rand error", "object recall")
        )
        if row["chance"] is not None:
            assert row["chance"] == found[task, metric, "one segment"]["score"]
    for task, metric in {(task, metric) for task, metric, _ in found if metric in ("VOI split", "splits")}:
        oracle, network = (
            found[task, metric, method]["score"]
            for method in ("network, fragments merged by an oracle", "network + learned agglomeration")
        )
        assert oracle <= network


def test_volumes_without_a_part_are_left_out_of_what_needs_it(
    volumes: tuple[Index, Path], trained: Trainings, tmp_path: Path
) -> None:
    p, (index, store) = _parameters("3d"), volumes
    split, checkpoint, _ = trained["3d"]
    record = next(iter(index))
    other = {**record, "name": "untrained", "digest": "0" * 64}
    both = Index([record, other])
    wider = {**split, "volumes": {**split["volumes"], "untrained": {"test": [[0, 20], [0, 64], [0, 64]]}}}
    again = nodes.calibrate_decoding(both, store, wider, trained["3d"][1].parents[1] / "training" / "best.ckpt",
                                     tmp_path, p.inference, 3)  # fmt: skip
    assert again.exists()  # `untrained` has no part `val`
    only = {**wider, "volumes": {"untrained": wider["volumes"]["untrained"]}}
    place = tmp_path / "held_out"
    unsegmented = nodes.connect_held_out(both, store, only, Index([]), tmp_path, checkpoint, place, ComputeParameters())
    assert unsegmented.reason is not None and "segmented" in unsegmented.reason
    without = {**split, "volumes": {record["name"]: {"train": split["volumes"][record["name"]]["train"]}}}
    empty = Index([])
    skipped = nodes.connect_held_out(index, store, without, empty, tmp_path, checkpoint, place, ComputeParameters())
    reason = Skipped(str(skipped.reason))
    assert "test part" in reason.reason
    assert nodes.score_segmentation(skipped, place, store, tmp_path, without, checkpoint, 3) == (reason, reason)
    assert nodes.draw_em_overlay(skipped, place, store, tmp_path) == reason
    assert nodes.draw_em_faults(skipped, place, store, tmp_path, reason) == reason
    with pytest.raises(InputError, match="validation part"):
        nodes.calibrate_decoding(index, store, without, checkpoint, tmp_path / "none", p.inference, 3)


def test_a_checkpoint_alone_segments_one_file_without_labels_and_a_second_run_gives_the_same_bytes(
    volumes: tuple[Index, Path], trained: Trainings, tmp_path: Path
) -> None:
    p, checkpoint = _parameters("3d"), trained["3d"][1]
    source = tmp_path / "bare.h5"
    shutil.copy(volumes[1] / "small.h5", source)
    with h5py.File(source, "a") as file:
        del file["volumes/labels"]
    target = tmp_path / "segmented.h5"
    bytes_of = []
    for _ in range(2):
        affinities = nodes.predict_affinities(source, checkpoint, p.inference, tmp_path / "zarr")
        made = nodes.decode_instances(
            affinities, tmp_path / "zarr", checkpoint, target, p.inference, ComputeParameters(), 3
        )
        bytes_of.append(target.read_bytes())
        assert [record["path"] for record in made] == ["segmented.h5"]
    assert bytes_of[0] == bytes_of[1]


def test_an_uncalibrated_checkpoint_is_refused(volumes: tuple[Index, Path], trained: Trainings, tmp_path: Path) -> None:
    p = _parameters("3d")
    network = trained["3d"][1].parents[1] / "training" / "best.ckpt"
    affinities = nodes.predict_affinities(volumes[1], network, p.inference, tmp_path / "zarr")
    with pytest.raises(InputError, match="not calibrated"):
        nodes.decode_instances(
            affinities, tmp_path / "zarr", network, tmp_path / "out", p.inference, ComputeParameters(), 3
        )


def test_volumes_without_labels_and_no_volumes_are_skipped_with_the_reason(tmp_path: Path) -> None:
    p = _parameters("3d")
    bare = Index(
        [{"name": "a", "path": "a.h5", "shape": [9, 9, 9], "resolution_nm": [1, 1, 1], "labels": [], "digest": ""}]
    )
    split = nodes.split_em_volumes(bare, tmp_path, p.data.split, tmp_path)
    assert isinstance(split, Skipped) and "neuron_ids" in split.reason
    outputs = nodes.train_em_network(
        bare, tmp_path, split, p.model, p.data, p.loss, p.optimizer, p.training, tmp_path, 0
    )
    assert outputs == (split, split)
    none = nodes.split_em_volumes(Index.skipped("no volumes: none asked for"), tmp_path, p.data.split, tmp_path)
    assert none == Skipped("no volumes: none asked for")


def test_inference_by_tag_needs_only_its_own_inputs() -> None:
    infer = create_pipeline().only_nodes_with_tags("infer")
    data = {name for name in infer.inputs() if not name.startswith("params:")}
    assert data == {"em_input", "em_checkpoint", "em_affinity_store", "em_output"}


def test_no_training_or_calibrating_node_is_given_a_segmentation_or_scores() -> None:
    for node in create_pipeline().only_nodes_with_tags("train").nodes:
        assert not {"em_segmentation", "em_scores", "em_affinities"} & set(node.inputs)
