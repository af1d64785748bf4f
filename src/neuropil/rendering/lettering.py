"""What the pictures for people share: colours of ink and a font with a micro sign."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

INK, FAINT, RULE = (25, 25, 25), (110, 110, 110), (225, 225, 225)
"""Text and bars; what is said beside; lines and frames."""


@lru_cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib: Pillow's own font has no micro sign."""
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)
