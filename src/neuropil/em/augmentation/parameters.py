"""Parameters of the changes made to training patches; lengths are nanometres, grey values deviations of the volume.

Every change has a `probability` of its own, drawn anew for every patch; 0 switches it off, and then nothing is drawn
for it. What "sections" are is said by the first axis: they lie in (y, x) and follow each other along z.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from neuropil.parameters import Length, Positive, Ratio, Section


def _rising(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError(f"write the lower bound first, not {value[0]:g} before {value[1]:g}")
    return value


Span = Annotated[tuple[float, float], AfterValidator(_rising)]
"""Lowest and highest value of what is drawn evenly between them."""
Factors = Annotated[tuple[Length, Length], AfterValidator(_rising)]
"""The same for factors, above 0."""
Shares = Annotated[tuple[Ratio, Ratio], AfterValidator(_rising)]
"""The same for shares, 0 to 1."""


class Flips(Section):
    """Mirror images."""

    probability: Ratio = Field(0.5, description="of a flip, for each of the axes by itself")


class Transposes(Section):
    """Exchange of axes of equal voxel size and length: all three of an isotropic cube, else only y and x."""

    probability: Ratio = Field(0.5, description="of an exchange, for each pair of like axes by itself")


class Misalignment(Section):
    """Sections that were put at the wrong place: one of them (slip), or all from one on (step)."""

    probability: Ratio = Field(0.1, description="of one misalignment in the patch")
    max_shift_nm: Length = Field(100.0, description="largest shift along y and along x")
    slip: Ratio = Field(0.5, description="share of slips among the misalignments; the others are steps")


class SliceShift(Section):
    """Every section shifted a little by itself, as an imperfect alignment leaves them."""

    probability: Ratio = Field(0.2, description="of shifted sections in the patch")
    max_shift_nm: Length = Field(
        20.0, description="largest shift of a section along y and along x; never more than its thickness"
    )


class Elastic(Section):
    """A smooth deformation: a free form of cubic B-splines, of all axes where they are alike, else in plane."""

    probability: Ratio = Field(0.2, description="of a deformation of the patch")
    spacing_nm: Length = Field(400.0, description="distance of the control points, on every axis")
    max_shift_nm: Length = Field(40.0, description="largest shift of a control point on an axis")

    @model_validator(mode="after")
    def _does_not_fold(self) -> Elastic:
        if self.max_shift_nm > 0.4 * self.spacing_nm:
            raise ValueError("elastic.max_shift_nm may be 0.4 of elastic.spacing_nm at most, or tissue would fold over")
        return self


class Rotation(Section):
    """A turn by any angle and a change of size, in plane."""

    probability: Ratio = Field(0.0, description="of a turn of the patch")
    max_degrees: float = Field(45.0, ge=0, le=180, description="largest angle, either way")
    max_scale: float = Field(0.1, ge=0, lt=0.5, description="largest change of size, as a share")


class CopyPaste(Section):
    """Instances of another patch, with all that they hold, put over this one (Ghiasi et al. 2021)."""

    probability: Ratio = Field(0.05, description="of pasted instances in the patch")
    max_instances: Positive = Field(3, description="most instances pasted")
    size: Shares = Field((0.0005, 0.1), description="share of the patch's voxels that a pasted instance may have")


class MissingSection(Section):
    """A section that was lost: one grey value all over. Its labels stay, to be bridged. Needs 3 sections or more."""

    probability: Ratio = Field(0.1, description="of lost sections in the patch")
    max_sections: Positive = Field(1, description="most sections lost, one after the other")
    grey: Span = Field((-2.0, 1.0), description="grey value in their place")


class MissingParts(Section):
    """Part of a section that was lost: a band (crack, fold) or a side (rim of a tile) of one grey value."""

    probability: Ratio = Field(0.1, description="of lost parts in the patch")
    sections: Ratio = Field(0.1, description="share of the sections hit, one at least")
    share: Shares = Field((0.05, 0.3), description="share of a section that is lost")
    grey: Span = Field((-2.0, 1.0), description="grey value in its place")


class LowContrast(Section):
    """Sections with hardly any contrast, as poor staining leaves them."""

    probability: Ratio = Field(0.1, description="of such sections in the patch")
    sections: Ratio = Field(0.1, description="share of the sections hit, one at least")
    factor: Factors = Field((0.2, 0.6), description="what is left of the contrast")


class SectionContrast(Section):
    """Brightness and contrast that differ a little from section to section."""

    probability: Ratio = Field(0.3, description="of such differences in the patch")
    contrast: Ratio = Field(0.1, description="standard deviation of the sections' contrast factor")
    brightness: float = Field(0.15, ge=0, description="standard deviation of the sections' brightness")


class MotionBlur(Section):
    """Sections smeared along a line in plane, as a stage that drifts makes them."""

    probability: Ratio = Field(0.1, description="of smeared sections in the patch")
    sections: Ratio = Field(0.2, description="share of the sections hit, one at least")
    length_nm: Factors = Field((20.0, 60.0), description="length of the smear")


class GaussianBlur(Section):
    """Sections out of focus."""

    probability: Ratio = Field(0.1, description="of blurred sections in the patch")
    sections: Ratio = Field(0.5, description="share of the sections hit, one at least")
    sigma_nm: Factors = Field((4.0, 14.0), description="standard deviation of the blur, in plane")


class Intensity(Section):
    """Contrast, brightness and gamma of the whole patch."""

    probability: Ratio = Field(0.8, description="of a change of the patch")
    contrast: Factors = Field((0.75, 1.3), description="factor of the grey values")
    brightness: Span = Field((-0.3, 0.3), description="added to the grey values")
    gamma: Factors = Field((0.8, 1.25), description="exponent, of grey values between the patch's least and largest")


class Noise(Section):
    """Gaussian noise of the detector."""

    probability: Ratio = Field(0.3, description="of noise in the patch")
    deviation: Factors = Field((0.05, 0.3), description="standard deviation of the noise")


class CutBlur(Section):
    """A box of the patch at a coarser resolution (Yoo et al. 2020), coarser in z only where z is as fine."""

    probability: Ratio = Field(0.1, description="of a coarse box in the patch")
    size: Shares = Field((0.25, 0.6), description="edges of the box, as shares of the patch's edges")
    factor: Annotated[tuple[Positive, Positive], AfterValidator(_rising)] = Field(
        (2, 4), description="how many voxels become one, along y and x"
    )


class EmAugmentationParameters(Section):
    """Changes of the training patches; validation patches are never changed."""

    enabled: bool = Field(True, description="false switches all of them off")
    flips: Flips = Flips()
    transposes: Transposes = Transposes()
    misalignment: Misalignment = Misalignment()
    slice_shift: SliceShift = SliceShift()
    elastic: Elastic = Elastic()
    rotation: Rotation = Rotation()
    copy_paste: CopyPaste = CopyPaste()
    missing_section: MissingSection = MissingSection()
    missing_parts: MissingParts = MissingParts()
    low_contrast: LowContrast = LowContrast()
    section_contrast: SectionContrast = SectionContrast()
    motion_blur: MotionBlur = MotionBlur()
    gaussian_blur: GaussianBlur = GaussianBlur()
    intensity: Intensity = Intensity()
    noise: Noise = Noise()
    cut_blur: CutBlur = CutBlur()

    @classmethod
    def only(cls, **changes: Section) -> EmAugmentationParameters:
        """The changes given, all others off: `EmAugmentationParameters.only(noise=Noise(probability=1))`."""
        off = {name: type(getattr(cls(), name))(probability=0) for name in CHANGES}
        return cls(**{**off, **changes})


CHANGES = tuple(name for name in EmAugmentationParameters.model_fields if name != "enabled")
"""Names of all changes, as in the parameters."""
