"""A folder of sections: one image a section (TIFF, PNG, JPEG, BMP), in the natural order of their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.formats.grid import Grid, OneArray, checked
from neuropil.em.formats.lazy import Box, LazyArray
from neuropil.errors import InputError

SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp")
_TIFF = (".tif", ".tiff")
_ASK = "images of sections state no voxel size"


class Sections(LazyArray):
    """Images of equal shape and type, a section each.

    Args:
        folder: for messages.
        files: the images, in their order.
    """

    def __init__(self, folder: Path, files: Sequence[Path]) -> None:
        self._files = list(files)
        first = read_image(self._files[0])
        super().__init__((len(files), *first.shape), first.dtype, folder.name, chunks=(1, *first.shape))

    def read(self, box: Box) -> NDArray[Any]:
        (z0, z1), (y0, y1), (x0, x1) = box
        values = np.empty([stop - start for start, stop in box], self.dtype)
        for z in range(z0, z1):
            image = read_image(self._files[z])
            if image.shape != self.shape[1:] or image.dtype != self.dtype:
                raise InputError(
                    f"{self._files[z]}: {image.shape} {image.dtype}, but {self._files[0].name} has {self.shape[1:]} "
                    f"{self.dtype}; all sections must be alike"
                )
            values[z - z0] = image[y0:y1, x0:x1]
        return values


@contextmanager
def open_sections(folder: Path) -> Iterator[OneArray]:
    """Open a folder of sections. Raises InputError where it holds none, or the first is in colour or damaged."""
    files = section_files(folder)
    if not files:
        raise InputError(f"{folder}: no images of sections in it ({', '.join(SUFFIXES)})")
    array = Sections(folder, files)
    yield OneArray(folder, Grid(checked(folder, array, "the sections"), folder.name, None, ask=_ASK))


def section_files(folder: Path) -> list[Path]:
    """The images in a folder that are its sections: those of the suffix that most have; `z2` comes before `z10`."""
    images = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    suffixes = [path.suffix.lower() for path in images]
    chosen = max(sorted(set(suffixes)), key=suffixes.count, default="")
    return sorted((path for path in images if path.suffix.lower() == chosen), key=natural_key)


def image_size(path: Path) -> tuple[int, int] | None:
    """Pixels, (x, y), by the header of an image; None where it has none."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.size
    except OSError:
        return None


def natural_key(path: Path) -> list[tuple[int, int | str]]:
    """A key that sorts numbers in names by their value."""
    parts = re.split(r"(\d+)", path.name)
    return [(0, int(part)) if part.isdigit() else (1, part.casefold()) for part in parts if part]


def read_image(path: Path) -> NDArray[Any]:
    """One section, (y, x), in the type in which it is stored. Raises InputError for colour and damage."""
    if path.suffix.lower() in _TIFF:
        return _read_tiff(path)
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode == "P":  # the indices are what a mask of labels means
                return np.array(image)
            if image.mode not in ("L", "I;16", "I;16B", "I", "F", "1"):
                raise InputError(f"{path}: an image in colour ({image.mode}); store it in grey, 8 or 16 bits")
            values = np.array(image)
            # 16-bit PNG comes as 32-bit numbers from some versions of Pillow.
            return values.astype(np.uint8) if image.mode == "1" else values
    except OSError as error:
        raise InputError(f"{path}: cannot be read as an image ({error}); copy or download it again") from error


def _read_tiff(path: Path) -> NDArray[Any]:
    import tifffile

    from neuropil.em.formats.tiff import Pages

    try:
        with tifffile.TiffFile(path) as file:
            first: Any = file.pages[0]
            if first.samplesperpixel != 1 or len(file.pages) != 1:
                raise InputError(
                    f"{path}: {len(file.pages)} pages, {first.samplesperpixel} values a pixel; a section is one page "
                    "in grey"
                )
            return Pages(path, [first])[0]
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: it is no TIFF file, or it is damaged ({error}); copy it again") from error
