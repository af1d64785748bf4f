"""Small plots for the page of a neuron, as SVG."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.measures.persistence import barcode
from neuropil.morphology.measures.sholl import sholl
from neuropil.morphology.tree import Neuron

_WIDTH = 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 10, 34
_LINE, _ACCENT = "#e3e6ea", "#1f77b4"
_MOST_DOTS = 1_500


class Axes(NamedTuple):
    """A frame from (0, 0) to the largest values, with places in pixels."""

    x: Callable[[float], float]
    y: Callable[[float], float]
    frame: list[str]


def sholl_plot(neuron: Neuron) -> str:
    """The Sholl profile: crossings of spheres about the soma by their radius."""
    found = sholl(neuron)
    if not len(found.radii):
        return _nothing("The neuron does not reach the first sphere.")
    axes = _axes(150, float(found.radii[-1]), float(found.crossings.max()), "µm from the soma", "crossings")
    points = _pairs(axes, found.radii, found.crossings.astype(float))
    base = f"{axes.x(found.radii[-1]):.1f},{axes.y(0):.1f} {axes.x(found.radii[0]):.1f},{axes.y(0):.1f}"
    return _svg(
        150,
        [
            *axes.frame,
            f'<polygon points="{points} {base}" fill="{_ACCENT}" fill-opacity="0.12"/>',
            f'<polyline points="{points}" fill="none" stroke="{_ACCENT}" stroke-width="1.5"/>',
        ],
        "Sholl profile",
    )


def persistence_plot(neuron: Neuron) -> str:
    """The persistence diagram of the distance along the neurites: tips by where they join (Kanari et al. 2018)."""
    bars = barcode(neuron)
    if not len(bars.tips):
        return _nothing("The neuron has no tips beside those of the soma.")
    farthest = float(bars.tips.max())
    axes = _axes(240, farthest, farthest, "µm: where it joins", "µm: tip")
    diagonal = (
        f'<line x1="{axes.x(0):.1f}" y1="{axes.y(0):.1f}" x2="{axes.x(farthest):.1f}" y2="{axes.y(farthest):.1f}" '
        f'stroke="{_LINE}"/>'
    )
    dots = [
        f'<circle cx="{axes.x(join):.1f}" cy="{axes.y(tip):.1f}" r="2.2"/>'
        for tip, join in zip(bars.tips[:_MOST_DOTS].tolist(), bars.joins[:_MOST_DOTS].tolist(), strict=True)
    ]
    cloud = f'<g fill="{_ACCENT}" fill-opacity="0.55">{"".join(dots)}</g>'
    return _svg(240, [*axes.frame, diagonal, cloud], "Persistence diagram")


def _axes(height: int, across: float, up: float, across_label: str, up_label: str) -> Axes:
    wide, high = _WIDTH - _LEFT - _RIGHT, height - _TOP - _BOTTOM

    def x(value: float) -> float:
        return _LEFT + wide * value / across

    def y(value: float) -> float:
        return _TOP + high * (1 - value / (up or 1))

    frame = []
    for value in _ticks(up, 5):
        frame.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="{_LINE}"/>'
        )
        frame.append(f'<text x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:,g}</text>')
    for value in _ticks(across, 5):
        frame.append(f'<text x="{x(value):.1f}" y="{height - _BOTTOM + 15}" text-anchor="middle">{value:,g}</text>')
    frame.append(f'<text x="{_LEFT + wide / 2}" y="{height - 4}" text-anchor="middle">{across_label}</text>')
    middle = _TOP + high / 2
    frame.append(
        f'<text transform="rotate(-90 10 {middle})" x="10" y="{middle}" text-anchor="middle">{up_label}</text>'
    )
    return Axes(x, y, frame)


def _ticks(most: float, count: int) -> list[float]:
    """Round values from 0 to at most `most`, about `count` steps."""
    if most <= 0:
        return [0.0]
    power = 10.0 ** np.floor(np.log10(most / count))
    step = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= most / count)
    return [float(f"{value:.12g}") for value in np.arange(0, most * (1 + 1e-9), step)]


def _pairs(axes: Axes, across: NDArray[np.float64], up: NDArray[np.float64]) -> str:
    return " ".join(f"{axes.x(x):.1f},{axes.y(y):.1f}" for x, y in zip(across.tolist(), up.tolist(), strict=True))


def _svg(height: int, parts: list[str], label: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _nothing(why: str) -> str:
    return f'<p class="plain">{why}</p>'
