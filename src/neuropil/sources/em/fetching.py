"""Published files, fetched and unpacked below the raw store; what stands there already makes no request."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

from neuropil.sources.http.download import Asset, fetch
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.unpacking import unpack
from neuropil.sources.volume_parameters import RemoteFile
from neuropil.work.keys import content_key

logger = logging.getLogger(__name__)

UNPACKED = "unpacked"
_GB = 10**9


def asset_of(remote: RemoteFile, name: str, field: str, *, most_gb: float, kind: str = "any") -> Asset:
    """A published file as what is fetched.

    Args:
        remote: its address and checksum.
        name: what it is called on disk.
        field: where its address stands in the parameters.
        most_gb: that it may have.
        kind: what it must be, see `Asset`.
    """
    return Asset(
        remote.url,
        name,
        sha256=remote.sha256,
        md5=remote.md5,
        kind=kind,  # type: ignore[arg-type]
        most_bytes=int(most_gb * _GB),
        hosts=remote.hosts,
        advice=advice(field),
    )


def advice(field: str) -> str:
    """What to do where a file cannot be had from the address that stands in `field`."""
    path = ".".join([*field.split(".")[:3], "path"])
    return f"it is {field}; where you have the files already, give their folder as {path}"


def nothing_in(field: str, path: Path | None, folder: Path, what: str, expected: str) -> str:
    """The line where neither a person's folder nor what was fetched holds a volume."""
    if path is not None:
        return f"{field}.path={path}: no {what} in it; expected {expected}"
    return f"{folder}: what was fetched holds no {what}; look up where it is published now, and set {field}'s addresses"


def fetch_unpacked(
    assets: Sequence[Asset], folder: Path, http: HttpParameters, *, most_gb: float, label: str
) -> list[Path]:
    """Fetch archives and unpack each; return their folders, `folder/unpacked/NAME-KEY`.

    An archive may be removed by hand once it is unpacked: the folder stands for it until its address or checksum is
    another. Folders of another address or checksum are removed.
    """
    folders = [_folder_of(asset.name, asset.key, folder) for asset in assets]
    missing = [asset for asset, one in zip(assets, folders, strict=True) if not one.exists()]
    fetch(missing, folder, http, label=label)
    for asset, one in zip(assets, folders, strict=True):
        unpack(asset.path_in(folder), one, most_bytes=int(most_gb * _GB))
        _remove_older(one)
    return folders


def unpack_local(archive: Path, folder: Path, *, most_gb: float) -> Path:
    """Unpack an archive of a person's own below the raw store; return its folder."""
    about = archive.stat()
    key = content_key(str(archive.absolute()), about.st_size, about.st_mtime_ns)
    target = _folder_of(archive.name, key, folder)
    unpack(archive, target, most_bytes=int(most_gb * _GB))
    return target


def _folder_of(name: str, key: str, folder: Path) -> Path:
    """Where an archive is unpacked."""
    return folder / UNPACKED / f"{name.rpartition('.')[0] or name}-{key[:12]}"


def _remove_older(target: Path) -> None:
    """Remove what was unpacked of a file of the same name from another address or with another checksum."""
    stem = target.name[:-12]
    for other in target.parent.glob(stem + "[0-9a-f]" * 12):
        if other != target:
            logger.info("%s: removed, it was unpacked from another archive", other)
            shutil.rmtree(other, ignore_errors=True)
