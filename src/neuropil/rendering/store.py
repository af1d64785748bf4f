"""Many neurons into the view store: what is done stays done, what changed is rendered anew."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuropil.compute import ComputeParameters
from neuropil.errors import InputError, MachineError
from neuropil.rendering.backends import check_backend, open_backend
from neuropil.rendering.parameters import OUTPUTS, RenderingParameters
from neuropil.rendering.render import VERSION, write_neuron
from neuropil.rendering.trees import SUFFIX, load_tree
from neuropil.work.atomic import remove_leftovers
from neuropil.work.index import Lines, Record, Spool
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
    digest: str
    store: Path
    parameters: RenderingParameters
    seed: int
    up: Any = None


@dataclass
class StoredViews:
    """The manifest records of the views in a store, neuron after neuron, read from its ledger at each iteration.

    Millions of records cost no memory, nor do the neurons' names: they stand in a temporary file.

    Attributes:
        ledger: where the records are.
        outputs: the files that are asked for; a record names no others.
        neurons: `name` and `key` of each neuron, in order.
    """

    ledger: Ledger
    outputs: tuple[str, ...]
    neurons: Lines

    def __iter__(self) -> Iterator[dict[str, Any]]:
        surplus = set(OUTPUTS).difference(self.outputs)
        for neuron in self.neurons:
            entry = self.ledger.find(neuron["name"], neuron["key"])
            for view in entry.result["views"] if entry is not None else ():
                yield {field: value for field, value in view.items() if field not in surplus}


def render_neurons(
    neurons: Iterable[Record],
    *,
    neuron_store: Path,
    view_store: Path,
    parameters: RenderingParameters,
    compute: ComputeParameters,
    seed: int,
    ups: Mapping[str, Any] | None = None,
    total: int | None = None,
) -> StoredViews:
    """Render all neurons; what is in the store under the same key is not rendered again.

    An item is a neuron; its key is the digest of its file, the parameters that change a picture, the seed and the
    version of this engine. Outputs are no part of it: a neuron is rendered again for a file that it lacks, and files
    that are no longer asked for are removed. Folders of a killed run are removed. A neuron that cannot be rendered is
    logged with its reason, and the others go on.

    Args:
        neurons: records with `neuron_name`, `swc` (relative to `neuron_store`) and `digest`.
        neuron_store: where the SWC files lie.
        view_store: where `images/<neuron>/`, `trees/<neuron>.tree` (with `rendering.cache`) and the ledger go.
        parameters: cameras, size, framing, outputs, backend.
        compute: how many processes.
        seed: the root seed.
        ups: for upright views, the up of those neurons whose metadata give one (`upright.METADATA_FIELD`).
        total: how many neurons, for the progress bar.

    Returns:
        The manifest records of all views, neuron after neuron in the order of `neurons`.

    Raises:
        InputError: before any work, where the backend that is asked for cannot draw on this machine.
    """
    if compute.scheduler is None:  # else a worker draws, on its own machine, and says so itself
        check_backend(parameters)
    remove_leftovers(view_store)
    ledger = Ledger(view_store / LEDGER)
    entries = run_items(
        _items(neurons, neuron_store, view_store, parameters, seed, ups or {}),
        render_task,
        ledger=ledger,
        compute=compute,
        label="rendering neurons",
        total=total,
        present=lambda entry: files_present(entry, view_store, parameters.outputs),
        brief=_chosen_cameras,
    )
    rendered = Spool()
    fallbacks: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    for entry in entries:
        if entry.state != "done":
            continue
        rendered.append({"name": entry.name, "key": entry.key})
        if not entry.fresh:
            remove_surplus(entry, view_store, parameters.outputs)
        fallback, source = entry.brief
        fallbacks.update({fallback} - {None})
        sources[source] += 1
    for reason, count in fallbacks.items():
        logger.info("%d neurons were given fibonacci views instead of pca: %s", count, reason)
    if parameters.keeps_up and sources:
        logger.info("up is from: %s", ", ".join(f"{source} ({count})" for source, count in sources.most_common()))
    return StoredViews(ledger, parameters.outputs, rendered.lines())


def render_task(task: Task) -> dict[str, Any]:
    """Render one neuron; what `run_items` calls, in whichever process.

    Raises:
        InputError: this neuron cannot be rendered.
        MachineError: none can be on this machine.
    """
    try:
        open_backend(task.parameters)
    except InputError as error:
        raise MachineError(str(error)) from error
    tree = task.store / "trees" / f"{task.name}{SUFFIX}" if task.parameters.cache else None
    neuron = load_tree(task.file, task.digest, tree)
    views = write_neuron(
        neuron if neuron.name == task.name else neuron.renamed(task.name),
        swc=task.swc,
        store=task.store,
        parameters=task.parameters,
        seed=task.seed,
        up=task.up,
    )
    return {"views": views}


def _chosen_cameras(result: dict[str, Any]) -> tuple[str | None, str]:
    """Why a neuron's views are not those that were asked for (None where they are), and where its up is from."""
    first = result["views"][0]
    return first["fallback"], first["up_source"]


def files_present(entry: Entry, view_store: Path, outputs: tuple[str, ...]) -> bool:
    """Whether all files that are asked for are there; one look into the neuron's folder."""
    if not outputs:
        return True
    views = entry.result["views"]
    if not all(output in view for view in views for output in outputs):
        return False
    folder = view_store / "images" / entry.name
    files = {Path(view[output]).name for view in views for output in outputs}
    return folder.is_dir() and files <= {path.name for path in folder.iterdir()}


def remove_surplus(entry: Entry, view_store: Path, outputs: tuple[str, ...]) -> None:
    """Remove the files of outputs that are no longer asked for: a folder holds what the manifests name."""
    surplus = [output for output in OUTPUTS if output not in outputs]
    for view in entry.result["views"]:
        for output in surplus:
            if output in view:
                (view_store / view[output]).unlink(missing_ok=True)
    if not outputs:
        with contextlib.suppress(OSError):
            (view_store / "images" / entry.name).rmdir()


def _items(
    neurons: Iterable[Record],
    neuron_store: Path,
    view_store: Path,
    parameters: RenderingParameters,
    seed: int,
    ups: Mapping[str, Any],
) -> Iterator[Item]:
    section = parameters.picture_section()
    for record in neurons:
        name, swc, digest = record["neuron_name"], record["swc"], record["digest"]
        up = ups.get(name) if parameters.keeps_up else None
        yield Item(
            name=name,
            key=content_key(VERSION, digest, name, swc, section, seed, up),
            payload=Task(name, swc, neuron_store / swc, digest, view_store, parameters, seed, up),
        )
