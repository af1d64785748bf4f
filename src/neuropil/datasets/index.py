"""Indexes: JSON lines that say what a step made."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from kedro_datasets._typing import TablePreview

from neuropil.datasets.file import FileDataset
from neuropil.work.index import Index
from neuropil.work.skipped import Skipped


class IndexDataset(FileDataset[Index]):
    """An `Index` on disk. Loading costs no memory: records are read as they are asked for."""

    def save(self, data: Index | Skipped) -> None:
        """Write the records, or the one line that says why there are none."""
        index = Index.skipped(data.reason) if isinstance(data, Skipped) else data
        index.save(self._path)

    def preview(self, nrows: int = 20) -> TablePreview:
        """The first records as a table, for Kedro-Viz."""
        records = list(itertools.islice(Index.open(self._path), nrows))
        columns = list(dict.fromkeys(key for record in records for key in record))
        rows = [[_cell(record.get(column)) for column in columns] for record in records]
        return TablePreview({"index": list(range(len(rows))), "columns": columns, "data": rows})

    def _read(self, path: Path) -> Index:
        return Index.open(path)

    def _write(self, path: Path, data: Index) -> None:
        data.save(path)


def _cell(value: Any) -> Any:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value
    return text[:77] + "..." if isinstance(text, str) and len(text) > 80 else text
