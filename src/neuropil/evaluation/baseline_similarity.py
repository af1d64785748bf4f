"""The tangent similarity of all pairs of neurons, in blocks of 64 by 64."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.format import open_memmap

from neuropil.compute import ComputeParameters
from neuropil.morphology.tangents import similarities
from neuropil.work.atomic import atomic_path
from neuropil.work.items import Item, run_items
from neuropil.work.keys import content_key
from neuropil.work.ledger import Ledger

VERSION = 1
"""Part of every block's key: raise it when a similarity would be another number."""

_BLOCK = 64


class _Work(NamedTuple):
    table: Path
    rows: slice
    columns: slice
    scale_um: float
    target: Path


def similarity_table(
    table: Path, keys: Sequence[str], scale_um: float, store: Path, compute: ComputeParameters
) -> Path:
    """Compare every neuron with every other.

    Args:
        table: .npy of (n, points, 6), rows as `morphology.tangents.tangents` gives them.
        keys: the content key of each row; blocks whose rows have the keys they had are not compared again.
        scale_um: of the kernel, micrometres.
        store: where the blocks go; the result stands beside `table`.
        compute: how many processes.

    Returns:
        .npy of (n, n) float32, symmetric.
    """
    blocks = [slice(start, min(start + _BLOCK, len(keys))) for start in range(0, len(keys), _BLOCK)]
    pairs = [(a, b) for a in range(len(blocks)) for b in range(a, len(blocks))]
    folder = store / "similarities" / table.stem
    files = {f"{table.stem} {a} {b}": folder / f"{a}_{b}.npy" for a, b in pairs}

    def items() -> Iterator[Item]:
        for (a, b), (name, file) in zip(pairs, files.items(), strict=True):
            rows, columns = blocks[a], blocks[b]
            key = content_key("similarity", VERSION, table.stem, keys[rows], keys[columns], scale_um)
            yield Item(name, key, _Work(table, rows, columns, scale_um, file))

    entries = run_items(
        items(),
        _compare,
        ledger=Ledger(store / f"{table.stem}.ledger.jsonl"),
        compute=compute,
        label=f"comparing {table.stem.replace('_', ' of the ')}",
        total=len(pairs),
        present=lambda entry: files[entry.name].exists(),
    )
    done = [entry.state == "done" for entry in entries]
    result = table.with_name(f"{table.stem}_similarity.npy")
    with atomic_path(result) as part:
        whole = open_memmap(part, "w+", np.float32, (len(keys), len(keys)))
        for (a, b), file, good in zip(pairs, files.values(), done, strict=True):
            block = np.load(file) if good else 0.0
            whole[blocks[a], blocks[b]] = block
            whole[blocks[b], blocks[a]] = np.transpose(block)
        whole.flush()
        del whole
    return result


def _compare(work: _Work) -> dict[str, Any]:
    table = np.load(work.table, mmap_mode="r")
    found = similarities(np.array(table[work.rows]), np.array(table[work.columns]), work.scale_um)
    with atomic_path(work.target) as part, open(part, "wb") as file:
        np.save(file, found)
    return {"rows": len(found)}
