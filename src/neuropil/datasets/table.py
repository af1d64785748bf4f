"""Tables in Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kedro_datasets._typing import TablePreview

from neuropil.datasets.file import FileDataset
from neuropil.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


class TableDataset(FileDataset["pd.DataFrame"]):
    """A pandas table as Parquet."""

    def preview(self, nrows: int = 20) -> TablePreview:
        """The first rows, for Kedro-Viz; columns of vectors are left out."""
        table = self._read(self._path).head(nrows)
        table = table[[name for name in table if table[name].dtype != object or _flat(table[name])]]
        return TablePreview(
            {
                "index": list(range(len(table))),
                "columns": [str(name) for name in table],
                "data": table.astype(object).where(table.notna(), None).values.tolist(),
            }
        )

    def _read(self, path: Path) -> pd.DataFrame:
        import pandas as pd
        import pyarrow

        try:
            return pd.read_parquet(path)
        except (pyarrow.ArrowException, OSError) as error:
            raise InputError(f"{path}: not a Parquet table; remove it and run the pipeline that makes it") from error

    def _write(self, path: Path, data: pd.DataFrame) -> None:
        data.to_parquet(path, index=False)


def _flat(column: pd.Series) -> bool:
    return not column.map(lambda value: hasattr(value, "__len__") and not isinstance(value, str)).any()
