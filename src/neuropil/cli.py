"""`neuropil doctor | status | search`; the same commands stand under `kedro` inside the project."""

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


@contextmanager
def _catalog(env: str | None, workspace: str | None) -> Iterator[CatalogProtocol]:
    """The catalog of the project around the working directory; mistakes in one line."""
    project = next((folder for folder in (Path.cwd(), *Path.cwd().parents) if _is_project(folder)), None)
    if project is None:
        raise click.ClickException("no neuropil project here; go to its folder (the one with pyproject.toml)")
    os.environ.setdefault("KEDRO_LOGGING_CONFIG", str(project / "conf" / "logging.yml"))
    from kedro.framework.session import KedroSession
    from kedro.framework.startup import bootstrap_project

    bootstrap_project(project)
    parameters: dict[str, Any] = {"workspace": workspace} if workspace else {}
    try:
        with KedroSession.create(project_path=project, env=env, runtime_params=parameters) as session:
            yield cast(KedroSession, session).load_context().catalog
    except Exception as error:
        from neuropil.console import mistake

        line = mistake(error)
        if line is None:
            raise
        raise click.ClickException(line) from error


def _is_project(folder: Path) -> bool:
    settings = folder / "pyproject.toml"
    return settings.is_file() and 'package_name = "neuropil"' in settings.read_text(encoding="utf-8")


def main() -> None:
    """Entry point of the `neuropil` command."""
    try:
        cli()
    except InputError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
