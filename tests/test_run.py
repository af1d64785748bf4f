"""The whole project as a person runs it: `kedro run` in a real process, tiny sizes, a workspace of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from running import PROJECT, TINY, kedro


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """One full run of all six pipelines on a tiny sample."""
    workspace = tmp_path_factory.mktemp("workspace")
    done = kedro("run", workspace=workspace, parameters=TINY)
    assert done.returncode == 0, done.stderr[-4000:]
    return workspace, done


def test_a_run_leaves_every_catalog_output(finished: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    workspace, _ = finished
    status = subprocess.run(
        [sys.executable, "-m", "neuropil", "status", "--workspace", str(workspace)],
        cwd=PROJECT,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert status.returncode == 0, status.stderr
    assert "evaluation" in status.stdout and "missing" not in status.stdout
    skipped = [line for line in status.stdout.splitlines() if "skipped" in line]
    assert all("evaluation.baselines.enabled is false" in line for line in skipped), skipped


def test_the_console_is_calm_and_ends_with_a_summary(
    finished: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, done = finished
    for chatter in ("Traceback", "Warning", "WARNING", "INFO"):
        assert chatter not in done.stdout + done.stderr
    assert "What was made" in done.stdout and "Scores" in done.stdout and "contact_sheet.png" in done.stdout


def test_scores_stand_beside_chance_and_baselines(finished: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    workspace, _ = finished
    metrics = json.loads((workspace / "08_reporting" / "evaluation" / "metrics.json").read_text())
    methods = {row["method"] for row in metrics["scores"]}
    assert len(methods) > 2
    assert any(row["chance"] is not None for row in metrics["scores"])


def test_parameters_scores_and_pictures_are_in_mlflow(
    finished: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    import mlflow

    workspace, _ = finished
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{workspace / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("neuropil")
    assert experiment is not None
    [run] = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params["rendering.width"] == "32"
    assert any("zero-shot" in name for name in run.data.metrics)
    assert any(name.endswith("train/loss") for name in run.data.metrics)
    assert {"pictures"} <= {item.path for item in client.list_artifacts(run.info.run_id)}


def test_a_second_run_trains_and_renders_nothing_anew(
    finished: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    workspace, _ = finished
    made = {
        path: path.stat().st_mtime_ns
        for folder in ("05_model_input/views/images", "06_models")
        for path in (workspace / folder).rglob("*")
        if path.is_file() and path.name in ("last.ckpt", "history.jsonl", "view_00_mask.png")
    }
    assert len(made) > 20
    done = kedro("run", "--tags", "train", workspace=workspace, parameters=TINY)
    assert done.returncode == 0, done.stderr[-4000:]
    assert {path: path.stat().st_mtime_ns for path in made} == made


@pytest.mark.parametrize(
    ("arguments", "parameters", "message"),
    [
        ((), "rendering.width=-3", "rendering.width=-3: should be greater than or equal to"),
        ((), "vae_pretrain.lr=abc", "vae_pretrain.lr=abc: should be a valid number"),
        ((), "em_segmentation.no_such_key=1", "em_segmentation.no_such_key is not a parameter"),
        ((), "rendring.width=3", "rendring is not a parameter; did you mean rendering?"),
        (("--pipeline", "clip_finetune"), "", "`kedro run --pipeline vae_pretrain` makes vae_checkpoint"),
        (("--env", "sampel"), "", "--env sampel: no such environment; did you mean sample?"),
        (("--pipeline", "renderings"), "", "no pipeline is named 'renderings'; did you mean rendering?"),
        (("--env", "folder,laptop"), "ingestion.neurons.folder.path=/no/such/folder", "/no/such/folder"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(
    tmp_path: Path, arguments: tuple[str, ...], parameters: str, message: str
) -> None:
    done = kedro("run", *arguments, workspace=tmp_path, parameters=parameters)
    assert done.returncode != 0
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stdout
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} <= {"mlflow.db"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cells", None, "no .swc file"),
        ("volume.h5", b"\x89HDF\r\n\x1a\n" + b"torn" * 50, "volume.h5"),
        ("volume.h5", b"<html>404</html>", "volume.h5"),
    ],
)
def test_unusable_input_is_one_line(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    given, workspace = tmp_path / name, tmp_path / "workspace"
    key = "ingestion.neurons.folder.path" if content is None else "ingestion.volumes.folder.path"
    if content is None:
        given.mkdir()
    else:
        given.write_bytes(content)
    done = kedro(
        "run", "--env", "folder,laptop", "--pipeline", "ingestion", workspace=workspace, parameters=f"{key}={given}"
    )
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    assert done.returncode != 0 and len(errors) == 1 and message in errors[0], done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert not list(workspace.rglob("*.part")) and not list(workspace.rglob("*.h5"))
