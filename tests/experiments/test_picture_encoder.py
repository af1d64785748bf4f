"""The experiment on learned encoders: its configuration, its divisions, its figures."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuropil.errors import InputError
from neuropil.morphology.synthesis.grow import grow_neuron
from neuropil.statistics.intervals import balanced_accuracy
from neuropil.views.branches import Branches

DATA = os.environ.get("NEUROPIL_DATA")


@pytest.fixture(scope="module")
def here() -> Any:
    """The modules of the experiment, which find each other in their folder as they do when it is run."""
    sys.path.insert(0, str(Path(__file__).parent))
    import encoder_scores
    import encoder_views
    import picture_encoder
    import rat_cells

    sys.path.pop(0)
    return {"main": picture_encoder, "scores": encoder_scores, "views": encoder_views, "cells": rat_cells}


def test_an_unknown_key_of_an_arm_is_told(here: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main = here["main"]
    assert main.read_configuration()["arms"][here["scores"].BASE]["kind"] == "clip"
    text = main.CONFIGURATION.read_text().replace("clip 64: {kind: clip, seeds: 3}", "clip 64: {kind: clip, seed: 3}")
    spoiled = tmp_path / "picture_encoder.yml"
    spoiled.write_text(text)
    monkeypatch.setattr(main, "CONFIGURATION", spoiled)
    with pytest.raises(InputError, match=r"arms\.clip 64\.seed"):
        main.read_configuration()


def test_a_coarser_tracing_keeps_ends_and_straightens_what_lies_between(here: Any) -> None:
    coarsened = here["views"].coarsened
    neuron = grow_neuron("basket", 0, 3)[0]
    branches = Branches.of(neuron)
    assert np.allclose(coarsened(neuron, branches, 1e-6).points, neuron.points)
    coarse = coarsened(neuron, branches, 40.0)
    inner = (branches.followers >= 0) & ~branches.bodies
    moved = np.abs(coarse.points - neuron.points).max(axis=1) > 1e-9
    assert moved.any() and not moved[~inner].any()
    cable = [
        np.linalg.norm(np.diff(one.points[[one.parents[1:], np.arange(1, len(one))]], axis=0)[0], axis=1).sum()
        for one in (neuron, coarse)
    ]
    assert cable[1] < cable[0]


def test_the_figure_is_the_mean_of_the_runs_and_a_method_differs_from_itself_by_nothing(here: Any) -> None:
    scores = here["scores"]
    rng = np.random.default_rng(0)
    runs = []
    for _ in range(3):
        places = np.sort(rng.choice(200, 90, replace=False))
        truth = np.arange(90) % 3
        runs.append(scores.Answers(places, truth, np.where(rng.random(90) < 0.7, truth, rng.integers(0, 3, 90))))
    score, low, high = scores.figure(runs, seed=1)
    assert score == pytest.approx(np.mean([balanced_accuracy(run.truth, run.given) for run in runs]))
    assert low < score < high
    assert scores.difference(runs, runs, seed=1) == (0, 0, 0)
    worse = [scores.Answers(run.places, run.truth, (run.truth + 1) % 3) for run in runs]
    value, low, high = scores.difference(runs, worse, seed=1)
    assert low > 0.5 and value == pytest.approx(score)


@pytest.mark.skipif(DATA is None, reason="NEUROPIL_DATA is not set")
def test_no_encoder_sees_a_cell_that_it_is_asked_about(here: Any, tmp_path: Path) -> None:
    main, of = here["main"], here["cells"]
    cells = of.load_cells(Path(DATA or "", "swc", "rat_s1"))
    configuration = main.read_configuration()
    units = list(main.planned(cells, configuration, {"clip 64": configuration["arms"]["clip 64"]}, tmp_path))
    unseen = of.task(of.protocols(cells, ["mtype"]), "mtype", of.UNSEEN)
    tests = {fold.name: set(fold.test.tolist()) for fold in unseen.folds}
    assert [sum(unit.protocol == name for unit in units) for name in (main.THIRDS, of.UNSEEN)] == [3, 12]
    for unit in units:
        held_back = [place for place, name in enumerate(cells.names) if name not in set(unit.train)]
        out = {cells.origins.laboratories[place] for place in held_back}
        days = {cells.origins.days[place] for place in held_back} - {None}
        kept = [place for place in range(len(cells)) if place not in set(held_back)]
        if unit.protocol == of.UNSEEN:
            assert len(out) == 1 and not out & {cells.origins.laboratories[place] for place in kept}
            # What is asked is exactly what of the laboratory takes part.
            assert {place for place in held_back if unseen.truth[place] >= 0} == tests[unit.fold]
        else:
            assert not days & {cells.origins.days[place] for place in kept}
            assert 0.28 < len(held_back) / len(cells) < 0.4
