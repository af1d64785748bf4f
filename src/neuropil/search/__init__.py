"""Search: an index of embedded neurons, and questions to it in plain words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuropil.search.queries import Hit


def query(index_folder: Path | str, text: str, k: int = 10, *, checkpoint: Path | None = None) -> list[Hit]:
    """The k neurons nearest to a text; see `neuropil.search.queries.query`."""
    from neuropil.search.queries import query as ask

    return ask(index_folder, text, k, checkpoint=checkpoint)
