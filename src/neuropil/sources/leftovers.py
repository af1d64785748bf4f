"""What an earlier run with other sources left in a store."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def remove_others(folder: Path, names: Iterable[str], *, suffix: str = ".swc", count: int | None = None) -> None:
    """Remove the files with this suffix that do not belong to the present index.

    Steps that read a whole store (segmentation does) would otherwise go on with neurons or volumes of another run.

    Args:
        folder: the store; it need not exist.
        names: the files that stay, all of which are there.
        suffix: files with another one are left alone.
        count: how many names there are, where they come as a stream; it is read, and held, only where there are more
            files than that.
    """
    if not folder.is_dir():
        return
    if count is not None and sum(1 for _ in _files(folder, suffix)) == count:
        return
    kept = set(names)
    for name in [name for name in _files(folder, suffix) if name not in kept]:
        (folder / name).unlink()


def _files(folder: Path, suffix: str) -> Iterable[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(suffix) and not entry.name.startswith("."):
                yield entry.name
