"""TIFF stacks: ImageJ, OME, BigTIFF, or plain pages; only the strips and tiles that are asked for are decoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.formats.grid import Grid, OneArray, checked
from neuropil.em.formats.lazy import Box, LazyArray, Reordered
from neuropil.em.formats.streams import open_bytes
from neuropil.em.formats.stretch import Stretch
from neuropil.em.formats.units import Lengths, nanometres_per, stated
from neuropil.errors import InputError

_ASK = "it states no voxel size; in Fiji set it under Image > Properties (with the unit) and save it again"


class Pages(LazyArray):
    """Pages of a TIFF file as sections.

    Args:
        path: the file, for messages.
        pages: tifffile's pages, each a section.
    """

    def __init__(self, path: Path, pages: Any) -> None:
        first = pages[0]
        self._path, self._pages = path, pages
        rows, columns = first.imagelength, first.imagewidth
        high, wide = (first.tilelength, first.tilewidth) if first.is_tiled else (first.rowsperstrip, columns)
        self._pieces = min(high or rows, rows) if not first.is_tiled else high, wide
        chunks = (1, min(self._pieces[0], rows), min(wide, columns))
        super().__init__((len(pages), rows, columns), first.dtype.newbyteorder("="), path.name, chunks=chunks)

    def read(self, box: Box) -> NDArray[Any]:
        (z0, z1), *plane = box
        values = np.empty([stop - start for start, stop in box], self.dtype)
        for z in range(z0, z1):
            try:
                self._page(z, plane, values[z - z0])
            except InputError:
                raise
            except Exception as error:  # tifffile and its decoders raise errors of many kinds
                why = " ".join(str(error).split())
                raise InputError(
                    f"{self._path}: section {z} cannot be read ({why}); copy the file again, or store it with zip or "
                    "no compression"
                ) from error
        return values

    def _page(self, z: int, plane: list[tuple[int, int]], target: NDArray[Any]) -> None:
        page, first = self._pages[z], self._pages[0]
        like: Any = None if page is None else page.keyframe  # tags of a page like the first are not read anew
        if like is None or (like.imagelength, like.imagewidth, like.dtype) != (*self.shape[1:], first.dtype):
            raise InputError(f"{self._path}: section {z} has another shape or type than the first; store them alike")
        (y0, y1), (x0, x1) = plane
        if _needs_more_decoders(like):
            target[...] = _by_pillow(self._path, page)[y0:y1, x0:x1]
            return
        high, wide = self._pieces
        across = -(-self.shape[2] // wide)
        handle = page.parent.filehandle
        for row in range(y0 // high, -(-y1 // high)):
            for column in range(x0 // wide, -(-x1 // wide)):
                index = row * across + column
                handle.seek(page.dataoffsets[index])
                data = handle.read(page.databytecounts[index])
                decoded, _, shape = like.decode(data or None, index, jpegtables=page.jpegtables)
                top, left = row * high, column * wide
                part = np.full(shape[1:3], like.nodata, self.dtype) if decoded is None else decoded[0, :, :, 0]
                rows = slice(max(y0, top), min(y1, top + part.shape[0]))
                columns = slice(max(x0, left), min(x1, left + part.shape[1]))
                target[rows.start - y0 : rows.stop - y0, columns.start - x0 : columns.stop - x0] = part[
                    rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
                ]


@contextmanager
def open_tiff(path: Path) -> Iterator[OneArray]:
    """Open a TIFF stack. Raises InputError where it is damaged, in colour, or has several channels or times."""
    import tifffile

    with ExitStack() as stack:
        try:
            file = stack.enter_context(tifffile.TiffFile(path))
            series = file.series[0]
        except InputError:
            raise
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
        except Exception as error:  # tifffile raises errors of many kinds for a file that is cut off
            raise InputError(f"{path}: it is no TIFF file, or it is damaged ({error}); copy it again") from error
        array = _array(path, series, stack)
        yield OneArray(path, Grid(checked(path, array, "the stack"), path.name, _size(file, path), ask=_ASK))


def is_section(path: Path) -> bool:
    """Whether a TIFF file is a single section: one page, that of an image in grey."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            return len(file.series) == 1 and len(tuple(n for n in file.series[0].shape if n > 1)) <= 2
    except Exception:  # a file that is damaged is told when it is opened as a volume
        return False


def _array(path: Path, series: Any, stack: ExitStack) -> Any:
    sizes, axes = [int(size) for size in series.shape], str(series.axes)
    wide = [axis for axis, size in enumerate(sizes) if size > 1 or axes[axis] in "YX"]
    kinds = "".join(axes[axis] for axis in wide)
    if len(wide) == 2 and kinds == "YX":
        raise InputError(f"{path}: one section of shape {tuple(sizes)}; three axes (z, y, x) are needed, give a stack")
    if len(wide) != 3 or kinds[1:] != "YX" or kinds[0] in "SC":
        raise InputError(
            f"{path}: it has the axes {axes} and shape {tuple(sizes)}; a stack of sections in grey (Z, Y, X) is "
            "needed: one channel, no colour"
        )
    shape = [sizes[axis] for axis in wide]
    if series.dataoffset is not None:
        source = open_bytes(path, packed=False)
        stack.callback(source.close)
        return Stretch(source, int(series.dataoffset), shape, series.dtype.newbyteorder(_order(series)), path.name)
    pages = series.pages
    if len(pages) == shape[0]:
        return Pages(path, pages)
    import zarr  # planes in another arrangement (a page of several sections): through tifffile's own Zarr store

    store = stack.enter_context(series.aszarr())
    return Reordered(zarr.open(store, mode="r"), (wide[0], wide[1], wide[2]), path.name)


def _order(series: Any) -> str:
    return str(series.parent.byteorder) if hasattr(series.parent, "byteorder") else "="


def _needs_more_decoders(page: Any) -> bool:
    """Whether tifffile alone cannot decode a page: LZW, JPEG ... without the package imagecodecs."""
    import tifffile

    try:
        return page.compression != 1 and tifffile.TIFF.DECOMPRESSORS[page.compression] is None
    except (KeyError, AttributeError):
        return page.compression != 1


def _by_pillow(path: Path, page: Any) -> NDArray[Any]:
    """A whole section through Pillow, which has the other decoders."""
    from PIL import Image

    with Image.open(path) as image:
        image.seek(page.index if isinstance(page.index, int) else page.index[0])
        values = np.asarray(image)
    if values.dtype.itemsize == page.dtype.itemsize and values.dtype.kind in "iu" and page.dtype.kind in "iu":
        values = values.view(page.dtype.newbyteorder("="))
    if values.shape != (page.keyframe.imagelength, page.keyframe.imagewidth) or not np.can_cast(
        values.dtype, page.dtype
    ):
        raise ValueError(f"{page.dtype} in compression {page.keyframe.compression!r}")
    return values


def _size(file: Any, path: Path) -> Lengths | None:
    """The voxel size (z, y, x): of OME, or of ImageJ. Dots per inch alone say nothing of the sections' thickness."""
    if file.is_ome and file.ome_metadata:
        return _ome_size(file.ome_metadata)
    about = file.imagej_metadata if file.is_imagej else None
    tags = file.pages[0].tags
    if not about or "spacing" not in about or "XResolution" not in tags or "YResolution" not in tags:
        return None
    pitch = []
    for name in ("YResolution", "XResolution"):
        dots, length = tags[name].value
        if not dots or not length:
            return None
        pitch.append(length / dots)
    unit = about.get("unit")
    return None if nanometres_per(unit) is None else stated([abs(float(about["spacing"])), *pitch], unit)


def _ome_size(text: str) -> Lengths | None:
    from xml.etree import ElementTree

    try:
        pixels = next(node for node in ElementTree.fromstring(text).iter() if node.tag.endswith("Pixels"))
        found = []
        for axis in "ZYX":
            factor = nanometres_per(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
            found.append(float(pixels.attrib[f"PhysicalSize{axis}"]) * float(factor or "nan"))
    except (ElementTree.ParseError, StopIteration, KeyError, ValueError):
        return None
    return stated(found, "nm")
