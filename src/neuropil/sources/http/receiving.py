"""One file from its server to the disk, through as many attempts as it takes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuropil.errors import MachineError
from neuropil.sources.http.asset import Asset
from neuropil.sources.http.bars import ByteBar
from neuropil.sources.http.client import HttpClient
from neuropil.sources.http.content import HEAD, problem_of_file, problem_of_head
from neuropil.sources.http.faults import AttemptError
from neuropil.sources.http.hosts import shown
from neuropil.sources.http.partial import Partial

if TYPE_CHECKING:
    import httpx

_RESERVE = 64 << 20  # bytes of disk left free
_PART = 100  # an attempt that brings a hundredth of the file more than was ever there is progress
_STEP = 1 << 20  # the same where nobody says how long the file is
_LOOK = "open the address in a browser to see what it says"
_ALTERED = (
    "it was altered at its source or on the way; if the source published it anew, set its checksum in the parameters"
)


def receive(asset: Asset, path: Path, client: HttpClient, bar: ByteBar, told: list[str]) -> dict[str, Any]:
    """Fetch a file and set it, whole and verified, where it is to stand.

    Args:
        asset: what is wanted.
        path: where it is to stand.
        client: the kept client.
        bar: shows the bytes.
        told: gets the reason of every attempt that failed.

    Returns:
        Its url, size, sha256, mtime_ns and, where the server gave them, etag and last_modified.

    Raises:
        RequestError: it cannot be had; what came of it stays for the next run, unless it was wrong.
        InputError: another run is fetching it.
        MachineError: the disk is full, or has no room for it.
    """
    patience = client.patience(asset.url, asset.advice)
    patience.faults = told
    with _part_of(asset, path) as part, _Transfer(asset, path, part, bar) as transfer:
        while True:
            furthest = transfer.furthest
            try:
                transfer.attempt(client)
                transfer.verify()
                part.finish()
                break
            except AttemptError as fault:
                if fault.kind == "content":
                    part.restart()
                progressed = transfer.furthest - furthest >= transfer.step and not fault.tired
                wait = patience.bear(fault, progressed=progressed)
                bar.advance(0, note=f"{asset.name}: {fault.reason}; again in {wait:.0f} s")
            client.pause(wait)
        bar.advance(0, note="")
    about = path.stat()
    found = {"url": shown(asset.url), "size": about.st_size, "mtime_ns": about.st_mtime_ns, "sha256": part.sha256}
    return found | part.source


def _part_of(asset: Asset, path: Path) -> Partial:
    return Partial(path, asset.key, checked=asset.checked, with_md5=bool(asset.md5))


class _Transfer:
    """The attempts at one file: what they have in common, and what the bar was told of them."""

    def __init__(self, asset: Asset, path: Path, part: Partial, bar: ByteBar) -> None:
        self._asset, self._path, self._part, self._bar = asset, path, part, bar
        self._total: int | None = None
        self._expected = self._shown = 0
        self.furthest = 0

    def __enter__(self) -> _Transfer:
        self.furthest = self._part.size
        return self

    def __exit__(self, *_: object) -> None:
        if self._expected and self._shown < self._expected:  # it ended without the rest
            self._bar.expect(self._shown - self._expected)

    @property
    def step(self) -> int:
        """Bytes that are progress."""
        return _STEP if self._total is None else max(1, self._total // _PART)

    def attempt(self, client: HttpClient) -> None:
        """Ask for what is missing and receive it. Raises AttemptError where it does not come."""
        headers = {"Accept-Encoding": "identity", **self._part.range_headers()}
        with client.stream(self._asset.url, headers=headers, hosts=self._asset.hosts, passed=(416,)) as response:
            if response.status_code == 416:
                if not self._part.whole(response.headers.get("content-range")):
                    raise AttemptError("the file has another length than before")
                return
            if self._part.size and response.status_code != 206 and _is_page(response) and not _may_be_page(self._asset):
                raise AttemptError("a web page came instead of the rest", advice=_LOOK)  # what came before stays
            self._total = self._part.begin(response.status_code, response.headers)
            most = self._most(client)
            self._check_size(self._total or 0, most)
            self._check_room()
            self._take(client, response, most)
        if self._total is not None and self._part.size != self._total:
            raise AttemptError(f"ended after {self._part.size:,} of {self._total:,} bytes")

    def verify(self) -> None:
        """Raise AttemptError where the bytes are not what they should be."""
        if not self._part.size:
            raise AttemptError("an empty file came", "content", _LOOK)
        problem = problem_of_file(self._part.path, self._asset.kind, self._asset.name)
        if problem:
            raise AttemptError(problem, "content", _LOOK)
        problem = self._asset.wrong_digest(self._part.sha256, self._part.md5)
        if problem:
            raise AttemptError(problem, "content", _ALTERED)

    def _take(self, client: HttpClient, response: httpx.Response, most: int) -> None:
        looked = False
        for chunk in client.received(response.iter_raw()):
            self._part.write(chunk)
            self._tell()
            self._check_size(self._part.size, most)
            if not looked and len(self._part.head) >= HEAD:  # a web page needs not be received to its end
                looked = True
                problem = problem_of_head(self._part.head, self._asset.kind, self._asset.name)
                if problem:
                    raise AttemptError(problem, "content", _LOOK)

    def _tell(self) -> None:
        self.furthest = max(self.furthest, self._part.size)
        if self._total is not None and self._total != self._expected:
            self._bar.expect(self._total - self._expected)
            self._expected = self._total
        self._bar.advance(self._part.size - self._shown)
        self._shown = self._part.size

    def _most(self, client: HttpClient) -> int:
        return int(client.http.most_gb * 1e9) if self._asset.most_bytes is None else self._asset.most_bytes

    def _check_size(self, size: int, most: int) -> None:
        if size > most:
            self._part.restart()
            advice = "it is no such file, or its limit must be raised (ingestion.http.most_gb)"
            raise AttemptError(f"has more than the {most:,} bytes that it may have", "final", advice)

    def _check_room(self) -> None:
        missing = (self._total or 0) - self._part.size
        free = shutil.disk_usage(self._path.parent).free
        if missing + _RESERVE > free:
            raise MachineError(
                f"{self._path}: {missing / 1e9:.2f} GB are still to come and {free / 1e9:.2f} GB of disk are free; "
                "free some space or move the run with --params workspace=PATH; what came so far stays"
            )


def _is_page(response: httpx.Response) -> bool:
    return str(response.headers.get("content-type", "")).lower().startswith("text/html")


def _may_be_page(asset: Asset) -> bool:
    return asset.name.lower().endswith((".html", ".htm"))
