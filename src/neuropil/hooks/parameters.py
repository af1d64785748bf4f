"""All parameters are checked before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl

_RELATIVE_SQLITE = "sqlite:///"


class ParameterHooks:
    """Validate the root model; give MLflow absolute places."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: Any) -> None:
        """Check every parameter, then prepare MLflow's settings before its plugin reads them.

        Raises:
            InputError: one line with each wrong field and what is allowed.
        """
        from neuropil.configuration.root import check_parameters

        check_parameters(context.config_loader["parameters"])
        _anchor_mlflow(context)


def _anchor_mlflow(context: Any) -> None:
    """Make the tracking database's path absolute: SQLite takes a relative one from wherever the command was run."""
    settings = context.config_loader["mlflow"]
    uri = settings["server"]["mlflow_tracking_uri"] or ""
    if uri.startswith(_RELATIVE_SQLITE):
        path = Path(context.project_path) / uri.removeprefix(_RELATIVE_SQLITE)
        path.parent.mkdir(parents=True, exist_ok=True)
        settings["server"]["mlflow_tracking_uri"] = f"{_RELATIVE_SQLITE}{path}"
    context.config_loader["mlflow"] = settings
