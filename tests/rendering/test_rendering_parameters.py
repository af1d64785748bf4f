from __future__ import annotations

import pytest
from pydantic import ValidationError

from neuropil.rendering.parameters import CHOOSING, RenderingParameters


def test_defaults_are_the_guides() -> None:
    parameters = RenderingParameters()
    assert (parameters.sampling, parameters.projection) == ("pca", "ortho")
    assert (parameters.canonical_views, parameters.biased_views, parameters.random_views) == (6, 12, 6)
    assert (parameters.width, parameters.height, parameters.supersample_factor) == (512, 512, 4)
    assert (parameters.margin, parameters.min_qc, parameters.adaptive_framing) == (0.40, 0.7, False)


@pytest.mark.parametrize(
    "fields",
    [
        {"width": -3},
        {"sampling": "spiral"},
        {"supersample_factor": 9},
        {"val_ratio": 0.6, "test_ratio": 0.4},
        {"canonical_views": 0, "biased_views": 0, "random_views": 0},
        {"outputs": ["mask", "mask"]},
        {"colour": "red"},
        {"backend": "opengl"},
        {"frame_um": 0},
        {"frame_um": 300, "adaptive_framing": True},
        {"frame_um": 300, "projection": "perspective"},
        {"split_by": ""},
        {"strips": -1},
        {"strip_neurons": ["a", "a"]},
    ],
)
def test_impossible_values_are_refused(fields: dict) -> None:
    with pytest.raises(ValidationError):
        RenderingParameters(**fields)


def test_what_only_chooses_among_views_does_not_change_them() -> None:
    section = RenderingParameters().picture_section()
    assert not CHOOSING & section.keys()
    assert section == RenderingParameters(val_ratio=0.3, test_ratio=0, min_qc=0.1).picture_section()
    assert section != RenderingParameters(margin=0.1).picture_section()


@pytest.mark.parametrize(
    "fields",
    [
        {"outputs": ()},
        {"cache": False},
        {"split_by": "laboratory"},
        {"strips": 3, "strip_neurons": ("a",)},
        {"backend": "analytic"},  # what auto stands for
        {"fov": 60.0},  # of no meaning to an orthographic view
    ],
)
def test_what_changes_no_picture_is_no_part_of_the_key(fields: dict) -> None:
    assert RenderingParameters(**fields).picture_section() == RenderingParameters().picture_section()


def test_what_has_no_say_among_the_other_fields_is_no_part_of_the_key() -> None:
    def section(**fields: object) -> dict:
        return RenderingParameters(**fields).picture_section()

    assert section(frame_um=300) == section(frame_um=300, margin=0.1)
    assert section(sampling="upright") == section(sampling="upright", upright=True)
    assert section(sampling="random", biased_views=6) == section(sampling="random", random_views=0)


@pytest.mark.parametrize(
    "fields",
    [
        {"backend": "pyrender"},
        {"frame_um": 300.0},
        {"upright": True},
        {"sampling": "upright"},
        {"sampling": "random"},
        {"canonical_views": 3},
        {"supersample_factor": 2},
        {"width": 256},
        {"adaptive_framing": True},
        {"projection": "perspective"},
    ],
)
def test_what_changes_a_picture_is_part_of_the_key(fields: dict) -> None:
    assert RenderingParameters(**fields).picture_section() != RenderingParameters().picture_section()
    perspective = RenderingParameters(projection="perspective")
    assert perspective.picture_section() != perspective.model_copy(update={"fov": 60.0}).picture_section()


@pytest.mark.parametrize(("written", "read"), [("none", ()), ([], ()), ("mask+coverage", ("mask", "coverage"))])
def test_outputs_can_be_written_in_one_word(written: object, read: tuple) -> None:
    assert RenderingParameters(outputs=written).outputs == read


def test_the_guides_four_files_are_the_default_and_coverage_is_asked_for() -> None:
    assert RenderingParameters().outputs == ("mask_bw", "mask", "mask_color", "depth")
