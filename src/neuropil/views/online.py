"""Views drawn from the neurons, without a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from neuropil.errors import InputError
from neuropil.morphology.swc import load_neuron
from neuropil.morphology.tree import Neuron
from neuropil.rendering.frame import Frame
from neuropil.rendering.rasteriser import Canvas, rasterise
from neuropil.rendering.segments import Segments, segments_of
from neuropil.views.branches import Branches
from neuropil.views.changes import changed_neuron, changed_rotation
from neuropil.views.parameters import ViewsParameters
from neuropil.views.reframing import reframed
from neuropil.views.sources import MIB, Cache, Moment, Seen

_FILE_UP = (0.0, 1.0, 0.0)


class Tree(NamedTuple):
    """A neuron as views need it again and again."""

    neuron: Neuron
    branches: Branches
    segments: Segments


class OnlineViews:
    """Views drawn from the neuron store, exactly as the rendering pipeline draws them (`rasteriser`).

    Args:
        neuron_store: to which the SWC files of the records are relative.
        parameters: what may happen to the neurons of training views, and how much memory parsed neurons may take.
    """

    def __init__(self, neuron_store: Path, parameters: ViewsParameters) -> None:
        self._neuron_store = Path(neuron_store)
        self._changes = parameters.online
        self._still = parameters.online.changes_nothing()
        self._trees: Cache[Tree] = Cache(parameters.cache_mib * MIB, _size)
        self._canvas: Canvas | None = None
        self._canvas_size = (0, 0, 0)

    def view(self, record: Mapping[str, Any], moment: Moment | None) -> Seen:
        """Draw the view of a record, of a changed neuron where there is a moment.

        Raises:
            InputError: the neuron's file is missing or damaged, or the record is of a picture by pyrender.
        """
        if record.get("backend", "analytic") != "analytic":
            raise InputError(
                f"{record['neuron_name']}: its views were drawn by {record['backend']}; views.source=online draws by "
                "rendering.backend=analytic: render again with that, or take views.source=png"
            )
        swc = str(record["swc"])
        tree = self._trees.get(swc, lambda: load_tree(self._neuron_store / swc))
        frame, segments = Frame.from_record(record), tree.segments
        if moment is not None and not self._still:
            frame, segments = self._changed(tree, frame, record, moment)
        canvas, self._canvas = self._clean_canvas(record), None  # one that an error leaves half drawn is not used again
        raster = rasterise(segments, frame, canvas)
        self._canvas = canvas
        return Seen((raster.classes, raster.depth), frame.um_per_px)

    def _changed(self, tree: Tree, frame: Frame, record: Mapping[str, Any], moment: Moment) -> tuple[Frame, Segments]:
        neuron = changed_neuron(tree.neuron, tree.branches, self._changes, moment)
        up = np.array(record.get("up", _FILE_UP), float)
        rotation = changed_rotation(frame.rotation, up, self._changes, moment)
        if neuron is tree.neuron and rotation is frame.rotation:
            return frame, tree.segments
        segments = tree.segments if neuron is tree.neuron else segments_of(neuron)
        return reframed(frame, rotation, record=record, before=tree.segments, after=segments), segments

    def _clean_canvas(self, record: Mapping[str, Any]) -> Canvas:
        size = (int(record["width"]), int(record["height"]), int(record["supersample_factor"]))
        if self._canvas is None or self._canvas_size != size:
            self._canvas, self._canvas_size = Canvas(*size), size
        return self._canvas

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_canvas": None}


def load_tree(path: Path) -> Tree:
    """Read a neuron and prepare what its views need. Raises InputError where it is missing or damaged."""
    if not path.is_file():
        raise InputError(f"{path}: no such neuron, though a manifest names it; run the pipelines again from ingestion")
    neuron = load_neuron(path)
    return Tree(neuron, Branches.of(neuron), segments_of(neuron))


def _size(tree: Tree) -> int:
    neuron = tree.neuron
    arrays = (neuron.points, neuron.radii, neuron.types, neuron.parents, *tree.segments)
    return sum(array.nbytes for array in arrays) + tree.branches.nbytes
