"""A cell of the Allen Institute that may have a reconstruction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuropil.sources.names import safe_name

SOURCE = "allen"


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        id: its specimen's id, under which it is kept.
        facts: what is known of it, as its source says it, with standard fields where those are named otherwise.
        url: where its reconstruction is; None = on disk, or nowhere.
        hosts: that the address may redirect to besides its own.
        file: where its reconstruction lies on disk already.
        skip: why nothing of it is taken.
        problem: why its file cannot be used; such a cell is told of, and refused by name.
        others: other files of the same cell, which are not taken.
    """

    id: str
    facts: dict[str, Any]
    url: str | None = None
    hosts: tuple[str, ...] = ()
    file: Path | None = None
    skip: str | None = None
    problem: str | None = None
    others: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The id as a name of a file."""
        return safe_name(self.id)

    @property
    def order(self) -> tuple[int, str]:
        """Where it stands among others: numbers by their size, before names."""
        return (int(self.id), "") if self.id.isdecimal() and len(self.id) < 30 else (1 << 128, self.id)
