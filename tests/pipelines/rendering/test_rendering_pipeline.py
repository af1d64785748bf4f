from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from neuropil.compute import ComputeParameters
from neuropil.errors import InputError
from neuropil.morphology.swc import write_swc
from neuropil.pipelines.rendering import create_pipeline
from neuropil.rendering.parameters import RenderingParameters
from neuropil.work.index import Index
from neuropil.work.keys import file_digest
from neuropil.work.skipped import Skipped
from rendering.neurons import grown

CONF = Path(__file__).parents[3] / "conf" / "base"


def inputs(folder: Path) -> dict:
    records, metadata = [], []
    for number in range(8):
        name = f"n{number}"
        write_swc(grown(number, steps=60, name=name), folder / "neurons" / "swc" / f"{name}.swc")
        digest = file_digest(folder / "neurons" / "swc" / f"{name}.swc")
        records.append({"neuron_name": name, "swc": f"swc/{name}.swc", "digest": digest})
        metadata.append({"neuron_name": name, "cell_type": ["principal cell", "pyramidal" if number % 2 else "basket"]})
    return {
        "neurons": Index(records),
        "neuron_metadata": Index(metadata),
        "neuron_store": folder / "neurons",
        "params:rendering": RenderingParameters(width=32, height=32, supersample_factor=1, test_ratio=0.0),
        "params:compute": ComputeParameters(),
        "params:seed": 17,
    }


def run(folder: Path, given: dict) -> dict:
    """Run the pipeline on the datasets of its own catalog file, and load what it wrote."""
    from kedro.io import DataCatalog, MemoryDataset
    from kedro.runner import SequentialRunner

    entries = (CONF / "catalog_rendering.yml").read_text().replace("${_ws}", str(folder / "ws"))
    catalog = DataCatalog.from_config(yaml.safe_load(entries))
    for name, value in given.items():
        catalog[name] = MemoryDataset(value, copy_mode="assign")
    pipeline = create_pipeline()
    SequentialRunner().run(pipeline, catalog)
    return {name: catalog[name].load() for name in pipeline.all_outputs()}


def test_neurons_become_views_manifests_and_a_sheet(tmp_path: Path) -> None:
    outputs = run(tmp_path, inputs(tmp_path))
    assert set(outputs) == {
        "neuron_split",
        "views",
        "manifest_train",
        "manifest_val",
        "manifest_test",
        "contact_sheet",
        "view_strips",
    }
    assert len(outputs["views"]) == 8 * 24
    assert len(outputs["manifest_train"]) + len(outputs["manifest_val"]) == 8 * 24
    assert outputs["manifest_test"].reason == "no test views: rendering.test_ratio is 0"
    assert set(outputs["neuron_split"]["classes"]) == {"basket", "pyramidal"}
    assert outputs["contact_sheet"].startswith(b"\x89PNG")
    assert outputs["view_strips"].startswith(b"\x89PNG")


def test_no_neurons_skip_the_whole_pipeline_with_the_reason(tmp_path: Path) -> None:
    reason = "no neurons: ingestion.sources names none"
    outputs = run(
        tmp_path, {**inputs(tmp_path), "neurons": Index.skipped(reason), "neuron_metadata": Index.skipped(reason)}
    )
    assert {getattr(output, "reason", None) for output in outputs.values()} == {reason}


def test_views_of_which_none_could_be_made_are_a_reason(tmp_path: Path) -> None:
    given = inputs(tmp_path)
    for file in (tmp_path / "neurons" / "swc").iterdir():
        file.write_text("")
    outputs = run(tmp_path, given)
    assert "none of 8 neurons" in outputs["views"].reason
    assert isinstance(outputs["contact_sheet"], Skipped)


@pytest.mark.parametrize("module", ["neuropil.pipelines.rendering", "neuropil.rendering.parameters"])
def test_start_up_imports_nothing_heavy(module: str) -> None:
    heavy = "{'numba', 'torch', 'pandas', 'matplotlib', 'scipy', 'PIL'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_the_defaults_of_the_configuration_are_those_of_the_model() -> None:
    written = yaml.safe_load((CONF / "parameters_rendering.yml").read_text())["rendering"]
    assert written == RenderingParameters().model_dump(mode="json")


def test_a_split_that_cannot_be_made_is_told_before_anything_is_rendered(tmp_path: Path) -> None:
    given = inputs(tmp_path)
    given["params:rendering"] = given["params:rendering"].model_copy(update={"split_by": "laboratory"})
    with pytest.raises(InputError, match=r"rendering.split_by=laboratory: no neuron's metadata have it"):
        run(tmp_path, given)
    assert not (tmp_path / "ws" / "05_model_input" / "views").exists()


def test_laboratories_are_kept_whole_and_up_is_taken_from_the_metadata(tmp_path: Path) -> None:
    given = inputs(tmp_path)
    metadata = [{**record, "archive": f"lab {number % 4}"} for number, record in enumerate(given["neuron_metadata"])]
    metadata[3]["up"] = [0, 0, 1]
    fields = {"split_by": "laboratory", "upright": True, "outputs": (), "strips": 0, "val_ratio": 0.25}
    given |= {
        "neuron_metadata": Index(metadata),
        "params:rendering": given["params:rendering"].model_copy(update=fields),
    }
    outputs = run(tmp_path, given)
    parts = outputs["neuron_split"]["parts"]
    assert (len(parts["train"]), len(parts["val"])) == (6, 2)
    assert len({int(name[1:]) % 4 for name in parts["val"]}) == 1
    sources = {view["neuron_name"]: view["up_source"] for view in outputs["views"]}
    assert sources["n3"] == "metadata" and "metadata" not in {sources[f"n{number}"] for number in (0, 1, 2, 4)}
    assert not list((tmp_path / "ws").rglob("view_*.png"))
    assert outputs["view_strips"].reason == "no view strips: rendering.strips is 0"
