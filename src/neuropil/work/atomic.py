"""Files and folders that are either whole or not there."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from neuropil.errors import MachineError

_PART = re.compile(r"^\..+\.(\d+)-[0-9a-f]{8}\.part$")
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
_NO_SPACE_TEXTS = ("No space left on device", "database or disk is full")


@contextmanager
def atomic_path(target: Path | str, *, folder: bool = False) -> Iterator[Path]:
    """Give a temporary path beside `target`; when the block ends well, rename it to `target`.

    Args:
        target: where the result is to stand. Its parent is made. What stood there is replaced.
        folder: make the temporary path as an empty folder instead of leaving it to be written as a file.

    Yields:
        The temporary path, on the same file system as `target`, with the suffix of `target` kept off its
        end so that no listing by suffix (`*.swc`) takes it for a result.

    Raises:
        MachineError: the disk is full or the place cannot be written; the temporary is gone then.
    """
    target = Path(target)
    part = target.parent / f".{target.name[-100:]}.{os.getpid()}-{uuid4().hex[:8]}.part"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if folder:
            part.mkdir()
        yield part
        if not folder:
            _flush(part)
        _replace(part, target)
    except OSError as error:
        explained = _explained(error, target)
        if explained is None:
            raise  # `from error` would make it its own cause
        raise explained from error
    finally:
        _remove(part)


def write_bytes(target: Path | str, data: bytes) -> None:
    """Write `data` to `target` whole or not at all."""
    with atomic_path(target) as part:
        part.write_bytes(data)


def write_text(target: Path | str, text: str) -> None:
    """Write `text` to `target` as UTF-8, whole or not at all."""
    write_bytes(target, text.encode())


def remove_leftovers(folder: Path) -> int:
    """Remove temporaries below `folder` whose process has ended (a killed run); return how many."""
    removed = 0
    for root, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            match = _PART.match(name)
            if match and not _alive(int(match[1])):
                _remove(Path(root) / name)
                removed += 1
        folders[:] = [name for name in folders if not _PART.match(name)]
    return removed


def disk_is_full(error: BaseException | None) -> bool:
    """Whether an error, or one it was raised from, says that no space is left on the device."""
    seen: list[BaseException] = []  # a chain of causes may close on itself
    while error is not None and error not in seen:
        seen.append(error)
        # HDF5 and SQLite keep the cause in their text only.
        if getattr(error, "errno", None) in _NO_SPACE or any(text in str(error) for text in _NO_SPACE_TEXTS):
            return True
        error = error.__cause__ or error.__context__
    return False


def _explained(error: OSError, target: Path) -> MachineError | None:
    if disk_is_full(error):
        return MachineError(f"{target}: the disk is full; free some space or move the run with --params workspace=PATH")
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return MachineError(
            f"{target}: cannot be written ({error.strerror}); choose another place with --params workspace=PATH"
        )
    return None


def _flush(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _replace(part: Path, target: Path) -> None:
    if target.is_dir() and part.is_dir():
        # A folder cannot be renamed over a filled one: set the old one aside first.
        old = target.parent / f".{target.name[-100:]}.{os.getpid()}-{uuid4().hex[:8]}.part"
        target.rename(old)
        part.rename(target)
        _remove(old)
    else:
        part.replace(target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
