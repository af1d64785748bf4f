"""Archives of SWC files: which members there are, where each lies, and which must not be read.

Nothing is extracted: a member's name is never a path, and its bytes are read where they lie (`members.read_member`). A
compressed tar, which can be read from its start only, is unpacked as one plain tar into the raw store first.
"""

from __future__ import annotations

import gzip
import io
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuropil.errors import InputError
from neuropil.sources.members import DEFLATED, GZIP, LARGEST, RATIO, STORED, Place
from neuropil.work.atomic import atomic_path

TAR = (".tar",)
PACKED_TAR = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
SINGLE = (".swc.gz", ".eswc.gz")
SUFFIXES = (".zip", *TAR, *PACKED_TAR, *SINGLE)

CLIMBS = "its name leads out of the archive"
LINK = "a link; of an archive only files are read"
NO_FILE = "no regular file"
NESTED = "an archive within an archive is not opened; unpack it"
ENCRYPTED = "encrypted; unpack it with its password"
TWICE = "a second member of this name; the first is read"
METHOD = "packed by a method that is not read; pack it anew"
TOO_LARGE = f"larger than {LARGEST >> 20} MiB; no neuron is that large"
BOMB = f"unpacks to more than {RATIO} times its size"

_ARCHIVE_MOST = 1 << 40  # bytes that a compressed tar may unpack to, where its ratio allows that many
_CHUNK = 1 << 20
_HEADER_MOST = 1 << 20  # bytes of one header of a tar: names and their like
_DRIVE = re.compile(r"^[A-Za-z]:")
_METHODS = {zipfile.ZIP_STORED: STORED, zipfile.ZIP_DEFLATED: DEFLATED}
_BROKEN: tuple[type[Exception], ...] = (OSError, EOFError, ValueError, NotImplementedError, OverflowError)
_BROKEN += (RecursionError, zlib.error, zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError)


class DamagedArchiveError(InputError):
    """An archive cannot be read, or not to its end; the message is only the reason."""


@dataclass(frozen=True)
class Member:
    """A file in an archive: its name there, where its bytes lie, or why it is not to be read."""

    name: str
    place: Place | None = None
    problem: str | None = None

    @property
    def base(self) -> str:
        """The name without folders, whichever system wrote them."""
        return self.name.replace("\\", "/").rstrip("/").rpartition("/")[2]


def is_archive(name: str) -> bool:
    """Whether a file's name is that of an archive."""
    return name.lower().endswith(SUFFIXES)


def list_members(archive: Path, unpacked: Path) -> Iterator[Member]:
    """Yield the files of an archive in its order, without folders and hidden files.

    Args:
        archive: a file with one of the `SUFFIXES`.
        unpacked: where a compressed tar may be unpacked to, as one plain tar.

    Raises:
        DamagedArchiveError: the archive cannot be read; what came before, can.
    """
    name = archive.name.lower()
    try:
        if name.endswith(SINGLE):
            place = Place(str(archive), 0, archive.stat().st_size, None, GZIP)
            members: Iterator[Member] = iter([Member(archive.name[: -len(".gz")], place)])
        elif name.endswith(".zip"):
            members = _of_zip(archive)
        else:
            members = _of_tar(archive if name.endswith(TAR) else _unpack(archive, unpacked))
        yield from _checked(members)
    except _BROKEN as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> DamagedArchiveError:
    if isinstance(error, OSError) and error.errno is not None:
        return DamagedArchiveError(f"the archive cannot be read ({error.strerror})")
    return DamagedArchiveError(f"the archive is damaged ({str(error) or type(error).__name__}); get it anew")


def _checked(members: Iterator[Member]) -> Iterator[Member]:
    """Pass hidden members over; refuse those whose names climb out or stand there twice."""
    names: set[str] = set()
    for member in members:
        parts = member.name.replace("\\", "/").split("/")
        if (member.base.startswith(".") and member.base.strip(".")) or "__MACOSX" in parts:
            continue
        problem = member.problem
        if parts[0] == "" or ".." in parts or _DRIVE.match(member.name):
            problem = CLIMBS
        elif is_archive(member.name) and not member.name.lower().endswith(SINGLE):
            problem = NESTED
        elif problem is None and member.name in names:
            problem = TWICE
        names.add(member.name)
        yield Member(member.name, None if problem else member.place, problem)


def _of_zip(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
    if sum(info.compress_size for info in infos) > path.stat().st_size:
        raise DamagedArchiveError("its members lie over one another (a zip bomb); nothing of it is read")
    for info in infos:
        if not info.is_dir():
            method = _METHODS.get(info.compress_type)
            yield Member(info.filename, _place_in_zip(path, info, method), _zip_problem(info, method))


def _place_in_zip(path: Path, info: zipfile.ZipInfo, method: str | None) -> Place | None:
    if method is None:
        return None
    return Place(str(path), info.header_offset, info.compress_size, info.file_size, method, info.CRC)


def _zip_problem(info: zipfile.ZipInfo, method: str | None) -> str | None:
    if stat.S_ISLNK(info.external_attr >> 16):
        return LINK
    if info.flag_bits & 0x1:
        return ENCRYPTED
    if method is None:
        return METHOD
    if info.file_size > LARGEST:
        return TOO_LARGE
    return BOMB if info.file_size > RATIO * info.compress_size + _CHUNK else None


def _of_tar(path: Path) -> Iterator[Member]:
    with _Frugal(io.FileIO(path)) as file, tarfile.open(fileobj=file, mode="r:") as archive:
        last = -1
        while (info := archive.next()) is not None:
            if archive.offset <= last:  # a size below 0 would lead round for ever
                raise tarfile.ReadError("a header leads back")
            last = archive.offset
            archive.members.clear()  # type: ignore[attr-defined]  # it would keep each, a kilobyte
            if not info.isdir():
                place = Place(str(path), info.offset_data, info.size, info.size, STORED)
                yield Member(info.name, place, _tar_problem(info))
        file.seek(archive.offset)  # tarfile takes a header that it cannot read for the end
        if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
            raise tarfile.ReadError(f"no header at byte {archive.offset}; what follows is lost")


def _tar_problem(info: tarfile.TarInfo) -> str | None:
    if info.issym() or info.islnk():
        return LINK
    if not info.isreg() or info.issparse():
        return NO_FILE
    return TOO_LARGE if info.size > LARGEST else None


class _Frugal(io.BufferedReader):
    """A file that gives no more at a time than a header may have: a tar can ask for gigabytes of name."""

    def read(self, size: int | None = -1, /) -> bytes:
        """As every file's; refuses what no header has."""
        if size is None or not 0 <= size <= _HEADER_MOST:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return super().read(size)


def _unpack(archive: Path, target: Path) -> Path:
    """Unpack a compressed tar to a plain one, bounded by the ratio; what is there already is kept."""
    if target.exists():
        return target
    most = min(RATIO * archive.stat().st_size + _CHUNK, _ARCHIVE_MOST)
    with _opened(archive) as source, atomic_path(target) as part, open(part, "wb") as plain:
        while chunk := _next_chunk(source):
            most -= len(chunk)
            if most < 0:
                raise DamagedArchiveError(f"the archive {BOMB}; nothing of it is read")
            plain.write(chunk)
    return target


def _opened(archive: Path) -> Any:
    if archive.name.lower().endswith("gz"):
        return gzip.open(archive)
    if archive.name.lower().endswith("bz2"):
        import bz2

        return bz2.open(archive)
    return lzma.open(archive)


def _next_chunk(source: Any) -> bytes:
    try:
        return bytes(source.read(_CHUNK))
    except _BROKEN as error:
        raise _damaged(error) from error
