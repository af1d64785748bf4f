"""The root model of all parameters: what stands in conf/*/parameters*.yml and what `--params` may set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from neuropil.clip.parameters import ClipParameters
from neuropil.compute import ComputeParameters
from neuropil.em.parameters import EmSegmentationParameters
from neuropil.errors import InputError
from neuropil.evaluation.parameters import EvaluationParameters
from neuropil.parameters import Section, Seed
from neuropil.rendering.parameters import RenderingParameters
from neuropil.sources.parameters import IngestionParameters
from neuropil.vae.parameters import VaeParameters
from neuropil.views.parameters import ViewsParameters


class RootParameters(Section):
    """Everything a run can be told. The optional paths replace catalog paths for a single use."""

    workspace: Path | None = Field(None, description="folder of all data of this run; default: globals' workspace")
    em_input: Path | None = Field(None, description="one volume, or a folder of volumes, to segment")
    em_output: Path | None = Field(None, description="where the segmentation goes: an .h5 file or a folder")
    em_checkpoint: Path | None = Field(None, description="a trained EM network to segment with")
    vae_checkpoint: Path | None = Field(None, description="a trained VAE to fine-tune from")
    clip_checkpoint: Path | None = Field(None, description="a fine-tuned CLIP to evaluate")
    seed: Seed = Field(17, description="the one seed: data, splits, weights, sampling")
    compute: ComputeParameters = ComputeParameters()
    ingestion: IngestionParameters = IngestionParameters()
    rendering: RenderingParameters = RenderingParameters()
    views: ViewsParameters = ViewsParameters()
    em_segmentation: EmSegmentationParameters = EmSegmentationParameters()
    vae_pretrain: VaeParameters = VaeParameters()
    clip_finetune: ClipParameters = ClipParameters()
    evaluation: EvaluationParameters = EvaluationParameters()


def check_parameters(raw: Mapping[str, Any]) -> RootParameters:
    """Validate all parameters at once.

    Args:
        raw: the merged configuration with the runtime parameters on top.

    Returns:
        The root model.

    Raises:
        InputError: one line with every field that is wrong, its value, and what is allowed.
    """
    try:
        return RootParameters.model_validate(dict(raw))
    except ValidationError as error:
        raise InputError(
            "parameters: " + "; ".join(_explain(detail) for detail in _distinct(error.errors()))
        ) from error


def flatten(model: BaseModel) -> dict[str, Any]:
    """All parameters as `section.field` -> plain value, as MLflow stores them."""
    return dict(_flat(model.model_dump(mode="json"), ""))


def _flat(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _flat(item, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


def _distinct(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """One problem a field: a union or a size reports the same field several times."""
    seen: dict[tuple[Any, ...], ErrorDetails] = {}
    for detail in details:
        seen.setdefault(_field(detail["loc"])[0], detail)
    return list(seen.values())


def _explain(detail: ErrorDetails) -> str:
    place, parent = _field(detail["loc"])
    name = ".".join(str(part) for part in place)
    if detail["type"] == "extra_forbidden":
        known = list(parent.model_fields) if parent else []
        close = get_close_matches(str(place[-1]), known, n=1)
        allowed = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(known)}"
        return f"{name} is not a parameter; {allowed}"
    if detail["type"] == "missing":
        return f"{name} is missing"
    # A rule that joins several fields is reported with the whole section: naming it is enough.
    shown = "" if isinstance(detail["input"], dict) else f"={detail['input']}"
    return f"{name}{shown}: {_sentence(detail['msg'])}"


def _sentence(message: str) -> str:
    text = message.removeprefix("Value error, ").removeprefix("Input ")
    return text[:1].lower() + text[1:]


def _field(location: tuple[int | str, ...]) -> tuple[tuple[int | str, ...], type[BaseModel] | None]:
    """The place as a person writes it (without pydantic's marks of union members), and the model around it."""
    model: type[BaseModel] | None = RootParameters
    place: list[int | str] = []
    for part in location:
        if model is None:
            break
        place.append(part)
        parent = model
        field = model.model_fields.get(str(part))
        model = _inner_model(field.annotation) if field else None
    return tuple(place), parent


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
