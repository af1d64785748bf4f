"""JSON documents and plain texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kedro_datasets._typing import JSONPreview

from neuropil.datasets.file import FileDataset
from neuropil.errors import InputError
from neuropil.work.skipped import Skipped

_SKIPPED = "skipped"


class JsonDataset(FileDataset[dict[str, Any]]):
    """A JSON object; a skipped one is `{"skipped": "reason"}`, for those who read the file without neuropil."""

    def load(self) -> dict[str, Any] | Skipped:
        """The object, or why there is none."""
        value = super().load()
        if isinstance(value, dict) and set(value) == {_SKIPPED}:
            return Skipped(str(value[_SKIPPED]))
        return value

    def save(self, data: dict[str, Any] | Skipped) -> None:
        """Write the object. Raises ValueError for what JSON cannot hold (NaN, infinity)."""
        super().save({_SKIPPED: data.reason} if isinstance(data, Skipped) else data)

    def preview(self) -> JSONPreview:
        """The document, for Kedro-Viz; long lists cut to their first entries."""
        return JSONPreview(json.dumps(_shortened(self._read(self._path))))

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{path}: not JSON ({error}); remove it and run the pipeline that makes it") from error
        if not isinstance(value, dict):
            raise InputError(f"{path}: a {type(value).__name__}, not a JSON object")
        return value

    def _write(self, path: Path, data: dict[str, Any]) -> None:
        path.write_text(json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


class TextDataset(FileDataset[str]):
    """A text in UTF-8; a skipped one holds its reason."""

    def load(self) -> str:
        """The text."""
        value = super().load()
        return value if isinstance(value, str) else value.reason

    def save(self, data: str | Skipped) -> None:
        """Write the text."""
        super().save(f"skipped: {data.reason}\n" if isinstance(data, Skipped) else data)

    def _read(self, path: Path) -> str:
        return path.read_text(encoding="utf-8")

    def _write(self, path: Path, data: str) -> None:
        path.write_text(data, encoding="utf-8")


def _shortened(value: Any, most: int = 20) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(item, most) for key, item in value.items()}
    if isinstance(value, list):
        tail = [f"... {len(value) - most} more"] if len(value) > most else []
        return [_shortened(item, most) for item in value[:most]] + tail
    return value
