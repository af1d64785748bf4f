"""Parameters, scores, training curves and pictures of a run go to MLflow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.pipeline.node import Node

from neuropil.datasets.picture import PictureDataset, PlotlyDataset
from neuropil.work.index import Index

_NOT_ALLOWED = re.compile(r"[^\w\-./ :]")
_LONGEST = 500  # MLflow refuses longer values of parameters on its older servers


class TrackingHooks:
    """What kedro-mlflow does not log by itself; the run's life cycle stays with the plugin."""

    def __init__(self) -> None:
        self._parameters: dict[str, Any] = {}

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Keep the checked parameters for when the run has begun."""
        from neuropil.configuration.root import check_parameters, flatten

        self._parameters = flatten(check_parameters(context.config_loader["parameters"]))

    @hook_impl(trylast=True)
    def before_pipeline_run(self) -> None:
        """Log all parameters at once, flattened."""
        import mlflow

        if mlflow.active_run():
            mlflow.log_params({key: str(value)[:_LONGEST] for key, value in self._parameters.items()})

    @hook_impl(tryfirst=True)
    def before_node_run(self, inputs: dict[str, Any]) -> None:
        """Hide the parameters from kedro-mlflow, which would log each typed section as one string at every node.

        Kedro hands the hooks a copy of the node's inputs, so the node itself keeps them.
        """
        for name in [name for name in inputs if name.startswith("params:")]:
            del inputs[name]

    @hook_impl
    def after_node_run(self, node: Node, catalog: Any, outputs: dict[str, Any]) -> None:
        """Log the scores and the history of training that a node returned."""
        import mlflow

        run = mlflow.active_run()
        if run is None:
            return
        for name, value in outputs.items():
            if isinstance(value, Mapping) and "scores" in value:
                mlflow.log_metrics(dict(_scores(value["scores"])))
            elif isinstance(value, Index) and name.endswith("_history") and not value.reason:
                _log_history(run.info.run_id, node.namespace or node.name, value)

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self, pipeline: Any, catalog: Any) -> None:
        """Log the pictures that the run made, before kedro-mlflow closes the run."""
        import mlflow

        if not mlflow.active_run():
            return
        for name in sorted(pipeline.all_outputs()):
            dataset = catalog.get(name)
            if isinstance(dataset, (PictureDataset, PlotlyDataset)) and Path(dataset.path).exists():
                mlflow.log_artifact(str(dataset.path), artifact_path="pictures")


def _scores(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, float]]:
    for row in rows:
        name = _NOT_ALLOWED.sub("", f"{row['task']}/{row['metric']}/{row['method']}".replace("+", "and"))
        yield name, float(row["score"])


def _log_history(run: str, engine: str, history: Index) -> None:
    import mlflow
    from mlflow.entities import Metric

    metrics = [
        Metric(f"{engine}/{key}", float(value), 0, int(record["epoch"]))
        for record in history
        for key, value in record.items()
        if key != "epoch" and isinstance(value, (int, float))
    ]
    for start in range(0, len(metrics), 1000):  # MLflow's limit for one batch
        mlflow.MlflowClient().log_batch(run, metrics=metrics[start : start + 1000])
