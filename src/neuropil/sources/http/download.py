"""Files from servers: each once, whole, verified; what a killed run left is gone on with."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from neuropil.errors import InputError, MachineError
from neuropil.sources.http.asset import Asset, present
from neuropil.sources.http.bars import ByteBar
from neuropil.sources.http.client import HttpClient
from neuropil.sources.http.hosts import shown
from neuropil.sources.http.ordered import as_done
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.http.receiving import receive
from neuropil.work.ledger import Entry, Ledger
from neuropil.work.text import printable

__all__ = ["LEDGER", "Asset", "Fetched", "fetch", "fetch_each"]

LEDGER = "downloads.jsonl"
"""The ledger's name in the folder of the files: for each its address, size, SHA-256 and what went wrong on the way."""


@dataclass(frozen=True)
class Fetched:
    """How an asset ended.

    Attributes:
        asset: what was asked for.
        path: where its file stands; where there is an error, would stand.
        error: why there is none (a `RequestError` has the `status`: 404 tells a missing record).
        fresh: whether it came now; else it was there and no request was made.
    """

    asset: Asset
    path: Path
    error: InputError | None = None
    fresh: bool = True


def fetch(assets: Iterable[Asset], folder: Path, http: HttpParameters, *, label: str) -> list[Path]:
    """Fetch files to a folder; what is there already is not asked for.

    A file is there when the ledger holds it with its size and SHA-256, or when it was put there by hand and is what
    the asset says (the published checksum where there is one, else the kind).

    Args:
        assets: the files.
        folder: where they are to stand, with the ledger `downloads.jsonl`.
        http: limits, waits and trust.
        label: what the progress bar says.

    Returns:
        The paths, in the order of the assets.

    Raises:
        RequestError: a file cannot be had; the others are broken off, what came of them stays for the next run.
        InputError: a name climbs out of the folder or stands for two addresses; another run fetches the same file.
        MachineError: the disk is full or has no room for a file.
    """
    assets = list(assets)
    with HttpClient(http) as client, closing(fetch_each(assets, folder, client, label=label)) as ended:
        for fetched in ended:
            if fetched.error is not None:
                raise fetched.error
    return [asset.path_in(folder) for asset in assets]


def fetch_each(
    assets: Iterable[Asset],
    folder: Path,
    client: HttpClient,
    *,
    label: str,
    ledger: Path | None = None,
    anew: bool = False,
) -> Generator[Fetched, None, None]:
    """Fetch a stream of files and yield each as it ends, in no order; one that fails does not end the others.

    Args:
        assets: a stream; an asset that comes twice is fetched once.
        folder: see `fetch`.
        client: the kept client; it is stopped where the stream is not read to its end.
        label: what the progress bar says.
        ledger: where the ledger is; None = `downloads.jsonl` in the folder. It holds failures too, with their reason.
        anew: fetch what is there already too; the old file stands until the new one is whole.

    Raises:
        InputError: a name climbs out of the folder, or stands for two addresses.
        MachineError: no other file would do better.
    """
    book = Ledger(folder / LEDGER if ledger is None else ledger)
    with ByteBar(label) as bar:
        work = partial(_ended, folder=folder, client=client, bar=bar, anew=anew)
        with closing(as_done(client, work, _planned(assets, folder, book))) as ended:
            for fetched, entry in ended:
                if entry is not None:
                    book.add(entry)
                yield fetched


def _planned(assets: Iterable[Asset], folder: Path, book: Ledger) -> Iterator[tuple[Asset, Entry | None]]:
    """Each asset once, with what the ledger knows of it."""
    keys: dict[str, str] = {}
    for asset in assets:
        asset.path_in(folder)
        known = keys.get(asset.name)
        if known == asset.key:
            continue
        if known is not None:
            raise InputError(f"{shown(asset.url)}: two addresses are to give the same file, {printable(asset.name)}")
        keys[asset.name] = asset.key
        yield asset, book.last(asset.name)


def _ended(
    planned: tuple[Asset, Entry | None], *, folder: Path, client: HttpClient, bar: ByteBar, anew: bool
) -> tuple[Fetched, Entry | None]:
    """Fetch one asset where it is not there; with the entry for the ledger where something is new."""
    asset, last = planned
    path, start, told = asset.path_in(folder), time.perf_counter(), list[str]()
    fresh, reason, error = False, None, None
    try:
        result = None if anew else present(asset, path, last)
        if result is None:
            fresh, result = True, {}
            result = receive(asset, path, client, bar, told) | {"faults": told}
    except MachineError:
        raise
    except InputError as failed:
        result, reason, error = {"url": shown(asset.url), "faults": told}, printable(str(failed)), failed
    fetched = Fetched(asset, path, error, fresh)
    if last is not None and result == last.result and last.key == asset.key:
        return fetched, None
    seconds = round(time.perf_counter() - start, 4)
    return fetched, Entry(asset.name, asset.key, "failed" if reason else "done", result or {}, reason, seconds)
