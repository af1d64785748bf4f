from __future__ import annotations

from pathlib import Path

import pytest

from neuropil.compute import ComputeParameters
from neuropil.morphology.swc import write_swc
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.store import LEDGER, render_neurons
from neuropil.work.keys import file_digest
from rendering.neurons import grown

SMALL = RenderingParameters(
    width=32, height=32, supersample_factor=1, canonical_views=1, biased_views=1, random_views=1
)


@pytest.fixture
def neurons(tmp_path: Path) -> list[dict]:
    names = ["a", "b", "c"]
    for number, name in enumerate(names):
        write_swc(grown(number, steps=60, name=name), tmp_path / "neurons" / "swc" / f"{name}.swc")
    return [record(tmp_path, name) for name in names]


def record(folder: Path, name: str) -> dict:
    swc = f"swc/{name}.swc"
    return {"neuron_name": name, "swc": swc, "digest": file_digest(folder / "neurons" / swc)}


def render(folder: Path, neurons: list[dict], parameters: RenderingParameters = SMALL, seed: int = 1) -> list[dict]:
    return list(
        render_neurons(
            neurons,
            neuron_store=folder / "neurons",
            view_store=folder / "views",
            parameters=parameters,
            compute=ComputeParameters(),
            seed=seed,
        )
    )


def rendered(folder: Path) -> int:
    return len((folder / "views" / LEDGER).read_text().splitlines())


def test_a_second_run_renders_nothing_and_says_the_same(tmp_path: Path, neurons: list[dict]) -> None:
    first = render(tmp_path, neurons)
    assert [view["neuron_name"] for view in first] == ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    assert render(tmp_path, neurons) == first
    assert rendered(tmp_path) == 3


def test_ratios_and_min_qc_render_nothing_anew_and_a_margin_does(tmp_path: Path, neurons: list[dict]) -> None:
    render(tmp_path, neurons)
    render(tmp_path, neurons, SMALL.model_copy(update={"val_ratio": 0.3, "test_ratio": 0.0, "min_qc": 0.9}))
    assert rendered(tmp_path) == 3
    render(tmp_path, neurons, SMALL.model_copy(update={"margin": 0.1}))
    assert rendered(tmp_path) == 6


def test_only_the_changed_neuron_is_rendered_anew(tmp_path: Path, neurons: list[dict]) -> None:
    render(tmp_path, neurons)
    write_swc(grown(9, steps=50, name="b"), tmp_path / "neurons" / "swc" / "b.swc")
    render(tmp_path, [record(tmp_path, name) for name in "abc"])
    assert rendered(tmp_path) == 4


def test_a_missing_picture_is_rendered_anew(tmp_path: Path, neurons: list[dict]) -> None:
    views = render(tmp_path, neurons)
    lost = tmp_path / "views" / views[4]["depth"]
    before = lost.read_bytes()
    lost.unlink()
    render(tmp_path, neurons)
    assert lost.read_bytes() == before
    assert rendered(tmp_path) == 4


def test_a_neuron_that_cannot_be_rendered_is_told_and_the_rest_goes_on(
    tmp_path: Path, neurons: list[dict], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "neurons" / "swc" / "b.swc").write_text("<html>404</html>")
    views = render(tmp_path, neurons)
    assert {view["neuron_name"] for view in views} == {"a", "c"}
    assert any("b.swc" in message for message in caplog.messages)
