"""The config loader: environments that stack, with `conf/local` always on top."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from kedro.config import MissingConfigException, OmegaConfigLoader
from omegaconf import DictConfig, OmegaConf

from neuropil.errors import InputError

_SOFT = {"parameters", "globals", "mlflow"}
LOCAL = "local"


class StackedConfigLoader(OmegaConfigLoader):
    """Overlay `base`, then each environment of `--env a,b` from left to right, then `local`.

    Kedro overlays `base` with exactly one environment, so credentials in `conf/local` vanish under any
    other. Here every environment is merged before anything is resolved, so `${...}` sees the final values.
    Parameters, globals and MLflow settings keep their siblings (`a: {b: 1}` over `a: {c: 2}` gives both);
    catalog entries and credentials are replaced whole.

    Raises:
        InputError: an environment has no folder in `conf/`; the message lists those that exist.
    """

    @property
    def environments(self) -> list[str]:
        """The environments above `base`, lowest first."""
        asked = [name.strip() for name in str(self.env or self.default_run_env or "").split(",")]
        names = [name for name in asked if name and name not in (self.base_env, LOCAL)]
        for name in names:
            self._check_exists(name)
        return [*dict.fromkeys(names), LOCAL]

    def __getitem__(self, key: str) -> dict[str, Any]:
        """The merged and resolved configuration of one kind (catalog, parameters, credentials, globals, mlflow)."""
        self._register_runtime_params_resolver()
        if key in self:  # set by hand (tests, notebooks)
            return dict(super().__getitem__(key))
        if key not in self.config_patterns:
            raise KeyError(f"No config patterns were found for '{key}' in your config loader")
        layers = self._layers(key)
        if not any(layers) and key != "globals":
            raise MissingConfigException(f"no {key} files in the environments base, {', '.join(self.environments)}")
        return self._resolved(key, layers)

    def _layers(self, key: str) -> list[DictConfig]:
        """One unresolved config an environment, lowest first."""
        layers: list[DictConfig] = []
        for environment in [self.base_env, *self.environments]:
            path = Path(self._get_conf_env_path(environment))
            if not path.is_dir():  # conf/local need not be there
                continue
            files = self._read_dir_configs(str(path), self.config_patterns[key], key, set(), key == "credentials")
            merged = OmegaConf.unsafe_merge(OmegaConf.create({}), *files.values())
            assert isinstance(merged, DictConfig)
            layers.append(merged)
        return layers

    def _resolved(self, key: str, layers: list[DictConfig]) -> dict[str, Any]:
        if key == "globals":
            OmegaConf.clear_resolver("runtime_params")  # as Kedro: globals do not depend on the command line
        if key in _SOFT:
            merged = OmegaConf.unsafe_merge(OmegaConf.create({}), *layers)
        else:
            merged = OmegaConf.create({})
            for layer in layers:
                for name in layer:
                    merged[name] = layer._get_node(name)
        if key == "parameters":
            merged = OmegaConf.unsafe_merge(merged, self.runtime_params or {})
        plain = OmegaConf.to_container(merged, resolve=True)
        assert isinstance(plain, dict)
        return {str(name): value for name, value in plain.items() if not str(name).startswith("_")}

    def _check_exists(self, name: str) -> None:
        folder = Path(self.conf_source)
        if (folder / name).is_dir():
            return
        known = sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name != self.base_env)
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise InputError(
            f"--env {name}: no such environment; {hint}conf/ has {', '.join(known)} (join several by commas)"
        )
