"""`kedro run` as a person gives it, in a real process, on a tiny sample."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
TINY = ",".join(
    [
        "ingestion.neurons.sample.cells_per_class=3",
        "ingestion.volumes.sample.shape=24x64x64",
        "rendering.width=32",
        "rendering.height=32",
        "rendering.canonical_views=2",
        "rendering.biased_views=0",
        "rendering.random_views=0",
        "rendering.val_ratio=0.34",
        "rendering.test_ratio=0.34",
        "em_segmentation.data.split.gap_nm=60",
        "em_segmentation.training.fast_dev_run=true",
        "vae_pretrain.fast_dev_run=true",
        "clip_finetune.fast_dev_run=true",
        "evaluation.min_test_cells=1",
        "compute.workers=1",
    ]
)


def kedro(*arguments: str, workspace: Path, parameters: str = "") -> subprocess.CompletedProcess[str]:
    """Run one command of kedro in the project, with its data in `workspace`."""
    given = ",".join(filter(None, [parameters, f"workspace={workspace}"]))
    environment = {**os.environ, "DO_NOT_TRACK": "1", "COLUMNS": "160"}
    return subprocess.run(
        [sys.executable, "-m", "kedro", *arguments, "--params", given],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
    )
