"""Parameters of the views that a training sees."""

from __future__ import annotations

from pydantic import Field

from neuropil.parameters import Ratio, Section


class AugmentationParameters(Section):
    """What may happen to a training view. It is drawn from (seed, epoch, index), so a run can be repeated.

    All of these keep every pixel's class, depth and scale; validation and test views are never augmented.
    """

    horizontal_flip: Ratio = Field(0.5, description="probability that a view is mirrored left to right")
    vertical_flip: Ratio = Field(0.5, description="probability that a view is mirrored top to bottom")
    quarter_turn: Ratio = Field(
        0.5, description="probability that a view is turned by 90, 180 or 270 degrees (180 where it is not square)"
    )
