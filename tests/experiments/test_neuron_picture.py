"""The experiment on pictures: what it draws, what its classifiers may see, that it goes on where it was stopped."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from neuropil.morphology.swc import write_swc
from neuropil.morphology.tree import APICAL, AXON, BASAL, SOMA, Neuron

sys.path.insert(0, str(Path(__file__).parent))  # experiments are scripts: they find each other beside themselves
from neuron_picture import main, read_experiment
from neuron_picture_looks import Look, described, pictured, resampled, turned
from neuron_picture_probe import Gram, linear, neighbours
from rat_cells import GROUPED, UNSEEN, asked, in_order, load_cells, protocols, task, thirds

from neuropil.statistics.folds import Fold

DATA = Path(os.environ.get("NEUROPIL_DATA", "missing")) / "swc" / "rat_s1"
REAL = pytest.mark.skipif(not DATA.exists(), reason="NEUROPIL_DATA has no swc/rat_s1")
KINDS = {"tall": ("pyramidal", "L5_PC"), "wide": ("basket", "L4_BC")}


def _cell(kind: str, number: int, *, name: str = "") -> Neuron:
    """A soma with two long wavy dendrites along y (tall) or x (wide), and a short axon."""
    rng = np.random.default_rng([number, len(kind), ord(kind[0])])
    points, types, parents = [np.zeros(3)], [SOMA], [-1]
    for sign, swc_type in ((1, APICAL), (-1, BASAL)):
        parent, at = 0, np.zeros(3)
        for _ in range(40):
            step = rng.normal(0, 3, 3) + sign * 12 * np.array([kind == "wide", kind == "tall", 0])
            at = at + step
            points.append(at)
            types.append(swc_type)
            parents.append(parent)
            parent = len(points) - 1
    for _ in range(10):
        points.append(points[-1] * 0.5 + rng.normal(0, 5, 3))
        types.append(AXON)
        parents.append(0 if types[-2] != AXON else len(points) - 2)
    radii = np.where(np.array(types) == SOMA, 8.0, 1.0)
    return Neuron(name or f"{kind}{number}", np.array(points), radii, np.array(types, np.int32), np.array(parents))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cells")
    lines = []
    for kind, (cell_class, mtype) in KINDS.items():
        for number in range(12):
            name = f"{kind}{number}"
            write_swc(_cell(kind, number), root / "swc" / f"{name}.CNG.swc")
            archive = "east" if number % 2 else "west"
            lines.append({"neuron_name": name, "archive": archive, "cell_type": [cell_class], "mtype": mtype})
    (root / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return root


def _arms(path: Path, **changes: Any) -> Path:
    arms = [
        {"name": "fitted", "about": "frame", "look": {"frames": [None]}},
        {
            "name": "drawn",
            "about": "training",
            "look": {"draws": 1, "changes": {"roll": {"probability": 1.0, "angle": 5}}},
        },
    ]
    base = {"frames": [1000], "pixels": 64, "cells": 4}
    document = {"seeds": 2, "folds": 2, "neighbours": 3, "resamples": 100, "base": base, "arms": arms} | changes
    path.write_text(yaml.safe_dump(document))
    return path


def test_cells_of_different_form_are_told_apart_and_a_run_goes_on_where_it_stopped(
    folder: Path, tmp_path: Path
) -> None:
    command = ["--data", str(folder), "--out", str(tmp_path / "out"), "--arms", str(_arms(tmp_path / "arms.yml"))]
    assert main(command) == 0
    import pandas as pd

    scores = pd.read_parquet(tmp_path / "out" / "scores.parquet").set_index(["task", "method"])["score"]
    unseen = scores[[name for name in scores.index if name[0] == "mtype, unseen laboratory"]]
    assert len(unseen) == 3 * 2 and unseen.min() > 0.9
    assert not [score for (name, _), score in scores.items() if name.startswith("layer")]  # no cell has one
    lines = tmp_path / "out" / "answers.jsonl"
    first = lines.read_bytes()
    assert Counter(json.loads(line)["arm"] for line in first.splitlines()) == {"base": 2, "fitted": 2, "drawn": 2}
    whole = first.splitlines(keepends=True)
    lines.write_bytes(b"".join(whole[:-1]) + whole[-1][:40])  # killed while it wrote
    assert main([*command, "--no-report"]) == 0
    again = lines.read_bytes().splitlines(keepends=True)
    assert again[:-2] == whole[:-1]
    assert json.loads(again[-1])["answers"] == json.loads(whole[-1])["answers"]
    assert main([*command, "--no-report"]) == 0 and lines.read_bytes() == b"".join(again)
    for name in ("summary.md", "scores.md", "arms.png", "pictures.png", "differences.parquet"):
        assert (tmp_path / "out" / name).stat().st_size > 100


def test_a_wrong_arm_is_one_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(folder), "--out", str(tmp_path), "--only", "no such"]) == 1
    wrong = _arms(tmp_path / "arms.yml", arms=[{"name": "a", "about": "b", "against": "later", "look": {}}])
    assert main(["--data", str(folder), "--out", str(tmp_path), "--arms", str(wrong)]) == 1
    assert main(["--data", str(tmp_path), "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert (
        len(said) == 3 and "no such arm" in said[0] and "does not stand above" in said[1] and "no such file" in said[2]
    )


def test_the_arms_of_the_repository_differ_from_what_they_are_compared_with() -> None:
    experiment = read_experiment(Path(__file__).with_name("neuron_picture.yml"))
    looks = experiment.looks()
    assert all(looks[arm.name] != looks[arm.against] for arm in experiment.arms)
    assert len({look.model_dump_json() for look in looks.values()}) == len(looks)


def test_resampling_keeps_ends_length_and_types() -> None:
    neuron = _cell("tall", 3)
    fine, coarse = resampled(neuron, 0.5), resampled(neuron, 1e6)
    for one in (fine, coarse):
        for kind in (SOMA, AXON, APICAL, BASAL):
            np.testing.assert_allclose(one.points[one.types == kind][-1], neuron.points[neuron.types == kind][-1])
    assert len(coarse) == 1 + 2 * 3  # the soma, the first and last nodes of three sections
    lengths = []
    for one in (neuron, fine):
        children, parents = (part[one.types[one.edges[1]] != SOMA] for part in one.edges)  # what leaves a soma stays
        lengths.append(np.linalg.norm(one.points[children] - one.points[parents], axis=1))
    assert lengths[1].max() < 0.75 and 0.97 < lengths[1].sum() / lengths[0].sum() <= 1 + 1e-9


def test_the_symmetries_of_the_square_are_eight() -> None:
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert len({turned(grey, turn).tobytes() for turn in range(8)}) == 8
    np.testing.assert_array_equal(turned(grey, 1), grey[:, ::-1])


def test_an_axon_apart_is_a_picture_of_its_own_and_missing_in_that_of_dendrites() -> None:
    neuron = _cell("tall", 1)
    whole, dendrites = (pictured(neuron, Look(parts=parts)).channels[0][0] for parts in ("all", "dendrites"))
    apart = pictured(neuron, Look(parts="axon apart")).channels[0]
    np.testing.assert_array_equal(apart[0], dendrites)
    assert apart[1].any() and not np.array_equal(whole, dendrites)
    assert np.array_equal((apart[0] > 0) | (apart[1] > 0), whole > 0)


def test_drawn_versions_depend_on_the_seed_and_the_plain_one_does_not() -> None:
    look = Look(draws=2, changes={"camera": {"probability": 1.0}}, pixels=64, cells=4)
    one, again, other = (described(_cell("wide", 2), look, place=5, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    np.testing.assert_array_equal(one[0], other[0])
    assert len(one) == look.versions == 3 and np.abs(one[1] - other[1]).max() > 0.01


def test_classifiers_see_no_class_of_a_test_neuron() -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(60) % 3
    vectors = (rng.normal(size=(60, 2, 8)) + 2 * np.eye(3, 8)[truth][:, None]).astype(np.float32)
    gram, fold = Gram.of(vectors), Fold("one", np.arange(40), np.arange(40, 60))
    days = [f"day {place % 10}" for place in range(60)]
    hidden = np.where(np.arange(60) < 40, truth, 2 - truth)
    for found, blind in (
        [linear(gram, classes, fold, days, whole_groups=False) for classes in (truth, hidden)],
        [neighbours(gram, classes, fold, 5) for classes in (truth, hidden)],
    ):
        np.testing.assert_array_equal(found, blind)
        assert (found == truth[40:]).mean() > 0.7


@REAL
def test_the_unseen_laboratory_is_asked_over_226_cells_of_four_types_and_days_stay_whole() -> None:
    cells = load_cells(DATA)
    sets = protocols(cells, ("mtype",))
    unseen = task(sets, "mtype", UNSEEN)
    assert unseen.classes == ("L23_PC", "L4_PC", "L4_SC", "L5_PC") and len(asked(unseen)) == 226
    days = np.array([str(day) for day in cells.origins.days])
    for fold in (*task(sets, "mtype", GROUPED).folds, *thirds(cells)):
        assert not set(days[fold.train]) & set(days[fold.test])
    grouped = task(sets, "mtype", GROUPED)
    runs = [[grouped.truth[fold.test] for fold in folds] for folds in grouped.runs(3)]
    for column in in_order(grouped, runs):
        np.testing.assert_array_equal(column, grouped.truth[asked(grouped)])
