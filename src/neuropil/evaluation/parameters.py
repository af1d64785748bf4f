"""Parameters of the evaluation (the guide's Step 5)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from neuropil.parameters import Positive, Section

TEMPLATES = ("a {}", "the morphology of a {}", "a reconstruction of a {}", "a tracing of a {}")


class EvaluationParameters(Section):
    """How neurons are embedded and scored, on the test part of the split."""

    pooling: Literal["mean", "max"] = Field("mean", description="how the views of a neuron become one embedding")
    batch_size: Positive = Field(64, description="views that are embedded at a time")
    labels: tuple[str, ...] = Field(
        ("cell_class", "layer", "region"),
        description="what is classified: cell_class, layer, region, species or a label of the metadata (mtype)",
    )
    prompt_templates: tuple[str, ...] = Field(
        TEMPLATES, min_length=1, description="prompts of a class, averaged; {} stands for its noun phrase"
    )
    min_test_cells: Positive = Field(3, description="classes with fewer test neurons are left out, and reported")
    neighbours: Positive = Field(5, description="k of the nearest-neighbour baselines")
    bootstrap: int = Field(1000, ge=100, description="resamples of the neurons behind each 95 % interval")
    perplexity: float = Field(20.0, gt=1, description="t-SNE: about how many neighbours a neuron has")

    @field_validator("prompt_templates")
    @classmethod
    def _with_place(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        bad = [text for text in templates if text.count("{}") != 1]
        if bad:
            raise ValueError(f"each template needs exactly one {{}}, {bad[0]!r} has not")
        return templates
