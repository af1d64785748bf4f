"""Environments stack: base, then left to right, then local, whatever was asked for."""

from pathlib import Path
from typing import Any

import pytest

from neuropil.configuration.loader import StackedConfigLoader
from neuropil.errors import InputError

FILES = {
    "base/globals.yml": "workspace: data\ncolour: red",
    "base/parameters.yml": "a: {x: 1, y: 2, deep: {u: 1, v: 1}}\nb: 1",
    "base/catalog.yml": (
        "_ws: ${runtime_params:workspace, ${globals:workspace}}\n"
        "image: {type: T, filepath: '${_ws}/08/i.png', extra: 1}\n"
        "other: {type: T, filepath: '${runtime_params:em_input, ${_ws}/o}'}"
    ),
    "base/mlflow.yml": "_ws: ${runtime_params:workspace, ${globals:workspace}}\nserver: {uri: 'db/${_ws}', ui: 1}",
    "base/credentials.yml": "{}",
    "one/parameters.yml": "a: {x: 10, deep: {u: 10}}",
    "one/globals.yml": "workspace: data/one",
    "two/parameters.yml": "a: {x: 20}\nb: 20",
    "two/catalog.yml": "image: {type: Other, filepath: '${_ws}/two.png'}",
    "local/credentials.yml": "dev: {token: secret}",
    "local/parameters.yml": "b: 99",
}


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def load(conf: Path, env: str | None = None, **runtime: Any) -> StackedConfigLoader:
    return StackedConfigLoader(
        str(conf),
        env=env,
        runtime_params=runtime or None,
        base_env="base",
        default_run_env="one",
        config_patterns={kind: [f"{kind}*"] for kind in ("parameters", "catalog", "mlflow", "credentials")},
    )


def test_left_to_right_with_siblings_kept(conf: Path) -> None:
    parameters = load(conf, "one,two")["parameters"]
    assert parameters["a"] == {"x": 20, "y": 2, "deep": {"u": 10, "v": 1}}
    assert load(conf, "two,one")["parameters"]["a"]["x"] == 10


def test_local_comes_last_under_every_environment(conf: Path) -> None:
    for env in (None, "one", "two", "one,two", "base", "local"):
        loader = load(conf, env)
        assert loader["parameters"]["b"] == 99
        assert loader["credentials"] == {"dev": {"token": "secret"}}


def test_default_environment_holds_where_none_is_asked_for(conf: Path) -> None:
    assert load(conf)["parameters"]["a"]["x"] == 10


def test_runtime_parameters_keep_siblings_and_come_before_local(conf: Path) -> None:
    parameters = load(conf, "one", a={"deep": {"v": 7}}, b=3)["parameters"]
    assert parameters["a"] == {"x": 10, "y": 2, "deep": {"u": 10, "v": 7}}
    assert parameters["b"] == 3


def test_workspace_moves_every_path_mlflow_too(conf: Path) -> None:
    assert load(conf, "two")["catalog"]["other"]["filepath"] == "data/o"
    assert load(conf, "one")["mlflow"]["server"]["uri"] == "db/data/one"
    moved = load(conf, "one", workspace="/elsewhere")
    assert moved["catalog"]["image"]["filepath"] == "/elsewhere/08/i.png"
    assert moved["mlflow"]["server"] == {"uri": "db//elsewhere", "ui": 1}


def test_catalog_entries_are_replaced_whole_and_see_the_base_workspace(conf: Path) -> None:
    catalog = load(conf, "one,two")["catalog"]
    assert catalog["image"] == {"type": "Other", "filepath": "data/one/two.png"}
    assert "_ws" not in catalog


def test_runtime_path_of_a_catalog_entry(conf: Path) -> None:
    assert load(conf, "two", em_input="v.h5")["catalog"]["other"]["filepath"] == "v.h5"


def test_unknown_environment_is_one_line_with_those_that_exist(conf: Path) -> None:
    with pytest.raises(InputError, match=r"--env twoo: no such environment; did you mean two\? conf/ has local, one"):
        load(conf, "one,twoo")["parameters"]


def test_a_project_without_local_works(conf: Path) -> None:
    for path in (conf / "local").iterdir():
        path.unlink()
    (conf / "local").rmdir()
    assert load(conf, "two")["parameters"]["b"] == 20
