"""Many neurons into the view store: what is done stays done, what changed is rendered anew."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuropil.compute import ComputeParameters
from neuropil.morphology.swc import load_neuron
from neuropil.rendering.parameters import OUTPUTS, RenderingParameters
from neuropil.rendering.render import VERSION, write_neuron
from neuropil.work.atomic import remove_leftovers
from neuropil.work.index import Record
from neuropil.work.items import Item, run_items
from neuropil.work.keys import content_key
from neuropil.work.ledger import Entry, Ledger

logger = logging.getLogger(__name__)

LEDGER = "ledger.jsonl"


@dataclass(frozen=True)
class Task:
    """What a worker is given: one neuron, where it lies, where its views go, how they are made."""

    name: str
    swc: str
    file: Path
    store: Path
    parameters: RenderingParameters
    seed: int


def render_neurons(
    neurons: Iterable[Record],
    *,
    neuron_store: Path,
    view_store: Path,
    parameters: RenderingParameters,
    compute: ComputeParameters,
    seed: int,
    total: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Render all neurons; what is in the store under the same key is not rendered again.

    An item is a neuron; its key is the digest of its file, the parameters that change a picture, the seed and the
    version of this engine. Folders of a killed run are removed. A neuron that cannot be rendered is logged with
    its reason, and the others go on.

    Args:
        neurons: records with `neuron_name`, `swc` (relative to `neuron_store`) and `digest`.
        neuron_store: where the SWC files lie.
        view_store: where `images/<neuron>/` and the ledger go.
        parameters: cameras, size, framing, outputs.
        compute: how many processes.
        seed: the root seed.
        total: how many neurons, for the progress bar.

    Yields:
        The manifest records of all views, neuron after neuron in the order of `neurons`.
    """
    remove_leftovers(view_store)
    section = parameters.picture_section()
    items = (
        Item(
            name=record["neuron_name"],
            key=content_key(VERSION, record["digest"], record["neuron_name"], record["swc"], section, seed),
            payload=Task(
                record["neuron_name"],
                record["swc"],
                neuron_store / record["swc"],
                view_store,
                parameters,
                seed,
            ),
        )
        for record in neurons
    )
    entries = run_items(
        items,
        render_task,
        ledger=Ledger(view_store / LEDGER),
        compute=compute,
        label="rendering neurons",
        total=total,
        present=lambda entry: files_present(entry, view_store),
    )
    fallbacks: Counter[str] = Counter()
    for entry in entries:
        views = entry.result.get("views", [])
        fallbacks.update({view["fallback"] for view in views if view["fallback"] is not None})
        yield from views
    for reason, count in fallbacks.items():
        logger.info("%d neurons were given fibonacci views instead of pca: %s", count, reason)


def render_task(task: Task) -> dict[str, Any]:
    """Render one neuron; what `run_items` calls, in whichever process."""
    neuron = load_neuron(task.file)
    if neuron.name != task.name:
        neuron = dataclasses.replace(neuron, name=task.name)
    views = write_neuron(neuron, swc=task.swc, store=task.store, parameters=task.parameters, seed=task.seed)
    return {"views": views}


def files_present(entry: Entry, view_store: Path) -> bool:
    """Whether all files that an entry lists are there; one look into the neuron's folder."""
    folder = view_store / "images" / entry.name
    files = {Path(view[output]).name for view in entry.result["views"] for output in OUTPUTS if output in view}
    return folder.is_dir() and files <= {path.name for path in folder.iterdir()}
