"""What the catalog names: one Kedro dataset a file."""

from neuropil.datasets.checkpoint import CheckpointDataset
from neuropil.datasets.document import JsonDataset, TextDataset
from neuropil.datasets.index import IndexDataset
from neuropil.datasets.picture import PictureDataset, PlotlyDataset
from neuropil.datasets.store import StoreDataset
from neuropil.datasets.table import TableDataset

__all__ = [
    "CheckpointDataset",
    "IndexDataset",
    "JsonDataset",
    "PictureDataset",
    "PlotlyDataset",
    "StoreDataset",
    "TableDataset",
    "TextDataset",
]
