"""Schedules and curves."""

from __future__ import annotations

import itertools

import plotly.graph_objects as go
import pytest

from neuropil.training.curves import curves
from neuropil.training.schedules import factor


@pytest.mark.parametrize("kind", ["cosine", "step", "constant"])
def test_a_schedule_warms_up_to_one_and_never_rises_again(kind: str) -> None:
    values = [factor(step, kind=kind, warmup_steps=10, total_steps=100) for step in range(101)]  # type: ignore[arg-type]
    assert values[0] == pytest.approx(0.1) and values[9] == values[10] == 1
    assert all(later <= earlier for earlier, later in itertools.pairwise(values[10:]))
    assert values[-1] == pytest.approx({"cosine": 0, "step": 0.01, "constant": 1}[kind])


def test_a_warm_up_longer_than_the_training_is_a_ramp() -> None:
    assert factor(4, kind="cosine", warmup_steps=10, total_steps=5) == 0.5


def test_curves_are_a_valid_figure_with_the_loss_first() -> None:
    history = [{"epoch": e, "step": e, "lr": 0.1, "train/kld": 1.0, "train/loss": 2.0, "val/loss": 3.0} for e in (0, 1)]
    figure = curves(history, "VAE")
    assert [note["text"] for note in figure["layout"]["annotations"]] == ["loss", "kld", "lr"]
    assert {trace["name"] for trace in figure["data"][:2]} == {"train", "val"}
    go.Figure(figure)


def test_curves_of_an_empty_history_are_an_empty_figure() -> None:
    assert go.Figure(curves([], "nothing")).data == ()
