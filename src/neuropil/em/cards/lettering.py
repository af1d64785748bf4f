"""What the pictures of volumes for people share: colours, a font, the bar of the scale."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from PIL import ImageDraw, ImageFont

INK, FAINT, RULE, ALARM = (25, 25, 25), (110, 110, 110), (225, 225, 225), (190, 30, 30)
"""Text; what is said beside; lines and frames; defects."""

_BARS_NM = tuple(step * 10**power for power in range(7) for step in (1, 2, 5))


@lru_cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib: Pillow's own font has no micro sign."""
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def length_text(nm: float) -> str:
    """A length for a person: "200 nm", "1.5 µm"."""
    return f"{nm:.3g} nm" if nm < 1000 else f"{nm / 1000:.3g} µm"


def draw_bar(pen: ImageDraw.ImageDraw, place: tuple[int, int], nm_per_px: float, longest: int) -> None:
    """Draw a scale bar of a round length, at most `longest` pixels, with its left end at a place (x, y)."""
    fitting = [bar for bar in _BARS_NM if bar / nm_per_px <= longest]
    if fitting:
        left, top = place
        right = left + round(fitting[-1] / nm_per_px)
        pen.rectangle((left, top, right, top + 3), fill=INK)
        pen.text((right + 8, top - 7), length_text(fitting[-1]), INK, font(13))


def wrapped(pen: ImageDraw.ImageDraw, text: str, width: float, size: int, most: int = 12) -> list[str]:
    """A text in lines that are at most so wide; a word that is wider is cut, and what is beyond `most` lines."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        for piece in _pieces(pen, word, width, size):
            longer = f"{line} {piece}".strip()
            if line and pen.textlength(longer, font(size)) > width:
                lines, longer = [*lines, line], piece
            line = longer
    lines = [*lines, line] if line else lines
    return lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1][:-1] + "…"]


def _pieces(pen: ImageDraw.ImageDraw, word: str, width: float, size: int) -> Iterator[str]:
    """A word, cut where it is wider than a line."""
    while len(word) > 1 and pen.textlength(word, font(size)) > width:
        fits = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or pen.textlength(word[:n], font(size)) <= width)
        yield word[:fits]
        word = word[fits:]
    yield word
