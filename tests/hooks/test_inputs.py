"""Before a run: missing inputs name their maker, and a checkpoint that was given is never trained over."""

from pathlib import Path
from typing import Any

import pytest
from kedro.framework.startup import bootstrap_project
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline

from neuropil.datasets import CheckpointDataset, IndexDataset, JsonDataset, StoreDataset
from neuropil.errors import InputError
from neuropil.hooks.inputs import InputHooks


@pytest.fixture(autouse=True)
def _project() -> None:
    bootstrap_project(Path(__file__).parents[2])


def nothing(*_: Any) -> int:
    return 1


def pipeline(*inputs: str, output: str = "out") -> Pipeline:
    return Pipeline([Node(nothing, inputs=list(inputs), outputs=output, name="n")])


def catalog(folder: Path) -> DataCatalog:
    return DataCatalog(
        {
            "vae_checkpoint": CheckpointDataset(str(folder / "vae.ckpt")),
            "manifest_train": IndexDataset(str(folder / "m.jsonl")),
            "view_store": StoreDataset(str(folder / "views")),
            "em_scores": JsonDataset(str(folder / "em.json"), optional=True),
            "params:seed": MemoryDataset(1),
        }
    )


def before(what: Pipeline, folder: Path, **runtime: Any) -> bool:
    InputHooks().before_pipeline_run({"runtime_params": runtime}, what, catalog(folder))
    return True


def test_every_missing_input_names_its_pipeline_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        before(pipeline("vae_checkpoint", "manifest_train", "params:seed"), tmp_path)
    text = str(caught.value)
    rendering = text.index("`kedro run --pipeline rendering` makes manifest_train (")
    assert rendering < text.index("`kedro run --pipeline vae_pretrain` makes vae_checkpoint (")
    assert "vae.ckpt, or give it as --params vae_checkpoint=PATH)" in text
    assert "\n" not in text


def test_stores_and_optional_inputs_need_not_exist(tmp_path: Path) -> None:
    assert before(pipeline("view_store", "em_scores", "params:seed"), tmp_path)


def test_what_exists_or_was_skipped_is_enough(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text('{"skipped": "no neurons"}\n')
    (tmp_path / "vae.ckpt.skipped").write_text("no neurons\n")
    assert before(pipeline("vae_checkpoint", "manifest_train"), tmp_path)


def test_a_given_checkpoint_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"vae_checkpoint=mine\.ckpt: this run would train it anew"):
        before(pipeline("view_store", output="vae_checkpoint"), tmp_path, vae_checkpoint="mine.ckpt")
    (tmp_path / "vae.ckpt").write_bytes(b"x")
    assert before(pipeline("vae_checkpoint"), tmp_path, vae_checkpoint="mine.ckpt")
