"""No training or calibrating node can reach a test part: by the graph, and by poisoning what is held back."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from kedro.framework.startup import bootstrap_project
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from clip.tiny_clip import WordCounts
from clip.tiny_clip import tiny as tiny_clip
from neuropil.em.parameters import EmSegmentationParameters
from neuropil.em.synthesis import grow_volume
from neuropil.em.synthesis_parameters import SampleVolumeParameters
from neuropil.pipelines.clip_finetune import nodes as clip_nodes
from neuropil.pipelines.em_segmentation import nodes as em_nodes
from neuropil.pipelines.vae_pretrain import nodes as vae_nodes
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.render import render_views
from neuropil.views.parameters import ViewsParameters
from neuropil.work.index import Index
from neuropil.work.keys import file_digest
from rendering.neurons import grown
from vae.view_folder import tiny as tiny_vae

PROJECT = Path(__file__).parents[2]
DIVIDED = {"manifest_train", "manifest_val", "neuron_split", "volume_split"}
"""What names the parts, or holds one that may teach or calibrate."""
OWN = {"volume_split_store", "em_training_store", "vae_training_store", "clip_training_store"}
"""What trainings keep for themselves."""
UNDIVIDED = {
    "split_em_volumes": {"volumes", "volume_store"},  # makes the split; counts ids that parts share, and says so
    "train_em_network": {"volumes", "volume_store"},
    "calibrate_decoding": {"volumes", "volume_store"},
    "train_vae": {"view_store", "neuron_store"},
    "train_clip": {"view_store", "neuron_store", "captions"},
    "write_captions": {"neuron_metadata", "morphometry"},
}
"""Nodes that train or prepare a training and are given data that are not divided: each is poisoned in a test below,
but for the one that divides."""


@cache
def whole() -> Pipeline:
    bootstrap_project(PROJECT)
    from neuropil.pipeline_registry import register_pipelines

    return register_pipelines()["__default__"]


def _training() -> list[Node]:
    return [node for node in whole().nodes if "train" in node.tags and not node.tags & {"infer", "score"}]


def _short(node: Node) -> str:
    return str(node.name).split(".")[-1]


def test_no_test_part_and_nothing_that_was_made_of_one_is_upstream_of_a_training() -> None:
    tainted = {"manifest_test"} | {
        output for node in whole().nodes if node.tags & {"score", "infer"} and "train" not in node.tags
        for output in node.outputs
    }  # fmt: skip
    makers = {output: node for node in whole().nodes for output in node.outputs}
    assert {"em_scores", "em_held_out", "em_segmentation", "vae_scores", "metrics", "embeddings"} <= tainted
    trainings = _training()
    assert {"train_em_network", "calibrate_decoding", "train_vae", "train_clip"} <= {_short(n) for n in trainings}
    for node in trainings:
        reached, waiting = set(), list(node.inputs)
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting += makers[name].inputs if name in makers else []
        assert not reached & tainted, f"{node.name} is downstream of {sorted(reached & tainted)}"


def test_a_training_is_given_divided_data_or_is_among_those_that_are_poisoned_here() -> None:
    trainings = _training()
    taught = {output for node in trainings for output in node.outputs} - {"captions"}
    for node in trainings:
        data = {name for name in node.inputs if not name.startswith("params:")}
        undivided = data - DIVIDED - OWN - taught
        assert undivided == UNDIVIDED.get(_short(node), set()), node.name


EM = EmSegmentationParameters.model_validate(
    {
        "model": {
            "type": "vista3d", "encoder_name": "residual_unet", "feature_size": 4, "num_classes": 5, "emb_dim": 2,
        },
        "data": {
            "slice_mode": False, "patch_size": "8x32x32", "samples_per_epoch": 2, "validation_samples": 1,
            "batch_size": 2, "num_workers": 0, "erode_labels": 1,
            "sampling": {"uniform": 1.0, "classes": 1.0, "instances": 1.0},
            "split": {"gap_nm": 60, "val_fraction": 0.25, "test_fraction": 0.3},
        },
        "training": {"fast_dev_run": True, "accelerator": "cpu"},
        "inference": {
            "patch_size": "16x64x64", "block_size": "20x64x64", "accelerator": "cpu",
            "decoding": {"bias_near": [0.0, 0.4], "bias_far": [0.0], "block_size": "20x64x64", "overlap": "4x8x8"},
        },
    }
)  # fmt: skip


def _em_trained(record: dict[str, Any], store: Path, split: dict[str, Any], folder: Path) -> list[bytes]:
    """Bytes of the network and of the calibrated checkpoint (decoding and the baseline's threshold)."""
    volumes = Index([record])
    network, _ = em_nodes.train_em_network(
        volumes, store, split, EM.model, EM.data, EM.loss, EM.optimizer, EM.training, folder, 3
    )
    calibrated = em_nodes.calibrate_decoding(volumes, store, split, network, folder, EM.inference, 3)
    return [network.read_bytes(), calibrated.read_bytes()]


def _poison(path: Path, sections: list[int]) -> None:
    """Draw the grey values of whole sections anew, brighter on average, and their labels too."""
    rng = np.random.default_rng(0)
    with h5py.File(path, "a") as file:
        raw = file["volumes/raw"]
        for z in sections:
            raw[z] = rng.integers(100, 256, raw.shape[1:])
        for labels in file["volumes/labels"].values():
            for z in sections:
                labels[z] = rng.integers(0, 3, labels.shape[1:])


def test_the_network_its_calibration_and_the_baselines_threshold_do_not_change_with_what_is_held_back(
    tmp_path: Path,
) -> None:
    # The poison moves the mean and deviation of the volume too: a training normalises by those of its own part.
    clean, poisoned = tmp_path / "clean", tmp_path / "poisoned"
    clean.mkdir()
    record = grow_volume(clean / "small.h5", SampleVolumeParameters(shape=(36, 64, 64)), seed=5)
    record = {**record, "path": "small.h5", "digest": file_digest(clean / "small.h5"), "source": "sample"}
    split = em_nodes.split_em_volumes(Index([record]), clean, EM.data.split, tmp_path / "split")
    parts = split["volumes"][record["name"]]
    taught = {z for part in ("train", "val") for z in range(*parts[part][0])}
    others = [z for z in range(36) if z not in taught]
    assert set(range(*parts["test"][0])) <= set(others)
    shutil.copytree(clean, poisoned)
    _poison(poisoned / "small.h5", others)
    assert file_digest(poisoned / "small.h5") != record["digest"]
    expected = _em_trained(record, clean, split, tmp_path / "a")
    assert _em_trained(record, poisoned, split, tmp_path / "b") == expected
    _poison(poisoned / "small.h5", sorted(taught))
    changed = _em_trained(record, poisoned, split, tmp_path / "c")
    assert changed[0] != expected[0] and changed[1] != expected[1]  # and the poison works: what is taught is seen


PARTS = {"train": ["n0", "n1", "n2", "n3"], "val": ["n4", "n5"], "test": ["n6", "n7"]}
NEURONS = {"hash": "h", "parts": PARTS}
RENDERING = RenderingParameters(
    width=32, height=32, supersample_factor=2, canonical_views=2, biased_views=0, random_views=0, outputs=()
)


def _manifest(store: Path, names: list[str]) -> Index:
    from neuropil.morphology.swc import write_swc

    records = []
    for name in names:
        neuron = grown(int(name[1:]), name=name, flat=0.8)
        write_swc(neuron, store / f"{name}.swc")
        views = render_views(neuron, swc=f"{name}.swc", parameters=RENDERING, seed=0)
        records += [view.record for view in views]
    return Index(records)


def _neurons_trained(
    store: Path, manifests: dict[str, Index], tables: tuple[Index, pd.DataFrame], folder: Path
) -> list[Any]:
    """Bins and captions of the neurons that teach, bytes of the VAE and of CLIP."""
    views = ViewsParameters(source="online")  # type: ignore[arg-type]
    contrastive = tiny_clip(fast_dev_run=True, image_size=16)
    captions, bins = clip_nodes.write_captions(*tables, NEURONS, contrastive, 3)
    train, val = manifests["train"], manifests["val"]
    vae, _ = vae_nodes.train_vae(
        train, val, store, store, folder / "vae", tiny_vae(fast_dev_run=True, num_workers=0, image_size=16), views, 3
    )
    clip, _ = clip_nodes.train_clip(vae, train, val, store, store, captions, contrastive, views, 3, folder / "clip")
    taught = [dict(record) for record in captions if record["neuron_name"] not in PARTS["test"]]
    return [bins, taught, vae.read_bytes(), clip.read_bytes()]


def test_captions_bins_the_vae_and_clip_do_not_change_with_the_test_neurons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neuropil.clip import model as clip_model
    from neuropil.clip import train as clip_train

    for module in (clip_train, clip_model):
        monkeypatch.setattr(module, "load_text_encoder", lambda name: WordCounts())
    store = tmp_path / "neurons"
    store.mkdir()
    manifests = {part: _manifest(store, names) for part, names in PARTS.items()}
    names = [name for some in PARTS.values() for name in some]
    metadata = [
        {"neuron_name": name, "species": "rat", "cell_type": ["principal cell", "pyramidal" if i % 2 else "basket"]}
        for i, name in enumerate(names)
    ]
    measures = pd.DataFrame(
        {"neuron_name": names, "basal_length": np.linspace(1e3, 9e3, 8), "n_bifs": np.arange(10, 18)}
    )
    expected = _neurons_trained(store, manifests, (Index(metadata), measures), tmp_path / "a")
    held_back = measures["neuron_name"].isin(PARTS["test"])
    poisoned = measures.assign(basal_length=measures["basal_length"].where(~held_back, -1e9))
    others = [
        {**record, "species": "garbage", "cell_type": ["garbage"]} if record["neuron_name"] in PARTS["test"] else record
        for record in metadata
    ]
    for name in PARTS["test"]:
        (store / f"{name}.swc").unlink()
    tables = (Index(others), poisoned)
    assert _neurons_trained(store, manifests, tables, tmp_path / "b") == expected
    seen = measures.assign(basal_length=measures["basal_length"].where(measures["neuron_name"] != "n1", 1e6))
    _, bins = clip_nodes.write_captions(Index(metadata), seen, NEURONS, tiny_clip(image_size=16), 3)
    assert expected[0]["bins"] and bins != expected[0]  # and the poison works: bins follow the training neurons
