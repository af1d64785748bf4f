"""`neuropil doctor | status | search | show | compare | portrait`; the same commands stand under `kedro` too."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from neuropil.errors import InputError

if TYPE_CHECKING:
    from kedro.io import CatalogProtocol

_ENV = click.option("--env", "-e", default=None, help="Environments, joined by commas; default: sample,laptop.")
_WORKSPACE = click.option("--workspace", "-w", default=None, help="The folder of the run's data.")


@click.group(name="neuropil", context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """From EM volumes and neuron tracings to neurons that are found by plain text."""


@cli.command()
def doctor() -> None:
    """Say what this machine has and what neuropil can do on it."""
    from neuropil.doctor import examine

    for finding in examine():
        mark = click.style("ok  ", fg="green") if finding.good else click.style("note", fg="yellow")
        click.echo(f"{mark} {finding.topic:<14} {finding.text}")


@cli.command()
@_ENV
@_WORKSPACE
def status(env: str | None, workspace: str | None) -> None:
    """Show for each pipeline what has been made and what is missing."""
    from rich.console import Console
    from rich.table import Table

    from neuropil.status import outputs_by_pipeline

    with _catalog(env, workspace) as catalog:
        table = Table(title="Outputs", title_justify="left")
        for column in ("pipeline", "output", "state", "made at"):
            table.add_column(column)
        for row in outputs_by_pipeline(catalog):
            table.add_row(row.pipeline, row.output, row.state, row.made_at)
    Console().print(table)


@cli.command()
@click.argument("text")
@click.option("--count", "-k", default=5, show_default=True, type=click.IntRange(1), help="How many neurons.")
@_ENV
@_WORKSPACE
def search(text: str, count: int, env: str | None, workspace: str | None) -> None:
    """Find the neurons that a description fits best, such as "a rat layer 5 pyramidal neuron"."""
    from neuropil.search import query

    with _catalog(env, workspace) as catalog:
        folder = catalog.load("search_store")
        hits = query(folder, text, k=count)
    for hit in hits:
        click.echo(f"{hit.rank:>3}. {hit.similarity:+.3f}  {hit.neuron_name:<28} {hit.description} ({hit.part})")


@cli.command()
@click.argument("neuron")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="The page, or a folder for it; else NAME.html here."
)
@click.option("--open/--no-open", "opened", default=None, help="In the browser; else only where there is a screen.")
@_ENV
@_WORKSPACE
def show(neuron: str, output: Path | None, opened: bool | None, env: str | None, workspace: str | None) -> None:
    """Write a page with a turning NEURON, its measures and its repairs.

    NEURON is an SWC file, or the name of a neuron that a run of this project has taken in. The page is one HTML file
    that loads nothing, so it may be kept, sent and opened anywhere; its path is printed.
    """
    from neuropil.show import can_open, names_a_file, neuron_of_file, neuron_of_run, open_page, write_page

    with _mistakes():
        if names_a_file(neuron) or _project() is None:
            source = Path(neuron)
            repaired = neuron_of_file(source)
        else:
            with _catalog(env, workspace) as catalog:
                repaired, source = neuron_of_run(neuron, catalog)
        page = write_page(repaired, source, output)
    click.echo(page)
    if (can_open() if opened is None else opened) and not open_page(page):
        click.echo("no browser can be opened from here; open the page in yours", err=True)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--output", "-o", type=click.Path(path_type=Path), help="All of it: .md; or the exceptions alone: .csv.")
@click.option("--workers", "-j", default=1, show_default=True, type=click.IntRange(1), help="Processes that measure.")
@click.option("--functions", is_flag=True, help="Compare L-Measure's own functions too, where the table has them.")
def compare(folder: Path, table: Path, output: Path | None, workers: int, functions: bool) -> None:
    """Measure the SWC files in FOLDER and compare them with a TABLE made by L-Measure or neuromorpho.org.

    TABLE is JSON lines, JSON, CSV, TSV or Parquet with a row for each neuron, by neuron_name. Two values agree where
    they differ by at most 0.1 % of the table's; every other is listed.
    """
    from neuropil.agreement import print_comparison, save_comparison
    from neuropil.morphology.comparison import compare

    with _mistakes():
        if output is not None and output.suffix.lower() not in (".md", ".csv"):
            raise InputError(f"{output}: the comparison is written as .md or .csv; name the file so")
        found = compare(folder, table, workers=workers, functions=functions)
        if output is not None:
            save_comparison(found, output)
    print_comparison(found)
    if output is not None:
        click.echo(output)


@cli.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path), help="NAME.png, or NAME.glb for one.")
@click.option("--size", default=480, show_default=True, type=click.IntRange(16), help="Pixels a side of a portrait.")
def portrait(files: tuple[Path, ...], output: Path, size: int) -> None:
    """Draw SWC FILES as lit surfaces into one picture (needs OpenGL), or one of them into a 3D model (does not)."""
    from neuropil.rendering.opengl.sheet import write_portraits

    with _mistakes():
        write_portraits(files, output, size)
    click.echo(output)


@contextmanager
def _catalog(env: str | None, workspace: str | None) -> Iterator[CatalogProtocol]:
    """The catalog of the project around the working directory; mistakes in one line."""
    project = _project()
    if project is None:
        raise click.ClickException("no neuropil project here; go to its folder (the one with pyproject.toml)")
    os.environ.setdefault("KEDRO_LOGGING_CONFIG", str(project / "conf" / "logging.yml"))
    from kedro.framework.session import KedroSession
    from kedro.framework.startup import bootstrap_project

    bootstrap_project(project)
    parameters: dict[str, Any] = {"workspace": workspace} if workspace else {}
    with _mistakes(), KedroSession.create(project_path=project, env=env, runtime_params=parameters) as session:
        yield cast(KedroSession, session).load_context().catalog


@contextmanager
def _mistakes() -> Iterator[None]:
    """Let a person's mistakes end the command in one line; defects keep their traceback."""
    try:
        yield
    except Exception as error:
        from neuropil.console import mistake

        line = mistake(error)
        if line is None:
            raise
        raise click.ClickException(line) from error


def _project() -> Path | None:
    return next((folder for folder in (Path.cwd(), *Path.cwd().parents) if _is_project(folder)), None)


def _is_project(folder: Path) -> bool:
    settings = folder / "pyproject.toml"
    return settings.is_file() and 'package_name = "neuropil"' in settings.read_text(encoding="utf-8")


def main() -> None:
    """Entry point of the `neuropil` command."""
    from neuropil.console import calm

    calm()
    try:
        cli()
    except InputError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
