"""Before a run: is there what it needs, and would it overwrite what the user gave?"""

from __future__ import annotations

from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.pipeline import Pipeline

from neuropil.datasets import CheckpointDataset, StoreDataset
from neuropil.datasets.file import FileDataset
from neuropil.errors import InputError


class InputHooks:
    """Say in one line which pipeline makes a missing input."""

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: Any) -> None:
        """Check the free inputs and the named checkpoints.

        Raises:
            InputError: an input is missing; or a checkpoint named on the command line would be trained over.
        """
        self._refuse_overwriting(pipeline, run_params.get("runtime_params") or {}, catalog)
        missing = [name for name in sorted(pipeline.inputs()) if _missing(name, catalog)]
        if missing:
            raise InputError(_how_to_make(missing, catalog))

    @staticmethod
    def _refuse_overwriting(pipeline: Pipeline, given: dict[str, Any], catalog: Any) -> None:
        for name in sorted(pipeline.all_outputs() & set(given)):
            if not isinstance(catalog.get(name), CheckpointDataset):
                continue  # a section of parameters may bear the name of an output
            raise InputError(
                f"{name}={given[name]}: this run would train it anew and overwrite the file; "
                "leave it out to train, or use the checkpoint with --tags infer or --tags score"
            )


def _missing(name: str, catalog: Any) -> bool:
    if name.startswith("params:") or name == "parameters":
        return False
    dataset = catalog.get(name)
    if isinstance(dataset, StoreDataset):
        return False
    return isinstance(dataset, FileDataset) and not dataset._optional and not dataset.exists()


def _how_to_make(missing: list[str], catalog: Any) -> str:
    """Which pipelines make what is missing, in the order in which to run them."""
    from neuropil.pipeline_registry import PIPELINES, register_pipelines

    registered = register_pipelines()
    parts = []
    for pipeline in PIPELINES:
        made = [name for name in missing if name in registered[pipeline].all_outputs()]
        if made:
            parts.append(f"`kedro run --pipeline {pipeline}` makes {', '.join(_named(name, catalog) for name in made)}")
    unknown = [_named(name, catalog) for name in missing if name not in registered["__default__"].all_outputs()]
    parts += [f"no pipeline makes {', '.join(unknown)}"] if unknown else []
    return f"inputs are missing: {'; '.join(parts)} (use the same --env and workspace)"


def _named(name: str, catalog: Any) -> str:
    dataset = catalog.get(name)
    option = f", or give it as --params {name}=PATH" if isinstance(dataset, CheckpointDataset) else ""
    return f"{name} ({dataset.path}{option})"
