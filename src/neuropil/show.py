"""What `neuropil show` does: find the neuron, write its page, open it."""

from __future__ import annotations

import difflib
import os
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from neuropil.errors import InputError, MachineError
from neuropil.morphology.repair import Repaired
from neuropil.morphology.swc import neuron_name, read_swc
from neuropil.work.atomic import write_text
from neuropil.work.index import Index

if TYPE_CHECKING:
    from kedro.io import CatalogProtocol


def names_a_file(text: str) -> bool:
    """Whether an argument of the command line is meant as a file: it is there, or it looks like one."""
    path = Path(text)
    return path.exists() or path.name != text or path.suffix.lower() in (".swc", ".eswc")


def neuron_of_file(path: Path) -> Repaired:
    """Read an SWC file. Raises InputError where there is none or where it cannot be used."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name one SWC file in it")
    if not path.exists():
        raise InputError(f"{path}: no such file; give an SWC file, or the name of a neuron of this project's run")
    return read_swc(path)


def neuron_of_run(name: str, catalog: CatalogProtocol) -> tuple[Repaired, Path]:
    """Find a neuron of a run by its name, with the repairs that `ingestion` made to it.

    Returns:
        The neuron, and the repaired file it stands in.

    Raises:
        InputError: the run has no such neuron, or it was quarantined; the message says why.
    """
    log = {record["neuron_name"]: record for record in catalog.load("repair_log") if record["neuron_name"] == name}
    neurons = [record for record in catalog.load("neurons") if record["neuron_name"] == name]
    if not neurons and name in log:
        raise InputError(f"{name}: the run could not use this neuron; {log[name].get('reason', 'no reason given')}")
    if not neurons:
        raise InputError(f"{name}: no such file, and no neuron of the run has this name{_hint(name, catalog)}")
    file = catalog.load("neuron_store") / neurons[0]["swc"]
    repaired = neuron_of_file(file)
    if name in log:
        repaired = Repaired(repaired.neuron, dict(log[name]["repairs"]), dict(log[name]["remarks"]))
    return repaired, file


def _hint(name: str, catalog: CatalogProtocol) -> str:
    neurons: Index = catalog.load("neurons")
    if neurons.reason:
        return f"; it has none: {neurons.reason}"
    close = difflib.get_close_matches(name, (record["neuron_name"] for record in neurons), n=3)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def write_page(repaired: Repaired, source: Path, output: Path | None) -> Path:
    """Write the page of a neuron, whole or not at all.

    Args:
        repaired: the neuron.
        source: the file it was read from, which the page names; it is never written over.
        output: the page, or a folder for NAME.html; None: NAME.html in the working directory. A file that stands
            there already is replaced where it is such a page, or where `output` names it.

    Returns:
        Where the page is.

    Raises:
        InputError: it may not or cannot be written there.
    """
    from neuropil.morphology.page import is_neuron_page, neuron_page

    name = f"{neuron_name(repaired.neuron.name)}.html"
    target = Path(name) if output is None else output / name if output.is_dir() else output
    if target.exists() and target.samefile(source):
        raise InputError(f"{target}: is the neuron's own file; give --output another name")
    if target.is_dir():
        raise InputError(f"{target}: is a folder; give --output another name")
    if target.exists() and target != output and not is_neuron_page(target):
        raise InputError(f"{target}: exists and was not made by `neuropil show`; name a page with --output")
    here = Path.cwd()
    page = neuron_page(repaired, source.relative_to(here) if source.is_relative_to(here) else source)
    try:
        write_text(target, page)
    except (MachineError, OSError) as error:
        cause = error.__cause__ if isinstance(error, MachineError) else error
        why = str(getattr(cause, "strerror", None) or cause).lower()
        raise InputError(f"{target}: cannot be written ({why}); give --output another place") from error
    return target


def can_open() -> bool:
    """Whether a person sits before a screen: a terminal, and a display where the system needs to be told of one."""
    if not sys.stdout.isatty():
        return False
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def open_page(page: Path) -> bool:
    """Open a page in the person's browser; False where there is none."""
    try:
        return webbrowser.open(page.resolve().as_uri())
    except (webbrowser.Error, OSError):
        return False
