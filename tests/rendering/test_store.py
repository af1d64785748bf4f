from __future__ import annotations

from pathlib import Path

import pytest

from neuropil.compute import ComputeParameters
from neuropil.morphology.swc import write_swc
from neuropil.rendering import trees
from neuropil.rendering.parameters import OUTPUTS, RenderingParameters
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


def render(
    folder: Path, neurons: list[dict], parameters: RenderingParameters = SMALL, seed: int = 1, ups: dict | None = None
) -> list[dict]:
    return list(
        render_neurons(
            neurons,
            neuron_store=folder / "neurons",
            view_store=folder / "views",
            parameters=parameters,
            compute=ComputeParameters(),
            seed=seed,
            ups=ups,
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


def with_outputs(*outputs: str) -> RenderingParameters:
    return SMALL.model_copy(update={"outputs": outputs})


def pictures(folder: Path) -> set[str]:
    return {str(path.relative_to(folder / "views")) for path in (folder / "views").rglob("*.png")}


def named(views: list[dict]) -> set[str]:
    return {view[output] for view in views for output in OUTPUTS if output in view}


def test_fewer_outputs_render_nothing_and_remove_what_is_no_longer_named(tmp_path: Path, neurons: list[dict]) -> None:
    whole = render(tmp_path, neurons)
    fewer = render(tmp_path, neurons, with_outputs("mask", "depth"))
    assert rendered(tmp_path) == 3
    assert pictures(tmp_path) == named(fewer)
    assert fewer == [{k: v for k, v in view.items() if k not in ("mask_bw", "mask_color")} for view in whole]


def test_another_output_is_made_and_recorded_as_if_asked_for_at_once(tmp_path: Path, neurons: list[dict]) -> None:
    render(tmp_path, neurons, with_outputs("mask"))
    grown_to = render(tmp_path, neurons, with_outputs("mask", "depth"))
    assert rendered(tmp_path) == 6
    assert pictures(tmp_path) == named(grown_to)
    other = tmp_path / "other"
    write = [record(tmp_path, name) for name in "abc"]
    (other / "neurons").parent.mkdir(parents=True)
    (other / "neurons").symlink_to(tmp_path / "neurons")
    assert render(other, write, with_outputs("mask", "depth")) == grown_to


def test_no_outputs_leave_records_and_no_pictures_and_can_be_taken_back(tmp_path: Path, neurons: list[dict]) -> None:
    whole = render(tmp_path, neurons)
    none = render(tmp_path, neurons, with_outputs())
    assert rendered(tmp_path) == 3
    assert not pictures(tmp_path) and not list((tmp_path / "views" / "images").iterdir())
    assert not named(none) and len(none) == len(whole)
    assert render(tmp_path, neurons, with_outputs()) == none
    assert render(tmp_path, neurons) == whole
    assert pictures(tmp_path) == named(whole)


def test_records_are_read_from_the_store_at_each_iteration(tmp_path: Path, neurons: list[dict]) -> None:
    views = render_neurons(
        iter(neurons),
        neuron_store=tmp_path / "neurons",
        view_store=tmp_path / "views",
        parameters=SMALL,
        compute=ComputeParameters(),
        seed=1,
    )
    assert list(views) == list(views) == render(tmp_path, neurons)
    assert [set(neuron) for neuron in views.neurons] == [{"name", "key"}] * len(neurons)  # no record, and in a file


def test_kept_trees_spare_parsing_and_cache_false_keeps_none(
    tmp_path: Path, neurons: list[dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = []
    plain = trees.load_neuron
    monkeypatch.setattr(trees, "load_neuron", lambda file: parsed.append(file) or plain(file))
    without = render(tmp_path, neurons, SMALL.model_copy(update={"cache": False}))
    assert len(parsed) == 3 and not (tmp_path / "views" / "trees").exists()
    assert render(tmp_path, neurons) == without  # nothing to do: cache changes no picture
    for margin, count in ((0.1, 6), (0.2, 6), (0.3, 6)):
        render(tmp_path, neurons, SMALL.model_copy(update={"margin": margin}))
        assert len(parsed) == count
    render(tmp_path, neurons, SMALL.model_copy(update={"margin": 0.1, "cache": False}))
    assert len(parsed) == 9


def test_the_up_of_the_metadata_decides_upright_views_only(tmp_path: Path, neurons: list[dict]) -> None:
    upright = SMALL.model_copy(update={"upright": True})
    render(tmp_path, neurons)
    render(tmp_path, neurons, ups={"a": [1, 0, 0]})
    assert rendered(tmp_path) == 3
    render(tmp_path, neurons, upright)
    views = render(tmp_path, neurons, upright, ups={"a": [1, 0, 0]})
    assert rendered(tmp_path) == 3 + 3 + 1
    assert {view["up_source"] for view in views if view["neuron_name"] == "a"} == {"metadata"}
    assert "metadata" not in {view["up_source"] for view in views if view["neuron_name"] != "a"}


def test_a_neuron_whose_up_is_nonsense_is_told_and_the_rest_goes_on(
    tmp_path: Path, neurons: list[dict], caplog: pytest.LogCaptureFixture
) -> None:
    views = render(tmp_path, neurons, SMALL.model_copy(update={"upright": True}), ups={"b": "north"})
    assert {view["neuron_name"] for view in views} == {"a", "c"}
    assert any("b: the metadata field up=north is no direction" in message for message in caplog.messages)


def test_a_changed_backend_size_or_camera_renders_all_anew(tmp_path: Path, neurons: list[dict]) -> None:
    count = 3
    render(tmp_path, neurons)
    for fields in ({"frame_um": 100.0}, {"width": 48}, {"projection": "perspective"}, {"sampling": "upright"}):
        render(tmp_path, neurons, SMALL.model_copy(update=fields))
        count += 3
        assert rendered(tmp_path) == count
