"""Project settings. See https://docs.kedro.org/en/stable/configure/configuration_basics/ for what can stand here."""

from neuropil import console
from neuropil.configuration.loader import StackedConfigLoader
from neuropil.hooks.inputs import InputHooks
from neuropil.hooks.notebooks import NotebookHooks
from neuropil.hooks.parameters import ParameterHooks
from neuropil.hooks.summary import SummaryHooks
from neuropil.hooks.tracking import TrackingHooks

console.calm()

CONFIG_LOADER_CLASS = StackedConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "sample,laptop",
    "config_patterns": {
        "parameters": ["parameters*"],
        "catalog": ["catalog*"],
        "mlflow": ["mlflow*"],
        "globals": ["globals.yml"],
    },
}

HOOKS = (ParameterHooks(), InputHooks(), NotebookHooks(), TrackingHooks(), SummaryHooks())
