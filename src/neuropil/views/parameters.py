"""Parameters of the views that a training sees."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from neuropil.parameters import Length, Ratio, Section


class AugmentationParameters(Section):
    """What may happen to a training view. It is drawn from (seed, epoch, index), so a run can be repeated.

    All of these keep every pixel's class, depth and scale; validation and test views are never augmented.
    """

    horizontal_flip: Ratio = Field(0.5, description="probability that a view is mirrored left to right")
    vertical_flip: Ratio = Field(0.5, description="probability that a view is mirrored top to bottom")
    quarter_turn: Ratio = Field(
        0.5, description="probability that a view is turned by 90, 180 or 270 degrees (180 where it is not square)"
    )


class _Range(Section):
    """A change whose size is drawn evenly between `least` and `most`."""

    @model_validator(mode="after")
    def _ordered(self) -> _Range:
        least, most = getattr(self, "least", 0.0), getattr(self, "most", 0.0)
        if least > most:
            raise ValueError(f"least must not be above most, but {least:g} > {most:g}")
        return self


class CameraParameters(Section):
    """A camera of its own for each view and epoch."""

    probability: Ratio = Field(0.0, description="probability that a view is drawn from another direction")
    directions: Literal["any", "near", "level"] = Field(
        "any", description="any direction; near: within `angle` of the view's own; level: turned about the cell's up"
    )
    angle: float = Field(30.0, gt=0, le=180, description="degrees from the view's own direction (near)")


class RollParameters(Section):
    """A turn of the picture by any angle; unlike a quarter turn it draws the neuron anew."""

    probability: Ratio = Field(0.0, description="probability that the camera is rolled about its axis")
    angle: float = Field(180.0, gt=0, le=180, description="most degrees to either side")


class AxonDropoutParameters(Section):
    """Lost axon, as in many tracings. A neuron that has nothing but an axon keeps it."""

    probability: Ratio = Field(0.0, description="probability that a view loses axon")
    whole: Ratio = Field(0.5, description="share of those views in which the whole axon is lost, not branches of it")
    branches: Ratio = Field(
        0.3, description="probability with which each axon branch is then lost with all that grows from it"
    )


class RadiusJitterParameters(Section):
    """Other radii, as another tracer would have set them; cell bodies keep theirs."""

    probability: Ratio = Field(0.0, description="probability that the radii of a view are changed")
    neuron: float = Field(
        0.3, ge=0, le=2, description="standard deviation of the logarithm of the factor of all neurites"
    )
    section: float = Field(
        0.2, ge=0, le=2, description="standard deviation of the logarithm of each section's own factor"
    )


class ZShrinkageParameters(_Range):
    """Another scale along the file's z, about the soma: sections of tissue shrink in their thickness."""

    probability: Ratio = Field(0.0, description="probability that a view is drawn of a shrunk tree")
    least: float = Field(0.6, gt=0, le=10, description="smallest factor of z")
    most: float = Field(1.0, gt=0, le=10, description="largest factor of z")


class SlabParameters(_Range):
    """What a slice holds: the part of the tree that hangs on the soma within a slab across z."""

    probability: Ratio = Field(0.0, description="probability that a view is drawn of what a slice holds")
    least: Length = Field(100.0, description="thinnest slice, micrometres")
    most: Length = Field(300.0, description="thickest slice, micrometres; the soma lies anywhere in it")


class SmoothingParameters(Section):
    """Neurites without the tremor of the tracing; branch points, tips and cell bodies stay in their places."""

    probability: Ratio = Field(0.0, description="probability that a view is drawn of a smoothed tree")
    passes: int = Field(5, ge=1, le=100, description="how often each node moves half of the way between its neighbours")


class OnlineParameters(Section):
    """What may happen to the neuron of a training view that is rendered online, before it is drawn.

    Each change is drawn from (seed, epoch, index) on its own. The frame is fitted to the changed neuron as the
    record's frame is to the neuron itself.
    """

    camera: CameraParameters = CameraParameters()
    roll: RollParameters = RollParameters()
    axon_dropout: AxonDropoutParameters = AxonDropoutParameters()
    radius_jitter: RadiusJitterParameters = RadiusJitterParameters()
    z_shrinkage: ZShrinkageParameters = ZShrinkageParameters()
    slab: SlabParameters = SlabParameters()
    smoothing: SmoothingParameters = SmoothingParameters()

    def changes_nothing(self) -> bool:
        """Whether no change can happen."""
        return not any(getattr(self, name).probability for name in type(self).model_fields)


class ViewsParameters(Section):
    """Where the views of trainings, scores and embeddings come from."""

    source: Literal["png", "online"] = Field(
        "png", description="png: the files of the view store; online: drawn from the neurons, no file needed"
    )
    cache_mib: int = Field(
        1024, ge=0, description="memory for views (png) or neurons (online) in each process that reads views, MiB"
    )
    online: OnlineParameters = OnlineParameters()

    def training_section(self) -> dict[str, Any]:
        """What of these parameters determines a training, for its content key."""
        if self.source == "png":
            return {"source": "png"}
        return self.model_dump(mode="json", exclude={"cache_mib"})
