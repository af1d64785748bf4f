"""What an earlier run with other sources left in a store."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path


def remove_others(folder: Path, names: Collection[str], *, suffix: str = ".swc") -> None:
    """Remove the files with this suffix that do not belong to the present index.

    Steps that read a whole store (segmentation does) would otherwise go on with neurons or volumes of another run.
    """
    for file in folder.glob(f"*{suffix}"):
        if file.name not in names:
            file.unlink()
