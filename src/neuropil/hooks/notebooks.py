"""A run outside a notebook does not load what only notebooks need."""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any

from kedro.framework.hooks import hook_impl


class NotebookHooks:
    """MLflow asks IPython for its shell where a run starts, and imports it for the question: 17 MB and .4 s.

    Where nothing has imported IPython there is no shell; a name that stands for "cannot be imported" says so at once.
    """

    @hook_impl(wrapper=True)
    def before_pipeline_run(self) -> Generator[None, Any, Any]:
        """Around kedro-mlflow's hook, which starts the run."""
        hidden = "IPython" not in sys.modules
        if hidden:
            sys.modules["IPython"] = None  # type: ignore[assignment]  # the import system's own sign of absence
        try:
            return (yield)
        finally:
            if hidden:
                del sys.modules["IPython"]
