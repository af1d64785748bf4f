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
        {"outputs": []},
        {"outputs": ["mask", "mask"]},
        {"colour": "red"},
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
