"""The files that an archive says it has, and their bytes, one after the other."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from neuropil.sources.archives import CLIMBS, ENCRYPTED, LINK, METHOD, NO_FILE, TWICE, DamagedArchiveError

BROKEN: tuple[type[Exception], ...] = (OSError, EOFError, ValueError, NotImplementedError, OverflowError, RuntimeError)
BROKEN += (RecursionError, struct.error, zlib.error, zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError)
"""What the libraries raise where an archive is damaged."""

_DRIVE = re.compile(r"^[A-Za-z]:")
_HEADER_MOST = 1 << 20  # bytes of one header of a tar: names and their like
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_PACKED = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open))
_USTAR = 257  # where a tar's first header says that it is one


@dataclass(frozen=True)
class PackedFile:
    """A file in an archive.

    Attributes:
        name: as a path with `/` between its folders, or as it stands there where it is no such path.
        size: bytes it says it has.
        problem: why it must not be unpacked.
        entry: what the library knows it by.
    """

    name: str
    size: int
    problem: str | None
    entry: Any

    @property
    def hidden(self) -> bool:
        """Whether it, or a folder it is in, is hidden, or holds what macOS adds."""
        return any((part.startswith(".") and part.strip(".")) or part == "__MACOSX" for part in self.name.split("/"))


class OpenArchive(Protocol):
    """An archive that is open; its files are to be read in its order, each before the next is asked for."""

    listed: bool
    """Whether all files are known before the first is read."""

    def files(self) -> Iterator[PackedFile]:
        """Its files, without folders."""

    def read(self, file: PackedFile) -> IO[bytes]:
        """The bytes of one."""


def opened(archive: Path, file: IO[bytes], most: int) -> OpenArchive:
    """An archive by its content: zip, or tar, plain or packed.

    Args:
        archive: its path.
        file: it, open.
        most: bytes that a packed tar may unpack to, with all that is not wanted.

    Raises:
        DamagedArchiveError: it is none that is read, or its list of files is damaged.
    """
    head = file.read(_USTAR + 8)
    file.seek(0)
    if head.startswith((b"PK\3\4", b"PK\5\6", b"PK\7\x08")):
        return _Zip(archive, file)
    for mark, unpacker in _PACKED:
        if head.startswith(mark):
            return _Tar(unpacker(file), most)
    if head[_USTAR : _USTAR + 5] == b"ustar":
        return _Tar(file, most)
    raise DamagedArchiveError("is no archive that is read (zip, tar, tar.gz, tar.bz2, tar.xz); fetch it again")


class _Zip:
    listed = True

    def __init__(self, archive: Path, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file)
        if sum(info.compress_size for info in self._zip.infolist()) > archive.stat().st_size:
            raise DamagedArchiveError("holds files that lie over one another (a zip bomb); nothing of it was unpacked")

    def files(self) -> Iterator[PackedFile]:
        names: set[str] = set()
        for info in self._zip.infolist():
            if not info.is_dir() and not info.orig_filename.endswith("\\"):  # some systems write folders so
                problem = LINK if stat.S_ISLNK(info.external_attr >> 16) else None
                problem = ENCRYPTED if info.flag_bits & 0x1 else problem
                problem = METHOD if info.compress_type not in _METHODS else problem
                yield _checked(info.orig_filename, info.file_size, problem, info, names)

    def read(self, file: PackedFile) -> IO[bytes]:
        return self._zip.open(file.entry)


class _Tar:
    listed = False

    def __init__(self, file: Any, most: int) -> None:
        self._tar = tarfile.TarFile(fileobj=_Bounded(file, most))

    def files(self) -> Iterator[PackedFile]:
        names: set[str] = set()
        last = -1
        while (info := self._tar.next()) is not None:
            if self._tar.offset <= last:  # a size below 0 would lead round for ever
                raise tarfile.ReadError("a header leads back")
            last = self._tar.offset
            self._tar.members.clear()  # type: ignore[attr-defined]  # it would keep each, a kilobyte
            if not info.isdir():
                problem = None if info.isreg() and not info.issparse() else NO_FILE
                problem = LINK if info.issym() or info.islnk() else problem
                yield _checked(info.name, info.size, problem, info, names)

    def read(self, file: PackedFile) -> IO[bytes]:
        found = self._tar.extractfile(file.entry)
        assert found is not None
        return found


class _Bounded(io.BufferedIOBase):
    """What a tar is read from: no header of gigabytes, no end that is never reached."""

    def __init__(self, file: Any, most: int) -> None:
        self._file, self._most = file, most

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= _HEADER_MOST:
            raise tarfile.ReadError(f"a header of {size} bytes")
        self._check(self._file.tell() + size)
        return bytes(self._file.read(size))

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._check(offset)
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def _check(self, place: int) -> None:
        if place > self._most:
            raise DamagedArchiveError(f"unpacks to more than {self._most:,} bytes; nothing of it was unpacked")


def _checked(raw: str, size: int, problem: str | None, entry: Any, names: set[str]) -> PackedFile:
    """A file under a name that leads nowhere else, or with what is wrong with it."""
    slashed = raw.replace("\\", "/")
    parts = [part for part in slashed.split("/") if part not in ("", ".")]
    name = "/".join(parts)
    if slashed.startswith("/") or ".." in parts or not parts or _DRIVE.match(slashed) or "\0" in raw:
        return PackedFile(raw, size, CLIMBS, entry)
    twice = name in names
    names.add(name)
    return PackedFile(name, size, TWICE if twice and problem is None else problem, entry)
