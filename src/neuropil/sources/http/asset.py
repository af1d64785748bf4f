"""A file to fetch: where it is, what it must be, and whether it is there already."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from neuropil.errors import InputError
from neuropil.sources.http.content import FileKind, problem_of_file
from neuropil.sources.http.hosts import shown
from neuropil.work.keys import content_key, file_digest
from neuropil.work.ledger import Entry
from neuropil.work.text import printable

logger = logging.getLogger(__name__)

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Asset:
    """A file to fetch.

    Attributes:
        url: where it is.
        name: where it is to stand below the folder; may have folders of its own (`/` between them).
        sha256: its published SHA-256, where there is one.
        md5: its published MD5, where there is one.
        kind: what it must be; a web page that came instead is refused.
        most_bytes: that it may have; None = `http.most_gb`.
        hosts: that redirects may lead to besides the host of `url`; `*.name` stands for all below `name`.
        advice: added to the line of a failure: which field of the parameters the address comes from, say.
    """

    url: str
    name: str
    sha256: str | None = None
    md5: str | None = None
    kind: FileKind = "any"
    most_bytes: int | None = None
    hosts: tuple[str, ...] = ()
    advice: str | None = None

    @property
    def key(self) -> str:
        """The key under which it is done."""
        return content_key(self.url, self.sha256, self.md5)

    @property
    def checked(self) -> bool:
        """Whether a checksum was published."""
        return bool(self.sha256 or self.md5)

    def path_in(self, folder: Path) -> Path:
        """Where its file is to stand. Raises InputError where its name leads out of the folder."""
        path = PurePosixPath(self.name)
        if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in self.name or "\0" in self.name:
            raise InputError(f"{shown(self.url)}: no file can be named {printable(self.name)!r}; give it a plain name")
        return folder / path

    def wrong_digest(self, sha256: str, md5: str) -> str | None:
        """What is wrong with a file of these digests, or None."""
        for name, published, found in (("SHA-256", self.sha256, sha256), ("MD5", self.md5, md5)):
            if published and published.lower() != found:
                return f"its {name} is {found}, but {published.lower()} was published"
        return None


def present(asset: Asset, path: Path, last: Entry | None) -> dict[str, Any] | None:
    """What the ledger is to know of a file that is there already, or None where it must be fetched.

    Args:
        asset: what is wanted.
        path: where it stands, if it does.
        last: the ledger's last entry of this name. Where size and time of change are still those, the file is trusted
            without being read; else its digest decides.
    """
    if not path.is_file():
        return None
    about = path.stat()
    done = last.result if last is not None and (last.key, last.state) == (asset.key, "done") else None
    if done and (done.get("size"), done.get("mtime_ns")) == (about.st_size, about.st_mtime_ns):
        return done
    now = {"size": about.st_size, "mtime_ns": about.st_mtime_ns}
    if done:
        if file_digest(path) == done.get("sha256"):
            return done | now
        logger.warning("%s changed since it was fetched; it is fetched anew", path)
        return None
    if last is not None and last.state == "done":  # of another address or checksum
        return None
    problem = _problem_by_hand(asset, path)
    if problem:
        logger.warning("%s was put there but %s; it is fetched anew", path, problem)
        return None
    return {"url": None, **now, "sha256": file_digest(path), "faults": []}


def _problem_by_hand(asset: Asset, path: Path) -> str | None:
    """What is wrong with a file that no download of ours set there, or None."""
    if path.stat().st_size == 0:
        return "it is empty"
    problem = problem_of_file(path, asset.kind, asset.name)
    if problem or not asset.checked:
        return problem
    return asset.wrong_digest(file_digest(path), _md5(path) if asset.md5 else "")


def _md5(path: Path) -> str:
    import hashlib

    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
