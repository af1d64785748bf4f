"""clip_finetune as Kedro runs it: captions, a training, curves; and what happens when there is nothing to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from clip.tiny_clip import WordCounts, tiny, write_vae, write_views
from neuropil.clip import train as clip_train
from neuropil.pipelines.clip_finetune import create_pipeline
from neuropil.pipelines.clip_finetune.nodes import train_clip, write_captions
from neuropil.views.parameters import ViewsParameters
from neuropil.work.index import Index
from neuropil.work.skipped import Skipped

SPLIT = {
    "hash": "h",
    "parts": {"train": [f"n{i}" for i in range(6)], "val": ["n6", "n7"], "test": ["n8", "n9"]},
}


def _inputs(root: Path, **changes: Any) -> dict[str, Any]:
    metadata = [
        {"neuron_name": f"n{i}", "species": "rat", "cell_type": [("basket", "pyramidal")[i % 2]]} for i in range(10)
    ]
    return {
        "neuron_metadata": Index(metadata),
        "morphometry": pd.DataFrame({"neuron_name": [f"n{i}" for i in range(10)], "n_bifs": range(10)}),
        "neuron_split": SPLIT,
        "vae_checkpoint": write_vae(root / "vae.ckpt"),
        "manifest_train": Index(write_views(root, range(6))),
        "manifest_val": Index(write_views(root, range(6, 8))),
        "view_store": root,
        "neuron_store": root,
        "clip_training_store": root / "training",
        "params:clip_finetune": tiny(fast_dev_run=True),
        "params:views": ViewsParameters(),
        "params:seed": 3,
    } | changes


def _run(inputs: dict[str, Any]) -> dict[str, Any]:
    catalog = DataCatalog({name: MemoryDataset(value, copy_mode="assign") for name, value in inputs.items()})
    catalog["captions"] = MemoryDataset(copy_mode="assign")
    made = SequentialRunner().run(create_pipeline(), catalog)
    return {name: dataset.load() for name, dataset in made.items()}


@pytest.fixture(autouse=True)
def _words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_train, "load_text_encoder", lambda name: WordCounts())


def test_captions_training_and_curves_are_made(tmp_path: Path) -> None:
    made = _run(_inputs(tmp_path))
    assert made["clip_checkpoint"].is_file()
    assert made["caption_bins"]["neurons"] == 6
    assert made["clip_curves"]["data"]


def test_an_empty_validation_part_is_no_reason_to_skip(tmp_path: Path) -> None:
    for empty in (Index.skipped("no val views"), Skipped("no val views")):
        made = _run(_inputs(tmp_path, manifest_val=empty))
        assert made["clip_checkpoint"].is_file()


def test_without_neurons_every_output_says_why(tmp_path: Path) -> None:
    made = _run(
        _inputs(tmp_path, neuron_metadata=Index.skipped("no neurons"), manifest_train=Index.skipped("no neurons"))
    )
    assert {value.reason for value in made.values()} == {"no neurons"}


def test_a_skipped_vae_skips_the_training(tmp_path: Path) -> None:
    inputs = _inputs(tmp_path, vae_checkpoint=Skipped("no views"))
    captions, _ = write_captions(*(inputs[name] for name in _CAPTIONED))
    checkpoint, history = train_clip(*(captions if name == "captions" else inputs[name] for name in _TRAINED))
    assert checkpoint == Skipped("no views")
    assert history.reason == "no views"


_CAPTIONED = ("neuron_metadata", "morphometry", "neuron_split", "params:clip_finetune", "params:seed")
_TRAINED = (
    "vae_checkpoint",
    "manifest_train",
    "manifest_val",
    "view_store",
    "neuron_store",
    "captions",
    "params:clip_finetune",
    "params:views",
    "params:seed",
    "clip_training_store",
)
