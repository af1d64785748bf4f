"""The files below a folder, in one order on every machine, with what must not be read named as such."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

LINK_OUT = "a link that leads out of the folder; copy the file in"
LINK_NOWHERE = "a link that leads nowhere or in a circle; copy the file in"
NO_FILE = "no regular file (a pipe, a socket or a device)"


class Found(NamedTuple):
    """A file that was looked for, or a folder that cannot be looked into; `problem` says why it is not to be read."""

    path: Path
    problem: str | None = None


def walk(root: Path, wanted: Callable[[str], bool], others: Counter[str] | None = None) -> Iterator[Found]:
    """Yield the wanted files at any depth, sorted as their paths are; one folder's names are held at a time.

    Links are not followed out of the folder: such a file or folder is yielded with its problem. A link to a folder
    within is passed over, since what it leads to is met where it lies. Hidden files (`.name`) are passed over.

    Args:
        root: the folder.
        wanted: asked of each file's name.
        others: counts the files that were not wanted, by suffix.

    Raises:
        OSError: the folder itself cannot be read; of one below it, that is its problem.
    """
    inside = os.path.realpath(root)
    waiting = _look(str(root), inside, wanted, others)
    while waiting:  # no recursion: a path may be two thousand folders deep
        path, problem = waiting.pop()
        if problem is not _FOLDER:
            yield Found(Path(path), problem)
            continue
        try:
            waiting += _look(path, inside, wanted, others)
        except OSError as error:
            yield Found(Path(path), f"the folder cannot be read ({error.strerror})")


_FOLDER = "a folder to look into"
_Waiting = list[tuple[str, str | None]]


def _look(folder: str, inside: str, wanted: Callable[[str], bool], others: Counter[str] | None) -> _Waiting:
    """The wanted files and the folders in a folder, the last name first."""
    found: _Waiting = []
    with os.scandir(folder) as entries:
        for entry in entries:
            problem = _problem(entry, inside, wanted)
            if problem is not _PASS:
                found.append((entry.path, problem))
            elif others is not None and not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                others[os.path.splitext(entry.name)[1].lower()] += 1  # noqa: PTH122 (a Path each would cost more)
    return sorted(found, reverse=True)


_PASS = "nothing that was asked for"


def _problem(entry: os.DirEntry[str], inside: str, wanted: Callable[[str], bool]) -> str | None:
    """None for a file to read, `_FOLDER`, `_PASS`, or why it is not to be read."""
    if entry.is_dir(follow_symlinks=False):
        return _FOLDER
    asked = not entry.name.startswith(".") and wanted(entry.name)
    if entry.is_symlink():
        return _link_problem(entry, inside, asked)
    if not asked:
        return _PASS
    return None if entry.is_file(follow_symlinks=False) else NO_FILE


def _link_problem(entry: os.DirEntry[str], inside: str, asked: bool) -> str | None:
    try:
        mode = entry.stat().st_mode
    except OSError:
        return LINK_NOWHERE if asked else _PASS
    out = os.path.commonpath([inside, os.path.realpath(entry.path)]) != inside
    if stat.S_ISDIR(mode):
        return LINK_OUT if out and not entry.name.startswith(".") else _PASS
    if not asked:
        return _PASS
    return LINK_OUT if out else None if stat.S_ISREG(mode) else NO_FILE
