"""Reading manifests: one record a view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from neuropil.errors import InputError
from neuropil.work.index import Index, read_lines

_ALWAYS = ("neuron_name", "view", "um_per_px")
_FRAME = (
    *("rotation", "center", "distance", "half_height", "fov", "width", "height", "depth_near", "depth_far"),
    "supersample_factor",
)
NEEDED = {"png": (*_ALWAYS, "mask", "depth"), "online": (*_ALWAYS, "swc", *_FRAME)}
"""What a record must hold, by `views.source`."""

_HOW = {
    "png": "render with mask and depth in rendering.outputs, or take views.source=online",
    "online": "run the rendering pipeline again",
}


def read_manifest(
    source: Path | str | Index | Iterable[Mapping[str, Any]], views: Literal["png", "online"] = "png"
) -> list[dict[str, Any]]:
    """The records of a manifest, in order.

    Args:
        source: a `manifest_*.jsonl`, or the index that the catalog loads from one.
        views: where the views are to come from, `views.source`.

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
        missing = [key for key in NEEDED[views] if key not in record]
        if missing:
            raise InputError(f"{where}, record {number}: no {', '.join(missing)}; {_HOW[views]}")
        records.append(record)
    return records
