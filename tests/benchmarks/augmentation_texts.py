"""What docs/augmentation.md says of every change; `make_augmentation_page.py` puts it together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Shown = tuple[int, Mapping[str, Any]]
"""The seed of a picture's row and the parameters that differ from the defaults."""


@dataclass(frozen=True)
class Text:
    """The words on one change.

    Attributes:
        title: of its section.
        moves: what follows: "labels" move with the image, or only "grey" changes.
        built_on: whose code draws it.
        text: what it does and why.
        shown: for each row of its picture.
    """

    title: str
    moves: str
    built_on: str
    text: str
    shown: tuple[Shown, Shown] = field(default=((1, {}), (1, {})))

    @property
    def anchor(self) -> str:
        """As GitHub makes it of the title."""
        return self.title.lower().replace(",", "").replace(" ", "-")


CHANGE_TEXTS: dict[str, Text] = {
    "flips": Text(
        "Flips",
        "labels",
        "numpy views",
        "Each axis is reversed by itself. MONAI's `Flip` copies every array each time; here views are copied once, at "
        "the end.",
        ((3, {}), (3, {})),
    ),
    "transposes": Text(
        "Transposes",
        "labels",
        "numpy views",
        "Axes of equal length and voxel size (within 5 %) are exchanged: of an isotropic cube all three, which "
        "with the flips makes its 48 symmetries; of thick sections only y and x, which makes 16.",
        ((0, {}), (0, {})),
    ),
    "misalignment": Text(
        "Misalignment",
        "labels",
        "own",
        "Either one section lies at the wrong place (slip, second row), or all sections from one on (step, first "
        "row), as Lee et al. (2017) simulate it. Image and labels move together by whole voxels, so the network "
        "learns to follow a neurite over the jump.",
        ((2, {"slip": 0.0}), (5, {"slip": 1.0})),
    ),
    "slice_shift": Text(
        "Slice shift",
        "labels",
        "own",
        "Every section moves a little by itself: the jitter that is left after alignment. Whole voxels, one at "
        "least, and never farther than a section is thick.",
        ((1, {}), (1, {})),
    ),
    "elastic": Text(
        "Elastic deformation",
        "labels",
        "own",
        "A free form of cubic B-splines (Rueckert et al. 1999) whose control points lie equally far apart in "
        "nanometres on all axes. Isotropic tissue is deformed along all axes, thick sections in plane only, alike "
        "in neighbouring sections. A shift of at most 0.4 of the spacing cannot fold tissue over; more is refused."
        " MONAI's `Rand3DElastic` filters a random field of every voxel and takes {Rand3DElastic} ms for the image"
        " alone, and it passes labels through 32-bit floats, in which ids above 2^24 merge. Here image and labels "
        "together take {elastic} ms, and ids stay 64-bit integers.",
        ((1, {}), (1, {})),
    ),
    "rotation": Text(
        "Rotation and scale",
        "labels",
        "own",
        "A turn by any angle and a change of size, in plane. Off by default: it needs a margin of 36 voxels around"
        " a patch of 128, which is 2.4 times as much to read. It shares one interpolation with the elastic "
        "deformation and the shifts.",
        ((1, {}), (2, {})),
    ),
    "copy_paste": Text(
        "CopyPaste",
        "labels",
        "own",
        "Instances of another patch of the same volume (here: of this one, mirrored) are put over this one at the "
        "place where they were, with the organelles in them, their classes and ids (Ghiasi et al. 2021). An id "
        "that the patch has too is replaced by a free one, so two instances never become one. What a paste cuts "
        "apart is numbered anew with all other components of the patch.",
        ((8, {"size": [0.003, 0.06]}), (13, {"size": [0.003, 0.06]})),
    ),
    "missing_section": Text(
        "Missing section",
        "grey",
        "own",
        "A section is lost: one grey value. Its labels stay, so the network learns to bridge it. Patches of fewer "
        "than three sections are left alone.",
        ((1, {}), (1, {})),
    ),
    "missing_parts": Text(
        "Missing parts",
        "grey",
        "own",
        "Part of a section is lost along a wavy line: a band (crack, fold) or a side (rim of a tile, knife mark).",
        ((2, {}), (1, {})),
    ),
    "low_contrast": Text(
        "Low-contrast sections",
        "grey",
        "own",
        "Sections fade about their own mean, as under poor staining or charging.",
        ((1, {}), (1, {})),
    ),
    "section_contrast": Text(
        "Uneven sections",
        "grey",
        "own",
        "Brightness and contrast differ from section to section. Seen along z as stripes.",
        ((1, {}), (1, {})),
    ),
    "motion_blur": Text(
        "Motion blur",
        "grey",
        "own",
        "Sections are averaged along a line, each along its own, as a drifting stage smears them. MONAI has none.",
        ((1, {}), (1, {})),
    ),
    "gaussian_blur": Text(
        "Gaussian blur",
        "grey",
        "MONAI `GaussianSmooth`",
        "Sections are out of focus, in plane. MONAI's filter takes zeros beyond the rim, which would turn the rim "
        "grey; so sections are mirrored there first.",
        ((1, {}), (1, {})),
    ),
    "intensity": Text(
        "Contrast, brightness, gamma",
        "grey",
        "own, checked against MONAI",
        "Of the whole patch: what differs between microscopes, stains and normalisations. The order of grey values"
        " stays.",
        ((4, {}), (5, {})),
    ),
    "noise": Text(
        "Noise",
        "grey",
        "numpy",
        "Gaussian noise. MONAI's `RandGaussianNoise` draws in 64 bit and takes {RandGaussianNoise} ms; drawn in 32"
        " bit it takes {noise} ms.",
        ((3, {}), (3, {})),
    ),
    "cut_blur": Text(
        "CutBlur",
        "grey",
        "MONAI `Resize`",
        "A box is brought to a coarser resolution and back (Yoo et al. 2020). Along z it is coarsened to the same "
        "length in nanometres as in plane, which is not at all where sections are thick.",
        ((1, {"factor": [4, 4]}), (1, {"factor": [4, 4]})),
    ),
}

OPENING = """# Augmentation

<!-- Made by tests/benchmarks/make_augmentation_page.py; change that, not this. -->

What `em_segmentation` does to a training patch so that one volume teaches what others look like. Every change is
drawn anew for every patch, from (seed, epoch, index) alone, with a probability of its own: 0 switches it off, and
then nothing is drawn for it. `em_segmentation.data.augmentation.enabled=false` switches all off. Validation patches
are never changed.

    kedro run --pipeline em_segmentation --params em_segmentation.data.augmentation.noise.probability=0.5

Lengths are **nanometres**, so one setting means the same in tissue of any voxel size. Sections lie in (y, x) and
follow each other along z; where they are more than 1.25 times as thick as the pixel is wide, shapes and resolution
change in plane only. Shares of "sections" hold for sections too when patches are single ones (`data.slice_mode`);
what is a change between sections then does nothing. The order is that in which defects come about: place (shifts,
deformation and turn in one interpolation), copy and paste, sections, microscope, detector, lost parts, and last the
symmetries.

Labels move with the image: grey values are interpolated linearly, ids and classes taken from the nearest voxel as the
integers they are, so that no label is made that was not there. Affinities, components, edge and bone weights are
computed after all changes, from the changed labels. What moves into a patch is real tissue: patches are read with a
margin that is as wide as the changes reach; beyond the rim of the volume grey values are mirrored and labels unknown.

| change | key | probability | what follows | built on | ms |
|---|---|--:|---|---|--:|
{rows}

Milliseconds of CPU, one thread, for a patch of 64x128x128 voxels of 30x6x6 nm with two label arrays, when the change
is made. With the default probabilities all of it takes {all} ms a patch on the mean.

The pictures show the defaults, certain to happen, on FIB-25 (10 nm cubes; first row) and on FIB-25 with every four
sections averaged into one of 40 nm, as a section series would have it (second row). Left a section, right a cut along
z, each before and after, where the change is largest. Outlines are those of the labels; a colour is an id.
FIB-25: Takemura et al. 2015, FlyEM, Creative Commons Attribution.
"""

CLOSING = """## Sources

- Lee, Zung, Li, Jain, Seung: Superhuman accuracy on the SNEMI3D connectomics challenge, 2017 (misalignment, missing
  sections, out-of-focus sections).
- Rueckert et al.: Nonrigid registration using free-form deformations, IEEE TMI 18, 1999; Choi and Lee: Injectivity
  conditions of 2D and 3D uniform cubic B-spline functions, Graphical Models 62, 2000.
- Ghiasi et al.: Simple copy-paste is a strong data augmentation method for instance segmentation, CVPR 2021.
- Yoo, Ahn, Sohn: Rethinking data augmentation for image super-resolution (CutBlur), CVPR 2020.
- MONAI: Cardoso et al., 2022.

This page and its pictures: `NEUROPIL_DATA=$DATA python tests/benchmarks/make_augmentation_page.py`.
"""
