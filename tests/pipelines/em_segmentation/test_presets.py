"""The guide's five set-ups train on small files in the layouts that the data sets are published in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import pytest
import yaml

from published_layouts import tissue, write_cremi, write_mitoem2, write_snemi_guide
from running import PROJECT, kedro

# The guide's table: data sets, network, epochs, precision.
GUIDE = {
    "snemi2d": ({"snemi3d"}, "vista2d", 100, "32-true"),
    "snemi3d": ({"snemi3d"}, "vista3d", 100, "16-mixed"),
    "cremi3d": ({"cremi3d"}, "vista3d", 200, "16-mixed"),
    "combine": ({"snemi3d", "cremi3d"}, "vista3d", 300, "16-mixed"),
    "foundation": ({"snemi3d", "cremi3d", "mitoem2"}, "vista3d", 500, "bf16-mixed"),
}
FAST = "em_segmentation.training.fast_dev_run=true"
SMALL = ",".join(
    [
        "em_segmentation.model.feature_size=4",
        "em_segmentation.data.patch_size=8x32x32",
        "em_segmentation.data.split.gap_nm=60",
        "em_segmentation.inference.patch_size=16x64x64",
        "em_segmentation.inference.decoding.bias_far=[-0.2]",
        "compute.workers=1",
    ]
)


@pytest.mark.parametrize("name", GUIDE)
def test_a_set_up_states_the_row_of_the_guides_table(name: str) -> None:
    sources, network, epochs, precision = GUIDE[name]
    stated = {
        key: yaml.safe_load((PROJECT / "conf" / name / f"parameters_{key}.yml").read_text())[key]
        for key in ("ingestion", "em_segmentation")
    }
    em = stated["em_segmentation"]
    assert set(stated["ingestion"]["sources"]) == sources
    assert em["model"]["type"] == network and em["data"]["slice_mode"] == (network == "vista2d")
    assert (em["training"]["max_epochs"], em["training"]["precision"]) == (epochs, precision)
    if len(sources) > 1:
        assert set(em["data"]["volume_weights"]) >= sources and em["loss"]["per_class"] is True


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SNEMI3D, CREMI and MitoEM 2 in one folder each, as they lie on people's disks."""
    root = tmp_path_factory.mktemp("published")
    shape = (40, 64, 64)
    write_snemi_guide(root / "snemi3d", tissue(shape, seed=1), tissue(shape, seed=2))
    write_cremi(root / "cremi3d", {name: tissue(shape, seed=seed) for seed, name in enumerate("ABC", start=3)})
    cases = {part: {f"mossy_{part}01": tissue(shape, seed)} for seed, part in enumerate(("train", "val", "test"), 6)}
    write_mitoem2(root / "mitoem2", cases, "mossy", spacing=(30, 8, 8))
    return root


def _paths(name: str, published: Path) -> str:
    return ",".join(f"ingestion.volumes.{source}.path={published / source}" for source in sorted(GUIDE[name][0]))


def _check(name: str, workspace: Path) -> None:
    volumes = [json.loads(line) for line in (workspace / "03_primary" / "volumes" / "index.jsonl").open()]
    assert {volume["source"] for volume in volumes} == GUIDE[name][0]
    scores = json.loads((workspace / "08_reporting" / "em_segmentation" / "scores.json").read_text())
    assert "network + learned agglomeration" in {row["method"] for row in scores["scores"]}
    made = list((workspace / "07_model_output").rglob("*.h5"))
    assert len(made) == len(volumes)
    for path in made:
        with h5py.File(path) as file:
            assert file["volumes/labels/neuron_ids"].dtype == "uint64"


def test_the_guides_fast_run_of_the_foundation_set_up_passes(published: Path, tmp_path: Path) -> None:
    where = ("--env", "foundation,laptop")
    taken = kedro(
        "run", "--pipeline", "ingestion", *where, workspace=tmp_path,
        parameters=f"{_paths('foundation', published)},{SMALL}",
    )  # fmt: skip
    assert taken.returncode == 0, taken.stdout + taken.stderr
    ran = kedro("run", "--pipeline", "em_segmentation", *where, workspace=tmp_path, parameters=f"{FAST},{SMALL}")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    _check("foundation", tmp_path)


def test_the_other_set_ups_train_on_small_files_as_published(published: Path, tmp_path: Path) -> None:
    """All in one process: starting one takes longer than the run."""
    names = [name for name in GUIDE if name != "foundation"]
    given = [[name, f"{_paths(name, published)},{FAST},{SMALL},workspace={tmp_path / name}"] for name in names]
    environment = {**os.environ, "DO_NOT_TRACK": "1", "COLUMNS": "160"}
    ran = subprocess.run(
        [sys.executable, "-c", SESSIONS, json.dumps(given)],
        cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for name in names:
        _check(name, tmp_path / name)


SESSIONS = """
import json, sys
from pathlib import Path

from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from omegaconf import OmegaConf

bootstrap_project(Path.cwd())
for name, parameters in json.loads(sys.argv[1]):
    given = OmegaConf.to_container(OmegaConf.from_dotlist(parameters.split(",")))
    for pipeline in ("ingestion", "em_segmentation"):
        with KedroSession.create(project_path=Path.cwd(), env=f"{name},laptop", runtime_params=given) as session:
            session.run(pipeline_names=[pipeline])
"""
