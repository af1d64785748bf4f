"""The curves of a training, as a plotly figure in plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

_COLOURS = {"train": "#4c78a8", "val": "#e45756", "": "#54a24b"}
_ROW = 280  # pixels of height of a row of panels


def curves(history: Sequence[Mapping[str, float]], title: str) -> dict[str, Any]:
    """A panel for each metric, with its training and validation curves over the epochs, two panels a row.

    Args:
        history: records {"epoch": 0, "train/loss": .., "val/loss": .., "lr": ..}; a metric may be absent from
            some of them.
        title: stands over the figure.

    Returns:
        A plotly figure, {"data": [...], "layout": {...}}.
    """
    panels: dict[str, list[str]] = {}
    for name in {name: None for record in history for name in record if name not in ("epoch", "step")}:
        panels.setdefault(name.split("/", 1)[-1], []).append(name)
    # The loss first, the rest in the order of the alphabet.
    order = sorted(panels, key=lambda panel: (panel != "loss", panel))
    rows = max(1, math.ceil(len(order) / 2))
    figure: dict[str, Any] = {
        "data": [],
        "layout": {
            "title": {"text": title},
            "template": "plotly_white",
            "height": 90 + _ROW * rows,
            "annotations": [],
            "margin": {"t": 90},
            "legend": {"orientation": "h", "y": 1 + 40 / (_ROW * rows), "x": 1, "xanchor": "right"},
        },
    }
    for place, panel in enumerate(order):
        _add_panel(figure, history, panel, sorted(panels[panel]), place, rows)
    return figure


def _add_panel(
    figure: dict[str, Any], history: Sequence[Mapping[str, float]], panel: str, names: list[str], place: int, rows: int
) -> None:
    row, column = divmod(place, 2)
    top = 1 - row / rows
    left = 0.0 if column == 0 else 0.55
    number = "" if place == 0 else str(place + 1)
    layout = figure["layout"]
    layout[f"xaxis{number}"] = {"domain": [left, left + 0.45], "anchor": f"y{number}", "title": {"text": "epoch"}}
    layout[f"yaxis{number}"] = {"domain": [top - 0.68 / rows, top - 0.06 / rows], "anchor": f"x{number}"}
    layout["annotations"].append(
        {
            "text": panel,
            "x": left,
            "y": top - 0.06 / rows,
            "xref": "paper",
            "yref": "paper",
            "xanchor": "left",
            "yanchor": "bottom",
            "showarrow": False,
        }
    )
    shown = {trace["name"] for trace in figure["data"]}
    for name in names:
        part = name.split("/", 1)[0] if "/" in name else ""
        points = [(record["epoch"], record[name]) for record in history if name in record]
        figure["data"].append(
            {
                "type": "scatter",
                "mode": "lines+markers" if len(points) < 30 else "lines",
                "x": [x for x, _ in points],
                "y": [y for _, y in points],
                "name": part or panel,
                "legendgroup": part or panel,
                "showlegend": (part or panel) not in shown and bool(part),
                "xaxis": f"x{number}",
                "yaxis": f"y{number}",
                "line": {"color": _COLOURS.get(part, _COLOURS[""])},
            }
        )
