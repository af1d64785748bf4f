"""One neuron as a web page: it turns, and beside it stand its measures, its repairs and its file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from neuropil.morphology.compartments import NAMES, OTHER, compartment_of_type, css_colour
from neuropil.morphology.drawing.page_template import GENERATOR, PAGE, SCRIPT, STYLE
from neuropil.morphology.drawing.page_words import (
    COMPARTMENTS,
    REMARKS,
    REPAIRS,
    Row,
    by_compartment,
    counted,
    groups,
)
from neuropil.morphology.figure import neuron_figure
from neuropil.morphology.repair import Repaired
from neuropil.morphology.tree import Neuron

_MOST_COMMENTS = 200
_LONGEST_COMMENT = 500


def neuron_page(repaired: Repaired, file: Path | str) -> str:
    """Write the page of a neuron: one HTML file that loads nothing, on the disk or over the network.

    plotly.js stands in the page (4.8 MB), as it comes with the package plotly. A content security policy lets only
    the page's own two scripts run and forbids every request, so that no text of an SWC file can do harm.

    Args:
        repaired: the neuron with its repairs and remarks.
        file: where it is from, as the page is to name it.

    Returns:
        The HTML text.
    """
    from plotly.offline import get_plotlyjs

    neuron = repaired.neuron
    figure = neuron_figure(neuron)
    del figure["layout"]["title"]  # the page has one
    plotly = _inline(get_plotlyjs())
    script = _inline(SCRIPT)
    return PAGE.substitute(
        generator=GENERATOR,
        policy=_policy(plotly, script),
        name=escape(neuron.name),
        summary=_summary(repaired),
        note=escape(figure["layout"]["meta"]["note"]),
        style=STYLE,
        side="\n".join([_mended(repaired), _morphometry(neuron), _plots(neuron), _file(neuron, file)]),
        figure=_json(figure),
        plotly=plotly,
        script=script,
    )


def is_neuron_page(path: Path) -> bool:
    """Whether a file is a page that `neuron_page` wrote."""
    with open(path, "rb") as file:
        return GENERATOR.encode() in file.read(1000)


def _policy(*scripts: str) -> str:
    """What the page may do: run these scripts and draw; nothing else, no request at all."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _inline(script: str) -> str:
    """A script as it may stand in a page: line ends as the browser will hash them, no early end."""
    return script.replace("\r\n", "\n").replace("</script", "<\\/script")


def _json(value: Any) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _summary(repaired: Repaired) -> str:
    neuron = repaired.neuron
    roots = int((neuron.parents < 0).sum())
    parts = [counted(len(neuron), "node"), counted(roots, "root")]
    present = np.unique(compartment_of_type(neuron.types)).tolist()
    parts.append(", ".join(NAMES[compartment].lower() for compartment in NAMES if compartment in present))
    parts.append(counted(len(repaired.repairs), "kind") + " of repair" if repaired.repairs else "nothing to repair")
    return escape(" · ".join(parts))


def _mended(repaired: Repaired) -> str:
    if not repaired.repairs:
        repairs = '<p class="plain">None: the file was read as it stands.</p>'
    else:
        repairs = _explained(repaired.repairs, REPAIRS)
    remarks = f"<h2>Remarks</h2>{_explained(repaired.remarks, REMARKS)}" if repaired.remarks else ""
    return f"<h2>Repairs</h2>{repairs}{remarks}"


def _explained(found: Mapping[str, int], words: Mapping[str, tuple[str, str]]) -> str:
    items = []
    for name, count in found.items():
        thing, sentence = words.get(name, ("node", ""))
        items.append(
            f"<dt><code>{escape(name)}</code><span>{escape(counted(count, thing))}</span></dt>"
            f"<dd>{escape(sentence)}</dd>"
        )
    return f"<dl>{''.join(items)}</dl>"


def _morphometry(neuron: Neuron) -> str:
    from neuropil.morphology.morphometry import measure

    measures = measure(neuron)
    tables = [f"<h3>{escape(heading)}</h3>{_table(rows)}" for heading, rows in groups(measures)]
    return f"<h2>Morphometry</h2>{''.join(tables)}{_compartments(neuron, measures)}"


def _table(rows: list[Row]) -> str:
    lines = [
        f'<tr><th>{escape(row.label)}</th><td>{escape(row.value)}</td><td class="unit">{escape(row.unit)}</td></tr>'
        for row in rows
    ]
    return f"<table><tbody>{''.join(lines)}</tbody></table>"


def _compartments(neuron: Neuron, measures: Mapping[str, float]) -> str:
    """A row for each compartment that the neuron has: nodes, and the measures of it alone."""
    columns, values = by_compartment(measures)
    nodes = np.bincount(compartment_of_type(neuron.types), minlength=OTHER + 1).tolist()
    head = [f"{column.label}{f', {column.unit}' if column.unit else ''}" for column in columns]
    rows = []
    for prefix, (name, parts) in COMPARTMENTS.items():
        if not all(nodes[part] for part in parts):
            continue
        colour = css_colour(parts[0]) if len(parts) == 1 else "none"
        mark = f'<span class="swatch" style="background:{colour}"></span>'
        cells = [f"{sum(nodes[part] for part in parts):,}", *values.get(prefix, [""] * len(columns))]
        rows.append(f"<tr><th>{mark}{escape(name)}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>")
    heads = "".join(f"<th>{escape(text)}</th>" for text in ("", "Nodes", *head))
    return f"<h3>Compartments</h3><table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _plots(neuron: Neuron) -> str:
    from neuropil.morphology.drawing.page_plots import persistence_plot, sholl_plot

    return (
        f"<h2>Sholl profile</h2>{sholl_plot(neuron)}"
        '<p class="plain small">Neurites that cross spheres about the soma, by the radius of the sphere.</p>'
        f"<h2>Persistence diagram</h2>{persistence_plot(neuron)}"
        '<p class="plain small">Each dot is a tip: how far out it is, and where it joins a longer branch; '
        "distances along the neurites from the root.</p>"
    )


def _file(neuron: Neuron, file: Path | str) -> str:
    shown = [comment[:_LONGEST_COMMENT] for comment in neuron.comments[:_MOST_COMMENTS]]
    left = len(neuron.comments) - len(shown)
    if left:
        shown.append(f"... {left:,} more lines")
    header = f"<details><summary>Header</summary><pre>{escape(chr(10).join(shown))}</pre></details>" if shown else ""
    return (
        f'<h2>File</h2><p class="plain"><code>{escape(str(file))}</code></p>'
        '<p class="plain">Micrometres throughout. Nodes are numbered from 1 in the order of the repaired file.</p>'
        f"{header}"
    )
