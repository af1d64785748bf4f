"""Properties of every registered pipeline: typed parameters, documented nodes, a catalog entry and layer for all."""

import inspect
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import yaml
from kedro.framework.startup import bootstrap_project
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from pydantic import BaseModel

from neuropil.configuration.root import RootParameters

PROJECT = Path(__file__).parents[2]
SIX = ["ingestion", "rendering", "em_segmentation", "vae_pretrain", "clip_finetune", "evaluation"]
LAYERS = {"raw", "intermediate", "primary", "feature", "model_input", "models", "model_output", "reporting"}


@cache
def registered() -> dict[str, Pipeline]:
    bootstrap_project(PROJECT)
    from neuropil.pipeline_registry import register_pipelines

    return register_pipelines()


@cache
def catalog() -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for path in (PROJECT / "conf" / "base").glob("catalog*.yml"):
        entries |= {name: entry for name, entry in yaml.safe_load(path.read_text()).items() if name[0] != "_"}
    return entries


def nodes() -> list[Node]:
    return list(registered()["__default__"].nodes)


def test_the_six_pipelines_and_their_sum_are_registered() -> None:
    assert set(registered()) == {*SIX, "__default__"}
    assert sum(len(registered()[name].nodes) for name in SIX) == len(nodes())


@pytest.mark.parametrize("name", SIX)
def test_each_pipeline_is_one_collapsible_group_with_known_tags(name: str) -> None:
    for node in registered()[name].nodes:
        assert node.namespace == name
        assert node.tags and node.tags <= {"train", "infer", "score"}, node.name


def test_every_section_reaches_its_node_as_the_model_of_the_root() -> None:
    for node in nodes():
        hints = get_type_hints(node.func)  # Kedro drops the validation of a node whose hints do not resolve
        arguments = inspect.signature(node.func).parameters
        for dataset, argument in zip(node.inputs, arguments, strict=True):
            if dataset.startswith("params:"):
                value: Any = RootParameters()
                for part in dataset.removeprefix("params:").split("."):
                    value = getattr(value, part)
                if isinstance(value, BaseModel):
                    assert hints[argument] is type(value), f"{node.name}: {argument}"


def test_every_node_says_what_it_does() -> None:
    assert [node.name for node in nodes() if not (inspect.getdoc(node.func) or "").strip()] == []


def test_every_dataset_is_in_the_catalog_with_a_layer() -> None:
    datasets = {name for name in registered()["__default__"].datasets() if not name.startswith("params:")}
    assert datasets - set(catalog()) == set()
    assert set(catalog()) - datasets == set(), "entries that nothing uses"
    for name, entry in catalog().items():
        assert entry["metadata"]["kedro-viz"]["layer"] in LAYERS, name


def test_every_path_starts_at_the_workspace() -> None:
    for name, entry in catalog().items():
        path = entry.get("filepath") or entry["path"]
        assert path.startswith(("${_ws}/0", "${runtime_params:")) and "${_ws}/0" in path, name


def test_no_training_or_calibrating_node_reads_a_test_part() -> None:
    for node in nodes():
        if "train" in node.tags and not node.tags & {"infer", "score"}:
            assert not {"manifest_test", "em_scores", "metrics"} & set(node.inputs), node.name


def test_nodes_that_infer_from_a_checkpoint_need_no_training() -> None:
    segmenting = registered()["em_segmentation"].filter(tags=["infer"])
    free = {name for name in segmenting.inputs() if not name.startswith("params:")}
    assert free <= {"em_input", "em_output", "em_checkpoint", "em_affinity_store"}
