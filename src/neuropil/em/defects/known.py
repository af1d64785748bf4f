"""Published files that are known to be damaged, by what their users reported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple


class Known(NamedTuple):
    """A report: which volumes of a source, and what is said of them."""

    source: str
    names: re.Pattern[str]
    report: str
    what_to_do: str


_LEAVE = "look at its card; leave the volume out where it is so"

KNOWN = (
    Known("mitoem2", re.compile(r"(jurkat|macro)_train0?2(?!\d)", re.I), "its image was reported to be noise", _LEAVE),
    Known("mitoem2", re.compile(r"jurkat_train0?2(?!\d)", re.I), "its labels were reported to be transposed", _LEAVE),
    Known("mitoem2", re.compile(r"(?<![a-z])beta(?![a-z])", re.I),
          "its headers were reported to say 1.0 where voxels are 16 nm", "see which voxel size was taken"),
)  # fmt: skip
"""MitoEM 2.0, release of 2025."""


def known_defects(record: Mapping[str, Any]) -> list[Known]:
    """What is known of a volume, by its source and name."""
    source, name = record.get("source"), str(record.get("name"))
    return [known for known in KNOWN if known.source == source and known.names.search(name)]
