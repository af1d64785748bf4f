"""Both trainings, their scores and embeddings without a single picture on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from clip.tiny_clip import WordCounts, facts_of
from clip.tiny_clip import tiny as tiny_clip
from neuropil.clip import model as clip_model
from neuropil.clip import train as clip_train
from neuropil.evaluation.parameters import EvaluationParameters
from neuropil.morphology.swc import write_swc
from neuropil.pipelines import clip_finetune, evaluation, vae_pretrain
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.render import render_views
from neuropil.views.parameters import ViewsParameters
from neuropil.work.index import Index
from rendering.neurons import grown
from vae.view_folder import tiny as tiny_vae

RENDERING = RenderingParameters(
    width=32, height=32, supersample_factor=2, canonical_views=2, biased_views=0, random_views=0, outputs=()
)
PARTS = {"train": ["n0", "n1", "n2", "n3"], "val": ["n4", "n5"], "test": ["n6", "n7"]}
WANTED = ("vae_scores", "vae_reconstructions", "clip_checkpoint", "embeddings")


def _manifest(store: Path, names: list[str]) -> Index:
    records = []
    for name in names:
        neuron = grown(int(name[1:]), name=name, flat=0.8)
        write_swc(neuron, store / f"{name}.swc")
        views = render_views(neuron, swc=f"{name}.swc", parameters=RENDERING, seed=0)
        records += [view.record for view in views]
    return Index(records)


def test_trainings_scores_and_embeddings_need_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (clip_train, clip_model):
        monkeypatch.setattr(module, "load_text_encoder", lambda name: WordCounts())
    neurons = tmp_path / "neurons"
    neurons.mkdir()
    everything = {name: {"probability": 0.5} for name in ("camera", "axon_dropout", "slab", "z_shrinkage")}
    inputs: dict[str, Any] = {
        **{f"manifest_{part}": _manifest(neurons, names) for part, names in PARTS.items()},
        "neuron_split": {"hash": "h", "parts": PARTS},
        "neuron_store": neurons,
        "view_store": tmp_path / "no views",
        "vae_training_store": tmp_path / "vae",
        "clip_training_store": tmp_path / "clip",
        "embedding_store": tmp_path / "embedded",
        "captions": Index([facts_of(number).record() for number in range(8)]),
        "params:vae_pretrain": tiny_vae(fast_dev_run=True, num_workers=2, image_size=16),
        "params:clip_finetune": tiny_clip(fast_dev_run=True, image_size=16),
        "params:evaluation": EvaluationParameters(),
        "params:views": ViewsParameters(source="online", online=everything),  # type: ignore[arg-type]
        "params:seed": 3,
    }
    catalog = DataCatalog({name: MemoryDataset(value, copy_mode="assign") for name, value in inputs.items()})
    for name in ("vae_checkpoint", "clip_checkpoint"):
        catalog[name] = MemoryDataset(copy_mode="assign")
    steps = {"train_vae", "score_vae", "draw_vae_reconstructions", "train_clip", "embed_neurons"}
    whole = vae_pretrain.create_pipeline() + clip_finetune.create_pipeline() + evaluation.create_pipeline()
    chosen = [node.name for node in whole.nodes if node.name.split(".")[-1] in steps]
    made = SequentialRunner().run(whole.filter(node_names=chosen), catalog)
    found = {name: made[name].load() for name in WANTED if name in made}
    assert found["vae_scores"]["neurons"] == 2
    assert found["vae_reconstructions"].startswith(b"\x89PNG")
    assert list(found["embeddings"]["neuron_name"]) == [f"n{number}" for number in range(8)]
    assert np.isfinite(np.stack(list(found["embeddings"]["embedding"]))).all()
    assert (tmp_path / "clip" / "best.ckpt").is_file()
    assert not list(tmp_path.rglob("*.png"))
