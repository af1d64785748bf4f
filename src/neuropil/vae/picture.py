"""Reconstructions beside the truth, as a picture."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from neuropil.rendering.png import PALETTE
from neuropil.rendering.segments import CLASSES
from neuropil.vae.network import SegVAE2D
from neuropil.views.access import ViewAccess

TITLES = ("Input", "Predicted classes", "True classes", "Predicted depth", "True depth")
_COLOURS = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in PALETTE]
_MOST = 6
_INCHES = 2.2


@torch.inference_mode()
def draw_reconstructions(network: SegVAE2D, records: Sequence[Mapping[str, Any]], access: ViewAccess) -> bytes:
    """PNG with a row for each of up to six views of different neurons, evenly taken from the manifest.

    Columns: Input | Predicted classes | True classes | Predicted depth | True depth. Predictions are shown inside
    the silhouette, as they are scored; depth runs from near (dark) to far (bright).
    """
    from matplotlib.figure import Figure

    chosen = _chosen(records)
    views = access.open(chosen, once=True)
    figure = Figure(figsize=(_INCHES * len(TITLES), _INCHES * len(chosen) + 0.7), layout="constrained", dpi=110)
    panels = figure.subplots(len(chosen), len(TITLES), squeeze=False)
    network = network.eval().cpu()
    for row, record in enumerate(chosen):
        view = views[row]
        output = network(view["image"][None])
        silhouette = view["mask"].numpy() > 0
        predicted = np.where(silhouette, output.logits[0, 1:].argmax(0).numpy() + 1, 0)
        depth = np.where(silhouette, output.depth[0].numpy(), 0.0)
        pictures = (silhouette, predicted, view["mask"].numpy(), depth, view["depth"].numpy())
        for column, picture in enumerate(pictures):
            _show(panels[row, column], picture, kind=("mask", "classes", "classes", "depth", "depth")[column])
        panels[row, 0].set_ylabel(str(record["neuron_name"])[:24], fontsize=8)
    for panel, title in zip(panels[0], TITLES, strict=True):
        panel.set_title(title, fontsize=11)
    _legend(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _chosen(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The first view of up to six neurons, evenly spread over the manifest."""
    first = list({record["neuron_name"]: record for record in reversed(records)}.values())[::-1]
    return [first[place] for place in sorted(set(np.linspace(0, len(first) - 1, _MOST).round().astype(int)))]


def _show(panel: Any, picture: NDArray, *, kind: str) -> None:
    from matplotlib.colors import ListedColormap

    if kind == "depth":
        panel.set_facecolor("white")
        panel.imshow(np.ma.masked_equal(picture, 0), cmap="viridis", vmin=0, vmax=1, interpolation="nearest")
    else:
        colours = ListedColormap(("#ffffff", "#000000") if kind == "mask" else _COLOURS)
        shown = np.minimum(picture, colours.N - 1)
        panel.imshow(shown, cmap=colours, vmin=-0.5, vmax=colours.N - 0.5, interpolation="nearest")
    panel.set_xticks([])
    panel.set_yticks([])


def _legend(figure: Any) -> None:
    from matplotlib.patches import Patch

    patches = [Patch(color=colour, label=name) for colour, name in zip(_COLOURS[1:], CLASSES[1:], strict=True)]
    figure.legend(handles=patches, loc="outside lower left", ncols=len(patches), frameon=False, fontsize=9)
    figure.text(0.995, 0.004, "depth: dark is near, bright is far", ha="right", va="bottom", fontsize=9)
