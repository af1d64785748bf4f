from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neuropil.morphology.swc import load_neuron, write_swc
from neuropil.morphology.tree import Neuron
from neuropil.rendering import trees
from neuropil.rendering.trees import load_tree
from neuropil.work.keys import file_digest
from rendering.neurons import grown


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cell.swc"
    write_swc(grown(1, steps=200), path)
    return path


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(path: Path) -> None:
        raise AssertionError("the file was parsed")

    monkeypatch.setattr(trees, "load_neuron", parsed)


def same(one: Neuron, other: Neuron) -> bool:
    pairs = [(getattr(one, field), getattr(other, field)) for field in ("points", "radii", "types", "parents")]
    return one.name == other.name and all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in pairs)


def test_a_kept_tree_is_the_parsed_one_to_the_bit_and_the_file_is_not_parsed(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = load_neuron(file)
    digest = file_digest(file)
    assert same(load_tree(file, digest, tmp_path / "trees" / "cell.tree"), parsed)
    refuse(monkeypatch)
    assert same(load_tree(file, digest, tmp_path / "trees" / "cell.tree"), parsed)


def test_without_a_cache_nothing_is_kept(tmp_path: Path, file: Path) -> None:
    load_tree(file, file_digest(file), None)
    assert [path.name for path in tmp_path.iterdir()] == ["cell.swc"]


def test_a_changed_file_is_parsed_anew(tmp_path: Path, file: Path) -> None:
    kept = tmp_path / "cell.tree"
    load_tree(file, file_digest(file), kept)
    write_swc(grown(2, steps=50), file)
    assert len(load_tree(file, file_digest(file), kept)) == 50
    assert len(load_tree(file, file_digest(file), kept)) == 50


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: b"PK" + data,
        lambda data: data[:-9] + b"x" + data[-8:],
        lambda data: b"[]\n",
    ],
)
def test_a_damaged_tree_is_parsed_anew_and_replaced(tmp_path: Path, file: Path, damage, monkeypatch) -> None:
    kept, digest = tmp_path / "cell.tree", file_digest(file)
    parsed = load_tree(file, digest, kept)
    kept.write_bytes(damage(kept.read_bytes()))
    assert same(load_tree(file, digest, kept), parsed)
    refuse(monkeypatch)
    assert same(load_tree(file, digest, kept), parsed)
