"""Parameters of rendering. Names and defaults are those of the guide's `dataset_generator.py`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from neuropil.parameters import Section, Words

Output = Literal["mask_bw", "mask", "mask_color", "depth", "coverage"]
OUTPUTS: tuple[Output, ...] = ("mask_bw", "mask", "mask_color", "depth", "coverage")

CHOOSING = frozenset(
    {"val_ratio", "test_ratio", "split_by", "min_qc", "outputs", "cache", "egl_device", "strips", "strip_neurons"}
)
"""Fields that choose among views, files and previews and change no picture: to change one draws no view anew."""


def _none_is_empty(value: Any) -> Any:
    return () if value in ("none", "") else value


Names = Annotated[tuple[str, ...], Words, BeforeValidator(_none_is_empty)]
"""Names that can be written `a+b`, or `none`."""


class RenderingParameters(Section):
    """How neurons become views, and which neurons are held back."""

    sampling: Literal["pca", "fibonacci", "random", "upright"] = Field(
        "pca",
        description="pca: canonical, biased and random views; fibonacci, random: as many, spread evenly or at random; "
        "upright: as many from the side, evenly around the cell's own up",
    )
    upright: bool = Field(
        False,
        description="turn every picture so that the cell's own up (metadata `up`, else estimated) is up; off: the "
        "file's +y is. Always so with sampling=upright",
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
    split_by: str = Field(
        "neuron",
        min_length=1,
        description="what is never on two sides of the split: neuron; laboratory (all cells of an archive together); "
        "recording_date (else the day in a cell's name); or a field of the metadata; two as a+b",
    )
    supersample_factor: int = Field(4, ge=1, le=8, description="samples a pixel along each axis; 2-4 recommended")
    adaptive_framing: bool = Field(
        False, description="centre and scale each view on its own extent; off: all views of a neuron share one scale"
    )
    margin: float = Field(
        0.40, ge=-0.9, le=4, description="padding: 0.4 = the frame is 40 % larger than the neuron; below 0 it crops"
    )
    frame_um: float | None = Field(
        None,
        gt=0,
        le=1e6,
        description="fixed scale: every frame is so many micrometres high and centred on the soma, and margin has no "
        "say; null: frames are fitted to the neuron",
    )
    min_qc: float = Field(
        0.7,
        ge=0,
        le=1,
        description="views with a smaller share of the cable inside the frame stay out of the manifests",
    )
    projection: Literal["ortho", "perspective"] = "ortho"
    fov: float = Field(40.0, gt=1, lt=150, description="vertical field of view in degrees (perspective only)")
    outputs: Annotated[tuple[Output, ...], Words, BeforeValidator(_none_is_empty)] = Field(
        OUTPUTS[:4],
        description="the files written for each view: mask_bw, mask, mask_color, depth, coverage; training from files "
        "reads mask and depth, online training none",
    )
    backend: Literal["auto", "analytic", "pyrender"] = Field(
        "auto", description="auto: analytic, on every machine; pyrender draws through OpenGL, for comparison"
    )
    cache: bool = Field(
        True,
        description="keep parsed trees beside the views, so that changed views parse no file again, and pyrender's "
        "meshes for all views of a neuron (the guide's --no-cache is false)",
    )
    egl_device: int | None = Field(
        None, ge=0, description="number of the EGL device that pyrender draws on; null: EGL_DEVICE_ID, or the first"
    )
    strips: int = Field(8, ge=0, le=100, description="neurons of which all views are shown side by side")
    strip_neurons: Names = Field((), description="which neurons those are; none: some of every class")

    @field_validator("outputs", "strip_neurons")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) != len(names):
            raise ValueError("name each once")
        return names

    @model_validator(mode="after")
    def _possible(self) -> RenderingParameters:
        if self.views == 0:
            raise ValueError("canonical_views, biased_views and random_views are all 0: no view is left")
        if self.val_ratio + self.test_ratio >= 1:
            raise ValueError("val_ratio and test_ratio together must leave neurons for training (sum below 1)")
        if self.frame_um is not None and self.adaptive_framing:
            raise ValueError("frame_um fixes the scale and adaptive_framing fits it to each view; choose one")
        if self.frame_um is not None and self.projection == "perspective":
            raise ValueError("frame_um needs projection=ortho: in perspective the scale changes with depth")
        return self

    @property
    def views(self) -> int:
        """How many views a neuron gets."""
        return self.canonical_views + self.biased_views + self.random_views

    @property
    def keeps_up(self) -> bool:
        """Whether pictures are turned to the cell's own up."""
        return self.upright or self.sampling == "upright"

    @property
    def drawn_by(self) -> Literal["analytic", "pyrender"]:
        """The backend that `auto` stands for, or the one named."""
        return "analytic" if self.backend == "auto" else self.backend

    def picture_section(self) -> dict[str, Any]:
        """What decides how a view looks: the part of an item's content key.

        Fields without a say among the others (the field of view of an orthographic view, the margin of a fixed
        frame, the kinds of views where all are alike) stand there as if they had their defaults.
        """
        section = self.model_dump(mode="json", exclude=set(CHOOSING))
        section |= {"backend": self.drawn_by, "upright": self.keeps_up}
        if self.projection == "ortho":
            del section["fov"]
        if self.frame_um is not None:
            del section["margin"]
        if self.sampling != "pca":
            for kind in ("canonical_views", "biased_views", "random_views"):
                del section[kind]
            section["views"] = self.views
        return section
