"""Trained networks."""

from __future__ import annotations

import shutil
from pathlib import Path

from neuropil.datasets.file import FileDataset


class CheckpointDataset(FileDataset[Path]):
    """A checkpoint file. Nodes give and take its path: engines read it themselves, weights only."""

    def _read(self, path: Path) -> Path:
        return path

    def _write(self, path: Path, data: Path) -> None:
        shutil.copyfile(data, path)
