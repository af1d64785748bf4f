"""What stands in a workspace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from neuropil.datasets.file import FileDataset
from neuropil.work.index import Index
from neuropil.work.skipped import Skipped


@dataclass(frozen=True)
class OutputState:
    """One output of a pipeline: "348 records", "there", "missing", "skipped: no volumes ..."."""

    pipeline: str
    output: str
    state: str
    made_at: str


def outputs_by_pipeline(catalog: Any) -> Iterator[OutputState]:
    """The outputs of all pipelines, in the order in which they are made."""
    from neuropil.pipeline_registry import PIPELINES, register_pipelines

    registered = register_pipelines()
    for name in PIPELINES:
        for node in registered[name].nodes:
            for output in node.outputs:
                dataset = catalog.get(output)
                if isinstance(dataset, FileDataset):
                    yield OutputState(name, output, _state(dataset), _made_at(dataset))


def _state(dataset: FileDataset[Any]) -> str:
    if not dataset.exists():
        return "missing"
    value = dataset.load()
    if isinstance(value, Skipped):
        return f"skipped: {value.reason}"
    if isinstance(value, Index):
        return f"skipped: {value.reason}" if value.reason else f"{len(value):,} records"
    return "there"


def _made_at(dataset: FileDataset[Any]) -> str:
    if not dataset.path.exists():
        return ""
    return datetime.fromtimestamp(dataset.path.stat().st_mtime).isoformat(sep=" ", timespec="minutes")
