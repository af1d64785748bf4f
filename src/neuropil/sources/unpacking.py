"""Files out of an archive to a folder, which stands whole or not at all.

What an archive says of itself is not believed: names cannot lead out of the folder, links and devices are not made, and
no more is written than may be, than the archive's size explains, and than the disk has room for. An archive that asks
for any of this is refused as a whole, in one line: it is not what was published.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NoReturn

from neuropil.errors import InputError, MachineError
from neuropil.sources.archives import CLIMBS, DamagedArchiveError
from neuropil.sources.http.bars import ByteBar
from neuropil.sources.packed_files import BROKEN, OpenArchive, PackedFile, opened
from neuropil.work.atomic import atomic_path, remove_leftovers, write_text
from neuropil.work.text import printable

RATIO = 400
"""Times its own size that an archive may unpack to: masks of few voxels pack to a 200th, bombs to a 1000th."""

MARK = ".unpacked.json"
"""Stands in an unpacked folder: which archive it came from, what that holds, and what was taken."""

_SLACK = 16 << 20  # bytes a small archive may unpack to, whatever its ratio
_RESERVE = 64 << 20  # bytes of disk left free
_CHUNK = 1 << 20
_ANEW = "remove it and run again to fetch it anew"

Wanted = Callable[[str], bool]


def every(name: str) -> bool:
    """Every file of an archive is wanted."""
    return True


def unpack(archive: Path, folder: Path, *, wanted: Wanted = every, most_bytes: int) -> list[Path]:
    """Unpack the wanted files of an archive to a folder of its own.

    A folder that stands already, of the same archive and with the wanted files, is taken as it is, also where the
    archive itself was removed meanwhile to free its space.

    Args:
        archive: a zip or a tar (plain, gz, bz2, xz), told by its content.
        folder: where the files are to stand, under their names in the archive. An older unpacking is replaced; what it
            had stays part of it.
        wanted: asked for each file by its name, `/` between folders. Hidden files are never unpacked.
        most_bytes: that the files may have together.

    Returns:
        The wanted files, in the order of their names.

    Raises:
        InputError: the archive is missing, damaged, hostile or larger than it may be; `folder` stands there already and
            was not made by unpacking. The line says which, and what to do.
        MachineError: the disk is full, or has no room for the files.
    """
    mark = _mark_of(folder)
    if mark is not None and (not archive.exists() or mark["archive"] == _stamp(archive)):
        found = _taken(folder, mark, wanted)
        if found is not None:
            return found
    if not archive.is_file():
        _refuse(archive, "is not there; run again to fetch it anew")
    if mark is None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: stands there and was not made by unpacking {archive.name}; move it away")
    earlier = set(mark["files"]) if mark is not None else set()
    mark = _unpack(archive, folder, lambda name: name in earlier or wanted(name), most_bytes)
    return _taken(folder, mark, wanted) or []


def _unpack(archive: Path, folder: Path, wanted: Wanted, most_bytes: int) -> dict[str, Any]:
    """Unpack an archive and mark the folder with what was taken."""
    _clear(folder)
    try:
        with open(archive, "rb") as packed:
            about = _stamp(archive)
            source = opened(archive, packed, RATIO * archive.stat().st_size + _SLACK)
            with atomic_path(folder, folder=True) as part, ByteBar(f"unpacking {archive.name}") as bar:
                names, files = _Unpacking(source, part, _Bounds(archive, folder, most_bytes), bar).run(wanted)
                mark = {"archive": about, "names": names, "files": files}
                write_text(part / MARK, json.dumps(mark))
            return mark
    except DamagedArchiveError as error:
        _refuse(archive, str(error))
    except BROKEN as error:
        _refuse(archive, f"is damaged ({str(error) or type(error).__name__}); {_ANEW}")


class _Bounds:
    """How much may be written."""

    def __init__(self, archive: Path, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most = most_bytes
        self._explained = RATIO * archive.stat().st_size + _SLACK

    def check(self, total: int, missing: int) -> None:
        """Refuse what has `total` bytes, of which `missing` are still to be written."""
        if total > self._most:
            raise DamagedArchiveError(f"unpacks to {total:,} bytes, more than the {self._most:,} that it may")
        if total > self._explained:
            raise DamagedArchiveError(
                f"unpacks to more than {RATIO} times its size (a bomb); nothing of it was unpacked"
            )
        free = shutil.disk_usage(self._folder.parent).free
        if missing + _RESERVE > free:
            raise MachineError(
                f"{self._folder}: {missing / 1e9:.2f} GB are to be unpacked and {free / 1e9:.2f} GB of disk are free; "
                "free some space or move the run with --params workspace=PATH"
            )


class _Unpacking:
    """One archive on its way to a folder that is not there yet."""

    def __init__(self, source: OpenArchive, part: Path, bounds: _Bounds, bar: ByteBar) -> None:
        self._source, self._part, self._bounds, self._bar = source, part, bounds, bar
        self._total = 0

    def run(self, wanted: Wanted) -> tuple[list[str], dict[str, int]]:
        """Write the wanted files; return the names of all, and the sizes of those."""
        if self._source.listed:  # refuse before the first byte is written
            sizes = [file.size for file in self._source.files() if _usable(file) and wanted(file.name)]
            self._bounds.check(sum(sizes), sum(sizes))
            self._bar.expect(sum(sizes))
        names: list[str] = []
        files: dict[str, int] = {}
        for file in self._source.files():
            if not _usable(file):
                continue
            names.append(file.name)
            if wanted(file.name):
                if file.problem:
                    raise DamagedArchiveError(
                        f"holds {printable(file.name)}: {file.problem}; nothing of it was unpacked"
                    )
                self._bounds.check(self._total + file.size, file.size)
                self._write(file)
                files[file.name] = file.size
        return sorted(names), files

    def _write(self, file: PackedFile) -> None:
        target = self._part / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._source.read(file) as stream, open(target, "xb") as plain:
            written = self._copy(stream, plain, file.size)
        if written != file.size:
            raise DamagedArchiveError(f"is damaged ({printable(file.name)} ends too early); {_ANEW}")
        self._total += written

    def _copy(self, stream: IO[bytes], plain: IO[bytes], size: int) -> int:
        written = 0
        while written <= size and (chunk := stream.read(_CHUNK)):
            plain.write(chunk)
            written += len(chunk)
            self._bar.advance(len(chunk))
        return written


def _usable(file: PackedFile) -> bool:
    """Whether a file is to be looked at: hidden ones are not; one that climbs refuses the whole archive."""
    if file.problem == CLIMBS:
        raise DamagedArchiveError(f"holds {printable(file.name)!r}: {CLIMBS}; nothing of it was unpacked")
    return not file.hidden


def _stamp(archive: Path) -> list[Any]:
    about = archive.stat()
    return [archive.name, about.st_size, about.st_mtime_ns]


def _mark_of(folder: Path) -> dict[str, Any] | None:
    """What an unpacked folder says of itself; None where it is none."""
    try:
        mark = json.loads((folder / MARK).read_text())
    except (OSError, ValueError):
        return None
    return mark if isinstance(mark, dict) and {"archive", "names", "files"} <= set(mark) else None


def _taken(folder: Path, mark: dict[str, Any], wanted: Wanted) -> list[Path] | None:
    """The wanted files of an unpacked folder; None where one is missing or was changed in size."""
    names = [name for name in mark["names"] if wanted(name)]
    for name in names:
        path = folder / name
        if name not in mark["files"] or not path.is_file() or path.stat().st_size != mark["files"][name]:
            return None
    return [folder / name for name in names]


def _clear(folder: Path) -> None:
    """Remove what killed runs left beside the folder: it may be as large as the folder itself."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder.parent)


def _refuse(archive: Path, reason: str) -> NoReturn:
    raise InputError(f"{archive}: {reason}")
