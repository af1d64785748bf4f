"""Parameters of rendering. Names and defaults are those of the guide's `dataset_generator.py`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from neuropil.parameters import Section, Words

Output = Literal["mask_bw", "mask", "mask_color", "depth"]
OUTPUTS: tuple[Output, ...] = ("mask_bw", "mask", "mask_color", "depth")

CHOOSING = frozenset({"val_ratio", "test_ratio", "min_qc"})
"""Fields that choose among the views and change none of them: to change one renders nothing anew."""


class RenderingParameters(Section):
    """How neurons become views, and which neurons are held back."""

    sampling: Literal["pca", "fibonacci", "random"] = Field(
        "pca",
        description="pca: canonical, biased and random views; fibonacci, random: as many, spread evenly or at random",
    )
    canonical_views: int = Field(
        6, ge=0, le=6, description="the first so many of the views from +PC3, +PC2, +PC1, -PC3, -PC2, -PC1"
    )
    biased_views: int = Field(12, ge=0, le=10_000, description="views from directions near the plane of PC1 and PC2")
    random_views: int = Field(6, ge=0, le=10_000, description="views from uniformly random directions")
    width: int = Field(512, ge=8, le=8192, description="pixels")
    height: int = Field(512, ge=8, le=8192, description="pixels")
    val_ratio: float = Field(0.15, ge=0, lt=1, description="share of the neurons for validation; 0 = none")
    test_ratio: float = Field(0.15, ge=0, lt=1, description="share of the neurons for the test; 0 = none")
    supersample_factor: int = Field(4, ge=1, le=8, description="samples a pixel along each axis; 2-4 recommended")
    adaptive_framing: bool = Field(
        False, description="centre and scale each view on its own extent; off: all views of a neuron share one scale"
    )
    margin: float = Field(
        0.40, ge=-0.9, le=4, description="padding: 0.4 = the frame is 40 % larger than the neuron; below 0 it crops"
    )
    min_qc: float = Field(
        0.7,
        ge=0,
        le=1,
        description="views with a smaller share of the cable inside the frame stay out of the manifests",
    )
    projection: Literal["ortho", "perspective"] = "ortho"
    fov: float = Field(40.0, gt=1, lt=150, description="vertical field of view in degrees (perspective only)")
    outputs: Annotated[tuple[Output, ...], Words] = Field(
        OUTPUTS, description="the files written for each view; training reads mask and depth"
    )

    @field_validator("outputs")
    @classmethod
    def _each_once(cls, outputs: tuple[Output, ...]) -> tuple[Output, ...]:
        if not outputs or len(set(outputs)) != len(outputs):
            raise ValueError("name at least one output, each once")
        return outputs

    @model_validator(mode="after")
    def _possible(self) -> RenderingParameters:
        if self.views == 0:
            raise ValueError("canonical_views, biased_views and random_views are all 0: no view is left")
        if self.val_ratio + self.test_ratio >= 1:
            raise ValueError("val_ratio and test_ratio together must leave neurons for training (sum below 1)")
        return self

    @property
    def views(self) -> int:
        """How many views a neuron gets."""
        return self.canonical_views + self.biased_views + self.random_views

    def picture_section(self) -> dict[str, Any]:
        """The fields that decide what a view looks like: the part of an item's content key."""
        return self.model_dump(mode="json", exclude=set(CHOOSING))
