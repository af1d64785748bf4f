"""evaluation as Kedro runs it, with all of its inputs and with only some."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from clip.tiny_clip import WordCounts, facts_of, tiny, write_vae, write_views
from neuropil import search
from neuropil.clip import model as clip_model
from neuropil.clip.train import train_clip
from neuropil.compute import ComputeParameters
from neuropil.evaluation.parameters import EvaluationParameters
from neuropil.pipelines.evaluation import create_pipeline
from neuropil.views.access import ViewAccess
from neuropil.views.parameters import ViewsParameters
from neuropil.work.index import Index
from neuropil.work.skipped import Skipped

TRAIN, TEST = range(8), range(8, 20)


@pytest.fixture(autouse=True)
def _words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_model, "load_text_encoder", lambda name: WordCounts())


def _inputs(root: Path, **changes: Any) -> dict[str, Any]:
    numbers = [*TRAIN, *TEST]
    trained = train_clip(
        vae_checkpoint=write_vae(root / "vae.ckpt"),
        train=write_views(root, TRAIN),
        validation=[],
        views=ViewAccess(root),
        captions={f"n{number}": facts_of(number) for number in numbers},
        parameters=tiny(fast_dev_run=True),
        seed=3,
        folder=root / "models",
        text_encoder=WordCounts(),
    )
    parts = {"train": [f"n{i}" for i in TRAIN], "val": [], "test": [f"n{i}" for i in TEST]}
    return {
        "clip_checkpoint": trained.best,
        "manifest_train": Index(write_views(root, TRAIN)),
        "manifest_val": Index.skipped("no val views"),
        "manifest_test": Index(write_views(root, TEST)),
        "view_store": root,
        "neuron_store": root,
        "embedding_store": root / "embedded",
        "search_store": root / "search",
        "neuron_split": {"hash": "splithash", "parts": parts},
        "captions": Index([facts_of(number).record() for number in numbers]),
        "neurons": Index([{"neuron_name": f"n{i}"} for i in numbers]),
        "neuron_metadata": Index([]),
        "baseline_store": root / "baselines",
        "morphometry": pd.DataFrame({"neuron_name": [f"n{i}" for i in numbers], "n_bifs": numbers}),
        "em_scores": Skipped("no volumes"),
        "vae_scores": {"scores": []},
        "params:views": ViewsParameters(),
        "params:evaluation": EvaluationParameters(bootstrap=100),
        "params:compute": ComputeParameters(),
        "params:seed": 3,
    } | changes


def _run(inputs: dict[str, Any]) -> dict[str, Any]:
    catalog = DataCatalog({name: MemoryDataset(value, copy_mode="assign") for name, value in inputs.items()})
    made = SequentialRunner().run(create_pipeline(), catalog)
    wanted = (
        "metrics",
        "eval_report",
        "tsne_cell_type",
        "tsne_region",
        "confusion_matrix",
        "search_index",
        "baseline_report",
        "scores",
        "comparisons",
        "scores_table",
    )
    return {name: made[name].load() for name in wanted if name in made}


def test_every_output_is_made_and_names_its_split(tmp_path: Path) -> None:
    made = _run(_inputs(tmp_path))
    assert "splithash" in made["eval_report"]
    assert "no volumes" in made["eval_report"]
    for picture in ("tsne_cell_type", "tsne_region", "confusion_matrix"):
        assert made[picture].startswith(b"\x89PNG")
    assert made["search_index"]["neurons"] == 20
    assert made["baseline_report"].reason.startswith("no baselines: cell class")  # none has a class
    assert {"Neurons"} == set(made["scores"]["group"])
    assert "splithas" in made["scores_table"]  # eight of its letters
    assert "no volumes" in made["scores_table"]
    assert len(search.query(tmp_path / "search", "a basket cell", 3)) == 3


def test_without_neurons_the_other_scores_still_stand(tmp_path: Path) -> None:
    nothing = Skipped("no neurons")
    changes = dict.fromkeys(("clip_checkpoint", "neuron_split", "morphometry"), nothing)
    em = {"scores": [_em_score()]}
    empty = {name: Index.skipped("no neurons") for name in ("manifest_train", "manifest_test", "captions", "neurons")}
    made = _run(_inputs(tmp_path, em_scores=em, **changes, **empty))
    assert "no neurons" in made["eval_report"]
    assert "adapted Rand error" in made["eval_report"]
    assert made["search_index"] == made["baseline_report"] == nothing
    assert made["scores"]["group"].tolist() == ["EM segmentation"]
    assert made["comparisons"] == Skipped("no methods were compared")
    assert "Not scored: no neurons." in made["scores_table"]


def test_without_test_neurons_the_report_says_what_to_do(tmp_path: Path) -> None:
    split = {"hash": "h", "parts": {"train": [f"n{i}" for i in range(20)], "val": [], "test": []}}
    made = _run(_inputs(tmp_path, neuron_split=split, manifest_test=Index.skipped("no test views")))
    assert "rendering.test_ratio" in made["eval_report"] and "rendering.test_ratio" in made["scores_table"]
    assert made["scores"].reason.startswith("no scores: 0 test neurons")


def _em_score() -> dict[str, Any]:
    return {
        "task": "instances",
        "metric": "adapted Rand error",
        "method": "mutex watershed",
        "score": 0.2,
        "low": None,
        "high": None,
        "chance": None,
        "n": 5,
        "unit": "objects",
        "split": "",
        "better": "lower",
    }
