"""Pictures and interactive figures, both with a preview."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from kedro_datasets._typing import ImagePreview, PlotlyPreview

from neuropil.datasets.file import FileDataset


class PictureDataset(FileDataset[bytes]):
    """The bytes of a PNG file."""

    def preview(self) -> ImagePreview:
        """The picture in base64, for Kedro-Viz."""
        return ImagePreview(base64.b64encode(self._path.read_bytes()).decode())

    def _read(self, path: Path) -> bytes:
        return path.read_bytes()

    def _write(self, path: Path, data: bytes) -> None:
        path.write_bytes(data)


class PlotlyDataset(FileDataset[dict[str, Any]]):
    """A plotly figure as plain JSON (`data`, `layout`)."""

    def preview(self) -> PlotlyPreview:
        """The figure, for Kedro-Viz."""
        return PlotlyPreview(self._read(self._path))

    def _read(self, path: Path) -> dict[str, Any]:
        return dict(json.loads(path.read_text(encoding="utf-8")))

    def _write(self, path: Path, data: dict[str, Any]) -> None:
        path.write_text(json.dumps(data), encoding="utf-8")
