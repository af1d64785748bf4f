"""The vae_pretrain pipeline, from manifests to scores, and what it does with nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from neuropil.pipelines.vae_pretrain import create_pipeline
from neuropil.vae.parameters import VaeParameters
from neuropil.views.parameters import ViewsParameters
from neuropil.work.index import Index
from neuropil.work.skipped import Skipped
from vae.view_folder import tiny, write_views

_BASE = Path(__file__).parents[2] / "conf" / "base" / "parameters_vae_pretrain.yml"
_OUTPUTS = ("vae_checkpoint", "vae_history", "vae_curves", "vae_scores", "vae_reconstructions")


class _Kept(MemoryDataset):
    """Keeps what it was given when the runner is done with it."""

    def _release(self) -> None:
        pass


def _run(root: Path, train: Index, validation: Any, test: Any) -> dict[str, Any]:
    inputs = {
        "manifest_train": train,
        "manifest_val": validation,
        "manifest_test": test,
        "neuron_split": {"hash": "abc"},
        "view_store": root,
        "neuron_store": root,
        "vae_training_store": root / "models",
        "params:vae_pretrain": tiny(fast_dev_run=True),
        "params:views": ViewsParameters(),
        "params:seed": 3,
    }
    catalog = DataCatalog({name: MemoryDataset(value, copy_mode="assign") for name, value in inputs.items()})
    for name in _OUTPUTS:
        catalog[name] = _Kept(copy_mode="assign")
    SequentialRunner().run(create_pipeline(), catalog)
    return {name: catalog.load(name) for name in _OUTPUTS}


def test_every_output_is_made_without_validation_views(tmp_path: Path) -> None:
    outputs = _run(
        tmp_path,
        Index(write_views(tmp_path, 2)),
        Index.skipped("val_ratio is 0"),
        Index(write_views(tmp_path, 2, first=5)),
    )
    assert outputs["vae_checkpoint"].is_file()
    assert len(outputs["vae_history"]) == 1 and outputs["vae_curves"]["data"]
    assert outputs["vae_scores"]["scores"] and outputs["vae_reconstructions"].startswith(b"\x89PNG")


def test_without_training_views_every_output_says_why(tmp_path: Path) -> None:
    nothing = Index.skipped("no neurons: none were given")
    outputs = _run(tmp_path, nothing, nothing, nothing)
    assert set(outputs.values()) == {Skipped("no neurons: none were given")}


def test_without_test_views_the_scores_say_what_to_do(tmp_path: Path) -> None:
    outputs = _run(tmp_path, Index(write_views(tmp_path, 2)), Index(write_views(tmp_path, 1, first=3)), Index([]))
    assert "rendering.test_ratio" in outputs["vae_scores"].reason
    assert isinstance(outputs["vae_reconstructions"], Skipped)


def test_base_configuration_holds_every_default() -> None:
    written = yaml.safe_load(_BASE.read_text(encoding="utf-8"))["vae_pretrain"]
    assert written == VaeParameters().model_dump(mode="json")
