"""Archives of every kind, good and hostile, made for the tests."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from pathlib import Path

SWC = b"1 1 0 0 0 5 -1\n2 3 0 10 0 1 1\n3 3 0 20 0 1 2\n"


def zipped(path: Path, members: dict[str, bytes] | list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip file with these members; names are written as they are."""
    pairs = list(members.items()) if isinstance(members, dict) else members
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in pairs:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return path


def tarred(path: Path, members: dict[str, bytes] | list[tuple[str, bytes]], mode: str = "w") -> Path:
    """A tar file with these members."""
    pairs = list(members.items()) if isinstance(members, dict) else members
    with tarfile.open(path, mode) as archive:
        for name, data in pairs:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def tar_with(path: Path, *infos: tarfile.TarInfo) -> Path:
    """A tar file with members that are links, devices and the like, and a good one behind them."""
    with tarfile.open(path, "w") as archive:
        for info in infos:
            archive.addfile(info)
        info = tarfile.TarInfo("good.swc")
        info.size = len(SWC)
        archive.addfile(info, io.BytesIO(SWC))
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A member of a tar that is no file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def encrypted_flag(path: Path) -> Path:
    """Mark all members of a zip as encrypted."""
    return _patched(path, b"PK\1\2", 8, struct.pack("<H", 1))


def lying_size(path: Path, size: int) -> Path:
    """Let the directory of a zip say another size than its members have."""
    return _patched(path, b"PK\1\2", 24, struct.pack("<I", size))


def _patched(path: Path, mark: bytes, offset: int, data: bytes) -> Path:
    raw = bytearray(path.read_bytes())
    place = raw.find(mark)
    while place >= 0:
        raw[place + offset : place + offset + len(data)] = data
        place = raw.find(mark, place + 1)
    path.write_bytes(raw)
    return path
