"""The root model: every key known, every value in range, every refusal one line; conf/base says all defaults."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from neuropil.configuration.root import RootParameters, check_parameters, flatten
from neuropil.errors import InputError

PROJECT = Path(__file__).parents[2]
RUNTIME_PATHS = {"workspace", "em_input", "em_output", "em_checkpoint", "vae_checkpoint", "clip_checkpoint"}


def nested(dotted: str, value: Any) -> dict[str, Any]:
    """`a.b` and 1 -> {"a": {"b": 1}}."""
    for key in reversed(dotted.split(".")):
        value = {key: value}
    return value


def parameters_of(environment: str) -> dict[str, Any]:
    """All parameter files of one environment."""
    merged: dict[str, Any] = {}
    for path in sorted((PROJECT / "conf" / environment).glob("parameters*.yml")):
        content = yaml.safe_load(path.read_text()) or {}
        assert not set(content) & set(merged), f"{path}: a section in two files"
        merged.update(content)
    return merged


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("rendering.width", -3, "rendering.width=-3: should be greater than or equal to"),
        ("vae_pretrain.lr", "abc", "vae_pretrain.lr=abc: should be a valid number"),
        ("em_segmentation.no_such_key", 1, "em_segmentation.no_such_key is not a parameter; "),
        ("rendring.width", 3, "rendring is not a parameter; did you mean rendering?"),
        ("rendering.widht", 3, "rendering.widht is not a parameter; did you mean width?"),
        ("rendering.projection", "fisheye", "rendering.projection=fisheye: should be 'ortho'"),
        ("compute.workers", 0, "compute.workers=0: should be greater than or equal to 1"),
        ("seed", -1, "seed=-1"),
        ("em_segmentation.inference.patch_size", "64x128", "em_segmentation.inference.patch_size"),
    ],
)
def test_refusals_name_the_field_and_what_is_allowed(field: str, value: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        check_parameters(nested(field, value))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_mistakes_stand_in_one_line() -> None:
    with pytest.raises(InputError, match=r"rendering\.width=-3.*; vae_pretrain\.lr=abc") as caught:
        check_parameters({"rendering": {"width": -3}, "vae_pretrain": {"lr": "abc"}})
    assert "\n" not in str(caught.value)


def test_base_states_every_default() -> None:
    stated = flatten(check_parameters(parameters_of("base")))
    assert stated == flatten(RootParameters())
    written = _keys(parameters_of("base"))
    missing = {key for key in flatten(RootParameters()) if key not in RUNTIME_PATHS} - written
    assert not missing, f"conf/base does not state {sorted(missing)}"


@pytest.mark.parametrize("environment", ["sample", "folder", "laptop"])
def test_every_environment_is_valid_over_base(environment: str) -> None:
    from omegaconf import OmegaConf

    merged = OmegaConf.merge(parameters_of("base"), parameters_of(environment))
    check_parameters(OmegaConf.to_container(merged))  # type: ignore[arg-type]


def test_flattened_parameters_are_plain_values() -> None:
    flat = flatten(RootParameters())
    assert flat["compute.workers"] == 1
    assert all(value is None or isinstance(value, (str, int, float, bool, list, dict)) for value in flat.values())
    assert not any(isinstance(value, dict) and value for value in flat.values())


def _keys(value: Any, prefix: str = "") -> set[str]:
    if not isinstance(value, dict) or not value:
        return {prefix}
    return set().union(*(_keys(item, f"{prefix}.{key}" if prefix else str(key)) for key, item in value.items()))
