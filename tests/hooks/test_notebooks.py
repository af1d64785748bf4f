from __future__ import annotations

import sys
from types import ModuleType

import pytest
from kedro.framework.hooks import hook_impl
from kedro.framework.hooks.manager import _create_hook_manager

from neuropil.hooks.notebooks import NotebookHooks

CALL = {"run_params": {}, "pipeline": None, "catalog": None}


class Asks:
    """Stands for kedro-mlflow's hook, which lets MLflow import IPython."""

    def __init__(self, fails: bool = False) -> None:
        self.found: ModuleType | None = None
        self.fails = fails

    @hook_impl
    def before_pipeline_run(self) -> None:
        if self.fails:
            raise OSError("no such database")
        try:
            import IPython

            self.found = IPython
        except ImportError:
            self.found = None


def call(*hooks: object) -> None:
    manager = _create_hook_manager()
    for hook in hooks:
        manager.register(hook)
    manager.hook.before_pipeline_run(**CALL)


def test_a_run_outside_a_notebook_does_not_load_ipython(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    asks = Asks()
    call(asks, NotebookHooks())
    assert asks.found is None
    assert "IPython" not in sys.modules


def test_a_notebook_keeps_its_ipython(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = ModuleType("IPython")
    monkeypatch.setitem(sys.modules, "IPython", shell)
    asks = Asks()
    call(asks, NotebookHooks())
    assert asks.found is shell
    assert sys.modules["IPython"] is shell


def test_ipython_can_be_imported_again_after_a_run_that_failed_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    with pytest.raises(OSError, match="no such database"):
        call(Asks(fails=True), NotebookHooks())
    assert "IPython" not in sys.modules
