"""Stores: folders into which nodes write item by item."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError


class StoreDataset(AbstractDataset[Any, Path]):
    """The handle of a folder (or of one file, where a user names one): loads as its path, never saved.

    A node takes the store as an input and writes items into it; what it made is the index it returns.

    Args:
        path: the folder.
        metadata: of no meaning to Kedro; Kedro-Viz reads the layer from it.
    """

    def __init__(self, path: str, metadata: dict[str, Any] | None = None) -> None:
        self.path = Path(path)
        self.metadata = metadata

    def load(self) -> Path:
        """The path; it need not exist yet."""
        return self.path

    def save(self, data: Any) -> NoReturn:
        """Refuse: the index is the output."""
        raise DatasetError(f"{self.path} is a store: nodes write items into it and return an index")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self.path)}
