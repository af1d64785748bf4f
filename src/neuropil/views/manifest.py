"""Reading manifests: one record a view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from neuropil.errors import InputError
from neuropil.work.index import Index, read_lines

NEEDED = ("neuron_name", "view", "mask", "depth", "um_per_px")


def read_manifest(source: Path | str | Index | Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The records of a manifest, in order.

    Args:
        source: a `manifest_*.jsonl`, or the index that the catalog loads from one.

    Returns:
        One dictionary a view; see `neuropil.rendering.record` for what it holds. An index that is empty
        for a reason gives an empty list.

    Raises:
        InputError: a line is no JSON object, or a record lacks what training needs.
    """
    named = isinstance(source, (Path, str))
    where = str(source) if named else "the manifest"
    lines = read_lines(source) if isinstance(source, (Path, str)) else source
    records = []
    for number, line in enumerate(lines, 1):
        record = dict(line)
        if set(record) == {"skipped"}:
            break
        missing = [key for key in NEEDED if key not in record]
        if missing:
            raise InputError(
                f"{where}, record {number}: no {', '.join(missing)}; render with mask and depth in rendering.outputs"
            )
        records.append(record)
    return records
