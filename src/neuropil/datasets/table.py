"""Tables in Parquet."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro_datasets._typing import TablePreview

from neuropil.datasets.file import FileDataset
from neuropil.errors import InputError
from neuropil.work.index import Index, Record
from neuropil.work.skipped import Skipped

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_GROUP = 10_000  # rows of a row group of the file, held as arrays: a few megabytes
_BATCH = 500  # rows held as Python objects, which take ten times as much


class TableDataset(FileDataset["pd.DataFrame"]):
    """A table as Parquet: it loads as a pandas table, and is saved from one or, as a stream, from an `Index`.

    Of an index every column holds texts, truth values, whole or other numbers; what a record does not say is null.
    """

    def save(self, data: pd.DataFrame | Index | Skipped) -> None:
        """Write the table; an index that is empty for a reason is a table that was skipped for it."""
        reason = data.reason if isinstance(data, Index) else None
        super().save(data if reason is None else Skipped(reason))  # type: ignore[arg-type]

    def preview(self, nrows: int = 20) -> TablePreview:
        """The first rows, for Kedro-Viz; columns of vectors are left out."""
        table = self._first(nrows)
        table = table[[name for name in table if table[name].dtype != object or _flat(table[name])]]
        return TablePreview(
            {
                "index": list(range(len(table))),
                "columns": [str(name) for name in table],
                "data": table.astype(object).where(table.notna(), None).values.tolist(),
            }
        )

    def _first(self, nrows: int) -> pd.DataFrame:
        import pyarrow.parquet as pq

        with pq.ParquetFile(self._path) as file:
            batch = next(file.iter_batches(batch_size=nrows), None)
            return file.schema_arrow.empty_table().to_pandas() if batch is None else batch.to_pandas()

    def _read(self, path: Path) -> pd.DataFrame:
        import pandas as pd
        import pyarrow

        try:
            return pd.read_parquet(path)
        except (pyarrow.ArrowException, OSError) as error:
            raise InputError(f"{path}: not a Parquet table; remove it and run the pipeline that makes it") from error

    def _write(self, path: Path, data: pd.DataFrame | Index) -> None:
        if isinstance(data, Index):
            _write_stream(path, data)
        else:
            data.to_parquet(path, index=False)


def _write_stream(path: Path, records: Index) -> None:
    """Write the records, read twice: for the columns, then for the rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(records)
    rows = iter(records)
    with pq.ParquetWriter(path, schema) as writer:
        while batches := list(itertools.islice(_batches(rows, schema), _GROUP // _BATCH)):
            writer.write_table(pa.Table.from_batches(batches))


def _batches(rows: Iterator[Record], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    while batch := [dict(row) for row in itertools.islice(rows, _BATCH)]:
        yield pa.RecordBatch.from_pylist(batch, schema)


def _schema(records: Index) -> pa.Schema:
    """The columns in the order in which they come up, each of the kind that holds all its values."""
    import pyarrow as pa

    kinds: dict[str, type | None] = {}
    for record in records:
        for name, value in record.items():
            before = kinds.setdefault(name, None)
            if value is not None:
                kinds[name] = _kind(name, value, before)
    arrow: dict[type | None, Any] = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    return pa.schema([(name, arrow.get(kind, pa.null())) for name, kind in kinds.items()])


def _kind(name: str, value: Any, before: type | None) -> type:
    kind = type(value)
    if kind not in (str, bool, int, float):
        raise TypeError(f"column {name}: a {kind.__name__}; a streamed table holds texts, truth values and numbers")
    if before is None or before is kind:
        return kind
    if {before, kind} == {int, float}:
        return float
    raise TypeError(f"column {name}: a {kind.__name__} after a {before.__name__}")


def _flat(column: pd.Series) -> bool:
    return not column.map(lambda value: hasattr(value, "__len__") and not isinstance(value, str)).any()
