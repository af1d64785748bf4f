from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neuropil.errors import InputError
from neuropil.morphology.swc import write_swc
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.png import PALETTE
from neuropil.rendering.render import write_neuron
from neuropil.rendering.view_strips import draw_strips, select_strips
from rendering.neurons import grown

CLASSES = {"a": "basket", "b": "basket", "c": "pyramidal", "d": "pyramidal"}


@pytest.fixture
def views(tmp_path: Path) -> list[dict]:
    found = []
    for number, name in enumerate("abcde"):
        neuron = grown(number, steps=80, name=name)
        write_swc(neuron, tmp_path / f"{name}.swc")
        fields = {"frame_um": 60.0} if name == "e" else {"adaptive_framing": name == "d"}
        parameters = RenderingParameters(width=60, height=40, supersample_factor=1, outputs=(), **fields)
        found += write_neuron(neuron, swc=f"{name}.swc", store=tmp_path, parameters=parameters, seed=0)
    return found


def names(strips: list) -> list[str]:
    assert all({view["neuron_name"] for view in strip} == {strip[0]["neuron_name"]} for strip in strips)
    return [strip[0]["neuron_name"] for strip in strips]


def test_strips_show_a_neuron_of_each_class_before_a_second_of_any(views: list[dict]) -> None:
    three = names(select_strips(views, CLASSES.get, count=3))
    assert {CLASSES.get(name) for name in three} == {"basket", "pyramidal", None}
    assert sorted(names(select_strips(views, CLASSES.get, count=50))) == list("abcde")


def test_named_neurons_are_shown_in_their_order_with_all_their_views(views: list[dict]) -> None:
    strips = select_strips(iter(views), CLASSES.get, count=1, names=("d", "b"))
    assert names(strips) == ["d", "b"]
    assert [[view["view"] for view in strip] for strip in strips] == [list(range(24))] * 2


def test_a_name_without_views_is_refused(views: list[dict]) -> None:
    with pytest.raises(InputError, match=r"rendering.strip_neurons.*stranger"):
        select_strips(views, CLASSES.get, count=1, names=("a", "stranger"))


def test_a_strip_shows_each_view_as_its_own_frame_has_it(tmp_path: Path, views: list[dict]) -> None:
    strips = select_strips(views, CLASSES.get, count=0, names=("a", "d", "e"))
    whole = np.asarray(Image.open(io.BytesIO(draw_strips(strips, tmp_path, CLASSES.get))).convert("RGB")).astype(int)
    for colour in PALETTE[1:4]:
        assert (np.abs(whole - colour).max(axis=2) < 12).any()
    one, cut = (
        np.asarray(Image.open(io.BytesIO(draw_strips([strip], tmp_path))).convert("L")) for strip in strips[::2]
    )
    assert one.shape == cut.shape
    left, top, width, height = 20, 10 + 30, 112, 75
    views_of = [picture[top + 1 : top + height - 1, left + 1 : left + width - 1] < 200 for picture in (one, cut)]
    edges = [np.concatenate([view[0], view[-1], view[:, 0], view[:, -1]]).any() for view in views_of]
    assert edges == [False, True]  # the fitted frame holds the neuron, the fixed one cuts it
    assert views_of[0].any()
